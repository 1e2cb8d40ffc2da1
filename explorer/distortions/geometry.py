"""Geometry: the picture is sampled at moved positions.

All sample bilinearly between pixel centres. Outside the picture, the picture is reflected at its
outer edge (the edge pixel is repeated once); only ``crop`` and ``thumbnail`` never look outside.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from explorer.distortions.blur import smooth
from explorer.distortions.draws import Draws
from explorer.distortions.interpolation import Settings, between
from explorer.distortions.pictures import each_picture
from explorer.distortions.registry import HENDRYCKS, LARGEST_SIDE, PUBLISHED, distortion, published_for
from explorer.distortions.sampling import affine, pixel_grid, warp
from explorer.distortions.threads import each_alone

ZHENG = "Zheng 2016 (arXiv 1604.04326), section 5"


def _thumbnail_picture(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """``thumbnail`` of 8-bit pictures, with Pillow's bytes: the thumbnail is one, too."""
    height, width = x.shape[2:]
    small = _small(height, width, amount)

    def there_and_back(_: int, picture: Image.Image) -> Image.Image:
        thumb = picture.resize(small[::-1], Image.Resampling.BILINEAR)
        return thumb.resize((width, height), Image.Resampling.BILINEAR)

    return x if small == (height, width) else each_picture(x, there_and_back)


def _small(height: int, width: int, amount: float) -> tuple[int, int]:
    """Height and width of a thumbnail; at most those of the picture."""
    shrink = min(1.0, amount / math.sqrt(height * width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


@distortion(
    "thumbnail", title="Thumbnail", family="geometry", unit="px", symbol="√A",
    low=4, high=LARGEST_SIDE, identity=LARGEST_SIDE, default=16, step=1, per_side=True, source=ZHENG,
    of_pictures=_thumbnail_picture,
)  # fmt: skip
def thumbnail(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Shrinks the picture to a small thumbnail and enlarges it again, which loses the fine detail.

    ``amount`` is the side in px of a square with the thumbnail's area A: an image (H, W) shrinks by amount / sqrt(H W)
    to whole pixels, keeping its aspect, and is enlarged to (H, W). Both ways bilinear, shrinking with antialiasing.
    Amounts at or above sqrt(H W) change nothing. Of the photograph, the thumbnail has 8 bits (Pillow's bytes).
    """
    height, width = x.shape[2:]
    small = _small(height, width, amount)
    if small == (height, width):
        return x
    shrunk = F.interpolate(x, small, mode="bilinear", antialias=True, align_corners=False)

    def enlarged(_: int, one: Tensor) -> Tensor:
        return F.interpolate(one, (height, width), mode="bilinear", align_corners=False)

    return each_alone(enlarged, shrunk)  # the last bits of larger pictures depend on the number of threads


def _crop_picture(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """``crop`` of 8-bit pictures, with Pillow's bytes."""
    (height, width), corners = x.shape[2:], _corners(draws).tolist()

    def enlarged(i: int, picture: Image.Image) -> Image.Image:
        (top, bottom), (left, right) = (
            _kept(side, amount, far) for side, far in zip((height, width), corners[i], strict=True)
        )
        x0, y0 = math.floor(left), math.floor(top)
        # whole pixels are cut out first: a resize would look beyond its box
        cut = picture.crop((x0, y0, math.ceil(right), math.ceil(bottom)))
        box = (left - x0, top - y0, right - x0, bottom - y0)
        return cut.resize((width, height), Image.Resampling.BILINEAR, box=box)

    return each_picture(x, enlarged)


def _kept(side: int, amount: float, far: float) -> tuple[float, float]:
    """Where the kept part of a side begins and ends, in px."""
    kept = max(1.0, side - amount)
    return (side - kept, side) if far else (0.0, kept)


def _corners(draws: Draws) -> Tensor:
    """Which corner (N, 2) is kept, down and right: 0 the near one, 1 the far one."""
    return (draws.uniform(2) < 0.5).float()


@distortion(
    "crop", title="Crop", family="geometry", unit="px", symbol="o",
    low=0, high=16, identity=0, default=4, step=0.5, random=True, per_side=True, source=ZHENG,
    of_pictures=_crop_picture,
)  # fmt: skip
def crop(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Cuts a strip from the width and one from the height at a random corner and enlarges the rest again.

    ``amount`` is the offset o in px taken from the width and from the height (fractions allowed; at least one px is
    left); the seed chooses the corner; the rest is enlarged bilinearly to (H, W), of the photograph in 8 bits (Pillow's
    bytes).
    """
    corner = _corners(draws).to(x.device, x.dtype)
    positions = []
    for axis, line in enumerate(pixel_grid(x)):
        side = x.shape[2 + axis]
        kept = max(1.0, side - amount)
        inside = ((line + 0.5) * (kept / side) - 0.5).clamp(0, kept - 1)
        positions.append(inside + corner[:, axis, None, None] * (side - kept))
    return warp(x, positions[0], positions[1])


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

    def bent(_: int, vectors: Tensor) -> Tensor:
        field = F.interpolate(vectors, size=tuple(x.shape[2:]), mode="bicubic", align_corners=True)
        length = field.square().sum(1).mean((1, 2)).sqrt().clamp_min(1e-6)
        return field * (amount / length)[:, None, None, None]

    field = each_alone(bent, draws.normal(2, 5, 5)).to(x.device)
    rows, columns = pixel_grid(x)
    return warp(x, rows + field[:, 0], columns + field[:, 1])


# published (push, smoothing, jitter) of the five severities in px; CIFAR-10-C's first has no push, so that its
# smoothing is free
_ELASTIC = {
    "CIFAR-10-C": ((0.0, 0.13, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    "ImageNet-C": ((2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02)),
}
_UNIT = {"CIFAR-10-C": 32.0, "ImageNet-C": 244.0}  # 244: a typo for 224 in the published code


def _strain(setting: Settings, side: int) -> float:
    """Root-mean-square size of the displacement's gradient in an image of that side (all four components together)."""
    push, smoothing, jitter = setting
    bend = push**2 / (24 * math.pi * smoothing**4 * side**2)
    slant = (jitter * side / (side // 3)) ** 2 / 6
    return math.sqrt(4 * (bend + slant))


def _elastic_settings(name: str) -> tuple[tuple[float, ...], tuple[float, ...], tuple[Settings, ...]]:
    """The strains of the severities; and in order all strains and their settings, as shares of the image's side."""
    side = PUBLISHED[name]
    settings = [tuple(share * _UNIT[name] / side for share in setting) for setting in _ELASTIC[name]]
    strains = [_strain(setting, side) for setting in settings]
    ordered = sorted(zip(strains, settings, strict=True))
    (_, mildest), (most, strongest) = ordered[0], ordered[-1]
    none, double = (0.0, mildest[1], 0.0), (2 * strongest[0], strongest[1], 2 * strongest[2])
    amounts, bends = zip((0.0, none), *ordered, (2 * most, double), strict=True)
    return tuple(strains), amounts, bends


_INTERPOLATION = {name: _elastic_settings(name) for name in _ELASTIC}


@distortion(
    "elastic_transform", title="Elastic transform", family="geometry", unit="strain", symbol="γ",
    low=0, high=1.6, identity=0, default=0.45, step=0.01,
    severities={name: strains for name, (strains, *_) in _INTERPOLATION.items()},
    random=True, source=f"{HENDRYCKS}; the amount is ours, the settings are the published ones",
)  # fmt: skip
def elastic_transform(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Slants the picture at random and ripples it, as a picture on crumpled rubber.

    Three points a third of the side from the centre, right below, right above and left above it, are moved by up to a
    jitter in each direction, and the picture with them, mirrored at its edges; then each pixel is moved by uniform
    noise within a push, smoothed by a Gaussian bell that is cut at 3 sigma and reflected at the edges. ``amount`` is
    the strain gamma: the root-mean-square change of the displacement from one pixel to the next, in an image of the
    published side. The three published numbers of each severity are exact at the published amounts and linear in gamma
    between them; severity 1 of CIFAR-10-C has more strain than severity 2, and severity 2 of ImageNet-C more than
    severity 3.
    """
    height, width = x.shape[2:]
    side = min(height, width)
    _, amounts, bends = _INTERPOLATION[published_for(side)]
    push, smoothing, jitter = between(amount, amounts, bends)
    corners = (draws.uniform(3, 2).to(x.device) * 2 - 1) * (jitter * side)
    noise = draws.uniform(2, height, width).to(x.device) * 2 - 1
    rows, columns = pixel_grid(x)
    down, right = _unjittered(rows - height // 2, columns - width // 2, max(side // 3, 1), corners)
    x = warp(x, down + height // 2, right + width // 2, mirror=True)
    if push == 0:
        return x
    field = smooth(noise, smoothing * side, reach=3, edge="reflect") * (push * side)
    return warp(x, rows + field[:, 0], columns + field[:, 1])


def _unjittered(down: Tensor, right: Tensor, reach: int, corners: Tensor) -> tuple[Tensor, Tensor]:
    """Where pixels come from when the three points (+, +), (-, +), (-, -) of ``reach`` px are moved.

    Args:
        down: Rows (H, 1) relative to the middle.
        right: Columns (1, W) likewise.
        reach: How far the points lie from the middle in each direction, in px.
        corners: Move of each point (N, 3, 2), down and right.

    Returns:
        Rows and columns (N, H, W), relative to the middle.
    """
    moved = corners + corners.new_tensor([(reach, reach), (-reach, reach), (-reach, -reach)])
    first, second, third = moved.double()[:, :, :, None, None].unbind(1)  # (N, 2, 1, 1) each
    (down_1, right_1), (down_3, right_3) = ((point - second).unbind(1) for point in (first, third))
    away_down, away_right = down - second[:, 0], right - second[:, 1]
    area = right_1 * down_3 - down_1 * right_3
    area = torch.where(area.abs() < 1e-3, 1e-3, area)  # three points in a line: no affine map undoes that
    along = (away_right * down_3 - away_down * right_3) / area  # of the way from the second point to the first
    across = (right_1 * away_down - down_1 * away_right) / area  # and to the third
    return (reach * (2 * along - 1)).to(corners), (reach * (1 - 2 * across)).to(corners)
