"""Colour and tone. Grey images (one channel) have no colour: saturation and hue leave them as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.interpolation import between
from explorer.distortions.registry import HENDRYCKS, distortion, published_for


@distortion(
    "brightness", title="Brightness", family="colour", unit="of full scale", symbol="b",
    low=-1, high=1, identity=0, default=0.2, step=0.01,
    severities={"CIFAR-10-C": (0.05, 0.10, 0.15, 0.20, 0.30), "ImageNet-C": (0.1, 0.2, 0.3, 0.4, 0.5)},
    source=HENDRYCKS,
)  # fmt: skip
def brightness(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Makes the picture brighter (positive) or darker (negative), keeping its hues.

    ``amount`` is added to V = max(R, G, B) in HSV and the sum clipped to [0, 1]; hue and saturation stay, so that each
    pixel is scaled by V'/V (a black one becomes grey).
    """
    value = x.amax(1, keepdim=True)
    lifted = (value + amount).clamp(0, 1)
    return torch.where(value > 0, x * (lifted / value.clamp_min(1e-12)), lifted)


@distortion(
    "contrast", title="Contrast", family="colour", unit="factor", symbol="c",
    low=0, high=3, identity=1, default=0.4, step=0.01,
    severities={"CIFAR-10-C": (0.75, 0.5, 0.4, 0.3, 0.15), "ImageNet-C": (0.4, 0.3, 0.2, 0.1, 0.05)}, source=HENDRYCKS,
)  # fmt: skip
def contrast(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Pulls all values towards the picture's mean colour (factor below 1) or away from it (above 1).

    x' = mean + c (x - mean) with the mean of each channel over the image; ``amount`` is c.
    """
    mean = x.mean((2, 3), keepdim=True)
    return mean + (x - mean) * amount


@distortion(
    "saturation", title="Saturation", family="colour", unit="factor", symbol="s",
    low=0, high=3, identity=1, default=2, step=0.05,
    severities={"CIFAR-10-C": (0.3, 0.1, 1.5, 2.0, 2.5), "ImageNet-C": (0.3, 0.1, 2, 5, 20)}, source=HENDRYCKS,
)  # fmt: skip
def saturation(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Washes colours out (factor below 1, 0 is grey) or makes them glow (above 1).

    S' = s S + o in HSV, clipped to [0, 1]; ``amount`` is s. The published pairs (s, o) of CIFAR-10-C are (0.3, 0) (0.1,
    0) (1.5, 0) (2, 0.1) (2.5, 0.2): the offset is o = 0.2 max(0, s - 1.5), exact at all five. Those of ImageNet-C,
    above 64 px, are (0.3, 0) (0.1, 0) (2, 0) (5, 0.1) (20, 0.2), with o linear between them. Like the published code it
    tints grey pixels red there (a grey pixel's hue is 0). Severities 1 and 2 wash out, 3 to 5 glow.
    """
    if x.shape[1] == 1:
        return x
    value = x.amax(1, keepdim=True)
    depth = value - x  # value * saturation * (a share of each channel given by the hue)
    spread = depth.amax(1, keepdim=True)
    before = spread / value.clamp_min(1e-12)
    if published_for(min(x.shape[2:])) == "CIFAR-10-C":
        offset = 0.2 * max(0.0, amount - 1.5)
    else:
        (offset,) = between(amount, (2, 5, 20), ((0.0,), (0.1,), (0.2,)))
    after = (before * amount + offset).clamp(0, 1)
    grey = torch.cat([torch.zeros_like(value), value, value], 1)  # the depth of hue 0, full saturation
    return value - torch.where(spread > 0, depth / before.clamp_min(1e-12), grey) * after


@distortion(
    "hue", title="Hue", family="colour", unit="°", symbol="h",
    low=-180, high=180, identity=0, default=60, step=1, source="textbook rotation of the hue in HSV",
)  # fmt: skip
def hue(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Turns every colour along the colour wheel: 120 degrees make red green, green blue and blue red.

    ``amount`` is the angle in degrees added to H in HSV; S and V stay.
    """
    if x.shape[1] == 1:
        return x
    value, low = x.amax(1), x.amin(1)
    chroma = value - low
    red, green, blue = x.unbind(1)
    safe = chroma.clamp_min(1e-12)
    sextant = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    sextant = sextant + amount / 60
    # f(n) = V - C max(0, min(k, 4 - k, 1)), k = (n + H / 60) mod 6, n = 5, 3, 1 for R, G, B
    k = (sextant[:, None] + x.new_tensor([5.0, 3.0, 1.0])[:, None, None]).remainder(6)
    return value[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp(0, 1)


@distortion(
    "gamma", title="Gamma", family="colour", unit="exponent", symbol="γ",
    low=0.2, high=5, identity=1, default=2, step=0.05, source="textbook power law",
)  # fmt: skip
def gamma(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Bends the tone curve: mid-tones darken for exponents above 1 and brighten below 1; black and white stay.

    x' = x ^ gamma; ``amount`` is gamma.
    """
    exact = x if x.device.type == "mps" else x.double()  # float32 powers differ by a bit with the place in memory
    return exact.pow(amount).float()


@distortion(
    "bit_depth", title="Bit depth", family="colour", unit="bits", symbol="b",
    low=1, high=8, identity=8, default=3, step=1, source="textbook uniform quantisation",
)  # fmt: skip
def bit_depth(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Leaves only a few shades per channel, as old screens had.

    Values are rounded to the nearest of L = 2 ^ amount evenly spaced levels from 0 to 1 (L rounded to a whole number
    for fractions of a bit); ``amount`` is the number of bits.
    """
    steps = round(2**amount) - 1
    return x.mul(steps).round().div(steps)
