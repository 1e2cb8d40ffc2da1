"""Weather: fog, as a plasma fractal."""

from __future__ import annotations

import bisect

import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import distortion

_THICKNESS = (0.2, 0.5, 0.75, 1.0, 1.5)
_DECAY = (3.0, 3.0, 2.5, 2.0, 1.75)


@distortion(
    "fog", title="Fog", family="weather", unit="thickness", symbol="t",
    low=0, high=3, identity=0, default=0.75, step=0.05, notches=_THICKNESS, random=True,
    source="Hendrycks & Dietterich 2019 (arXiv 1903.12261), CIFAR-10-C; plasma fractal: Fournier et al. 1982",
)  # fmt: skip
def fog(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Lays uneven white fog over the picture.

    x' = (x + t p) m / (m + t) with the image's maximum m and a plasma fractal p in [0, 1]; ``amount`` is t. The
    published pairs (t, decay of the fractal's roughness) are (.2, 3) (.5, 3) (.75, 2.5) (1, 2) (1.5, 1.75): the decay
    is interpolated linearly between them along t and constant beyond. The fractal is that of the smallest
    power-of-two square (at least 2 px) that holds the image.
    """
    height, width = x.shape[2:]
    size = max(2, 1 << (max(height, width) - 1).bit_length())
    noise = draws.uniform(size, size).to(x.device) * 2 - 1
    plasma = _plasma(noise, _decay(amount))[:, None, :height, :width]
    brightest = x.amax((1, 2, 3), keepdim=True)
    return (x + amount * plasma) * (brightest / (brightest + amount))


def _decay(thickness: float) -> float:
    if thickness <= _THICKNESS[0]:
        return _DECAY[0]
    if thickness >= _THICKNESS[-1]:
        return _DECAY[-1]
    above = bisect.bisect_right(_THICKNESS, thickness)
    low, high = _THICKNESS[above - 1], _THICKNESS[above]
    return _DECAY[above - 1] + (_DECAY[above] - _DECAY[above - 1]) * (thickness - low) / (high - low)


def _plasma(noise: Tensor, decay: float) -> Tensor:
    """Diamond-square fractal (N, S, S) in [0, 1] on a torus, S a power of two, from noise (N, S, S) in [-1, 1].

    Each new point is the mean of its four neighbours plus its own noise, whose size is divided by decay^2 at each
    halving of the step (the published code multiplies its shrinking width into a uniform number of that width).
    """
    plasma = torch.zeros_like(noise)
    step, width = noise.shape[-1], 1.0
    while step >= 2:
        half = step // 2
        corners = plasma[:, ::step, ::step]
        rows = corners + corners.roll(-1, 1)
        middles = plasma[:, half::step, half::step]
        middles[:] = (rows + rows.roll(-1, 2)) / 4 + width * noise[:, half::step, half::step]
        across = (middles + middles.roll(1, 1) + corners + corners.roll(-1, 2)) / 4
        down = (middles + middles.roll(1, 2) + corners + corners.roll(-1, 1)) / 4
        plasma[:, ::step, half::step] = across + width * noise[:, ::step, half::step]
        plasma[:, half::step, ::step] = down + width * noise[:, half::step, ::step]
        step, width = half, width / decay**2
    low = plasma.amin((1, 2), keepdim=True)
    return (plasma - low) / (plasma.amax((1, 2), keepdim=True) - low).clamp_min(1e-12)
