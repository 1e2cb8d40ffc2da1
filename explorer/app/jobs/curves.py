"""The curves under the panel: every model's answers while one step of the chain grows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from explorer.analysis import sweep
from explorer.analysis.slider import curve_amounts, flip_points_along
from explorer.analysis.varied import is_random
from explorer.app.context import Context
from explorer.app.distortion_info import describe
from explorer.app.jobs.registry import job
from explorer.app.validation import StateRequest
from explorer.app.workspace import LoadedRequest
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.progress import Progress

MAX_SEEDS = 16
"""Seeds of one band at most."""

CHEAP = 8 * 32 * 32
"""Models times pixels up to which the flip points are searched before the curves are first seen."""


class StepRequest(StateRequest):
    """Which step of the state's recipe varies; the last one where it does not say."""

    wrong = "The page asked for curves that do not exist; reload it."

    place: Annotated[int | None, Field(ge=0)] = None


class CurvesRequest(StepRequest):
    """Which curves, and over how many seeds; one where it does not say."""

    seeds: Annotated[int | None, Field(ge=1, le=MAX_SEEDS)] = None


@job("curves", CurvesRequest)
def curves(context: Context, question: CurvesRequest, progress: Progress) -> dict[str, Any]:
    """{"state", "place", "seeds"} -> what ``curves.js`` draws; place: index in the recipe's steps, the last without it.

    ``at`` is the step's amount in the state itself, ``random`` whether another seed would give other curves. ``exact``
    tells whether the flip points were searched or are only the first amounts of the curves at which the answer differs,
    as they are where one seed was asked for and the search is slow; more seeds bring the search as well.
    """
    request = context.workspace.load(question.state)
    place = step_of(request.recipe, question)
    if place is None:
        raise ExplorerError("Add a distortion to see what happens while it grows.")
    seeds = question.seeds or 1
    return swept(request, place, seeds, progress, exact=seeds > 1 or _is_cheap(request))


def step_of(recipe: Recipe, question: StepRequest) -> int | None:
    """Return the index of the step that varies, in the recipe's steps; None where there is no step at all.

    Raises:
        ExplorerError: If the recipe does not have that many steps.
    """
    if not recipe.steps:
        return None
    if question.place is None:
        return len(recipe.steps) - 1
    if question.place >= len(recipe.steps):
        raise ExplorerError(question.wrong)
    return question.place


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
