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
from explorer.distortions.interpolation import between
from explorer.distortions.registry import distortion
from explorer.distortions.sampling import grid, look_up, pad, pixel_grid, weighted_sum

CIFAR_C = "Hendrycks & Dietterich 2019 (arXiv 1903.12261), CIFAR-10-C"
_FFT_FROM = 17  # kernels at least this wide go through the Fourier transform


def _bell(place: int, sigma: float) -> float:
    """The Gaussian bell of height 1 at a place in px."""
    reach = place / max(sigma, 1e-3)
    return math.exp(-0.5 * reach * reach)


@distortion(
    "gaussian_blur", title="Gaussian blur", family="blur", unit="px", symbol="σ",
    low=0, high=4, identity=0, default=1, step=0.05, severities=(0.4, 0.6, 0.7, 0.8, 1.0), per_side=True,
    source=CIFAR_C,
)  # fmt: skip
def gaussian_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Smooths the picture with a Gaussian bell, as a slightly unsharp lens does.

    ``amount`` is the bell's standard deviation sigma in px; it is cut at 4 sigma and sums to 1; edges are repeated.
    """
    radius = int(4 * amount + 0.5)
    bell = [_bell(i, amount) for i in range(-radius, radius + 1)]
    total = sum(bell)
    for axis in (2, 3):
        side = x.shape[axis]
        wide = pad(x, radius, axis)
        x = weighted_sum((wide.narrow(axis, i, side), weight / total) for i, weight in enumerate(bell))
    return x


@distortion(
    "defocus_blur", title="Defocus blur", family="blur", unit="px", symbol="r",
    low=0, high=4, identity=0, default=1.5, step=0.05, severities=(0.3, 0.4, 0.5, 1.0, 1.5), per_side=True,
    source=CIFAR_C,
)  # fmt: skip
def defocus_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Smears each point into a disk, as a camera focused at the wrong distance does.

    ``amount`` is the disk's radius in px. The published kernel has a second number, the width that softens the disk's
    rim, which falls and rises along the severities; here the kernel is a mixture of the published kernels of the two
    neighbouring radii (0 is the untouched picture), exact at all five, and from 2 px up a disk with an antialiased rim.
    Edges are reflected. Wide kernels go through a Fourier transform.
    """
    kernel = _defocus_kernel(amount)
    margin = len(kernel) // 2
    height, width = x.shape[2:]
    wide = pad(pad(x, margin, 2, reflect=True), margin, 3, reflect=True)
    if len(kernel) < _FFT_FROM:
        return weighted_sum(
            (wide[:, :, i : i + height, j : j + width], float(kernel[i, j]))
            for i, j in zip(*np.nonzero(kernel), strict=True)
        )
    shape = (wide.shape[2], wide.shape[3])
    spectrum = torch.fft.rfft2(torch.from_numpy(kernel).to(x.device, x.dtype), s=shape)
    blurred = torch.fft.irfft2(torch.fft.rfft2(wide) * spectrum, s=shape)
    return blurred[:, :, 2 * margin :, 2 * margin :]


_DEFOCUS = ((0.0, 0.0), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))  # (radius, softening) of severities


def _defocus_kernel(radius: float) -> np.ndarray:
    """The kernel (2m + 1, 2m + 1), summing to 1, for a radius in px."""
    if radius >= 2:
        return _rimmed_disk(radius)
    knots = [(r, _published_disk(r, softening)) for r, softening in _DEFOCUS] + [(2.0, _rimmed_disk(2.0))]
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
    """The disk of whole px within ``radius``, smoothed by a 3 x 3 Gaussian of that standard deviation."""
    margin = math.ceil(radius) + 1
    disk = (_distance(margin) <= radius).astype(np.float64)
    disk /= disk.sum()
    if softening == 0:
        return disk
    side = math.exp(-0.5 / softening**2)
    bell = np.array([side, 1, side]) / (1 + 2 * side)
    for axis in (0, 1):
        disk = np.apply_along_axis(np.convolve, axis, disk, bell, "same")
    return disk


def _rimmed_disk(radius: float) -> np.ndarray:
    """A disk whose rim px weigh in proportion to how far they lie inside."""
    disk = np.clip(radius + 0.5 - _distance(math.ceil(radius)), 0, 1)
    return disk / disk.sum()


_GLASS = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))  # published (sigma, passes); all move by 1 px
_SPREAD = tuple(passes / 2 + 4 * sigma**2 for sigma, passes in _GLASS)  # mean square distance a point is spread over
_PASSES = ((0.0, 0.0, 0.0), *((sigma**2, min(passes, 1), passes - 1) for sigma, passes in _GLASS))


@distortion(
    "glass_blur", title="Glass blur", family="blur", unit="px", symbol="r",
    low=0, high=4, identity=0, default=1, step=0.05, severities=tuple(math.sqrt(spread) for spread in _SPREAD),
    random=True, per_side=True, source=f"{CIFAR_C}; the amount is ours, the five settings are the published ones",
)  # fmt: skip
def glass_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Jumbles neighbouring pixels between two faint blurs, as frosted glass does.

    ``amount`` is the root-mean-square distance r in px over which a point is spread: a pass that takes each pixel from
    0 or 1 px up and 0 or 1 px to the left adds 1/2 to r^2, the Gaussian blurs before and after 2 sigma^2 each (less in
    fact: on whole pixels, a bell below 0.4 px hardly smooths). Published are (sigma, passes) = (.05, 1) (.25, 1) (.4,
    1) (.25, 2) (.4, 2), hence r = .71 .87 1.07 1.12 1.28; between them sigma^2 and each pass's share of r^2 are linear
    in r^2, and beyond, both the blur and the moves of two passes grow with r (a move is then -D to D - 1 px). As in
    the published code the top and left 2 px stay, and a pixel is overwritten by its neighbour rather than exchanged
    (there both names are views of one array); only its rounding to 8 bit on the way is left out.
    """
    variance, *shares = between(amount**2, (0.0, *_SPREAD), _PASSES)
    reach = max(1.0, amount / math.sqrt(_SPREAD[-1]))
    sigma = math.sqrt(variance) * reach
    x = gaussian_blur(x, sigma, draws)
    count, channels, height, width = x.shape
    rows, columns = pixel_grid(x)
    inside = (rows > reach) & (columns > reach)
    fields = draws.uniform(2, 3, height, width).to(x.device)
    for i, share in enumerate(shares):
        chance, down, right = fields[:, i].unbind(1)
        moved = (chance < 1 - math.sqrt(1 - share)) & inside  # q of the pixels are spread by q - q^2 / 2
        row = rows + torch.where(moved, torch.floor(reach * (2 * down - 1)), 0)
        column = columns + torch.where(moved, torch.floor(reach * (2 * right - 1)), 0)
        place = row.clamp_(0, height - 1) * width + column.clamp_(0, width - 1)
        place = place.long().view(-1, 1, height * width).expand(count, channels, -1)
        x = x.flatten(2).gather(2, place).view_as(x)
    return gaussian_blur(x, sigma, draws)


@distortion(
    "motion_blur", title="Motion blur", family="blur", unit="px", symbol="σ",
    low=0, high=6, identity=0, default=2, step=0.05, severities=(1.0, 1.5, 2.0, 2.0, 2.5), random=True, per_side=True,
    source=CIFAR_C,
)  # fmt: skip
def motion_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Drags a fading trail across the picture, as a moving camera does.

    Half a Gaussian bell of standard deviation ``amount`` px on one side along a line; the seed chooses the line's
    angle, -45 to 45 degrees from horizontal; taps sit on whole px; edges are repeated. Published are pairs (radius,
    sigma) = (6, 1) (6, 1.5) (6, 2) (8, 2) (9, 2.5) with 2 radius + 1 taps; the radius, here max(6, 3.6 sigma) rounded
    up, has no visible effect (taps beyond 6 sigma weigh below 1e-7), so that severities 3 and 4 are the same.
    """
    angle = (draws.uniform(1, 1, 1).to(x.device) - 0.5) * (math.pi / 2)
    bell = [_bell(i, amount) for i in range(2 * max(6, math.ceil(3.6 * amount)) + 1)]
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
        place = (row * width + column).flatten(1)[:, None].expand(count, channels, height * width)
        out.add_(pixels.gather(2, place).view_as(x), alpha=weight / total)
    return out


@distortion(
    "zoom_blur", title="Zoom blur", family="blur", unit="largest zoom", symbol="z",
    low=1, high=1.5, identity=1, default=1.15, step=0.01, severities=(1.06, 1.11, 1.15, 1.20, 1.25), source=CIFAR_C,
)  # fmt: skip
def zoom_blur(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Mixes the picture with ever larger copies of itself, as moving towards the scene does.

    The mean of the picture and its copies enlarged by 1, 1.01, 1.02 ... up to ``amount``, the last one by its
    fraction of a step. Copies are enlarged bilinearly about the exact centre (the published code zooms a whole-pixel
    crop).
    """
    steps = (amount - 1) / 0.01
    whole = math.floor(steps + 1e-6)
    rest = max(0.0, steps - whole)
    weights = [1.0] * whole + [rest] * (rest > 1e-6)
    total = 2 + sum(weights)
    zooms = 1 + 0.01 * torch.arange(1, len(weights) + 1, device=x.device, dtype=x.dtype)[:, None, None]
    rows, columns = pixel_grid(x)
    middle_row, middle_column = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    places = grid(x, (rows - middle_row) / zooms + middle_row, (columns - middle_column) / zooms + middle_column)
    copies = ((look_up(x, places[i : i + 1]), weight / total) for i, weight in enumerate(weights))
    return weighted_sum(chain([(x, 2 / total)], copies))
