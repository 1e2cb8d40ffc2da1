"""What is minimised: Zheng et al. 2016 with labels, and without them with the network's own answers as the task."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.ranges import drawn
from explorer.models.classifier import Classifier
from explorer.models.methods import METHODS
from explorer.stabilizing.features import anchored_loss, draw_triplets, features_of, triplet_loss
from explorer.stabilizing.settings import Settings
from explorer.training.objective import gaussian_noise_like
from explorer.training.stability import stability_term
from explorer.training.stability_mix import RELATIVES, mixed

SIGMA = 0.1
"""Standard deviation of the control's noise, as in training."""

GROUP = 4  # pictures that share a recipe of the mix


def distorted(settings: Settings, x: Tensor, generator: torch.Generator) -> Tensor:
    """Draw x' of a batch.

    Args:
        settings: What the pictures go through, or a method with an x' of its own.
        x: Pictures (N, C, H, W) in [0, 1].
        generator: Everything is drawn from it.

    Returns:
        x', of the same shape and range.
    """
    if settings.method == "mix":
        return mixed(x, generator, RELATIVES, steps=2, group=GROUP)
    if settings.method == "gaussian":
        return (x + gaussian_noise_like(x, SIGMA, generator)).clamp(0, 1)
    return drawn(x, settings.under, generator)


def stability_loss(clean: Tensor, noisy: Tensor, teacher: Tensor, labels: Tensor | None, alpha: float) -> Tensor:
    """L0(x) + alpha L_stab(x, x') of Zheng et al. 2016 (arXiv 1604.04326, equations 1 to 3), mean over the pictures.

    With labels, L0 is the cross-entropy with the label and L_stab compares both answers of the network. Without, the
    network before training is the teacher q: L = KL(q(x) || p(x)) + alpha KL(q(x) || p(x')), which asks it to stay what
    it was on clean pictures and to be the same on distorted ones. The gradient flows through x and x'.

    Args:
        clean: Logits of x, (N, K).
        noisy: Logits of x', (N, K).
        teacher: Logits of x before training, (N, K).
        labels: Classes (N,), or None.
        alpha: Weight of stability.

    Returns:
        A scalar in nats.
    """
    if labels is not None:
        return F.cross_entropy(clean, labels) + alpha * stability_term(clean, noisy)
    return stability_term(teacher, clean) + alpha * stability_term(teacher, noisy)


def loss(
    settings: Settings, student: Classifier, teacher: Classifier, x: Tensor, y: Tensor, generator: torch.Generator
) -> Tensor:
    """The loss of one batch.

    ``gaussian`` and ``lipschitz`` are those of training; without labels, the teacher's likeliest class stands for one.

    Args:
        settings: Method, weights, and what the pictures go through.
        student: The model that is trained.
        teacher: The model before training.
        x: Pictures (N, C, H, W) in [0, 1].
        y: Their classes (N,), looked at with ``settings.labels`` only.
        generator: Everything is drawn from it.

    Returns:
        A scalar to differentiate.
    """
    if settings.features:
        return _of_features(settings, student, teacher, x, generator)
    with torch.no_grad():
        known = teacher(x).float()
    if settings.method in ("gaussian", "lipschitz"):
        return (
            METHODS[settings.method].objective(student, x, y if settings.labels else known.argmax(1), generator).total
        )
    clean, noisy = student(torch.cat([x, distorted(settings, x, generator)])).float().chunk(2)
    return stability_loss(clean, noisy, known, y if settings.labels else None, settings.alpha)


def _of_features(
    settings: Settings, student: Classifier, teacher: Classifier, x: Tensor, generator: torch.Generator
) -> Tensor:
    """The loss of features; with labels the pictures are queries, positives and negatives, one third each."""
    clean, noisy = features_of(student, torch.cat([x, distorted(settings, x, generator)])).chunk(2)
    if settings.labels:
        return triplet_loss(clean.unflatten(0, (3, -1)), noisy.unflatten(0, (3, -1)), settings.alpha)
    with torch.no_grad():
        known = features_of(teacher, x)
    return anchored_loss(clean, noisy, known, settings.alpha)


def triplets_of(settings: Settings, rows: list[int], labels: Tensor, generator: torch.Generator) -> list[int]:
    """The pictures of a step: those that are its turn, or triplets of the first third of them.

    Args:
        settings: Of the training.
        rows: Pictures whose turn it is.
        labels: Classes of all pictures (M,).
        generator: Positives and negatives are drawn from it.

    Returns:
        Rows; of triplets first the queries, then the positives, then the negatives.
    """
    if not (settings.features and settings.labels):
        return rows
    return draw_triplets(rows[: max(1, len(rows) // 3)], labels, generator).flatten().tolist()
