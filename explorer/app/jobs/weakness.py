"""Weak spots: the smallest amount of one distortion that breaks the baseline, or that separates the models."""

from __future__ import annotations

from typing import Any

from explorer.analysis import weaknesses
from explorer.analysis.weakness import GOALS
from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import StateRequest
from explorer.defaults import MAX_STEPS
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.progress import Progress


class WeaknessRequest(StateRequest):
    """Which search.

    Attributes:
        goal: "break" or "separate".
        distortion: Name of the distortion.
    """

    wrong = "The page asked for a search that does not exist; reload it."

    goal: str
    distortion: str


@job("weakness", WeaknessRequest)
def weakness(context: Context, request: WeaknessRequest, progress: Progress) -> dict[str, Any]:
    """Search how little of one distortion breaks the baseline, or tells the models apart.

    The page asks for one distortion after the other: what was found is on screen while it searches the next.

    Returns:
        ``Weakness.to_dict()``; ``flips``: per model its flip point as text; ``moved``: whether it answers something
        else than to the clean picture at the amount found; ``steps`` and ``against`` of the recipe.

    Raises:
        ExplorerError: If there is no such search, or the chain has no room for the distortion.
    """
    loaded = context.workspace.load(request.state)
    goal, name = request.goal, request.distortion
    if goal not in GOALS:
        raise ExplorerError(request.wrong)
    distortion = find_distortion(name)
    check_room(loaded.recipe, name)
    (found,) = weaknesses(
        loaded.models,
        loaded.pixels,
        goal=goal,
        distortions=[name],
        recipe=loaded.recipe,
        label=loaded.label,
        progress=progress,
    )
    points, clean = found.flip_points, loaded.clean.answers
    return {
        **found.to_dict(),
        "flips": {model: None if point is None else distortion.show(point) for model, point in points.items()},
        "moved": {
            model.name: found.predictions[model.name] != model.classes[int(clean[model.name][1].argmax())]
            for model in loaded.models
        },
        "steps": [list(step) for step in found.recipe.steps],
        "against": found.recipe.against if distortion.adversarial else loaded.recipe.against,
    }


def check_room(recipe: Recipe, name: str) -> None:
    """Refuse a distortion that the page could not show, because the chain is full.

    Args:
        recipe: The recipe of the state.
        name: The distortion that is to be added or varied.

    Raises:
        ExplorerError: If it would be one step too many.
    """
    if len(recipe.steps) >= MAX_STEPS and all(step != name for step, _ in recipe.steps):
        raise ExplorerError(
            f"The chain holds {MAX_STEPS} distortions, the maximum; remove one, or start from the clean picture."
        )
