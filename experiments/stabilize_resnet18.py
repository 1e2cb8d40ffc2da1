"""A network and pictures of one's own: train torchvision's ResNet-18 on CIFAR-10 at 64 px, then stabilize it.

Three quarters of an hour on one core. A stabilization that was stopped goes on, the training before it begins anew::

    python experiments/stabilize_resnet18.py --out OUT

``OUT/net.safetensors`` is the network before, ``OUT/stabilized`` what ``explorer stabilize`` writes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import cross_entropy
from torchvision.models import resnet18
from torchvision.transforms.v2.functional import normalize

import explorer
from explorer.data.dataset import Dataset
from explorer.data.images import fit

SIDE = 64
HELD_OUT = 5000  # at the end of the training images: not trained on, but stabilized with
UNDER = "gaussian_noise=0:0.15,jpeg=10:60,thumbnail=20:48"


def train(data: Dataset, *, epochs: int, batch_size: int, seed: int) -> nn.Module:
    """Train the network as anybody would, without a word of Stability Explorer.

    Args:
        data: Images to train on.
        epochs: Passes over them.
        batch_size: Images a step.
        seed: Of weights, order and flips.

    Returns:
        The network in eval mode.
    """
    torch.manual_seed(seed)
    net = resnet18(num_classes=len(data.classes)).to(memory_format=torch.channels_last)
    steps = epochs * (len(data) // batch_size)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    begun = time.monotonic()
    for epoch in range(epochs):
        order = torch.randperm(len(data))
        for rows in order[: steps // epochs * batch_size].split(batch_size):
            x, y = data.batch(rows.numpy())
            x = fit(x.flip(-1) if torch.rand(()) < 0.5 else x, SIDE, 3)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(normalize(x, data.mean, data.std).contiguous(memory_format=torch.channels_last))
            loss = cross_entropy(logits.float(), y)
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {epochs}: loss {loss.item():.3f}, {time.monotonic() - begun:.0f} s", flush=True)
    return net.to(memory_format=torch.contiguous_format).eval()  # as safetensors takes it


def main() -> None:
    """Train, stabilize, report."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True, help="folder for everything that is written")
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--steps", type=int, default=400, help="steps of the stabilization")
    options.add_argument("--keep", type=float, default=0.99, help="share of clean answers that have to stay")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)

    data = explorer.load_dataset("cifar10", "train")
    count = len(data) - HELD_OUT
    file = given.out / "net.safetensors"
    if not file.exists():
        net = train(data.select(np.arange(count)), epochs=given.epochs, batch_size=128, seed=given.seed)
        save_file(net.state_dict(), file)
    net = resnet18(num_classes=len(data.classes))
    net.load_state_dict(load_file(file))
    mine = explorer.wrap(
        net.eval(), mean=data.mean, std=data.std, size=SIDE, channels=3, classes=data.classes, name="resnet18-cifar10"
    )
    found = explorer.stabilize(
        mine,
        data.select(np.arange(count, len(data))),
        under=UNDER,
        test=explorer.load_dataset("cifar10").select(np.arange(1000)),
        steps=given.steps,
        keep=given.keep,
        seed=given.seed,
        state=given.out / "state",
    )
    print(found.save(given.out / "stabilized"))
    print(found.report)


if __name__ == "__main__":
    main()
