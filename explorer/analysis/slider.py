"""What a slider shows: amounts on its own steps, and flip points on the side of it that is in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from explorer.analysis.search import Scan, check_tolerance, first_amount, flip_of, scan, stops
from explorer.analysis.sweep import Sweep
from explorer.analysis.varied import Varied, varied
from explorer.distortions import Distortion
from explorer.models import Classifier
from explorer.progress import Meter, Progress

POINTS = 33
"""Amounts of one curve at most: 32 steps from the mild end to the strong one."""

ATTACK_POINTS = 9
"""Likewise of distances along an attack's slider, of which each amount is an attack of its own."""


def curve_amounts(distortion: Distortion, side: int, at: float) -> list[float]:
    """Choose the amounts of a curve, so that every one of them can be set on the slider.

    Args:
        distortion: The distortion.
        side: Side of the image in px.
        at: The amount that the slider shows. If the slider has two sides, the curve goes towards the one it is on.

    Returns:
        Up to ``POINTS`` amounts in the distortion's unit, from mild to strong; ``at`` lies among them or between two.
    """
    mild, strong = distortion.span(side)
    if distortion.two_sided and (at - mild) * (strong - mild) < 0:
        low, high = distortion.ends(side)
        strong = low if strong > mild else high
    if abs(at - mild) > abs(strong - mild):  # a slider made for the networks' input, over a larger photograph
        strong = at
    return amounts_on_steps(distortion, mild, strong, POINTS - 1)


def amounts_on_steps(
    distortion: Distortion, mild: float, strong: float, parts: int, *, bend: float = 1.0
) -> list[float]:
    """Divide a range of amounts, and round each to the slider's steps.

    Args:
        distortion: The distortion.
        mild: Where the range begins, in the distortion's unit.
        strong: Where it ends.
        parts: How many parts to divide it into.
        bend: The i-th amount lies at ``(i / parts) ** bend`` of the way: above 1, mild amounts lie closer together.

    Returns:
        At most ``parts`` + 1 different amounts from ``mild`` to ``strong``, both of them included.
    """
    even = (mild + (strong - mild) * (i / parts) ** bend for i in range(parts))
    stepped = (round(mild + round((amount - mild) / distortion.step) * distortion.step, 12) for amount in even)
    low, high = sorted((mild, strong))
    return list(dict.fromkeys([*(min(max(amount, low), high) for amount in stepped), strong]))


def distances_along(line: Varied, progress: Progress | None = None) -> tuple[list[float], list[float]]:
    """How far the pictures of a slider lie from the one that it shows.

    Args:
        line: The step that the slider sets.
        progress: Called with the pictures that are made, and their number.

    Returns:
        Amounts over the whole slider, the one it shows among them, from low to high; and the L2 distances on [0, 1]
        pixels.
    """
    here = line.recipe.steps[line.step_index][1]
    low, high = line.distortion.ends(line.side)
    points = ATTACK_POINTS if line.distortion.adversarial else POINTS
    amounts = sorted({*amounts_on_steps(line.distortion, min(low, here), max(high, here), points - 1), here})
    shown = line.render(amounts, Meter(progress, len(amounts)).step).double()
    distances = (shown - shown[amounts.index(here)]).flatten(1).norm(dim=1)
    return amounts, distances.tolist()


def flip_points_along(
    models: Sequence[Classifier],
    image: Tensor,
    along: Sweep,
    *,
    label: int | None = None,
    progress: Progress | None = None,
) -> list[float | None]:
    """Find the flip points that a sweep shows, as exactly as ``flip_point`` does.

    It searches from the sweep's first amount to its last one, so on the other side of a slider with two sides as well.
    Where the sweep shows a change that the first scan of the search has stepped over, it looks for the flip point
    between the two amounts of the sweep.

    Args:
        models: The models of the sweep.
        image: The image of the sweep, (1, C, H, W) in [0, 1].
        along: The sweep, from mild to strong.
        label: The true class that attacks go away from, as in ``sweep``.
        progress: Called with the images of the first scan that are done, and their number.

    Returns:
        One amount per model in the distortion's unit; None where its answer does not change.

    Raises:
        ExplorerError: As in ``compare``.
    """
    line = varied(models, image, along.distortion, along.recipe, step_index=along.step_index, label=label)
    line = replace(line, span=(along.amounts[0], along.amounts[-1]))
    width, amounts = check_tolerance(None, line), stops(line)
    meter = Meter(progress, len(amounts) * (1 + len(models)))
    events = [flip_of(i) for i in range(len(models))]
    scanned = scan(models, line, amounts, events, meter.step)
    shown = torch.stack([curve.predictions != curve.clean for curve in along.models], dim=1)
    drawn = Scan(tuple(models), line, tuple(curve.clean for curve in along.models), along.amounts, shown)
    found = []
    for curve, event in zip(along.models, events, strict=True):
        flip = first_amount(scanned, event, width, meter.step)
        seen, mild = curve.flip_point, along.amounts[0]
        if seen is not None and (flip is None or abs(seen - mild) < abs(flip - mild)):
            flip = first_amount(drawn, event, width, meter.step)
        found.append(flip)
    return found
