"""Weak spots: how little of one distortion breaks the baseline, or tells the models apart."""

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
    """What to look for, and with which distortion."""

    wrong = "The page asked for a search that does not exist; reload it."

    goal: str
    distortion: str


@job("weakness", WeaknessRequest)
def weakness(context: Context, question: WeaknessRequest, progress: Progress) -> dict[str, Any]:
    """{"state", "goal", "distortion"} -> ``Weakness.to_dict()`` and what the table shows of it.

    One distortion at a time: the page asks for one after the other, and what was found is on screen while the next is
    searched. ``flips``: per model its flip point as people read it; ``moved``: whether it answers, at the amount that
    is told, something else than to the clean picture; ``steps`` and ``against``: the recipe's.
    """
    request = context.workspace.load(question.state)
    goal, name = question.goal, question.distortion
    if goal not in GOALS:
        raise ExplorerError(question.wrong)
    kind = find_distortion(name)
    check_room(request.recipe, name)
    (found,) = weaknesses(
        request.models,
        request.pixels,
        goal=goal,
        distortions=[name],
        recipe=request.recipe,
        label=request.label,
        progress=progress,
    )
    points, clean = found.flip_points, request.clean.answers
    return {
        **found.to_dict(),
        "flips": {model: None if point is None else kind.show(point) for model, point in points.items()},
        "moved": {
            model.name: found.predictions[model.name] != model.classes[int(clean[model.name][1].argmax())]
            for model in request.models
        },
        "steps": [list(step) for step in found.recipe.steps],
        "against": found.recipe.against if kind.adversarial else request.recipe.against,
    }


def check_room(recipe: Recipe, name: str) -> None:
    """ExplorerError where the chain is full, so that the page could not show it with one more step of that name."""
    if len(recipe.steps) >= MAX_STEPS and all(step != name for step, _ in recipe.steps):
        raise ExplorerError(
            f"The chain holds {MAX_STEPS} distortions, as many as it can; remove one, or start from the clean picture."
        )
