"""The attack that knows of a score: a wrong answer that raises no doubt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.analysis.doubt.registry import DOUBTS
from explorer.distortions import Draws, find_distortion
from explorer.distortions.adversarial import negative_margin, slope
from explorer.distortions.draws import Target
from explorer.distortions.rounding import Bound, rounded
from explorer.models import Classifier
from explorer.models.gradients import check_gradients

STEPS = 20
"""Steps of the attack, each 2.5 / STEPS of the size."""


def evade(
    model: Classifier, x: Tensor, labels: Tensor, name: str, size: float, *, seeds: Sequence[int] | None = None
) -> Tensor:
    """Attack a model and a score of doubt at once.

    Projected gradient ascent from a random start, in the L-infinity norm: on the logit margin where the answer is still
    right, and down the score where it is wrong already (Carlini & Wagner 2017, arXiv 1705.07263, attack detectors so).
    Of all pictures on the way the wrong one with the least doubt is kept.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].
        labels: Their classes (N,).
        name: Name of the score.
        size: Largest change of a value on [0, 1] pixels.
        seeds: Of the random starts, one per image; 0, 1, ... by default.

    Returns:
        Images of the same shape, rounded to 8 bits within the size; where nothing wrong was found, the last step.

    Raises:
        ExplorerError: If the model has no gradients, or there is no such score.
    """
    check_gradients(model, "attacked")
    score = DOUBTS.find(name).function

    def both(at: Tensor) -> Tensor:
        at = at.to(model.device)
        logits = model(at)
        return torch.cat([logits, score(model, at, logits)[:, None]], 1).to(x.device)

    def objective(found: Tensor, labels: Tensor) -> Tensor:
        wrong = negative_margin(found[:, :-1], labels)
        return torch.where(wrong > 0, -found[:, -1], wrong)

    target = Target(both, labels, alone=False)  # a batch at once: what is measured is a share, not the pixels
    draws = Draws(range(len(x)) if seeds is None else seeds)
    delta = (draws.uniform(*x.shape[1:]) * 2 - 1).to(x) * size
    bound = Bound(find_distortion("pgd_linf"), x, size)
    kept, least = x, torch.full((len(x),), torch.inf)
    for step in range(STEPS + 1):
        at = rounded((x + delta).clamp(0, 1), bound)
        with torch.no_grad():
            found = both(at)
        wrong = negative_margin(found[:, :-1], labels) > 0
        better = (wrong & (found[:, -1] < least)) | (least.isinf() & (step == STEPS))
        kept = torch.where(better[:, None, None, None], at, kept)
        least = torch.where(better & wrong, found[:, -1], least)
        if step < STEPS:
            uphill = slope((x + delta).clamp(0, 1), target, objective)
            delta = (delta + uphill.sign() * (2.5 * size / STEPS)).clamp(-size, size)
    return kept
