"""Three L2 distances around one picture: one that is known to be too far, one that is proved, one that is estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.distortions import Draws, find_distortion
from explorer.distortions.draws import Target
from explorer.evaluation.slopes import attacked_slope, margin_radius
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.gradients import has_gradients
from explorer.models.remedies import RemediedClassifier, put_around
from explorer.progress import Meter, Progress

SIZES = tuple(0.05 * 2**i for i in range(8))
"""L2 sizes that are tried on a 32 px picture; larger pictures have larger ones, in proportion to their side."""

REFINED = 3
"""Bisections between the smallest size that changes the answer and the one before it."""

COPIES = 8
"""Copies through which an attack on a smoothed model goes."""

SIGMA = 0.1
"""Radius within which the slope is sought: the norm of noise of this standard deviation on the network's input."""


@dataclass(frozen=True)
class Radii:
    """Distances around one picture, L2 on [0, 1] pixels.

    Attributes:
        adversarial: The smallest change found that changes the model's answer: the answer does not hold so far. None
            where nothing was found, and for a model without gradients, of which nothing is sought.
        estimate: m / (sqrt(2) L) of Usama & Chang 2018, Theorem 1, for logits, with the margin m of the answer, and
            for L the largest slope that gradient ascent found nearby: an estimate, for L is not proved. None for a
            model without gradients.
        slope: L, per distance on [0, 1] pixels.
    """

    adversarial: float | None
    estimate: float | None
    slope: float | None


def radii(model: Classifier, x: Tensor, *, seed: int = 0, progress: Progress | None = None) -> Radii:
    """Find a picture that the model answers otherwise, and estimate how far its answer holds.

    Args:
        model: The model.
        x: Pixels (1, C, H, W) in [0, 1], as it takes them.
        seed: Of the attack.
        progress: Called with how much is done, and of how much.

    Returns:
        The distances.
    """
    meter = Meter(progress, len(SIZES) + REFINED + 1)
    if not has_gradients(model):
        return Radii(None, None, None)
    answer = inputs.predictions(model, x)
    adversarial = _adversarial(model, x, answer, seed, meter)
    within = model
    while isinstance(within, RemediedClassifier):
        within = within.within
    generator = torch.Generator().manual_seed(seed)
    reach = SIGMA * math.sqrt(x.numel())
    at = x.to(within.device)
    steepest = float(attacked_slope(within, at, reach, generator).max())
    scale = float(within.std.min())  # a distance on the normalised input is at most that on pixels divided by it
    own = inputs.predictions(within, x).to(within.device)
    estimate = float(margin_radius(within, at, own, max(steepest, 1e-12)).max()) * scale
    meter.step()
    return Radii(adversarial, estimate, steepest / scale)


def _adversarial(model: Classifier, x: Tensor, answer: Tensor, seed: int, meter: Meter) -> float | None:
    """The L2 norm of the smallest change found."""
    attacked = model
    if isinstance(model, RemediedClassifier) and model.net.remedy.name == "smoothing":
        attacked = put_around(model.within, f"+smoothing(sigma={model.net.settings['sigma']},n={COPIES})")
    attack = find_distortion("pgd_l2_margin")
    target = inputs.target_of(attacked, answer)

    def found(size: float) -> float | None:
        sizes = torch.tensor([size * x.shape[-1] / 32], dtype=torch.float64).view(-1, 1, 1, 1)
        shown = attack.function(x, sizes, Draws([seed]), Target(target.logits, answer, alone=False)).clamp(0, 1)
        meter.step()
        moved = int(inputs.predictions(model, shown)) != int(answer)
        return float((shown - x).double().norm()) if moved else None

    below = 0.0
    for size in SIZES:
        least = found(size)
        if least is not None:
            break
        below = size
    else:
        return None
    for _ in range(REFINED):
        middle = (below + size) / 2
        better = found(middle)
        if better is None:
            below = middle
        else:
            size, least = middle, min(least, better)
    return least
