"""A comparison as ``panel.js`` draws it: the same in the app and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from explorer.analysis import Answer, Comparison
from explorer.data import images
from explorer.distortions import Recipe
from explorer.models import Classifier
from explorer.models.families import Family, alike, subtitle


def answer_to_paint(
    comparison: Comparison,
    models: Sequence[Classifier | Answer],
    family: Family,
    *,
    shown: str,
    label: int | None = None,
    pinned: Recipe | None = None,
) -> dict[str, Any]:
    """A comparison as ``panel.js`` draws it.

    Args:
        comparison: The comparison.
        models: The models compared, in their order, or their answers.
        family: The family that they belong to.
        shown: Data URL of the picture compared with, the clean or a pinned one.
        label: Index of the true class.
        pinned: Recipe of the pinned picture.

    Returns:
        The JSON object that is described at the head of ``panel.js``.
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
