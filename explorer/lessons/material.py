"""Material of several lessons: one photograph, the shipped networks, and tiles cut from all photographs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from explorer.data import images
from explorer.models import Classifier, load_model

SIDE, CHANNELS = 32, 3  # what the CIFAR-10 networks take


@cache
def network(method: str = "standard") -> Classifier:
    """Load the shipped CIFAR-10 ResNet-20 of a training method, once.

    Args:
        method: Name of the training method.

    Returns:
        The model.
    """
    return load_model(f"cifar10/resnet20/{method}")


@cache
def photograph(name: str = "cat") -> Tensor:
    """A bundled photograph at the CIFAR-10 networks' input size.

    Args:
        name: Name of the photograph.

    Returns:
        float32 (1, 3, 32, 32) in [0, 1].
    """
    return images.fit(images.sample_images()[name](), SIDE, CHANNELS)


@dataclass(frozen=True, eq=False)
class Tiles:
    """Small pictures cut from photographs.

    Attributes:
        pixels: float32 (N, 3, 32, 32) in [0, 1].
        photo: Name of the photograph each tile comes from.
    """

    pixels: Tensor
    photo: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.photo)

    def related(self) -> Tensor:
        """Which pairs of tiles come from one photograph.

        Returns:
            Booleans (N, N); every tile is related to itself.
        """
        known = sorted(set(self.photo))
        index = torch.tensor([known.index(name) for name in self.photo])
        return index[:, None] == index[None, :]


@cache
def tiles(per_side: int = 4) -> Tiles:
    """Cut overlapping squares, half as wide as the photograph, from all bundled photographs.

    They have no labels and need none: whether an answer changed can be asked of any picture. They are not CIFAR-10
    pictures, so the networks are less confident than on their own test set.

    Args:
        per_side: Tiles per side of a photograph.

    Returns:
        The tiles.
    """
    pixels, photo = [], []
    for name, load in images.sample_images().items():
        whole = load()
        height, width = whole.shape[-2:]
        side = min(height, width) // 2
        for i in range(per_side * per_side):
            top = i // per_side * (height - side) // max(per_side - 1, 1)
            left = i % per_side * (width - side) // max(per_side - 1, 1)
            pixels.append(images.fit(whole[..., top : top + side, left : left + side], SIDE, CHANNELS))
            photo.append(name)
    return Tiles(torch.cat(pixels), tuple(photo))
