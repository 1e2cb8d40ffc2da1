"""The flip point: the smallest amount of a distortion at which a model's answer changes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.distortions import Recipe, find_distortion
from explorer.distortions.registry import REFERENCE_SIDE
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.probe import inputs
from explorer.probe.compare import undistorted
from explorer.probe.sweep import grid, render, with_amount

SCAN = (64, 128)  # fewest and most steps of the first scan
PARTS = 16  # every later scan cuts the step in which the answer changed into this many


def flip_point(
    models: Sequence[Classifier],
    image: Tensor,
    distortion: str,
    *,
    recipe: Recipe | None = None,
    tolerance: float | None = None,
) -> dict[str, float | None]:
    """Per model name the smallest amount, from the mild end, whose answer is not the clean one; None if none is.

    An answer need not change only once: it may come back as the amount grows. So the whole span is scanned first, in
    one batch, at the slider's stops (64 to 128 steps); the step before the first change is then cut into 16 again and
    again (a bisection in batches, always taking the first change) until it is no wider than ``tolerance``, in the
    distortion's unit (default 1/1000 of the span). At the amount returned the answer has changed; at some amount at
    most ``tolerance`` milder it has not. Where a whole number gives the very same pixels, as codecs round their
    quality, it is returned instead. A change that comes and goes between two neighbouring amounts of the first scan is
    not seen. Other steps of ``recipe`` stay; where they alone change the answer, the flip point is the mild end itself.
    Errors as in ``compare``.
    """
    recipe = Recipe() if recipe is None else recipe
    models = inputs.check_models(models)
    image = inputs.check_image(image, models[0])
    side = image.shape[-1]
    kind = find_distortion(distortion)
    mild, strong = kind.span(side)
    if tolerance is not None and not tolerance > 0:
        raise ExplorerError(f"The tolerance is {tolerance}; expected a number above 0, in the distortion's unit.")
    # Below 1e-9 of the span there is nothing to find between neighbouring 8-bit images.
    span = abs(strong - mild)
    width = span / 1000 if tolerance is None else max(tolerance, 1e-9 * span)
    clean = undistorted(image, recipe.quantised)
    target = inputs.attack_target(with_amount(recipe, distortion, strong), models, clean, None)
    step = kind.step * side / REFERENCE_SIDE if kind.per_side else kind.step
    stops = max(1, round(span / step))
    first = grid(distortion, side, min(stops * math.ceil(SCAN[0] / stops), SCAN[1]) + 1)
    scanned = render(image, distortion, first, recipe, target)
    points: dict[str, float | None] = {}
    for model in models:
        answer = int(inputs.predictions(model, clean))
        place = _first_change(model, scanned, answer)
        if place is None or place == 0:
            points[model.name] = None if place is None else first[0]
            continue
        holds, flips = first[place - 1], first[place]
        while abs(flips - holds) > width:
            between = torch.linspace(holds, flips, PARTS + 1, dtype=torch.float64)[1:-1].tolist()
            place = _first_change(model, render(image, distortion, between, recipe, target), answer)
            if place is not None:
                flips = between[place]
            if place != 0:
                holds = between[-1 if place is None else place - 1]
        whole = min(max(float(round(flips)), min(mild, strong)), max(mild, strong))
        same = torch.equal(*(render(image, distortion, [amount], recipe, target) for amount in (flips, whole)))
        points[model.name] = whole if same else flips
    return points


def _first_change(model: Classifier, pixels: Tensor, answer: int) -> int | None:
    """Index of the first image (A, C, H, W) that the model does not call ``answer``; None where it calls all so."""
    changed = (inputs.predictions(model, pixels) != answer).nonzero()
    return int(changed[0]) if len(changed) else None
