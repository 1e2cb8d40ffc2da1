"""Weather: fog as a plasma fractal, snow as blurred flakes, frost as a drawn texture of ice."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from explorer.distortions.blur import clipped_zoom, half_bell, smooth, trail
from explorer.distortions.draws import Draws
from explorer.distortions.interpolation import Settings, between
from explorer.distortions.registry import HENDRYCKS, PUBLISHED, distortion, published_for

# published (thickness, decay); severities 3 and 4 of ImageNet-C are equally thick, so that the amount of 4 is ours
_FOG = {
    "CIFAR-10-C": ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)),
    "ImageNet-C": ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
}
_FOGGY = {"CIFAR-10-C": (0.2, 0.5, 0.75, 1.0, 1.5), "ImageNet-C": (1.5, 2.0, 2.5, 2.6, 3.0)}


@distortion(
    "fog", title="Fog", family="weather", unit="thickness", symbol="t",
    low=0, high=3, identity=0, default=0.75, step=0.05, severities=_FOGGY, random=True,
    source=f"{HENDRYCKS}; plasma fractal: Fournier et al. 1982",
)  # fmt: skip
def fog(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Lays uneven white fog over the picture.

    x' = (x + t p) m / (m + t) with the image's maximum m and a plasma fractal p in [0, 1]; ``amount`` is t. The
    published pairs (t, decay of the fractal's roughness) are (.2, 3) (.5, 3) (.75, 2.5) (1, 2) (1.5, 1.75); above 64 px
    (1.5, 2) (2, 2) (2.5, 1.7) (2.5, 1.5) (3, 1.4), where the amount of the fourth is called 2.6. The decay is
    interpolated linearly between them along the amount and constant beyond. The fractal is that of the smallest
    power-of-two square (at least 2 px) that holds the image.
    """
    height, width = x.shape[2:]
    size = max(2, 1 << (max(height, width) - 1).bit_length())
    noise = draws.uniform(size, size).to(x.device) * 2 - 1
    name = published_for(min(height, width))
    first, last = _FOG[name][0], _FOG[name][-1]
    settings = ((0.0, first[1]), *_FOG[name], (10 * last[0], last[1]))
    thickness, decay = between(amount, (0.0, *_FOGGY[name], 10 * last[0]), settings)
    plasma = _plasma(noise, decay)[:, None, :height, :width]
    brightest = x.amax((1, 2, 3), keepdim=True)
    return (x + thickness * plasma) * (brightest / (brightest + thickness))


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
_SNOW = {
    "CIFAR-10-C": (
        (0.1, 0.2, 1.0, 0.6, 8.0, 3.0, 0.05),
        (0.1, 0.2, 1.0, 0.5, 10.0, 4.0, 0.1),
        (0.15, 0.3, 1.75, 0.55, 10.0, 4.0, 0.1),
        (0.25, 0.3, 2.25, 0.6, 12.0, 6.0, 0.15),
        (0.3, 0.3, 1.25, 0.65, 14.0, 12.0, 0.2),
    ),
    "ImageNet-C": (
        (0.1, 0.3, 3.0, 0.5, 10.0, 4.0, 0.2),
        (0.2, 0.3, 2.0, 0.5, 12.0, 4.0, 0.3),
        (0.55, 0.3, 4.0, 0.9, 12.0, 8.0, 0.3),
        (0.55, 0.3, 4.5, 0.85, 12.0, 8.0, 0.35),
        (0.55, 0.3, 2.5, 0.85, 12.0, 12.0, 0.45),
    ),
}


def _light(mean: float, deviation: float, threshold: float) -> float:
    """The mean of twice a normal number that counts as 0 below the threshold."""
    z = (threshold - mean) / deviation
    bell = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return 2 * (mean * math.erfc(z / math.sqrt(2)) / 2 + deviation * bell)


def _snow_knots(name: str) -> tuple[tuple[float, ...], tuple[Settings, ...]]:
    """Light, and the settings there with the flakes' strength; none at 0, twice the last at twice its light."""
    lights: list[float] = []
    for mean, deviation, _, threshold, *_ in _SNOW[name]:
        light = _light(mean, deviation, threshold)
        lights.append(1.1 * light if light in lights else light)
    first, last = _SNOW[name][0], _SNOW[name][-1]
    settings = [(*first[:-1], 0.0, 0.0), *((*setting, 1.0) for setting in _SNOW[name])]
    return (0.0, *lights, 2 * lights[-1]), (*settings, (*last[:-1], 2 * last[-1], 2.0))


_FLAKES = {name: _snow_knots(name) for name in _SNOW}


@distortion(
    "snow", title="Snow", family="weather", unit="of full scale", symbol="s",
    low=0, high=0.38, identity=0, default=0.125, step=0.005, random=True,
    severities={name: lights[1:-1] for name, (lights, _) in _FLAKES.items()},
    source=f"{HENDRYCKS}; the amount is ours, the settings are the published ones",
)  # fmt: skip
def snow(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Lets snow fall: the picture pales, and bright flakes trail across it.

    ``amount`` is the light that the flakes add to a pixel on average (before they are enlarged and clipped). Flakes are
    normal numbers, enlarged, 0 below a threshold, dragged along half a Gaussian bell at a random angle within 45
    degrees of the vertical, and added once as they are and once turned by 180 degrees, to x' = (1 - w) x + w max(x, 1.5
    grey(x) + 0.5). The seven published numbers of each severity (mean, deviation, zoom, threshold, radius and sigma of
    the trail, w) are exact at the published amounts and linear in the amount between them; below the first and above
    the last, light and w are scaled. Up to 64 px they are those of CIFAR-10-C, above those of ImageNet-C, whose flakes
    of severity 5 give as much light as those of severity 4 and are given 1.1 times its amount. Flakes and trails grow
    with the picture above 32 and with that of 224 px. Differs from the published code in not rounding the flakes to 8
    bit.
    """
    height, width = x.shape[2:]
    side = min(height, width)
    name = published_for(side)
    mean, deviation, zoom, threshold, radius, sigma, whitening, strength = between(amount, *_FLAKES[name])
    growth = side / PUBLISHED[name] if name == "ImageNet-C" else max(1.0, side / PUBLISHED[name])
    layer = (draws.normal(height, width).to(x.device) * deviation + mean)[:, None]
    layer = clipped_zoom(layer, max(1.0, zoom * growth))
    layer = torch.where(layer < threshold, 0, layer * strength).clamp(0, 1)
    angle = (draws.uniform(1, 1, 1).to(x.device) - 1.5) * (math.pi / 2)
    layer = trail(layer, angle, half_bell((2 * radius + 1) * growth, sigma * growth))
    grey = x if x.shape[1] == 1 else (x * x.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    pale = x * (1 - whitening) + torch.maximum(x, grey * 1.5 + 0.5) * whitening
    return pale + layer + layer.rot90(2, (2, 3))


# published (picture, ice)
_FROST = {
    "CIFAR-10-C": ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    "ImageNet-C": ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
}
_ICE = {name: tuple(ice / (picture + ice) for picture, ice in pairs) for name, pairs in _FROST.items()}
# of the published five photographs (the second was used twice): mean red, green and blue of a patch, their deviation
# from patch to patch, and the deviation of the pixels within a patch
_PHOTOGRAPHS = (
    (0.302, 0.581, 0.646, 0.04, 0.061),
    (0.779, 0.796, 0.833, 0.035, 0.071),
    (0.779, 0.796, 0.833, 0.035, 0.071),
    (0.562, 0.621, 0.671, 0.04, 0.103),
    (0.403, 0.447, 0.493, 0.06, 0.135),
)
# shares of a patch's variance that are rime, veins and grain, photograph by photograph, so that neighbours correlate as
# theirs do: on the average by .36 .26 .20 .12 at 1 2 4 8 px where CIFAR-10-C shrinks them to a fifth, by .76 .56 .46
# .37 at their own size (ImageNet-C)
_TEXTURE = {
    "CIFAR-10-C": ((0.45, 0.1, 0.45), (0.25, 0.22, 0.53), (0.25, 0.22, 0.53), (0.17, 0.1, 0.73), (0.12, 0.4, 0.48)),
    "ImageNet-C": ((0.3, 0.12, 0.58),) * 5,
}
_PATCHY = 0.37  # the grain's local strength, exp of so many normal numbers: its kurtosis is then the photographs', 4.4


@distortion(
    "frost", title="Frost", family="weather", unit="share of the light", symbol="f",
    low=0, high=0.75, identity=0, default=0.3, step=0.01, severities=_ICE, random=True,
    source=f"{HENDRYCKS}, its mixtures; the ice is drawn with the statistics of the published photographs",
)  # fmt: skip
def frost(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Lets ice flowers grow over the picture, as on a cold window.

    x' = a x + b ice; ``amount`` is b / (a + b), the ice's share. Published are (a, b) = (1, .2) (1, .3) (.9, .4)
    (.85, .4) (.75, .45); above 64 px (1, .4) (.8, .6) (.7, .7) (.65, .7) (.6, .75): a is linear between them, 1 up to
    the first, and falls on to 1/4 at 3/4. The published code cuts the ice from five photographs of frosted glass; here
    it is a texture made from the seed, veins where three plasma fractals cross their middle over uneven rime and grain,
    that has the photographs' statistics: one of their five mean colours, its spread from patch to patch, and the
    contrast and correlations within a patch.
    """
    height, width = x.shape[2:]
    name = published_for(min(height, width))
    knots = ((1.0,), *((picture,) for picture, _ in _FROST[name]), (0.25,))
    (picture,) = between(amount, (0.0, *_ICE[name], 0.75), knots)
    size = max(2, 1 << (max(height, width) - 1).bit_length())
    noise = draws.uniform(4, size, size).to(x.device) * 2 - 1
    fields = _plasma(noise.reshape(-1, size, size), 1.5).view(-1, 4, size, size)[:, :, :height, :width]
    veins = (1 - (2 * fields[:, 1:] - 1).abs()).square().square().square().amax(1, keepdim=True)
    grain = draws.normal(1, height, width).to(x.device)
    strength = _standard(smooth(draws.normal(1, height, width).to(x.device), 1.5, edge="reflect"))
    if name == "ImageNet-C":  # whose photographs are not shrunk: their grain is some pixels wide
        grain = smooth(grain, 0.75)
    photograph = (draws.uniform(1)[:, 0] * len(_PHOTOGRAPHS)).long().clamp_max(len(_PHOTOGRAPHS) - 1)
    shares = torch.tensor(_TEXTURE[name])[photograph].to(x).sqrt()[:, :, None, None]
    parts = [_standard(part) for part in (fields[:, :1], veins, grain * torch.exp(_PATCHY * strength))]
    texture = _standard(sum((part * shares[:, i : i + 1] for i, part in enumerate(parts)), torch.zeros_like(grain)))
    photographs = torch.tensor(_PHOTOGRAPHS)[photograph].to(x)[:, :, None, None]
    lift = draws.normal(1, 1, 1).to(x.device) * photographs[:, 3:4]
    mean = photographs[:, :3] if x.shape[1] == 3 else photographs[:, :3].mean(1, keepdim=True)
    ice = (mean + lift + photographs[:, 4:] * texture).clamp(0, 1)
    return picture * x + picture * amount / (1 - amount) * ice


def _standard(field: Tensor) -> Tensor:
    """A field (N, 1, H, W) with mean 0 and deviation 1 in each image; in double, for the same bits in any batch."""
    exact = field if field.device.type == "mps" else field.double()
    away = exact - exact.mean((2, 3), keepdim=True)
    return (away / away.square().mean((2, 3), keepdim=True).sqrt().clamp_min(1e-6)).float()
