"""Gaussian noise augmentation: the control for every stability method."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models.classifier import Classifier
from explorer.models.methods import Formula, PublishedValue, Source
from explorer.palette import Colour, MethodColours
from explorer.training.objective import NOISY, Loss, gaussian_noise_like, method

NOISE = Source(
    "kireev2021",
    "Kireev, Andriushchenko & Flammarion",
    2021,
    "On the effectiveness of adversarial training against common corruptions",
    "2103.02325",
)


def _published() -> Iterator[PublishedValue]:
    """Noise augmentation's clean accuracy and those on the five published levels of CIFAR-10-C."""
    levels = zip((0.04, 0.06, 0.08, 0.09, 0.10), (92.0, 90.9, 90.6, 90.4, 90.2), strict=True)
    cells = [(None, None, 93.24), *(("gaussian_noise", amount, percent) for amount, percent in levels)]
    for distortion, amount, percent in cells:
        yield PublishedValue(
            data="cifar10",
            method="gaussian",
            arch="PreActResNet-18",
            same_as=None,
            setting="half of each batch with noise of σ = 0.1",
            distortion=distortion,
            amount=amount,
            accuracy=round(percent / 100, 6),
            provenance="stated",
            source=NOISE,
            certain="Stated for the authors' published network"
            + (", on CIFAR-10-C's own files of 10,000 images; ours are made anew." if amount else "."),
            n=10_000,
        )


@method(
    "gaussian",
    title="Gaussian noise",
    summary="Train on noisy images as if they were clean: data augmentation.",
    formulas=[Formula("L = CE(f(x′), y)", "L equals the cross-entropy of f of x prime and y"), NOISY],
    symbols="x′ is used for a part of each batch, x for the rest; σ is the noise on [0, 1] pixels.",
    passes=1,
    cost="1 forward pass per image, as standard training.",
    caution="The control: a method that is not better than this gains nothing from its formula. It can overfit to the "
    "one σ it is trained with.",
    colours=MethodColours(fill=Colour("#b58900", "#cfa22c"), ink=Colour("#8f6c00", "#d9ad38")),
    source=NOISE,
    published=_published(),
)
def gaussian(
    model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, *, sigma: float = 0.1, fraction: float = 0.5
) -> Loss:
    """L = CE(f(x'), y), where a ``fraction`` of the batch has N(0, sigma^2) noise, clipped to [0, 1].

    With fraction 0.5 this is the setting of Rusak et al. 2020 (arXiv 2001.06057).

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the noise.
        sigma: Standard deviation of the noise in [0, 1] pixel units.
        fraction: Share of the batch that gets noise, in [0, 1].

    Returns:
        The loss and the logits of x'.
    """
    noisy = (x + gaussian_noise_like(x, sigma, generator)).clamp_(0, 1)
    count = round(fraction * len(x))  # batches come shuffled, so the first rows are a random share
    logits = model(torch.cat([noisy[:count], x[count:]])).float()
    return Loss(F.cross_entropy(logits, y), logits)
