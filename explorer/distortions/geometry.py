"""Geometry: the picture is sampled at moved places.

All sample bilinearly between pixel centres. Where a place lies outside the picture, the picture is reflected at its
outer edge (the edge pixel is repeated once); only ``crop`` and ``thumbnail`` never look outside.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import LARGEST_SIDE, distortion
from explorer.distortions.sampling import affine, pixel_grid, warp

ZHENG = "Zheng 2016 (arXiv 1604.04326), section 5"


@distortion(
    "thumbnail", title="Thumbnail", family="geometry", unit="px", symbol="√A",
    low=4, high=LARGEST_SIDE, identity=LARGEST_SIDE, default=16, step=1, per_side=True, source=ZHENG,
)  # fmt: skip
def thumbnail(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Shrinks the picture to a small thumbnail and enlarges it again, which loses the fine detail.

    ``amount`` is the side in px of a square with the thumbnail's area A: an image (H, W) shrinks by amount / sqrt(H W)
    to whole pixels, keeping its aspect, and is enlarged to (H, W). Both ways bilinear, shrinking with antialiasing.
    Amounts at or above sqrt(H W) change nothing.
    """
    height, width = x.shape[2:]
    shrink = amount / math.sqrt(height * width)
    small = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    if shrink >= 1 or small == (height, width):
        return x
    shrunk = F.interpolate(x, small, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(shrunk, (height, width), mode="bilinear", align_corners=False)


@distortion(
    "crop", title="Crop", family="geometry", unit="px", symbol="o",
    low=0, high=16, identity=0, default=4, step=0.5, random=True, per_side=True, source=ZHENG,
)  # fmt: skip
def crop(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Cuts a strip from the width and one from the height at a random corner and enlarges the rest again.

    ``amount`` is the offset o in px taken from the width and from the height (fractions allowed; at least one px is
    left); the seed chooses the corner; the rest is enlarged bilinearly to (H, W).
    """
    corner = (draws.uniform(2) < 0.5).to(x.device, x.dtype)
    places = []
    for axis, line in enumerate(pixel_grid(x)):
        side = x.shape[2 + axis]
        kept = max(1.0, side - amount)
        inside = ((line + 0.5) * (kept / side) - 0.5).clamp(0, kept - 1)
        places.append(inside + corner[:, axis, None, None] * (side - kept))
    return warp(x, places[0], places[1])


@distortion(
    "shift", title="Shift", family="geometry", unit="px", symbol="d",
    low=0, high=16, identity=0, default=3, step=0.25, random=True, per_side=True, source="textbook translation",
)  # fmt: skip
def shift(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Moves the picture by a distance in a random direction.

    ``amount`` is the distance in px, fractions included; the seed chooses the direction.
    """
    angle = draws.uniform(1).to(x.device)[:, :, None] * (2 * math.pi)
    rows, columns = pixel_grid(x)
    return warp(x, rows - amount * torch.sin(angle), columns - amount * torch.cos(angle))


@distortion(
    "rotate", title="Rotate", family="geometry", unit="°", symbol="θ",
    low=-180, high=180, identity=0, default=15, step=1, source="textbook rotation",
)  # fmt: skip
def rotate(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Turns the picture about its centre, anticlockwise for positive angles.

    ``amount`` is the angle in degrees.
    """
    cosine, sine = math.cos(math.radians(amount)), math.sin(math.radians(amount))
    return affine(x, ((cosine, -sine), (sine, cosine)))


@distortion(
    "scale", title="Scale", family="geometry", unit="factor", symbol="s",
    low=0.25, high=4, identity=1, default=1.25, step=0.01, source="textbook scaling",
)  # fmt: skip
def scale(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Enlarges the picture about its centre (factor above 1) or shrinks it (below 1).

    ``amount`` is the factor; a shrunk picture is surrounded by its reflections. No antialiasing.
    """
    return affine(x, ((1 / amount, 0.0), (0.0, 1 / amount)))


@distortion(
    "shear", title="Shear", family="geometry", unit="°", symbol="φ",
    low=-60, high=60, identity=0, default=15, step=1, source="textbook shear",
)  # fmt: skip
def shear(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Slants the picture sideways about its centre line; the top moves right for positive angles.

    ``amount`` is the angle in degrees: a pixel h above the centre moves h tan(amount) to the right.
    """
    return affine(x, ((1.0, math.tan(math.radians(amount))), (0.0, 1.0)))


@distortion(
    "elastic", title="Elastic", family="geometry", unit="px", symbol="δ",
    low=0, high=4, identity=0, default=1, step=0.05, random=True, per_side=True,
    source="after Simard et al. 2003; free-form deformation",
)  # fmt: skip
def elastic(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Bends the picture as if it were printed on rubber.

    A 5 x 5 grid of normal displacement vectors over the image is interpolated bicubically to every pixel and scaled to
    a root-mean-square length of ``amount`` px. (CIFAR-10-C's elastic transform couples an affine jitter with a
    displacement, three parameters that move in opposite ways; it has no single physical amount, hence no notches.)
    """
    field = F.interpolate(
        draws.normal(2, 5, 5).to(x.device), size=tuple(x.shape[2:]), mode="bicubic", align_corners=True
    )
    length = field.square().sum(1).mean((1, 2)).sqrt().clamp_min(1e-6)
    field = field * (amount / length)[:, None, None, None]
    rows, columns = pixel_grid(x)
    return warp(x, rows + field[:, 0], columns + field[:, 1])
