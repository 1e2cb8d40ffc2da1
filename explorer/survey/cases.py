"""Rendering cases: from a survey's numbers to exactly the pixels that the models saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from explorer.analysis.varied import undistorted
from explorer.data.dataset import data_fingerprint
from explorer.data.datasets import DATASETS, Dataset, local_file, open_dataset
from explorer.data.published import PUBLISHED
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.models import Classifier, load_model
from explorer.models.functions import is_function
from explorer.survey.pictures import read
from explorer.survey.plan import Condition, Plan, fingerprint
from explorer.survey.query import Survey
from explorer.survey.scan import distort


@dataclass(frozen=True, eq=False)
class Case:
    """One case with its pixels.

    Attributes:
        case: Number of the case in its survey.
        image: Row of the image in the data set.
        label: Index of the true class; -1 if it is unknown.
        recipe: The recipe that makes the distorted image.
        clean: float32 (1, C, H, W) in [0, 1]; a photograph's working copy where the survey distorts photographs.
        distorted: float32 (1, C, H, W) in [0, 1].
    """

    case: int
    image: int
    label: int
    recipe: Recipe
    clean: Tensor
    distorted: Tensor


def condition_of(plan: Plan, case: int) -> tuple[Condition, int]:
    """Find the condition and the image of a case.

    Args:
        plan: The survey's plan.
        case: Number of the case.

    Returns:
        The condition and the row in the data set.

    Raises:
        ExplorerError: If the survey has no such case.
    """
    if not 0 <= case < plan.rows * len(plan.conditions):
        raise ExplorerError(
            f"There is no case {case}; the survey's cases are numbered 0 to {plan.rows * len(plan.conditions) - 1}."
        )
    index, image = divmod(int(case), plan.rows)
    return plan.conditions[index], image


def data_of(survey: Survey, given: str | None = None) -> Dataset:
    """Open the data set that a survey was made on. Nothing is downloaded.

    Args:
        survey: The survey.
        given: The data set's folder or ``.npz`` file, needed unless it is a named data set.

    Returns:
        The data set.

    Raises:
        ExplorerError: If the data set is not on this machine or holds other images.
    """
    plan = survey.plan
    if given is None and plan.data not in DATASETS:
        raise ExplorerError(
            f"The pictures of this survey come from {plan.data!r}, which is not a named data set; "
            "give its folder or file."
        )
    if given is None and plan.data in PUBLISHED and local_file(plan.data) is None:
        raise ExplorerError(
            f"The images of {plan.data} are not here, so its pictures cannot be rendered (its numbers remain "
            f"available): set EXPLORER_DATA to a folder that holds {plan.data}.npz, or fetch them once with "
            f"explorer.load_dataset('{plan.data}')."
        )
    opened = open_dataset(given or plan.data)
    data = surveyed(plan, opened)
    if data is None:
        raise ExplorerError(f"{opened.name} holds different images from those of the survey; give the same ones.")
    return data


def surveyed(plan: Plan, data: Dataset) -> Dataset | None:
    """A data set with a survey's classes, if it is the one on which the survey was made.

    Args:
        plan: The survey's plan.
        data: Any data set.

    Returns:
        The data set, its labels counting in ``plan.classes``; None if it holds other images.
    """
    if len(data) < plan.rows:
        return None
    if not data.classes:
        data = replace(data, classes=plan.classes)
    try:
        data = data.matched(plan.classes, plan.models[0], guessed=True)
    except ExplorerError:
        return None
    return data if data_fingerprint(data, plan.rows) == plan.pixels else None


def models_of(survey: Survey, wanted: Iterable[str] | None = None) -> list[Classifier]:
    """Load a survey's models and verify their weights.

    Args:
        survey: The survey.
        wanted: Names of the models to load; all by default.

    Returns:
        The models.

    Raises:
        ExplorerError: If the survey has no such model or its weights have changed.
    """
    plan = survey.plan
    weights = dict(zip(plan.models, plan.weights, strict=True))
    found = []
    for name in plan.models if wanted is None else wanted:
        if name not in weights:
            raise ExplorerError(f"The survey has no model named {name!r}; it has {', '.join(plan.models)}.")
        if is_function(name):  # a survey may come from anybody; its code does not run by itself
            raise ExplorerError(f"{name} is built by a function; hand it over: models=[explorer.load_model({name!r})].")
        model = load_model(name)
        if fingerprint(model) != weights[name]:
            raise ExplorerError(f"{name} has different weights from those the survey was made with.")
        found.append(model)
    return found


def open_cases(
    survey: Survey,
    cases: Sequence[int],
    *,
    data: Dataset | None = None,
    models: Sequence[Classifier] | None = None,
    model: str | None = None,
) -> list[Case]:
    """Make the images of cases again.

    Args:
        survey: The survey.
        cases: Numbers of the cases.
        data: The survey's data set; found by its name by default.
        models: The survey's models; loaded by name by default. The first one sets the size of the images; all are
            needed where attacks are crafted on another one.
        model: Name of the model whose pixels are made where attacks were crafted on each; the first by default.

    Returns:
        The cases in the order asked for.

    Raises:
        ExplorerError: If data or models are not available, or if an image can no longer be read.
    """
    plan = survey.plan
    wanted = [condition_of(plan, case) for case in cases]
    data = data_of(survey) if data is None else data
    attacked = any(find_distortion(condition.distortion).adversarial for condition, _ in wanted)
    names = [plan.models[0], *([plan.against or model or plan.models[0]] if attacked else [])]
    models = models_of(survey, dict.fromkeys(names)) if models is None else models
    found: dict[int, Case] = {}
    for condition in dict.fromkeys(condition for condition, _ in wanted):
        rows = sorted({image for one, image in wanted if one == condition})
        parts, unread = read(data, rows, plan, models[0].takes)
        for row, why in unread.items():
            raise ExplorerError(f"Image {row} cannot be read: {why}")
        first = plan.conditions.index(condition) * plan.rows
        for part in parts:
            distorted, _ = distort(models, part, plan, condition, model)
            each = zip(part.rows, part.labels.tolist(), part.pixels.split(1), distorted.split(1), strict=True)
            for row, label, pixels, one in each:
                recipe, clean = plan.recipe(condition, row, model), undistorted(pixels, plan.quantised)
                found[first + row] = Case(first + row, row, label, recipe, clean, one)
    return [found[int(case)] for case in cases]
