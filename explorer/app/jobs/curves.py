"""The curves under the panel: every model's answers while one step of the chain grows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import StateRequest
from explorer.app.workspace import LoadedRequest
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.progress import Progress
from explorer.web.answers import curves_to_paint

MAX_SEEDS = 16
"""Seeds of one band at most."""


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
        coarse: Whether fewer amounts will do for now, where all of them take long.
    """

    coarse: bool = False
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
    exact = True if seeds > 1 else None
    return swept(loaded, step_index, seeds, progress, exact=exact, coarse=request.coarse)


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
    loaded: LoadedRequest,
    step_index: int,
    seeds: int,
    progress: Progress,
    *,
    exact: bool | None = True,
    coarse: bool = False,
) -> dict[str, Any]:
    """Sweep one step of a state's recipe; see ``curves_to_paint``.

    Args:
        loaded: The state.
        step_index: Index of the step.
        seeds: Number of seeds of the band.
        progress: Called with how much is done and how much there is to do.
        exact: Whether to search each model's flip point; None: only if that is quick.
        coarse: Whether fewer amounts will do, where all of them take long.

    Returns:
        The JSON object that ``curves.js`` draws.

    Raises:
        ExplorerError: As in ``sweep``.
    """
    return curves_to_paint(
        loaded.models,
        loaded.pixels,
        loaded.recipe,
        step_index,
        label=loaded.label,
        seeds=seeds,
        exact=exact,
        coarse=coarse,
        progress=progress,
    )
