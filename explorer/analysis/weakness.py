"""Weak spots: the smallest distortion that breaks the baseline, or that separates the models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from explorer.analysis import measures
from explorer.analysis.measures import InputDistance
from explorer.analysis.request import issue, read_request
from explorer.analysis.search import Scan, check_tolerance, first_amount, flip_of, scan, split_of, stops
from explorer.analysis.varied import Tick, Varied, varied
from explorer.data.inputs import PictureLike
from explorer.distortions import DISTORTIONS, Distortion, Recipe, find_distortion
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.gradients import has_gradients
from explorer.models.reading import ModelsLike
from explorer.progress import Meter, Progress
from explorer.results import Result, Results

GOALS = ("break", "separate")
SHOWN = 3  # weakest spots in the short text


@dataclass(frozen=True, eq=False, repr=False)
class Weakness(Result):
    """What one distortion does to one image at the smallest amount that reaches the goal.

    Attributes:
        distortion: Name of the distortion.
        title: Its title.
        family: Its family.
        amount: The amount; None if nothing was found up to the slider's end.
        shown: The amount as people read it, or None.
        flip_points: Per model name the smallest amount that changes its answer, or None.
        share: Position on the slider from its mild end, in [0, 1], or None.
        severity: Position on the published scale (0 clean, 1 to 5, more beyond), or None.
        published: The data set that this scale was published for, by the models' input size, or None.
        input: Distance of the distorted from the clean image, or None.
        predictions: Predicted class by model name.
        recipe: The recipe that shows it; if nothing was found, that of the strongest amount tried.
    """

    distortion: str
    title: str
    family: str
    amount: float | None
    shown: str | None
    flip_points: dict[str, float | None]
    share: float | None
    severity: float | None
    published: str | None
    input: InputDistance | None
    predictions: dict[str, str]
    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        """The weakness as a JSON object.

        Returns:
            Finite numbers, strings and None only.
        """
        return {
            **{key: getattr(self, key) for key in ("distortion", "title", "family", "amount", "shown")},
            "flip_points": dict(self.flip_points),
            "share": self.share,
            "severity": self.severity,
            "published": self.published,
            "input": None if self.input is None else self.input.to_dict(),
            "predictions": dict(self.predictions),
            "recipe": str(self.recipe),
        }

    def records(self) -> list[dict[str, Any]]:
        """The weakness as rows of a table.

        Returns:
            One row per model.
        """
        distance = dict.fromkeys(("l2", "linf", "psnr", "ssim")) if self.input is None else self.input.to_dict()
        return [
            {
                **{key: getattr(self, key) for key in ("distortion", "title", "family", "amount", "shown")},
                "share": self.share,
                "severity": self.severity,
                "published": self.published,
                **distance,
                "model": name,
                "flip_point": self.flip_points[name],
                "prediction": prediction,
                "recipe": str(self.recipe),
            }
            for name, prediction in self.predictions.items()
        ]

    def __str__(self) -> str:
        if self.input is None:
            return f"{self.distortion}: none found"
        return f"{self.distortion}: {self.shown}, L2 {self.input.l2:.2f}"


@dataclass(frozen=True, eq=False, repr=False)
class Weaknesses(Results[Weakness]):
    """One weakness per distortion, smallest change of the image first.

    Attributes:
        goal: ``break`` or ``separate``.
        models: Names of the models.
    """

    goal: str
    models: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All weaknesses as a JSON object.

        Returns:
            The object.
        """
        return {"goal": self.goal, "weaknesses": [spot.to_dict() for spot in self]}

    def records(self) -> list[dict[str, Any]]:
        """All weaknesses as rows of a table.

        Returns:
            One row per distortion and model.
        """
        return [{"goal": self.goal, **row} for spot in self for row in spot.records()]

    def __str__(self) -> str:
        what = f"break {self.models[0]}" if self.goal == "break" else f"separate {', '.join(self.models)}"
        found = [spot for spot in self if spot.input is not None]
        lines = [f"{len(found)} of {len(self)} distortions {what}; it takes least of:"] if found else []
        lines = lines or [f"None of {len(self)} distortions {what}."]
        return "\n".join([*lines, *(f"  {spot}" for spot in found[:SHOWN])])


def weaknesses(
    models: ModelsLike,
    image: PictureLike,
    *,
    goal: str = "break",
    distortions: Sequence[str] | None = None,
    recipe: Recipe | str | None = None,
    label: int | None = None,
    progress: Progress | None = None,
) -> Weaknesses:
    """Find how little of each distortion it takes to break or to separate models, the weakest spots first.

    The search is that of ``flip_point``; where a slider goes both ways, such as that of a rotation, both are searched
    and the result is the direction that changes the picture less.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``; the first is the baseline.
        image: One picture, as for ``compare``.
        goal: "break": the smallest amount at which the baseline changes its answer; "separate": the smallest at which
            some models have changed theirs and others hold.
        distortions: The names of those that are searched; by default all that are ``searched``, attacks included unless
            the recipe acts on the photograph or the attacked model has no gradients. Attacks are computed against the
            baseline unless ``recipe.against`` names another. Each is the step of that name in ``recipe``, or a new one
            at its end.
        recipe: The steps that stay as they are, and the seed.
        label: Index of the class that attacks lead away from, as for ``sweep``.
        progress: Called with the number of distortions that are done, and of all.

    Returns:
        One ``Weakness`` per distortion, by the L2 distance of the picture, then those that were not found.

    Raises:
        ExplorerError: As ``compare``, and for an unknown goal, and fewer than two models to separate.

    Examples:
        >>> import explorer
        >>> found = explorer.weaknesses("digits/lenet/standard", "digits:7", distortions=["jpeg", "contrast"])
        >>> [(weakness.distortion, weakness.shown) for weakness in found]
        [('contrast', 'c = 0.21'), ('jpeg', None)]
    """
    if goal not in GOALS:
        raise ExplorerError(f"There is no goal {goal!r}: choose {' or '.join(GOALS)}.")
    request = read_request(models, image, Recipe() if recipe is None else recipe, label=label)
    issue(request.notes)
    chosen, recipe, label = request.models, request.recipe, request.label
    if goal == "separate" and len(chosen) < 2:
        raise ExplorerError("Separating models needs at least two of them; add another.")
    recipe = replace(recipe, against=recipe.against or chosen[0].name)
    if distortions is None:
        target = next((model for model in chosen if model.name == recipe.against), chosen[0])
        attacked = recipe.on != PHOTOGRAPH and has_gradients(target)  # attacks act on the input
        distortions = [name for name, one in DISTORTIONS.items() if one.searched and (attacked or not one.adversarial)]
    entries = [find_distortion(name) for name in distortions]
    lines = [list(_directions(varied(chosen, request.pixels, entry.name, recipe, label=label))) for entry in entries]
    meter = Meter(progress, len(entries))

    def breathe(_: int) -> None:
        meter.step(0)

    found = []
    for directions in lines:
        each = [_weakness(chosen, line, goal, breathe) for line in directions]
        found.append(min(each, key=_size))
        meter.step()
    return Weaknesses(tuple(sorted(found, key=_size)), goal, tuple(model.name for model in chosen))


def _size(weakness: Weakness) -> float:
    return math.inf if weakness.input is None else weakness.input.l2


def _directions(line: Varied) -> Iterator[Varied]:
    """The slider's way from its mild to its strong end, and the way to its other end where it has one."""
    yield line
    distortion, (mild, strong) = line.distortion, line.span
    if distortion.two_sided and not distortion.per_side:
        low, high = distortion.ends(line.side)
        yield replace(line, span=(mild, low if strong == high else high))


def _weakness(models: Sequence[Classifier], line: Varied, goal: str, tick: Tick) -> Weakness:
    flips = [flip_of(i) for i in range(len(models))]
    sought = flips[0] if goal == "break" else split_of(len(models))
    width = check_tolerance(None, line)
    scanned = scan(models, line, stops(line), [*flips, sought], tick)
    points = {model.name: first_amount(scanned, event, width, tick) for model, event in zip(models, flips, strict=True)}
    amount = points[models[0].name] if goal == "break" else first_amount(scanned, sought, width, tick)
    return _described(scanned, amount, points, tick)


def _described(scanned: Scan, amount: float | None, points: dict[str, float | None], tick: Tick) -> Weakness:
    line, distortion = scanned.line, scanned.line.distortion
    shown_amount = line.span[1] if amount is None else amount
    pixels = line.render([shown_amount], lambda _: tick(0))
    predictions = {}
    for model in scanned.models:
        predictions[model.name] = model.classes[int(inputs.predictions(model, pixels))]
        tick(0)
    if amount is None:
        share = value = distance = None
    else:
        mild, strong = line.span
        share = abs(amount - mild) / abs(strong - mild) if strong != mild else 0.0
        value = severity(distortion, amount, line.side)
        distance = measures.input_distance(line.clean, pixels)
    return Weakness(
        distortion=distortion.name,
        title=distortion.title,
        family=distortion.family,
        amount=amount,
        shown=None if amount is None else distortion.show(amount),
        flip_points=points,
        share=share,
        severity=value,
        published=distortion.published_at(line.side),
        input=distance,
        predictions=predictions,
        recipe=line.at(shown_amount),
    )


def severity(distortion: Distortion, amount: float, side: int) -> float | None:
    """Place an amount on the published scale of severities.

    Linear between the published severities; beyond the last one it continues with the slope of the last interval.

    Args:
        distortion: The distortion.
        amount: Amount in its unit.
        side: Side of the image in px.

    Returns:
        0 at the identity, 1 to 5 at the published severities; None if nothing is published for this direction of the
        slider.
    """
    identity, strong = distortion.span(side)
    away = 1 if (amount if amount != identity else strong) >= identity else -1
    points = [(0.0, 0.0)]
    for step, published in enumerate(distortion.severities_at(side) or (), start=1):
        distance = away * (published - identity)
        if distance > points[-1][0]:  # two equal severities count as the milder; those of the other way not at all
            points.append((distance, float(step)))
    if len(points) == 1:
        return None
    distance = away * (amount - identity)
    for (near, low), (far, high) in pairwise(points):
        if distance <= far or (far, high) == points[-1]:
            return low + (high - low) * (distance - near) / (far - near)
    return None
