"""Noise on pixels. Fields are drawn once from the seed and scaled by the amount; results are clipped to [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import HENDRYCKS, distortion

_EXACT_BELOW = 12.0  # Poisson means below this are inverted exactly


@distortion(
    "gaussian_noise", title="Gaussian noise", family="noise", unit="of full scale", symbol="σ",
    low=0, high=0.5, identity=0, default=0.1, step=0.005,
    severities={"CIFAR-10-C": (0.04, 0.06, 0.08, 0.09, 0.10), "ImageNet-C": (0.08, 0.12, 0.18, 0.26, 0.38)},
    random=True, source=f"{HENDRYCKS}; test noise of Zheng 2016 and Usama 2018",
)  # fmt: skip
def gaussian_noise(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Adds an independent normal number to each value, as a camera sensor does in poor light.

    x' = x + sigma n, n ~ N(0, 1); ``amount`` is sigma, the standard deviation on [0, 1] pixels.
    """
    return x + draws.normal(*x.shape[1:]).to(x.device) * amount


@distortion(
    "shot_noise", title="Shot noise", family="noise", unit="noise of a white pixel", symbol="σ",
    low=0, high=0.5, identity=0, default=0.1, step=0.005,
    severities={
        "CIFAR-10-C": tuple(photons**-0.5 for photons in (500, 250, 100, 75, 50)),
        "ImageNet-C": tuple(photons**-0.5 for photons in (60, 25, 12, 5, 3)),
    },
    random=True, source=HENDRYCKS,
)  # fmt: skip
def shot_noise(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Counts photons one by one (Poisson noise), so that dark parts of the picture suffer relatively more.

    x' = Poisson(c x) / c with c = 1 / amount^2 photons for a white pixel, so that ``amount`` is the standard deviation
    of a white pixel; published c: 500, 250, 100, 75, 50, and above 64 px 60, 25, 12, 5, 3. The count is the Poisson
    quantile of one normal number per value, so that it changes little when the amount does: summed exactly for a mean
    below 12, above by the expansion of Giles 2016 (ACM TOMS, Algorithm 955), which is off by one count in fewer than
    one value of a thousand.
    """
    photons = max(amount, 1e-4) ** -2.0
    normal = draws.normal(*x.shape[1:]).to(x.device)
    return poisson_quantile(x * photons, normal) / photons


def poisson_quantile(mean: Tensor, normal: Tensor) -> Tensor:
    """Compute the Poisson quantile at the level Phi(normal), elementwise.

    Args:
        mean: Poisson means, 0 or more, of any shape.
        normal: Standard normal numbers, broadcastable to it.

    Returns:
        Counts of the shape of ``mean``.
    """
    root = mean.clamp_min(1).sqrt()
    square = normal * normal
    count = mean + root * normal + (1 / 3 + square / 6) - normal * (2 + square) / (72 * root)
    count = count.add_((square * (7 + 3 * square) - 16) / (810 * root**2)).floor_().clamp_min_(0)
    small = mean < _EXACT_BELOW
    if not bool(small.any()):
        return count
    # double: a float32 level above 1 - 6e-8 would never be reached by the sum, and the count be the loop's end
    exactly = torch.float32 if mean.device.type == "mps" else torch.float64
    rate, level = mean[small].to(exactly), torch.special.ndtr(normal[small].to(exactly))
    term = torch.exp(-rate)
    below = term.clone()
    exact = (level > below).to(exactly)
    for k in range(1, 48):  # P(count > 47) < 1e-14 at mean 12
        term.mul_(rate).div_(k)
        below.add_(term)
        exact.add_(level > below)
    count[small] = exact.to(count)
    return count


@distortion(
    "impulse_noise", title="Salt and pepper", family="noise", unit="share of values", symbol="p",
    low=0, high=0.5, identity=0, default=0.05, step=0.005,
    severities={"CIFAR-10-C": (0.01, 0.02, 0.03, 0.05, 0.07), "ImageNet-C": (0.03, 0.06, 0.09, 0.17, 0.27)},
    random=True, source=HENDRYCKS,
)  # fmt: skip
def impulse_noise(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Replaces a share of the values by black or white with equal odds, as dead sensor cells do.

    Each channel value on its own is replaced with probability ``amount``, by 0 or 1 with probability 1/2 each.
    """
    hit = draws.uniform(*x.shape[1:]).to(x.device) < amount
    salt = (draws.uniform(*x.shape[1:]).to(x.device) < 0.5).to(x.dtype)
    return torch.where(hit, salt, x)


@distortion(
    "speckle_noise", title="Speckle noise", family="noise", unit="of the pixel's value", symbol="σ",
    low=0, high=1, identity=0, default=0.2, step=0.01,
    severities={"CIFAR-10-C": (0.06, 0.10, 0.12, 0.16, 0.20), "ImageNet-C": (0.15, 0.2, 0.35, 0.45, 0.6)}, random=True,
    source=HENDRYCKS,
)  # fmt: skip
def speckle_noise(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Adds normal noise in proportion to each value, as radar and ultrasound images have it.

    x' = x + x sigma n, n ~ N(0, 1); ``amount`` is sigma.
    """
    return x + x * draws.normal(*x.shape[1:]).to(x.device) * amount


@distortion(
    "uniform_noise", title="Uniform noise", family="noise", unit="of full scale", symbol="a",
    low=0, high=0.5, identity=0, default=0.15, step=0.005, random=True,
    source="textbook; Geirhos et al. 2018 (arXiv 1808.08750)",
)  # fmt: skip
def uniform_noise(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Adds an independent number between minus and plus the amount to each value, all equally likely.

    x' = x + a u, u ~ U(-1, 1); ``amount`` is a, on [0, 1] pixels; the standard deviation is a / sqrt(3).
    """
    return x + (draws.uniform(*x.shape[1:]).to(x.device) * 2 - 1) * amount
