"""Gaussian noise augmentation: the control that any stability method must face (METHODS D)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models.classifier import Classifier
from explorer.training.objective import Loss, gaussian_noise_like, objective


@objective("gaussian")
def gaussian(
    model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, *, sigma: float = 0.1, fraction: float = 0.5
) -> Loss:
    """L = CE(f(x'), y), where a ``fraction`` of the batch has N(0, sigma^2) noise in [0, 1] pixel units, clipped.

    With fraction 0.5 this is the setting of Rusak et al. 2020 (2001.06057); the logits returned are those of x'.
    """
    noisy = (x + gaussian_noise_like(x, sigma, generator)).clamp_(0, 1)
    count = round(fraction * len(x))  # batches come shuffled, so the first rows are a random share
    logits = model(torch.cat([noisy[:count], x[count:]])).float()
    return Loss(F.cross_entropy(logits, y), logits)
