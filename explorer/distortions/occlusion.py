"""Detail taken away: coarse pixels, and a patch that covers part of the picture."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import HENDRYCKS, distortion
from explorer.distortions.sampling import pixel_grid


@distortion(
    "pixelate", title="Pixelate", family="occlusion", unit="px", symbol="block",
    low=1, high=16, identity=1, default=2, step=0.05, per_side=True, source=HENDRYCKS,
    severities={
        "CIFAR-10-C": tuple(1 / share for share in (0.95, 0.9, 0.85, 0.75, 0.65)),
        "ImageNet-C": tuple(1 / share for share in (0.6, 0.5, 0.4, 0.3, 0.25)),
    },
)  # fmt: skip
def pixelate(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Replaces blocks of pixels by their mean, as when a small picture is blown up.

    ``amount`` is the side of a block in px: the image is shrunk to floor(H / amount) x floor(W / amount) px, at least
    1, and enlarged again, both with Pillow's box filter (published: to shares .95 .9 .85 .75 .65 and .6 .5 .4
    .3 .25 of the side). Blocks
    are whole pixels, so that for fractions their sizes differ by one.
    """
    for axis in (2, 3):
        side = x.shape[axis]
        blocks = max(1, int(side / amount + 1e-6))
        edges = torch.arange(blocks + 1, device=x.device, dtype=torch.float32).mul(side / blocks).add(0.5).long()
        start, length = edges[:-1], edges[1:] - edges[:-1]
        total = torch.zeros_like(x.index_select(axis, start))
        shape = (-1, 1) if axis == 2 else (-1,)
        for offset in range(int(length.max())):
            inside = (offset < length).to(x.dtype).view(shape)
            total += x.index_select(axis, (start + offset).clamp_max(side - 1)) * inside
        block = torch.repeat_interleave(torch.arange(blocks, device=x.device), length)
        x = (total / length.to(x.dtype).view(shape)).index_select(axis, block)
    return x


@distortion(
    "patch", title="Occluding patch", family="occlusion", unit="px", symbol="side",
    low=0, high=32, identity=0, default=10, step=0.5, random=True, per_side=True,
    source="Cutout, DeVries & Taylor 2017 (arXiv 1708.04552)",
)  # fmt: skip
def patch(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Covers a square at a random place with mid-grey, as if something stood before the camera.

    ``amount`` is the square's side in px; fractions fade its rim. The seed chooses the place; the square stays inside
    the picture and a larger one contains every smaller one.
    """
    place = draws.uniform(2).to(x.device)
    cover = x.new_ones(1)
    for axis, line in enumerate(pixel_grid(x)):
        side = x.shape[2 + axis]
        length = min(amount, side)
        start = place[:, axis, None, None] * (side - length)
        cover = cover * (torch.minimum(line + 1, start + length) - torch.maximum(line, start)).clamp(0, 1)
    return torch.lerp(x, x.new_full((1,), 0.5), cover[:, None])
