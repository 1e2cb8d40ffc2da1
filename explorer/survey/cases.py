"""Cases made again: from a survey's numbers back to the pictures, bit for bit those that the models saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from explorer.analysis.varied import undistorted
from explorer.data.datasets import SOURCES, Dataset, local_file, open_dataset
from explorer.data.published import PUBLISHED
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.models import Classifier, load_model
from explorer.survey.plan import Condition, Plan, data_fingerprint, fingerprint
from explorer.survey.query import Survey
from explorer.survey.scan import distort, read


@dataclass(frozen=True, eq=False)
class Case:
    """One case made again: ``clean`` and ``distorted`` float32 (1, C, H, W) in [0, 1], ``label`` -1 where unknown."""

    case: int
    image: int
    label: int
    recipe: Recipe
    clean: Tensor
    distorted: Tensor


def condition_of(plan: Plan, case: int) -> tuple[Condition, int]:
    """The condition and the row in the data set of the case numbered ``case``; ExplorerError where there is none."""
    if not 0 <= case < plan.rows * len(plan.conditions):
        raise ExplorerError(
            f"There is no case {case}; the survey's cases are numbered 0 to {plan.rows * len(plan.conditions) - 1}."
        )
    place, image = divmod(int(case), plan.rows)
    return plan.conditions[place], image


def data_of(survey: Survey, given: str | None = None) -> Dataset:
    """The data set that the survey was made on, never downloaded.

    ``given``: its folder or ``.npz`` file, where it is no named data set. ExplorerError where it is not here, or holds
    other images.
    """
    plan = survey.plan
    if given is None and plan.data not in SOURCES:
        raise ExplorerError(
            f"The pictures of this survey come from {plan.data!r}, which is no named data set; give its folder or file."
        )
    if given is None and plan.data in PUBLISHED and local_file(plan.data) is None:
        raise ExplorerError(
            f"The images of {plan.data} are not here, so that its pictures cannot be made again (its numbers can be "
            f"asked): set EXPLORER_DATA to a folder that holds {plan.data}.npz, or fetch them once with "
            f"explorer.load_dataset('{plan.data}')."
        )
    data = open_dataset(given or plan.data)
    if len(data) < plan.rows or data_fingerprint(data, plan.rows) != plan.pixels:
        raise ExplorerError(f"{data.name} holds other images than those the survey was made on; give the same ones.")
    return data


def models_of(survey: Survey, wanted: Iterable[str] | None = None) -> list[Classifier]:
    """The survey's models by name (all by default), with the very weights; ExplorerError where they have changed."""
    plan = survey.plan
    weights = dict(zip(plan.models, plan.weights, strict=True))
    found = []
    for name in plan.models if wanted is None else wanted:
        if name not in weights:
            raise ExplorerError(f"The survey has no model named {name!r}; it has {', '.join(plan.models)}.")
        model = load_model(name)
        if fingerprint(model) != weights[name]:
            raise ExplorerError(f"{name} has other weights than those the survey was made with.")
        found.append(model)
    return found


def open_cases(
    survey: Survey,
    cases: Sequence[int],
    *,
    data: Dataset | None = None,
    models: Sequence[Classifier] | None = None,
) -> list[Case]:
    """Make the cases again, in the order asked for.

    ``data`` and ``models``: those of the survey, found by their names by default; the first model says how large the
    pictures are, and all are needed where attacks go against another one. ExplorerError where they are not here, and
    where an image can no longer be read.
    """
    plan = survey.plan
    wanted = [condition_of(plan, case) for case in cases]
    data = data_of(survey) if data is None else data
    attacked = any(find_distortion(condition.distortion).adversarial for condition, _ in wanted)
    names = [plan.models[0], *([plan.against] if attacked and plan.against else [])]
    models = models_of(survey, dict.fromkeys(names)) if models is None else models
    found: dict[int, Case] = {}
    for condition in dict.fromkeys(condition for condition, _ in wanted):
        rows = sorted({image for own, image in wanted if own == condition})
        batch, unread = read(data, rows, models[0])
        if unread:
            raise ExplorerError(f"Image {next(iter(unread))} cannot be read: {next(iter(unread.values()))}")
        clean = undistorted(batch.pixels, plan.quantised)
        distorted, _ = distort(models, batch, plan, condition)
        first = plan.conditions.index(condition) * plan.rows
        for i, row in enumerate(rows):
            found[first + row] = Case(
                first + row,
                row,
                int(batch.labels[i]),
                plan.recipe(condition, row),
                clean[i : i + 1],
                distorted[i : i + 1],
            )
    return [found[int(case)] for case in cases]
