"""Test-time augmentation: the mean answer over small distortions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.sampling import pixel_grid, warp
from explorer.models.remedies.registry import remedy


@remedy(
    "average", title="Average over small distortions",
    source="test-time augmentation, as in Krizhevsky, Sutskever & Hinton 2012, section 4.1; the distortions are ours",
    limits={"noise": (0, 0.5), "shift": (0, 32), "light": (0, 0.5), "n": (1, 1000)},
    answered="mean", differentiable=True, random=True,
)  # fmt: skip
def average(
    x: Tensor, draws: Draws, *, noise: float = 0.02, shift: float = 1.0, light: float = 0.05, n: int = 16
) -> Tensor:
    """Asks about copies that are moved, lit and noised a little, and answers by their mean probability.

    Every copy is shifted by up to ``shift`` px in a random direction, its values are multiplied by 1 +- ``light``, and
    it gets gaussian noise of standard deviation ``noise`` on [0, 1] pixels; then it is clipped. ``n`` is the number of
    copies.
    """
    angle, length, gain = draws.uniform(3, 1, 1).to(x).unbind(1)
    rows, columns = pixel_grid(x)
    angle, length = angle * (2 * math.pi), length * shift
    moved = warp(x, rows - length * torch.sin(angle), columns - length * torch.cos(angle))
    lit = moved * (1 + light * (2 * gain - 1))[:, None]
    return (lit + noise * draws.normal(*x.shape[1:]).to(x)).clamp(0, 1)
