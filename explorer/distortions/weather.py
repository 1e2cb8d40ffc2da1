"""Weather: fog as a plasma fractal, snow as blurred flakes, frost as a drawn texture of ice."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from explorer.distortions.blur import CIFAR_C, half_bell, trail
from explorer.distortions.draws import Draws
from explorer.distortions.interpolation import Settings, between
from explorer.distortions.registry import REFERENCE_SIDE, distortion
from explorer.distortions.sampling import pixel_grid, warp

_THICKNESS = (0.2, 0.5, 0.75, 1.0, 1.5)
_DECAY = ((3.0,), (3.0,), (2.5,), (2.0,), (1.75,))


@distortion(
    "fog", title="Fog", family="weather", unit="thickness", symbol="t",
    low=0, high=3, identity=0, default=0.75, step=0.05, severities=_THICKNESS, random=True,
    source=f"{CIFAR_C}; plasma fractal: Fournier et al. 1982",
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
    (decay,) = between(amount, _THICKNESS, _DECAY)
    plasma = _plasma(noise, decay)[:, None, :height, :width]
    brightest = x.amax((1, 2, 3), keepdim=True)
    return (x + amount * plasma) * (brightest / (brightest + amount))


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


# published (mean, deviation, zoom, threshold, radius, sigma, whitening = 1 - the picture's share)
_SNOW = (
    (0.1, 0.2, 1.0, 0.6, 8.0, 3.0, 0.05),
    (0.1, 0.2, 1.0, 0.5, 10.0, 4.0, 0.1),
    (0.15, 0.3, 1.75, 0.55, 10.0, 4.0, 0.1),
    (0.25, 0.3, 2.25, 0.6, 12.0, 6.0, 0.15),
    (0.3, 0.3, 1.25, 0.65, 14.0, 12.0, 0.2),
)


def _light(mean: float, deviation: float, threshold: float) -> float:
    """The mean of twice a normal number that counts as 0 below the threshold."""
    z = (threshold - mean) / deviation
    bell = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return 2 * (mean * math.erfc(z / math.sqrt(2)) / 2 + deviation * bell)


def _snow_knots() -> tuple[tuple[float, ...], tuple[Settings, ...]]:
    """Light, and the settings there with the flakes' strength; none at 0, twice the last at twice its light."""
    lights = [_light(mean, deviation, threshold) for mean, deviation, _, threshold, *_ in _SNOW]
    first, last = _SNOW[0], _SNOW[-1]
    settings = [(*first[:-1], 0.0, 0.0), *((*setting, 1.0) for setting in _SNOW), (*last[:-1], 2 * last[-1], 2.0)]
    return (0.0, *lights, 2 * lights[-1]), tuple(settings)


_LIGHTS, _FLAKES = _snow_knots()


@distortion(
    "snow", title="Snow", family="weather", unit="of full scale", symbol="s",
    low=0, high=0.38, identity=0, default=0.125, step=0.005, severities=_LIGHTS[1:-1], random=True,
    source=f"{CIFAR_C}; the amount is ours, the five settings are the published ones",
)  # fmt: skip
def snow(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Lets snow fall: the picture pales, and bright flakes trail across it.

    ``amount`` is the light that the flakes add to a pixel on average (before they are enlarged and clipped). Flakes are
    normal numbers, enlarged, 0 below a threshold, dragged along half a Gaussian bell at a random angle within 45
    degrees of the vertical, and added once as they are and once turned by 180 degrees, to x' = (1 - w) x + w max(x, 1.5
    grey(x) + 0.5). The seven published numbers of each severity (mean, deviation, zoom, threshold, radius and sigma of
    the trail, w) are exact at the published amounts and linear in the amount between them; below the first and above
    the last, light and w are scaled. Flakes and trails grow with pictures above 32 px. Differs from the published code
    in enlarging about the exact centre and in not rounding the flakes to 8 bit.
    """
    mean, deviation, zoom, threshold, radius, sigma, whitening, strength = between(amount, _LIGHTS, _FLAKES)
    height, width = x.shape[2:]
    growth = max(1.0, min(height, width) / REFERENCE_SIDE)
    layer = (draws.normal(height, width).to(x.device) * deviation + mean)[:, None]
    if zoom * growth > 1:
        rows, columns = pixel_grid(x)
        middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
        enlarged = zoom * growth
        layer = warp(
            layer, (rows - middle_row) / enlarged + middle_row, (columns - middle_column) / enlarged + middle_column
        )
    layer = torch.where(layer < threshold, 0, layer * strength).clamp(0, 1)
    angle = (draws.uniform(1, 1, 1).to(x.device) - 1.5) * (math.pi / 2)
    layer = trail(layer, angle, half_bell((2 * radius + 1) * growth, sigma * growth))
    grey = x if x.shape[1] == 1 else (x * x.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    pale = x * (1 - whitening) + torch.maximum(x, grey * 1.5 + 0.5) * whitening
    return pale + layer + layer.rot90(2, (2, 3))


_FROST = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))  # published (picture, ice)
_ICE = tuple(ice / (picture + ice) for picture, ice in _FROST)
_PICTURE = ((1.0,), *((picture,) for picture, _ in _FROST), (0.25,))


@distortion(
    "frost", title="Frost", family="weather", unit="share of the light", symbol="f",
    low=0, high=0.75, identity=0, default=0.3, step=0.01, severities=_ICE, random=True,
    source=f"{CIFAR_C}, its five mixtures; the ice is a fractal drawn from the seed, not the published photographs",
)  # fmt: skip
def frost(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Lets ice flowers grow over the picture, as on a cold window.

    x' = a x + b ice; ``amount`` is b / (a + b), the ice's share. Published are (a, b) = (1, .2) (1, .3) (.9, .4)
    (.85, .4) (.75, .45): a is linear between them, 1 up to the first, and falls on to 1/4 at 3/4. The published code
    cuts the ice from five photographs of frosted glass; here it is a texture made from the seed, bluish white veins
    where three plasma fractals cross their middle, over uneven rime (mean about 0.6, deviation 0.28): the mixtures are
    exact, the texture is not, so that accuracies can only be near the published ones.
    """
    height, width = x.shape[2:]
    (picture,) = between(amount, (0.0, *_ICE, 0.75), _PICTURE)
    size = max(2, 1 << (max(height, width) - 1).bit_length())
    noise = draws.uniform(4, size, size).to(x.device) * 2 - 1
    fields = _plasma(noise.reshape(-1, size, size), 1.5).view(-1, 4, size, size)[:, :, :height, :width]
    veins = (1 - (2 * fields[:, 1:] - 1).abs()).square().square().square().amax(1, keepdim=True)
    ice = (1.2 * fields[:, :1] * fields[:, :1] + 0.8 * veins).clamp_max(1)
    if x.shape[1] == 3:
        ice = torch.cat([ice * (1 - dark + dark * ice) for dark in (0.4, 0.2, 0.0)], 1)
    return picture * x + picture * amount / (1 - amount) * ice
