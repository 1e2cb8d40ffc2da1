import torch
from torch import nn

import explorer

my_net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)).eval()
mine = explorer.wrap(my_net, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), size=32, name="mine")

images = torch.rand(4, 3, 32, 32)
found = explorer.compare([mine, "cifar10/resnet20/standard"], images, "jpeg=20")
print(found.flipped("mine"))  # one truth value per image

points = explorer.flip_point(mine, "cat", "gaussian_noise")
print(points["mine"])  # the smallest amount that changes the answer, or None
