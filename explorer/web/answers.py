"""A comparison and its curves as ``panel.js`` and ``curves.js`` draw them: the same in the app and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from torch import Tensor

from explorer.analysis import Answer, Comparison, sweep
from explorer.analysis.slider import curve_amounts, flip_points_along
from explorer.analysis.varied import is_random
from explorer.data import images
from explorer.data.fitting import window_of
from explorer.distortions import Distortion, Recipe, find_distortion
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Card, Classifier
from explorer.models.families import Family, alike, masking_verdict, subtitle
from explorer.progress import Progress

LISTED = 20
"""Likeliest classes that a card is told of: it shows five, and while a slider moves those that were among them."""

CHEAP = 8 * 32 * 32
"""Models times pixels up to which neither the search for flip points nor the number of amounts delays curves."""

COARSE = 4
"""Of so many amounts of a curve one is asked about first, above that."""


def answer_to_paint(
    comparison: Comparison,
    models: Sequence[Classifier | Answer],
    family: Family,
    *,
    shown: str,
    label: int | None = None,
    pinned: Recipe | None = None,
    watched: Sequence[int] = (),
) -> dict[str, Any]:
    """A comparison as ``panel.js`` draws it.

    Args:
        comparison: The comparison.
        models: The models compared, in their order, or their answers.
        family: The family that they belong to.
        shown: Data URL of the picture compared with, the clean or a pinned one.
        label: Index of the true class.
        pinned: Recipe of the pinned picture.
        watched: Indices of classes that are to be shown besides the likeliest.

    Returns:
        The JSON object that is described at the head of ``panel.js``.
    """
    started = perf_counter()
    pictures = {"clean": shown, "distorted": images.data_url(comparison.distorted)}
    seconds = {**comparison.seconds, "encode": perf_counter() - started}
    answer = comparison.to_dict()
    height, width = comparison.clean.shape[2:]
    several = alike([model.card for model in models])
    for i, (entry, model, found) in enumerate(zip(answer["models"], models, comparison.models, strict=True)):
        entry["baseline"] = i == 0
        entry |= _both(found)
        entry["watched"] = [
            {"label": found.classes[k], "clean": float(found.clean[k]), "distorted": float(found.distorted[k])}
            for k in watched
        ]
        entry["subtitle"] = subtitle(model.card, family) if several else ""
        entry["masking"] = masking_verdict(model.card)
        entry["given"] = _given(comparison, model.card)
        recipe = comparison.recipe
        whole = recipe.on == PHOTOGRAPH
        entry["window"] = window_of(width, height, model.card.takes, recipe.window) if whole else None
    return {
        **answer,
        "images": pictures,
        "size": [width, height],
        "window": list(comparison.recipe.window) if comparison.recipe.on == PHOTOGRAPH else None,
        "pixels": "8-bit" if comparison.recipe.quantised else "float",
        "label": None if label is None else family.classes[label],
        "pinned": None if pinned is None else str(pinned),
        "timing": {name: 1000 * value for name, value in seconds.items()},
    }


def _both(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    """The likeliest classes clean and distorted, each with those of the other: every row has two bars."""
    top = {k for one in (answer.clean, answer.distorted) for k in one.topk(min(LISTED, len(one))).indices.tolist()}
    found = {}
    for name, probability in (("clean", answer.clean), ("distorted", answer.distorted)):
        order = sorted(top, key=lambda k, p=probability: (-float(p[k]), k))  # type: ignore[misc]
        found[name] = [{"label": answer.classes[k], "probability": float(probability[k])} for k in order]
    return found


def _given(comparison: Comparison, card: Card) -> str:
    """What a model was given, where that is not the pictures on screen as they are."""
    if comparison.recipe.on == PHOTOGRAPH:
        return f"photograph fitted to {card.size} px"
    shown = comparison.clean.shape[-1]
    return "" if card.size == shown else f"input resized to {card.size} px"


def curves_to_paint(
    models: Sequence[Classifier],
    pixels: Tensor,
    recipe: Recipe,
    step_index: int,
    *,
    label: int | None = None,
    seeds: int = 1,
    exact: bool | None = True,
    coarse: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Sweep one step of a recipe over its slider's amounts: the JSON object at the head of ``curves.js``.

    Args:
        models: The models.
        pixels: The clean image, (1, C, H, W) in [0, 1].
        recipe: The recipe.
        step_index: Index of the step that varies.
        label: Index of the true class, which attacks go away from.
        seeds: Number of seeds of the band.
        exact: Whether to search each model's flip point; if not, it is the first of the curves' amounts at which the
            answer differs. None: only if that is quick.
        coarse: Whether every ``COARSE``-th amount will do for now, where all of them take long.
        progress: Called with how much is done and how much there is to do.

    Returns:
        ``Sweep.to_dict()`` without probabilities; the distortion's words; ``step`` of its slider; ``at``: the step's
        amount in the recipe itself; ``random``: whether another seed would give other curves; ``exact``; ``coarse``:
        whether there are more amounts.

    Raises:
        ExplorerError: If the recipe has no such step; otherwise as in ``sweep``.
    """
    if not 0 <= step_index < len(recipe.steps):
        raise ExplorerError("Add a distortion to see what happens while it grows.")
    name, at = recipe.steps[step_index]
    distortion = find_distortion(name)
    quick = len(models) * pixels.shape[-2:].numel() <= CHEAP
    if exact is None:
        exact = quick and not any(find_distortion(other).adversarial for other, _ in recipe.steps)
    amounts = curve_amounts(distortion, pixels.shape[-1], at)
    coarse = coarse and not quick and len(amounts) > 2 * COARSE
    if coarse:
        amounts = [*amounts[:-1:COARSE], amounts[-1]]
    parts = 2 if exact else 1
    along = sweep(
        models,
        pixels,
        name,
        amounts=amounts,
        recipe=recipe,
        label=label,
        step_index=step_index,
        seeds=seeds,
        progress=progress and (lambda done, total: progress(done, parts * total)),
    )
    found = along.to_dict()
    if exact:
        flips = flip_points_along(
            models,
            pixels,
            along,
            label=label,
            progress=progress and (lambda done, total: progress(total + done, parts * total)),
        )
        for model, flip in zip(found["models"], flips, strict=True):
            model["flip_point"] = flip
    for model in found["models"]:
        del model["probabilities"], model["classes"]  # most of the bytes, and nothing draws them
    return {
        **found,
        **distortion_words(distortion),
        "step": distortion.step,
        "at": at,
        "random": is_random(recipe, step_index),
        "exact": exact,
        "coarse": coarse,
    }


def distortion_words(distortion: Distortion) -> dict[str, Any]:
    """How a page writes a distortion's amounts.

    Args:
        distortion: The distortion.

    Returns:
        ``title``; ``unit`` in words; ``sign``, which stands before a number; ``symbol``, which stands behind it;
        ``factor``, which makes the number people read out of an amount.
    """
    return {
        "title": distortion.title,
        "unit": distortion.readable_unit,
        "sign": distortion.symbol,
        "symbol": {"n/255": "/255", "px": "px", "°": "°", "bits": "bits"}.get(distortion.unit, distortion.symbol),
        "factor": distortion.factor,
    }
