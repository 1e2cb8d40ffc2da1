"""Blur. Outside the picture its edge pixels continue (defocus: its reflection), as in the published corruptions.

Small kernels are sums of shifted copies: the result for an image does not depend on the batch it is in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.interpolation import Settings, between
from explorer.distortions.registry import HENDRYCKS, distortion, published_for
from explorer.distortions.sampling import Edge, pad, pixel_grid, warp, weighted_sum

_FFT_FROM = 17  # kernels at least this wide go through the Fourier transform


def _bell(offset: int, sigma: float) -> float:
    """The Gaussian bell of height 1 at an offset in px."""
    reach = offset / max(sigma, 1e-3)
    return math.exp(-0.5 * reach * reach)


@distortion(
    "gaussian_blur", title="Gaussian blur", family="blur", unit="px", symbol="σ",
    low=0, high=4, identity=0, default=1, step=0.05,
    severities={"CIFAR-10-C": (0.4, 0.6, 0.7, 0.8, 1.0), "ImageNet-C": (1, 2, 3, 4, 6)}, per_side=True,
    source=HENDRYCKS,
)  # fmt: skip
def gaussian_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Smooths the picture with a Gaussian bell, as a slightly unsharp lens does.

    ``amount`` is the bell's standard deviation sigma in px; it is cut at 4 sigma and sums to 1; edges are repeated.
    """
    return smooth(x, amount)


def smooth(x: Tensor, sigma: float, *, reach: int = 4, edge: Edge = "repeat") -> Tensor:
    """Convolve with a Gaussian bell that sums to 1.

    Args:
        x: Images (N, C, H, W).
        sigma: Standard deviation in px.
        reach: Standard deviations at which the bell is cut.
        edge: What lies beyond the edge.

    Returns:
        Smoothed images (N, C, H, W).
    """
    radius = int(reach * sigma + 0.5)
    bell = [_bell(i, sigma) for i in range(-radius, radius + 1)]
    total = sum(bell)
    for axis in (2, 3):
        side = x.shape[axis]
        wide = pad(x, radius, axis, edge)
        x = weighted_sum((wide.narrow(axis, i, side), weight / total) for i, weight in enumerate(bell))
    return x


@distortion(
    "defocus_blur", title="Defocus blur", family="blur", unit="px", symbol="r",
    low=0, high=4, identity=0, default=1.5, step=0.05,
    severities={"CIFAR-10-C": (0.3, 0.4, 0.5, 1.0, 1.5), "ImageNet-C": (3, 4, 6, 8, 10)}, per_side=True,
    source=HENDRYCKS,
)  # fmt: skip
def defocus_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Smears each point into a disk, as a camera focused at the wrong distance does.

    ``amount`` is the disk's radius in px. The published kernel has a second number, the width that softens the disk's
    rim, which falls and rises along the severities; here the kernel is a mixture of the published kernels of the two
    neighbouring radii (0 is the untouched picture), exact at all five, and beyond them, from 2 px up in small pictures
    and 12 px in those above 64 px, a disk with an antialiased rim. Edges are reflected. Wide kernels go through a
    Fourier transform.
    """
    kernel = _defocus_kernel(amount, published_for(min(x.shape[2:])))
    margin = len(kernel) // 2
    height, width = x.shape[2:]
    wide = pad(pad(x, margin, 2, "mirror"), margin, 3, "mirror")
    if len(kernel) < _FFT_FROM:
        return weighted_sum(
            (wide[:, :, i : i + height, j : j + width], float(kernel[i, j]))
            for i, j in zip(*np.nonzero(kernel), strict=True)
        )
    shape = (wide.shape[2], wide.shape[3])
    spectrum = torch.fft.rfft2(torch.from_numpy(kernel).to(x.device, x.dtype), s=shape)
    blurred = torch.fft.irfft2(torch.fft.rfft2(wide) * spectrum, s=shape)
    return blurred[:, :, 2 * margin :, 2 * margin :]


# published (radius, softening) of the severities, and the radius of the first rimmed disk beyond
_DEFOCUS = {
    "CIFAR-10-C": (((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)), 2.0),
    "ImageNet-C": (((3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)), 12.0),
}


def _defocus_kernel(radius: float, data_set: str) -> np.ndarray:
    """The kernel (2m + 1, 2m + 1), summing to 1, for a radius in px."""
    settings, beyond = _DEFOCUS[data_set]
    if radius >= beyond:
        return _rimmed_disk(radius)
    knots = [(r, _published_disk(r, softening)) for r, softening in ((0.0, 0.0), *settings)]
    knots.append((beyond, _rimmed_disk(beyond)))
    above = next(i for i, (r, _) in enumerate(knots) if r > radius)
    (near, first), (far, second) = knots[above - 1], knots[above]
    share = (radius - near) / (far - near)
    margin = max(len(first), len(second)) // 2
    mixed = (1 - share) * _widen(first, margin) + share * _widen(second, margin)
    while len(mixed) > 1 and not (mixed[0].any() or mixed[:, 0].any()):
        mixed = mixed[1:-1, 1:-1]
    return mixed


def _widen(kernel: np.ndarray, margin: int) -> np.ndarray:
    return np.pad(kernel, margin - len(kernel) // 2)


def _distance(margin: int) -> np.ndarray:
    line = np.arange(-margin, margin + 1)
    return np.hypot(line[:, None], line[None, :])


@cache
def _published_disk(radius: float, softening: float) -> np.ndarray:
    """The disk of whole px within ``radius``, smoothed by a 3 x 3 (above 8 px 5 x 5) Gaussian of that deviation.

    It lies in a square of at least 17 px, at whose edges the smoothing mirrors it, so that at 8 px the rim gets some
    more than its share.
    """
    margin = 8 if radius <= 8 else math.ceil(radius)
    disk = (_distance(margin) <= radius).astype(np.float64)
    disk /= disk.sum()
    if softening == 0:
        return disk
    half = 1 if radius <= 8 else 2
    bell = np.array([_bell(i, softening) for i in range(-half, half + 1)])
    bell /= bell.sum()
    for axis in (0, 1):
        wide = np.pad(disk, [(half, half) if i == axis else (0, 0) for i in (0, 1)], "reflect")
        disk = np.apply_along_axis(np.convolve, axis, wide, bell, "valid")
    return disk


def _rimmed_disk(radius: float) -> np.ndarray:
    """A disk whose rim px weigh in proportion to how far they lie inside."""
    disk = np.clip(radius + 0.5 - _distance(math.ceil(radius)), 0, 1)
    return disk / disk.sum()


# published (sigma, reach of a move, passes)
_GLASS = {
    "CIFAR-10-C": ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    "ImageNet-C": ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
}
# mean square distance over which a point is spread: a move takes it by -reach to reach - 1 px, both ways
_SPREAD = {
    name: tuple(passes * (4 * reach**2 - 1) / 6 + 4 * sigma**2 for sigma, reach, passes in settings)
    for name, settings in _GLASS.items()
}


def _glass_knots(name: str) -> tuple[Settings, ...]:
    """(sigma^2, reach, share of each of the passes), first those of the untouched picture."""
    most = max(passes for *_, passes in _GLASS[name])
    knots = [(s**2, float(r), *(1.0 if i < passes else 0.0 for i in range(most))) for s, r, passes in _GLASS[name]]
    return (0.0, knots[0][1], *[0.0] * most), *knots


_PASSES = {name: _glass_knots(name) for name in _GLASS}


@distortion(
    "glass_blur", title="Glass blur", family="blur", unit="px", symbol="r",
    low=0, high=4, identity=0, default=1, step=0.05,
    severities={name: tuple(map(math.sqrt, spread)) for name, spread in _SPREAD.items()},
    random=True, per_side=True, source=f"{HENDRYCKS}; the amount is ours, the settings are the published ones",
)  # fmt: skip
def glass_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Jumbles neighbouring pixels between two faint blurs, as frosted glass does.

    ``amount`` is the root-mean-square distance r in px over which a point is spread: a pass that takes each pixel from
    -D to D - 1 px down and as far right adds (4 D^2 - 1) / 6 to r^2, the Gaussian blurs before and after 2 sigma^2 each
    (less in fact: on whole pixels, a bell below 0.4 px hardly smooths). Published are (sigma, D, passes) = (.05, 1, 1)
    (.25, 1, 1) (.4, 1, 1) (.25, 1, 2) (.4, 1, 2), hence r = .71 .87 1.07 1.12 1.28; above 64 px (.7, 1, 2) (.9, 2, 1)
    (1, 2, 3) (1.1, 3, 2) (1.5, 4, 2), hence r = 1.72 2.40 3.39 4.06 5.48. Between them sigma^2, D and each pass's share
    of r^2 are linear in r^2, and beyond, both the blur and the moves grow with r. As in the published code pixels are
    taken from the last to the first, those within D of the edge stay, and a pixel is overwritten by its neighbour
    rather than exchanged (there both names are views of one array); only its rounding to 8 bit on the way is left out.
    """
    height, width = x.shape[2:]
    name = published_for(min(height, width))
    variance, reach, *shares = between(amount**2, (0.0, *_SPREAD[name]), _PASSES[name])
    growth = max(1.0, amount / math.sqrt(_SPREAD[name][-1]))
    sigma, reach = math.sqrt(variance) * growth, reach * growth
    x = smooth(x, sigma)
    rows, columns = pixel_grid(x)
    inside = (rows > reach) & (columns > reach) & (rows <= height - reach) & (columns <= width - reach)
    fields = draws.uniform(len(shares), 3, height, width).to(x.device)
    for i, share in enumerate(shares):
        chance, down, right = fields[:, i].unbind(1)
        moved = (chance < 1 - math.sqrt(1 - share)) & inside  # q of the pixels are spread by q - q^2 / 2
        row = rows + torch.where(moved, torch.floor(reach * (2 * down - 1)), 0)
        column = columns + torch.where(moved, torch.floor(reach * (2 * right - 1)), 0)
        source_index = row.clamp_(0, height - 1) * width + column.clamp_(0, width - 1)
        source_index = _overwritten(source_index.long().expand(len(x), -1, -1).flatten(1))
        x = x.flatten(2).gather(2, source_index[:, None].expand(-1, x.shape[1], -1)).view_as(x)
    return smooth(x, sigma)


def _overwritten(source_index: Tensor) -> Tensor:
    """Where each pixel's value comes from in the end, if the pixels are replaced in turn, from the last to the first.

    Args:
        source_index: Where each pixel takes its value from (N, P); later pixels have been replaced by then.

    Returns:
        Indices (N, P).
    """
    behind = source_index > torch.arange(source_index.shape[1], device=source_index.device)
    source = source_index
    while True:
        further = torch.where(behind, source.gather(1, source_index), source_index)
        if torch.equal(further, source):
            return source
        source = further


_MOTION = (3.0, 5.0, 8.0, 12.0, 15.0, 1500.0), ((10.0,), (15.0,), (15.0,), (15.0,), (20.0,), (2000.0,))


@distortion(
    "motion_blur", title="Motion blur", family="blur", unit="px", symbol="σ",
    low=0, high=6, identity=0, default=2, step=0.05,
    severities={"CIFAR-10-C": (1.0, 1.5, 2.0, 2.0, 2.5), "ImageNet-C": (3, 5, 8, 12, 15)}, random=True, per_side=True,
    source=HENDRYCKS,
)  # fmt: skip
def motion_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Drags a fading trail across the picture, as a moving camera does.

    Half a Gaussian bell of standard deviation ``amount`` px on one side along a line; the seed chooses the line's
    angle, -45 to 45 degrees from horizontal; taps sit on whole px; edges are repeated. Published are pairs (radius,
    sigma) = (6, 1) (6, 1.5) (6, 2) (8, 2) (9, 2.5) with 2 radius + 1 taps; the radius, here max(6, 3.6 sigma) rounded
    up, has no visible effect (taps beyond 6 sigma weigh below 1e-7), so that severities 3 and 4 are the same. Above 64
    px they are (10, 3) (15, 5) (15, 8) (15, 12) (20, 15), which cut the trail off; the radius is linear between them.
    """
    angle = (draws.uniform(1, 1, 1).to(x.device) - 0.5) * (math.pi / 2)
    if published_for(min(x.shape[2:])) == "CIFAR-10-C":
        radius: float = max(6, math.ceil(3.6 * amount))
    else:
        (radius,) = between(amount, *_MOTION)
    bell = half_bell(2 * radius + 1, amount)
    return trail(x, angle, [weight for weight in bell if weight > 1e-8])


def half_bell(length: float, sigma: float) -> list[float]:
    """Half a Gaussian bell.

    Args:
        length: Number of taps; a fraction scales the last one.
        sigma: Standard deviation in px.

    Returns:
        The taps.
    """
    whole = math.floor(length)
    return [_bell(i, sigma) for i in range(whole)] + [_bell(whole, sigma) * (length - whole)] * (length > whole)


def trail(x: Tensor, angle: Tensor, weights: Sequence[float]) -> Tensor:
    """Average copies of an image that are moved by 0, 1, 2 ... px along a line; edges are repeated.

    Args:
        x: Images (N, C, H, W).
        angle: Direction in which a pixel looks, in radians (N, 1, 1): 0 is right, -pi/2 up. Taps sit on whole px.
        weights: Weight of each copy.

    Returns:
        Blurred images (N, C, H, W).
    """
    count, channels, height, width = x.shape
    rows = torch.arange(height, device=x.device)[:, None]
    columns = torch.arange(width, device=x.device)[None, :]
    pixels, total = x.flatten(2), sum(weights)
    out = x * (1 / total)
    across, down = angle.cos()[:, 0], angle.sin()[:, 0]
    for i, weight in enumerate(weights[1:], start=1):
        row = (rows + torch.ceil(i * down - 0.5).long()[:, :, None]).clamp_(0, height - 1)
        column = (columns + torch.ceil(i * across - 0.5).long()[:, :, None]).clamp_(0, width - 1)
        source_index = (row * width + column).flatten(1)[:, None].expand(count, channels, height * width)
        out.add_(pixels.gather(2, source_index).view_as(x), alpha=weight / total)
    return out


@distortion(
    "zoom_blur", title="Zoom blur", family="blur", unit="largest zoom", symbol="z",
    low=1, high=1.5, identity=1, default=1.15, step=0.01,
    severities={"CIFAR-10-C": (1.06, 1.11, 1.15, 1.20, 1.25), "ImageNet-C": (1.11, 1.15, 1.20, 1.24, 1.30)},
    source=HENDRYCKS,
)  # fmt: skip
def zoom_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Mixes the picture with ever larger copies of itself, as moving towards the scene does.

    The mean of the picture and its copies enlarged by 1, 1.01, 1.02 ... up to ``amount``, the last one by its fraction
    of a step; above 64 px the step grows from 0.01 at 1.15 to 0.02 at 1.2 and 1.24 and 0.03 at 1.3, as published. As in
    the published code each copy is a crop of whole pixels, ceil(H / zoom) of them from floor((H - that) / 2) on,
    stretched corner to corner and cut again, so that most copies are shifted up and left by a fraction of a pixel.
    """
    step = 0.01
    if published_for(min(x.shape[2:])) == "ImageNet-C":
        (step,) = between(amount, (1.15, 1.20, 1.24, 1.30), ((0.01,), (0.02,), (0.02,), (0.03,)))
    steps = (amount - 1) / step
    whole = math.floor(steps + 1e-6)
    rest = max(0.0, steps - whole)
    weights = [1.0] * whole + [rest] * (rest > 1e-6)
    total = 2 + sum(weights)
    zooms = [1 + i * (1 + step - 1) for i in range(1, len(weights) + 1)]  # as numpy.arange(1, ..., step) has them
    copies = ((clipped_zoom(x, zoom), weight / total) for zoom, weight in zip(zooms, weights, strict=True))
    return weighted_sum(chain([(x, 2 / total)], copies))


def clipped_zoom(x: Tensor, zoom: float) -> Tensor:
    """Enlarge the middle of a picture as the published code does, in whole pixels.

    Args:
        x: Images (N, C, H, W).
        zoom: Factor, 1 or more.

    Returns:
        Enlarged images (N, C, H, W).
    """
    rows, columns = (_crop_positions(side, zoom).to(x) for side in x.shape[2:])
    return warp(x, rows[:, None], columns[None, :])


def _crop_positions(side: int, zoom: float) -> Tensor:
    """Where the pixels of one axis come from, float64 (side,): whole px, stretched from corner to corner and cut."""
    kept = math.ceil(side / zoom)
    stretched = max(round(kept * zoom), side)
    position = torch.arange(side, dtype=torch.float64) + (stretched - side) // 2
    return (side - kept) // 2 + position * ((kept - 1) / max(stretched - 1, 1))
