"""How a photograph becomes a network's input as that network was published: resize, then cut out the centre."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from explorer.numbers import counted

CENTRE = (0.5, 0.5)
"""The middle of the free room, across and down: where networks were published to look."""


class Takes(NamedTuple):
    """What a model takes, and how pictures become that: the arguments of ``explorer.fit``.

    Attributes:
        size: Side of its input in px.
        channels: 1 or 3.
        resize: Of a network with a published transform, the px to which the shorter side is brought before the centre
            is cut out; 0 takes the whole central square.
        interpolation: How it is resized then.
        squash: Whether both sides are brought to ``resize``, whatever the photograph's shape.
    """

    size: int
    channels: int
    resize: int = 0
    interpolation: str = "bilinear"
    squash: bool = False

    @property
    def told(self) -> str:
        """What is done to pictures, in one sentence."""
        form = f"{self.size} x {self.size} px with {counted(self.channels, 'channel')}"
        if not self.resize:
            return f"Pictures were cut to their central square and brought to {form}."
        brought = "Both sides of pictures were" if self.squash else "The shorter side of pictures was"
        return f"{brought} brought to {self.resize} px, and the central {form} were cut out."


INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Names of interpolations as torchvision and timm write them."""


def fit_published(
    pixels: NDArray[np.uint8],
    size: int,
    resize: int,
    interpolation: str,
    squash: bool = False,
    window: tuple[float, float] = CENTRE,
) -> NDArray[np.uint8]:
    """Fit a photograph as torchvision and timm do: ``Resize(resize)`` with antialiasing, then ``CenterCrop(size)``.

    Args:
        pixels: The photograph, uint8 (H, W, 3).
        size: Side in px of what is cut out.
        resize: Length in px of the shorter side before that, at least ``size``.
        interpolation: One of ``INTERPOLATIONS``.
        squash: Whether both sides become ``resize``.
        window: Where it is cut out, as shares in [0, 1] of the free room across and down.

    Returns:
        uint8 (size, size, 3), at the centre byte for byte what those libraries' transforms give before they normalise.
    """
    height, width = pixels.shape[:2]
    long = resize if squash else int(resize * max(height, width) / min(height, width))
    wide, high = (resize, long) if width <= height else (long, resize)
    picture = Image.fromarray(pixels).resize((wide, high), INTERPOLATIONS[interpolation])
    left, top = (round((side - size) * share) for side, share in zip((wide, high), window, strict=True))
    return np.asarray(picture.crop((left, top, left + size, top + size)))


def window_of(
    width: int, height: int, takes: Takes, window: tuple[float, float] = CENTRE
) -> tuple[float, float, float, float]:
    """Which part of a photograph a network takes.

    Args:
        width: Width of the photograph in px.
        height: Its height in px.
        takes: What the network takes.
        window: Where that part lies, as shares in [0, 1] of the free room across and down.

    Returns:
        Left, top, right and bottom, each as a share in [0, 1] of the photograph's width or height.
    """
    part = takes.size / takes.resize if takes.resize else 1.0
    short = min(width, height)
    across, down = (part, part) if takes.squash else (part * short / width, part * short / height)
    left, top = (1 - across) * window[0], (1 - down) * window[1]
    return left, top, left + across, top + down


def as_pixels(array: NDArray[np.uint8]) -> Tensor:
    """An 8-bit picture as a tensor.

    Args:
        array: uint8 (H, W, 3).

    Returns:
        float32 (1, 3, H, W) in [0, 1].
    """
    return torch.from_numpy(array.transpose(2, 0, 1)[None].astype(np.float32)).div_(255)
