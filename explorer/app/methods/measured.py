"""Known accuracies: points of cards and shipped surveys, and differences between two models' cards."""

from __future__ import annotations

from typing import Any

from explorer.analysis.slider import amounts_on_steps
from explorer.app.methods.groups import Group
from explorer.app.workspace import Workspace
from explorer.distortions import DISTORTIONS, Distortion
from explorer.errors import ExplorerError
from explorer.evaluation.gains import condition_title, gains, read_results
from explorer.evaluation.statistics import wilson_interval
from explorer.models import Card
from explorer.survey import Survey, shipped
from explorer.survey.plan import fingerprint

SIZES = (100, 300, 1000)
"""How many images, the first ones of the test images, can be measured now."""

POINTS, ATTACKS = 10, 5
"""Amounts of a curve besides the identity, which lie closer together where the distortion is mild; those of attacks,
which take many times as long."""

BEND = 1.5
"""How much closer: the i-th lies at (i / n) ** BEND of the way."""


def find_known(name: Any) -> Distortion:
    """Find a distortion.

    Args:
        name: What the browser names.

    Returns:
        The distortion.

    Raises:
        ExplorerError: If there is none of that name.
    """
    if not isinstance(name, str) or name not in DISTORTIONS:
        raise ExplorerError("There is no distortion of that name; choose one from the list.")
    return DISTORTIONS[name]


def reaches(distortion: Distortion, group: Group) -> list[str]:
    """Say which ranges of amounts can be shown.

    Args:
        distortion: The distortion.
        group: The models.

    Returns:
        "near", up to twice the published severities, where that is much less than the whole slider; and "whole".
    """
    side = group.family.size
    mild, strong = distortion.span(side)
    near = _near(distortion, side)
    return ["near", "whole"] if near is not None and abs(near - mild) < 0.8 * abs(strong - mild) else ["whole"]


def amounts_of(distortion: Distortion, group: Group, reach: str) -> list[float]:
    """Choose the amounts that are measured, on the slider's own steps.

    The amounts of the cards take the place of the nearest ones, so that both numbers can be compared.

    Args:
        distortion: The distortion.
        group: The models.
        reach: One of ``reaches``.

    Returns:
        The identity and up to ``POINTS`` amounts, from mild to strong.

    Raises:
        ExplorerError: If nothing is published and "near" is asked for.
    """
    side = group.family.size
    mild, strong = distortion.span(side)
    end = _near(distortion, side) if reach == "near" else strong
    if end is None:
        raise ExplorerError("This distortion has no published severities; ask for all of its amounts.")
    points = ATTACKS if distortion.adversarial else POINTS
    even = amounts_on_steps(distortion, mild, end, points, bend=BEND)
    low, high = sorted((mild, end))
    for known in {point["amount"] for point in card_points(group, distortion)}:
        nearest = min(range(len(even)), key=lambda i: abs(even[i] - known))
        if low < known < high and 0 < nearest < len(even) - 1:
            even[nearest] = known
    return even


def _near(distortion: Distortion, side: int) -> float | None:
    """Twice as far as the strongest published severity; None where nothing is published."""
    mild, strong = distortion.span(side)
    marks = [mark for mark in distortion.severities_at(side) or () if (mark - mild) * (strong - mild) > 0]
    if not marks:
        return None
    return round(mild + 2 * (max(marks, key=lambda mark: abs(mark - mild)) - mild), 12)


def card_points(group: Group, distortion: Distortion) -> list[dict[str, Any]]:
    """Collect what the cards say of a distortion, clean images included.

    Args:
        group: The models.
        distortion: The distortion.

    Returns:
        One point per model and amount.
    """
    mild, _ = distortion.span(group.family.size)
    found = []
    for card in group.cards:
        for recipe, row in read_results(card):
            if not recipe.steps or (len(recipe.steps) == 1 and recipe.steps[0][0] == distortion.name):
                amount = recipe.steps[0][1] if recipe.steps else mild
                found.append(_point("card", card.name, amount, row["accuracy"], row["n"], row["seed"]))
    return found


def survey_points(workspace: Workspace, group: Group, distortion: Distortion) -> tuple[list[dict[str, Any]], list[str]]:
    """Collect what the shipped surveys say of a distortion.

    Args:
        workspace: Where the models are.
        group: The models.
        distortion: The distortion.

    Returns:
        One point per model and amount, and a sentence for each model that has other weights now.
    """
    mild, _ = distortion.span(group.family.size)
    names = {card.name for card in group.cards}
    found: list[dict[str, Any]] = []
    messages: list[str] = []
    for folder in shipped():
        survey = Survey(folder)
        plan = survey.plan
        present = {condition.distortion for condition in plan.conditions}
        if plan.data != group.data or distortion.name not in present or not names & set(plan.models):
            continue
        for model, weights in zip(plan.models, plan.weights, strict=True):
            if model in names and fingerprint(workspace.model(model)) != weights:
                messages.append(f"The shipped survey knows {model} with other weights; its points are left out.")
                names.discard(model)
        rows = survey.sql(
            "SELECT model, amount, n, accuracy, clean FROM accuracy() WHERE distortion = ?", [distortion.name]
        ).to_dict("records")
        seeds = sorted({condition.seed for condition in plan.conditions})
        seed = seeds[0] if len(seeds) == 1 else None
        rows = [row for row in rows if row["model"] in names]
        found += [_point("survey", row["model"], row["amount"], row["accuracy"], row["n"], seed) for row in rows]
        clean = {row["model"]: row["clean"] for row in rows}
        found += [_point("survey", model, mild, share, plan.rows, None) for model, share in clean.items()]
    return found, messages


def _point(source: str, model: str, amount: float, accuracy: float, n: int, seed: int | None) -> dict[str, Any]:
    low, high = wilson_interval(round(accuracy * n), int(n))
    point = {"source": source, "model": model, "amount": amount, "accuracy": accuracy, "n": int(n), "seed": seed}
    return {**point, "low": low, "high": high}


def differences(card: Card, baseline: Card | None) -> list[dict[str, Any]]:
    """List a card's accuracies, and how far they lie from a baseline's under the same recipe.

    Args:
        card: The model's card.
        baseline: The baseline's card; None if there is none.

    Returns:
        One {"title", "accuracy", "n", "difference", "low", "high", "paired", "sign", "holm"} per recipe, as ``Gain``
        explains them. Without a baseline there is no difference: it is None, and so are ``low`` and ``high``.
    """
    return [
        {
            "title": condition_title(gain.recipe),
            **{key: getattr(gain, key) for key in ("accuracy", "n", "difference", "paired", "sign", "holm")},
            **dict(zip(("low", "high"), gain.interval or (None, None), strict=True)),
        }
        for gain in gains(card, baseline)
    ]
