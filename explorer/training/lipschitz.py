"""The Lipschitz loss (Usama & Chang 2018, arXiv 1811.09008)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models.classifier import Classifier
from explorer.training.objective import Loss, gaussian_noise_like, objective


def slopes(clean: Tensor, distorted: Tensor, step: Tensor) -> Tensor:
    """Finite-difference slopes ||f(x~) - f(x)|| / ||x~ - x|| of answers (N, K) and a step (N, ...): shape (N,)."""
    return (distorted - clean).flatten(1).norm(dim=1) / step.flatten(1).norm(dim=1)


@objective("lipschitz")
def lipschitz(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    lam: float = 3.0,
    bound: float = 0.1,
    sigma: float = 0.1,
    squared: bool = False,
    softmax: bool = False,
) -> Loss:
    """L = CE(f(x), y) + lambda mean_i max(0, slope_i - bound): a soft upper bound on the network's slope.

    x~ = x + N(0, sigma^2) on the network's NORMALISED input, as in the paper; the task loss sees the clean x only. The
    paper's text leaves open whether the hinge is squared and whether f is logits or softmax: both are switches, the
    defaults a plain hinge on logits. ``lam`` is lambda, ``bound`` the paper's L.
    """
    z = model.normalise(x)
    step = gaussian_noise_like(z, sigma, generator)
    clean, distorted = model.net(torch.cat([z, z + step])).float().chunk(2)
    task = F.cross_entropy(clean, y)
    slope = slopes(clean.softmax(1), distorted.softmax(1), step) if softmax else slopes(clean, distorted, step)
    excess = (slope - bound).clamp_min(0)
    penalty = (excess.square() if squared else excess).mean()
    return Loss(task + lam * penalty, clean, {"task": task, "penalty": penalty, "slope": slope.mean()})
