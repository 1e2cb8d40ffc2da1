"""A comparison as ``panel.js`` paints it, and the amounts of its curves: the same in the app and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from explorer.analysis import Comparison
from explorer.data import images
from explorer.distortions import Distortion, Recipe
from explorer.models import Classifier
from explorer.models.families import Family, alike, subtitle

POINTS = 33
"""Amounts of one curve at most: 32 steps from the mild end to the strong one."""


def answer_to_paint(
    comparison: Comparison,
    models: Sequence[Classifier],
    family: Family,
    *,
    shown: str,
    label: int | None = None,
    pinned: Recipe | None = None,
) -> dict[str, Any]:
    """The JSON object at the head of ``panel.js``.

    ``models``: those compared, in their order; ``family``: the one they belong to; ``shown``: the picture compared
    with, the clean or a ``pinned`` one, as a data URL; ``label``: index of the true class.
    """
    started = perf_counter()
    pictures = {"clean": shown, "distorted": images.data_url(comparison.distorted)}
    seconds = {**comparison.seconds, "encode": perf_counter() - started}
    answer = comparison.to_dict()
    several = alike([model.card for model in models])
    for i, (entry, model) in enumerate(zip(answer["models"], models, strict=True)):
        entry["baseline"] = i == 0
        entry["subtitle"] = subtitle(model.card, family) if several else ""
    return {
        **answer,
        "images": pictures,
        "side": family.size,
        "pixels": "8-bit" if comparison.recipe.quantised else "float",
        "label": None if label is None else family.classes[label],
        "pinned": None if pinned is None else str(pinned),
        "timing": {name: 1000 * value for name, value in seconds.items()},
    }


def grid(kind: Distortion, side: int, at: float) -> list[float]:
    """Up to 33 amounts from mild to strong, on the slider's own steps, so that a flip point can be set on the slider.

    For images of ``side`` px; where the slider has two sides, towards the one on which ``at`` lies.
    """
    mild, strong = kind.span(side)
    if kind.two_sided and (at - mild) * (strong - mild) < 0:
        strong = kind.low if strong > mild else kind.high
    even = (mild + (strong - mild) * i / (POINTS - 1) for i in range(POINTS - 1))
    stepped = [round(mild + round((amount - mild) / kind.step) * kind.step, 12) for amount in even]
    low, high = sorted((mild, strong))
    return list(dict.fromkeys([*(min(max(amount, low), high) for amount in stepped), strong]))
