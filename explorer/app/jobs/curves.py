"""The curves under the panel: every model's answers while one step of the chain grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.app.controls import describe
from explorer.app.jobs import job
from explorer.distortions import Distortion, Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.probe import sweep
from explorer.probe.inputs import Progress

if TYPE_CHECKING:
    from explorer.app.live import Live, Scene

POINTS = 33
"""Amounts of one curve at most: 32 steps from the mild end to the strong one."""

MAX_SEEDS = 16
"""Seeds of one band at most."""


@job("curves")
def curves(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"state", "place", "seeds"} -> what ``curves.js`` draws; place: index in the recipe's steps, the last without it.

    ``at`` is the step's amount in the state itself, ``random`` whether another seed would give other curves.
    """
    scene = live.scene(question.get("state"))
    place = place_in(scene.recipe, question.get("place"))
    if place is None:
        raise ExplorerError("Add a distortion to see what happens while it grows.")
    return swept(scene, place, _whole(question.get("seeds"), 1, MAX_SEEDS), progress)


def place_in(recipe: Recipe, place: Any) -> int | None:
    """The index of the step that an untrusted sender means, None: the last one; None where there is no step at all."""
    last = len(recipe.steps) - 1
    return _whole(place, last, last) if recipe.steps else None


def swept(scene: Scene, place: int, seeds: int, progress: Progress) -> dict[str, Any]:
    """The sweep of one step of a scene's recipe as ``curves.js`` wants it; errors as in ``sweep``."""
    name, at = scene.recipe.steps[place]
    kind, side = find_distortion(name), scene.pixels.shape[-1]
    found = sweep(
        scene.models,
        scene.pixels,
        name,
        amounts=grid(kind, side, at),
        recipe=scene.recipe,
        label=scene.label,
        place=place,
        seeds=seeds,
        progress=progress,
    ).to_dict()
    for model in found["models"]:
        del model["probabilities"], model["classes"]  # most of the bytes, and nothing draws them
    about = describe(kind, [side])
    words = {key: about[key] for key in ("title", "symbol", "unit", "factor")}
    return {**found, **words, "step": kind.step, "at": at, "random": is_random(scene.recipe)}


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


def is_random(recipe: Recipe) -> bool:
    """Whether another seed can change the pixels."""
    return any(find_distortion(name).random for name, _ in recipe.steps)


def _whole(value: Any, otherwise: int, most: int) -> int:
    """A whole number from 0 to ``most`` from an untrusted sender; None is ``otherwise``."""
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ExplorerError("The page asked for curves that do not exist; reload it.")
    return value
