"""The curves under the panel: every model's answers while one step of the chain grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.analysis import sweep
from explorer.analysis.slider import curve_amounts, flip_points_along
from explorer.analysis.varied import is_random
from explorer.app.context import Context
from explorer.app.distortion_info import describe
from explorer.app.jobs.registry import job
from explorer.app.workspace import LoadedRequest
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.progress import Progress

MAX_SEEDS = 16
"""Seeds of one band at most."""

CHEAP = 8 * 32 * 32
"""Models times pixels up to which the flip points are searched before the curves are first seen."""


@job("curves")
def curves(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"state", "place", "seeds"} -> what ``curves.js`` draws; place: index in the recipe's steps, the last without it.

    ``at`` is the step's amount in the state itself, ``random`` whether another seed would give other curves. ``exact``
    tells whether the flip points were searched or are only the first amounts of the curves at which the answer differs,
    as they are where one seed was asked for and the search is slow; more seeds bring the search as well.
    """
    request = context.workspace.load(question.get("state"))
    place = place_in(request.recipe, question.get("place"))
    if place is None:
        raise ExplorerError("Add a distortion to see what happens while it grows.")
    seeds = _whole(question.get("seeds"), 1, MAX_SEEDS)
    return swept(request, place, seeds, progress, exact=seeds > 1 or _is_cheap(request))


def place_in(recipe: Recipe, place: Any) -> int | None:
    """The index of the step that an untrusted sender means, None: the last one; None where there is no step at all."""
    last = len(recipe.steps) - 1
    return _whole(place, last, last) if recipe.steps else None


def swept(request: LoadedRequest, place: int, seeds: int, progress: Progress, *, exact: bool = True) -> dict[str, Any]:
    """The sweep of one step of a request's recipe as ``curves.js`` wants it; errors as in ``sweep``.

    ``exact``: the models' flip points are those of ``analysis.flip_point`` instead of the curves' own amounts; where
    the slider stands on the other one of its two sides, those of the same search on that side.
    """
    name, at = request.recipe.steps[place]
    kind, side = find_distortion(name), request.pixels.shape[-1]
    parts = 2 if exact else 1
    along = sweep(
        request.models,
        request.pixels,
        name,
        amounts=curve_amounts(kind, side, at),
        recipe=request.recipe,
        label=request.label,
        place=place,
        seeds=seeds,
        progress=lambda done, total: progress(done, parts * total),
    )
    found = along.to_dict()
    if exact:
        flips = flip_points_along(
            request.models,
            request.pixels,
            along,
            label=request.label,
            progress=lambda done, total: progress(total + done, parts * total),
        )
        for model, flip in zip(found["models"], flips, strict=True):
            model["flip_point"] = flip
    for model in found["models"]:
        del model["probabilities"], model["classes"]  # most of the bytes, and nothing draws them
    about = describe(kind, [side])
    words = {key: about[key] for key in ("title", "sign", "symbol", "unit", "factor")}
    return {**found, **words, "step": kind.step, "at": at, "random": is_random(request.recipe, place), "exact": exact}


def _is_cheap(request: LoadedRequest) -> bool:
    attacked = any(find_distortion(name).adversarial for name, _ in request.recipe.steps)
    return not attacked and len(request.models) * request.pixels.shape[-2:].numel() <= CHEAP


def _whole(value: Any, otherwise: int, most: int) -> int:
    """A whole number from 0 to ``most`` from an untrusted sender; None is ``otherwise``."""
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ExplorerError("The page asked for curves that do not exist; reload it.")
    return value
