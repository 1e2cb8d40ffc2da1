"""The small networks of the papers: BANG's LeNet and CIFAR-quick, and the Lipschitz paper's MNIST CNN."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.registry import architecture


@architecture("lenet", size=28, channels=1)
class LeNet(nn.Module):
    """Caffe's LeNet as in BANG, MNIST "B1" (Rozsa et al. 2016): no ReLU after convolutions, its "xavier" weights."""

    def __init__(self, *, classes: int, in_channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = nn.Linear(50 * 4 * 4, 500)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(500, classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                # What Caffe calls "xavier" knows no fan-out: uniform within sqrt(3 / fan-in). Glorot's form would
                # begin conv1 at less than a third of these weights.
                nn.init.kaiming_uniform_(module.weight, nonlinearity="linear")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # both kinds are built with a bias here

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        """Layers conv1 (N, 20, 12, 12), conv2 (N, 50, 4, 4), penultimate (N, 500)."""
        conv1 = F.max_pool2d(self.conv1(x), 2)
        conv2 = F.max_pool2d(self.conv2(conv1), 2)
        return {"conv1": conv1, "conv2": conv2, "penultimate": F.relu(self.fc1(conv2.flatten(1)))}

    def head(self, penultimate: Tensor) -> Tensor:
        logits: Tensor = self.fc2(self.dropout(penultimate))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])


@architecture("cifar_quick", size=32, channels=3)
class CifarQuick(nn.Module):
    """Caffe's CIFAR-10 quick network as in BANG, "B0" (Rozsa et al. 2016), with its gaussian initial weights."""

    def __init__(self, *, classes: int, in_channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.fc1 = nn.Linear(64 * 4 * 4, 64)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(64, classes)
        layers = (self.conv1, self.conv2, self.conv3, self.fc1, self.fc2)
        for layer, std in zip(layers, (1e-4, 0.01, 0.01, 0.1, 0.1), strict=True):
            nn.init.normal_(layer.weight, std=std)  # type: ignore[arg-type]  # a tuple of layers of two kinds is a tuple of modules to mypy
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every layer here has a bias

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        """Layers conv1 (N, 32, 16, 16), conv2 (N, 32, 8, 8), conv3 (N, 64, 4, 4), penultimate (N, 64)."""
        # Caffe pools with a 3 x 3 window and stride 2, rounding sizes up: 32 -> 16 -> 8 -> 4. Its average pooling
        # counts only pixels inside the image, so a window over the border is not diluted.
        conv1 = F.relu(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True))
        conv2 = F.avg_pool2d(F.relu(self.conv2(conv1)), 3, 2, ceil_mode=True)
        conv3 = F.avg_pool2d(F.relu(self.conv3(conv2)), 3, 2, ceil_mode=True)
        return {"conv1": conv1, "conv2": conv2, "conv3": conv3, "penultimate": self.fc1(conv3.flatten(1))}

    def head(self, penultimate: Tensor) -> Tensor:
        logits: Tensor = self.fc2(self.dropout(penultimate))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])


@architecture("mnist_cnn", size=28, channels=1)
class MnistCnn(nn.Module):
    """One convolution, one hidden linear layer and the output (Usama & Chang 2018, section 4).

    The paper's text gives the layer kinds, not the widths; 32 filters of 5 x 5 and 128 hidden units are our choice.
    """

    def __init__(self, *, classes: int, in_channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 32, 5, padding=2)
        self.fc1 = nn.Linear(32 * 14 * 14, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        """Layers conv1 (N, 32, 14, 14), penultimate (N, 128)."""
        conv1 = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return {"conv1": conv1, "penultimate": F.relu(self.fc1(conv1.flatten(1)))}

    def head(self, penultimate: Tensor) -> Tensor:
        logits: Tensor = self.fc2(penultimate)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])
