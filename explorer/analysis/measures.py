"""Measures of answers, features and pixels: plain functions of tensors, computed in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SSIM_WINDOW = 7  # px
SSIM_VALUES = 2**16  # pixel values whose similarity is computed at a time
C1, C2 = 0.01**2, 0.03**2  # SSIM's constants (K1 L)^2 and (K2 L)^2 with data range L = 1


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-softmax.

    Args:
        logits: (..., K).

    Returns:
        Natural logarithms of the probabilities, float64 (..., K).
    """
    return torch.log_softmax(logits.double(), dim=-1)


def probabilities(logits: Tensor) -> Tensor:
    """Softmax.

    Args:
        logits: (..., K).

    Returns:
        Probabilities, float64 (..., K) in [0, 1].
    """
    return log_probabilities(logits).exp()


def confidence(probability: Tensor) -> Tensor:
    """Probability of the likeliest class.

    Args:
        probability: (..., K).

    Returns:
        (...) in [1/K, 1].
    """
    return probability.amax(dim=-1)


def margin(probability: Tensor) -> Tensor:
    """Probability of the likeliest class minus that of the second.

    Args:
        probability: (..., K).

    Returns:
        (...) in [0, 1]; 1 if there is only one class.
    """
    if probability.shape[-1] == 1:
        return probability[..., 0]
    first, second = probability.topk(2, dim=-1).values.unbind(-1)
    return first - second


def entropy(log_p: Tensor) -> Tensor:
    """Shannon entropy.

    Args:
        log_p: Log-probabilities (..., K).

    Returns:
        Nats (...) in [0, ln K].
    """
    return -(log_p.exp() * log_p).sum(dim=-1)


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(p || q) (Kullback & Leibler 1951).

    With p the clean answer and q the distorted one it is the stability term of Zheng et al. 2016 (arXiv 1604.04326)
    minus the entropy of p.

    Args:
        log_p: Log-probabilities (..., K).
        log_q: Log-probabilities (..., K).

    Returns:
        Nats (...), at least 0.
    """
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1).clamp_min(0)


@dataclass(frozen=True)
class FeatureDistance:
    """How far the features of one layer moved.

    Attributes:
        l2: Euclidean distance, at least 0.
        cosine: 1 - cos of the angle, in [0, 2].
    """

    l2: float
    cosine: float


def feature_distances(clean: Mapping[str, Tensor], distorted: Mapping[str, Tensor]) -> dict[str, FeatureDistance]:
    """Distances between the features of two images; equal features give exactly 0.

    Args:
        clean: Features (1, ...) by layer.
        distorted: Features (1, ...) by layer.

    Returns:
        Distance by layer. The cosine distance is 1 by convention if one of the two is all zeros, 0 if both are.
    """
    products = []
    for name, before in clean.items():
        a, b = (rows[0].float() for rows in _alike(before, distorted[name]))
        difference = a - b
        products += [torch.dot(u, v) for u, v in ((difference, difference), (a, difference), (a, a), (b, b))]
    values = torch.stack(products).tolist() if products else []  # one transfer from the device
    return {name: _distance(*values[4 * i : 4 * i + 4]) for i, name in enumerate(clean)}


def batch_distances(
    clean: Mapping[str, Tensor], distorted: Mapping[str, Tensor]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distances between the features of two batches, image by image.

    Args:
        clean: Features (N, ...) by layer.
        distorted: Features (N, ...) by layer.

    Returns:
        L2 distances (N, layers) in the layers' order, and the cosine distance (N,) in the last layer.
    """
    l2, cosine = [], np.empty(0, np.float32)
    for name, before in clean.items():
        a, b = (rows.float() for rows in _alike(before, distorted[name]))
        difference = a - b
        l2.append(difference.norm(dim=1))
        if name == list(clean)[-1]:
            products = [
                (u * v).sum(dim=1).tolist() for u, v in ((difference, difference), (a, difference), (a, a), (b, b))
            ]
            cosine = np.array([_distance(*values).cosine for values in zip(*products, strict=True)], np.float32)
    return torch.stack(l2, dim=1).cpu().numpy(), cosine


def _alike(one: Tensor, other: Tensor) -> list[Tensor]:
    """Features (N, ...) as rows (N, D), without a copy where the channels of a pixel stand together in both."""
    if one.ndim == 4 and all(x.is_contiguous(memory_format=torch.channels_last) for x in (one, other)):
        one, other = one.permute(0, 2, 3, 1), other.permute(0, 2, 3, 1)
    return [one.flatten(1), other.flatten(1)]


def _distance(dd: float, ad: float, aa: float, bb: float) -> FeatureDistance:
    """The distance of a and b from the products of a, b and d = a - b.

    1 - cos = (|d|^2 - (|a| - |b|)^2) / (2 |a| |b|) with |a| - |b| = (2 a.d - d.d) / (|a| + |b|): unlike 1 - a.b / |a|
    |b| neither cancels where a and b are close, so that products in float32 are enough.
    """
    l2, a, b = math.sqrt(dd), math.sqrt(aa), math.sqrt(bb)
    if a == 0 or b == 0:
        return FeatureDistance(l2, 0.0 if a == b else 1.0)
    cosine = (dd - ((2 * ad - dd) / (a + b)) ** 2) / (2 * a * b)
    return FeatureDistance(l2, min(max(cosine, 0.0), 2.0))


def percentile(distance: float, quantiles: Sequence[float]) -> float:
    """Percentile of a distance among reference distances, by linear interpolation.

    Args:
        distance: The distance.
        quantiles: Evenly spaced quantiles from 0 % to 100 %, ascending, at least two.

    Returns:
        Per cent in [0, 100].
    """
    return float(np.interp(distance, quantiles, _percents(len(quantiles))))


@cache
def _percents(count: int) -> NDArray[np.float64]:
    return np.linspace(0.0, 100.0, count)  # asked for at every movement of a slider


@dataclass(frozen=True)
class InputDistance:
    """How far apart two images are.

    Attributes:
        l2: Euclidean norm of the difference over pixel values in [0, 1].
        linf: Largest absolute difference.
        psnr: Peak signal-to-noise ratio in dB; infinite for equal images (None in JSON).
        ssim: Structural similarity in [-1, 1]; None for images with a side below 3 px.
    """

    l2: float
    linf: float
    psnr: float
    ssim: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The distances as a JSON object.

        Returns:
            Number by name; None where it is infinite or undefined.
        """
        return {
            "l2": self.l2,
            "linf": self.linf,
            "psnr": self.psnr if math.isfinite(self.psnr) else None,
            "ssim": self.ssim,
        }


def input_distance(clean: Tensor, distorted: Tensor) -> InputDistance:
    """Measure how far apart two images are. PSNR = -10 log10(mean squared error), for range 1.

    Args:
        clean: (1, C, H, W) in [0, 1] on the CPU.
        distorted: (1, C, H, W) in [0, 1] on the CPU.

    Returns:
        The distances.
    """
    difference = clean.double() - distorted.double()
    l2, linf = torch.stack([difference.norm(), difference.abs().amax()]).tolist()
    psnr = 10 * math.log10(difference.numel() / l2**2) if l2 else math.inf
    return InputDistance(l2, linf, psnr, ssim(clean, distorted))


def ssim(clean: Tensor, distorted: Tensor) -> float | None:
    """Structural similarity of two images.

    Wang et al. 2004, eq. 13, with data range 1, K1 = 0.01 and K2 = 0.03, in a uniform window of 7 x 7 px with sample
    (co)variances: the default of scikit-image's ``structural_similarity``, with which a test compares it. It is
    implemented here because the live view computes it with every frame: this takes about half the time and does not
    import SciPy. The Gaussian window of the paper takes longer and needs 11 px, more than small digits have.

    Args:
        clean: Image (1, C, H, W) in [0, 1].
        distorted: Image of the same shape in [0, 1].

    Returns:
        The mean over windows and channels, in [-1, 1], 1 for equal images. An image below 7 px gets the largest odd
        window that fits; below 3 px the result is None.
    """
    value = float(ssim_each(clean, distorted)[0])
    return None if math.isnan(value) else value


def ssim_each(clean: Tensor, distorted: Tensor) -> Tensor:
    """``ssim`` of each pair of two batches.

    Args:
        clean: (N, C, H, W) in [0, 1].
        distorted: (N, C, H, W) in [0, 1].

    Returns:
        float64 (N,); NaN below 3 px.
    """
    window = min(SSIM_WINDOW, *clean.shape[-2:])
    window -= 1 - window % 2
    if window < 3:
        return torch.full((len(clean),), torch.nan, dtype=torch.float64)
    before, after = clean.flatten(0, 1), distorted.flatten(0, 1)
    piece = max(1, SSIM_VALUES // before[0].numel())  # what fits the processor's cache is faster
    pairs = zip(before.split(piece), after.split(piece), strict=True)
    return torch.cat([_ssim_of_planes(a, b, window) for a, b in pairs]).view(len(clean), -1).mean(1)


def _ssim_of_planes(a: Tensor, b: Tensor, window: int) -> Tensor:
    """The mean over windows for each plane (N, H, W), float64 (N,); what stands beside a plane does not matter."""
    whole_a, whole_b = (x.mul(255).round_() for x in (a, b))
    eight_bit = ((whole_a.div(255) == a) & (whole_b.div(255) == b)).flatten(1).all(1)
    if bool(eight_bit.all()):  # whole numbers: sums of squares are exact, and take a third of the time
        return _ssim_of_values(whole_a.int(), whole_b.int(), window, 255)
    found = _ssim_of_values(a.double(), b.double(), window, 1)
    if bool(eight_bit.any()):
        found[eight_bit] = _ssim_of_values(whole_a[eight_bit].int(), whole_b[eight_bit].int(), window, 255)
    return found


def _ssim_of_values(a: Tensor, b: Tensor, window: int, peak: int) -> Tensor:
    n = window * window
    c1, c2 = C1 * peak**2 * n**2, C2 * peak**2 * n * (n - 1)
    sum_a, sum_b, sum_squares, sum_products = _box_sums(torch.stack([a, b, a * a + b * b, a * b]), window)
    product, squares = sum_a * sum_b, sum_a * sum_a + sum_b * sum_b  # n^2 times those of the means
    covariance, variances = n * sum_products - product, n * sum_squares - squares  # n (n - 1) times
    value = (2.0 * product + c1) * (2.0 * covariance + c2) / ((1.0 * squares + c1) * (1.0 * variances + c2))
    return value.flatten(1).mean(dim=1, dtype=torch.float64)


def _box_sums(x: Tensor, window: int) -> Tensor:
    """Sums over all windows of (..., H, W), put together from those of 1, 2 and 4 neighbours."""
    for axis in (-1, -2):
        kept, part, width, start, found = x.shape[axis] - window + 1, x, 1, 0, None
        while width <= window:
            if window & width:
                piece = part.narrow(axis, start, kept)
                found, start = piece if found is None else found + piece, start + width
            more = part.shape[axis] - width
            part = part.narrow(axis, 0, more) + part.narrow(axis, width, more) if 2 * width <= window else part
            width *= 2
        x = x if found is None else found
    return x
