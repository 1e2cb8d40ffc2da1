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
    """Which step of the state's recipe varies.

    Attributes:
        step_index: Its index; the last one if it is missing.
    """

    wrong = "The page asked for curves that do not exist; reload it."

    step_index: Annotated[int | None, Field(ge=0)] = None


class CurvesRequest(StepRequest):
    """Which curves.

    Attributes:
        seeds: Number of seeds of the band; 1 if it is missing.
    """

    seeds: Annotated[int | None, Field(ge=1, le=MAX_SEEDS)] = None


@job("curves", CurvesRequest)
def curves(context: Context, request: CurvesRequest, progress: Progress) -> dict[str, Any]:
    """Sweep one step of the state's recipe, as ``curves.js`` draws it.

    Returns:
        As ``swept``. The flip points are only those of the curves themselves if one seed is asked for and the search
        is slow; asking for more seeds brings the search as well.

    Raises:
        ExplorerError: If the state has no such step.
    """
    loaded = context.workspace.load(request.state)
    step_index = step_of(loaded.recipe, request)
    if step_index is None:
        raise ExplorerError("Add a distortion to see what happens while it grows.")
    seeds = request.seeds or 1
    return swept(loaded, step_index, seeds, progress, exact=seeds > 1 or _is_cheap(loaded))


def step_of(recipe: Recipe, request: StepRequest) -> int | None:
    """Return the index of the step that varies, in the recipe's steps.

    Args:
        recipe: The recipe of the state.
        request: What the page asks for.

    Returns:
        The index; None if the recipe has no steps.

    Raises:
        ExplorerError: If the recipe does not have that many steps.
    """
    if not recipe.steps:
        return None
    if request.step_index is None:
        return len(recipe.steps) - 1
    if request.step_index >= len(recipe.steps):
        raise ExplorerError(request.wrong)
    return request.step_index


def swept(
    loaded: LoadedRequest, step_index: int, seeds: int, progress: Progress, *, exact: bool = True
) -> dict[str, Any]:
    """Sweep one step of a state's recipe.

    Args:
        loaded: The state.
        step_index: Index of the step.
        seeds: Number of seeds of the band.
        progress: Called with how much is done and how much there is to do.
        exact: Whether to search each model's flip point; if not, it is the first of the curves' amounts at which the
            answer differs.

    Returns:
        ``Sweep.to_dict()`` without probabilities; the distortion's words; ``step`` of its slider; ``at``: the step's
        amount in the state itself; ``random``: whether another seed would give other curves; ``exact``.

    Raises:
        ExplorerError: As in ``sweep``.
    """
    name, at = loaded.recipe.steps[step_index]
    distortion, side = find_distortion(name), loaded.pixels.shape[-1]
    parts = 2 if exact else 1
    along = sweep(
        loaded.models,
        loaded.pixels,
        name,
        amounts=curve_amounts(distortion, side, at),
        recipe=loaded.recipe,
        label=loaded.label,
        step_index=step_index,
        seeds=seeds,
        progress=lambda done, total: progress(done, parts * total),
    )
    found = along.to_dict()
    if exact:
        flips = flip_points_along(
            loaded.models,
            loaded.pixels,
            along,
            label=loaded.label,
            progress=lambda done, total: progress(total + done, parts * total),
        )
        for model, flip in zip(found["models"], flips, strict=True):
            model["flip_point"] = flip
    for model in found["models"]:
        del model["probabilities"], model["classes"]  # most of the bytes, and nothing draws them
    about = describe(distortion, [side])
    words = {key: about[key] for key in ("title", "sign", "symbol", "unit", "factor")}
    return {
        **found,
        **words,
        "step": distortion.step,
        "at": at,
        "random": is_random(loaded.recipe, step_index),
        "exact": exact,
    }


def _is_cheap(loaded: LoadedRequest) -> bool:
    attacked = any(find_distortion(name).adversarial for name, _ in loaded.recipe.steps)
    return not attacked and len(loaded.models) * loaded.pixels.shape[-2:].numel() <= CHEAP
