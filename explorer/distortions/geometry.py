"""Geometry: the picture is sampled at moved positions.

All sample bilinearly between pixel centres. Outside the picture, the picture is reflected at its
outer edge (the edge pixel is repeated once); only ``crop`` and ``thumbnail`` never look outside.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.blur import CIFAR_C, gaussian_blur
from explorer.distortions.draws import Draws
from explorer.distortions.interpolation import between
from explorer.distortions.registry import LARGEST_SIDE, REFERENCE_SIDE, distortion
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
    displacement, three parameters that move in opposite ways: that is ``elastic_transform``.)
    """
    field = F.interpolate(
        draws.normal(2, 5, 5).to(x.device), size=tuple(x.shape[2:]), mode="bicubic", align_corners=True
    )
    length = field.square().sum(1).mean((1, 2)).sqrt().clamp_min(1e-6)
    field = field * (amount / length)[:, None, None, None]
    rows, columns = pixel_grid(x)
    return warp(x, rows + field[:, 0], columns + field[:, 1])


# published (push, smoothing, jitter) of the five severities, as shares of the image's side; the first has no push, so
# that its smoothing is free
_ELASTIC = ((0.0, 0.13, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))


def _strain(push: float, smoothing: float, jitter: float) -> float:
    """Root-mean-square size of the displacement's gradient on a 32 px image (all four components together)."""
    bend = push**2 / (24 * math.pi * smoothing**4 * REFERENCE_SIDE**2)
    slant = (jitter * REFERENCE_SIDE / (REFERENCE_SIDE // 3)) ** 2 / 6
    return math.sqrt(4 * (bend + slant))


_STRAINS = tuple(_strain(*setting) for setting in _ELASTIC)
_BY_STRAIN = sorted(zip(_STRAINS, _ELASTIC, strict=True))
_AMOUNTS = (0.0, *(strain for strain, _ in _BY_STRAIN), 2 * _BY_STRAIN[-1][0])
_BENDS = (
    (0.0, *_BY_STRAIN[0][1][1:2], 0.0),
    *(setting for _, setting in _BY_STRAIN),
    (2 * _ELASTIC[-1][0], _ELASTIC[-1][1], 2 * _ELASTIC[-1][2]),
)


@distortion(
    "elastic_transform", title="Elastic transform", family="geometry", unit="strain", symbol="γ",
    low=0, high=1.6, identity=0, default=0.45, step=0.01, severities=_STRAINS, random=True,
    source=f"{CIFAR_C}; the amount is ours, the five settings are the published ones",
)  # fmt: skip
def elastic_transform(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Slants the picture at random and ripples it, as a picture on crumpled rubber.

    Three points a third of the side from each other are moved by up to a jitter in each direction, and the picture with
    them; each pixel is then moved by uniform noise within a push, smoothed by a Gaussian bell. ``amount`` is the strain
    gamma: the root-mean-square change of the displacement from one pixel to the next, on a 32 px image. The three
    published numbers of each severity are exact at the published amounts and linear in gamma between them; severity 1
    has more strain than severity 2. Differs from the published code in looking pixels up once, where that moves them
    twice.
    """
    push, smoothing, jitter = between(amount, _AMOUNTS, _BENDS)
    height, width = x.shape[2:]
    side = min(height, width)
    corners = (draws.uniform(3, 2).to(x.device) * 2 - 1) * (jitter * side)
    noise = draws.uniform(2, height, width).to(x.device) * 2 - 1
    field = gaussian_blur(noise, smoothing * side, draws) * (push * side)
    rows, columns = pixel_grid(x)
    reach = max(side // 3, 1)
    down, right = (rows - height // 2) / reach, (columns - width // 2) / reach
    shares = ((1 + right) / 2 + 0 * down, (down - right) / 2, (1 - down) / 2 + 0 * right)  # of the three points
    for share, corner in zip(shares, corners.unbind(1), strict=True):
        field = field + share * corner[:, :, None, None]
    return warp(x, rows + field[:, 0], columns + field[:, 1])
