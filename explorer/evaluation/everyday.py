"""The table of Zheng et al. 2016 (arXiv 1604.04326): top-1 and top-5 under what happens to photographs every day.

Rows are the original, JPEG at quality 50, a thumbnail and a crop by 10 px, each made of the photograph at its own size;
every model then fits the original and the distorted one by its own transform. The paper does not state the thumbnail's
area; here it is that of a square of 64 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data.datasets import Dataset
from explorer.distortions import Recipe
from explorer.distortions.protocols import everyday_plan
from explorer.evaluation.evaluate import FIVE
from explorer.evaluation.results import SuiteResult, about, interval_columns
from explorer.evaluation.sample import Sample, step_of
from explorer.evaluation.statistics import Interval, Paired, compare_paired
from explorer.models import Classifier
from explorer.progress import Progress
from explorer.results import percent


@dataclass(frozen=True)
class EverydayRow:
    """One model under one condition; shares are in [0, 1].

    Attributes:
        model: Name of the model.
        condition: ``original``, ``jpeg``, ``thumbnail`` or ``crop``.
        recipe: Recipe with which ``evaluate`` sees the same pixels.
        n: Number of images.
        accuracy: Share whose true class is the likeliest.
        interval: Its 95 % Wilson interval.
        top5: Share whose true class is among the five likeliest.
        top5_interval: Its 95 % Wilson interval.
        difference: ``accuracy`` minus that of the first model; None for the first.
        difference_interval: Its 95 % interval, paired (Tango).
        top5_difference: The same of ``top5``.
        top5_difference_interval: Its 95 % interval, paired (Tango).
        instability: Share of images that the model names rightly in the original or in this version, but not in both
            (Cidon et al. 2020, arXiv 2010.09028).
    """

    model: str
    condition: str
    recipe: Recipe
    n: int
    accuracy: float
    interval: Interval
    top5: float
    top5_interval: Interval
    difference: float | None
    difference_interval: Interval | None
    top5_difference: float | None
    top5_difference_interval: Interval | None
    instability: float

    def to_dict(self) -> dict[str, Any]:
        """The row as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}
        return plain | {"recipe": str(self.recipe)}


@dataclass(frozen=True)
class EverydaySummary:
    """One model under all conditions.

    Attributes:
        model: Name of the model.
        accuracy: Share of images whose true class is the likeliest, by condition, in [0, 1].
        top5: Share whose true class is among the five likeliest, likewise.
    """

    model: str
    accuracy: dict[str, float]
    top5: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The numbers as a JSON object.

        Returns:
            Plain values.
        """
        return dict(vars(self))


@dataclass(frozen=True, repr=False)
class Everyday(SuiteResult):
    """Accuracies under everyday distortions of photographs.

    Attributes:
        rows: One row per model and condition.
        summaries: One per model.
    """

    rows: tuple[EverydayRow, ...]
    summaries: tuple[EverydaySummary, ...]

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per model and condition.
        """
        intervals = ("interval", "top5_interval", "difference_interval", "top5_difference_interval")
        return [
            self._of_all()
            | {key: value for key, value in vars(row).items() if key not in intervals}
            | {"recipe": str(row.recipe)}
            | interval_columns(row.interval)
            | interval_columns(row.top5_interval, "top5_")
            | interval_columns(row.difference_interval, "difference_")
            | interval_columns(row.top5_difference_interval, "top5_difference_")
            for row in self.rows
        ]

    def __str__(self) -> str:
        lines = [f"{self.heading}, top-1 (top-5)"]
        for one in self.summaries:
            shares = (f"{name} {percent(one.accuracy[name])} ({percent(one.top5[name])})" for name in one.accuracy)
            lines.append(f"  {one.model}: {', '.join(shares)}")
        return "\n".join(lines)


def everyday(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Everyday:
    """Measure models under the conditions of Zheng et al.'s table.

    Args:
        models: Models of any input size.
        dataset: Labelled photographs.
        limit: Number of images, as for ``evaluate``; all by default.
        seed: Of the crop's corners.
        batch_size: Of no matter for the result.
        progress: Called with images done and images in all.

    Returns:
        A row per model and condition.

    Raises:
        ExplorerError: As in ``run_suite``.
    """
    sample = Sample.of(models, dataset, limit, batch_size, photographs=True)
    plan = everyday_plan(seed)
    rows: list[EverydayRow] = []
    original: NDArray[np.bool_] | None = None
    for done, (condition, recipe) in enumerate(plan):
        ranks = sample.ranks(recipe, step_of(progress, done, len(plan)))
        first, five = ranks == 0, ranks < FIVE
        original = first if original is None else original
        for i, model in enumerate(sample.models):
            one, among = (_against(right[0], right[i]) for right in (first, five))
            gap, gap5 = ((found.difference, found.interval) if i else (None, None) for found in (one, among))
            moved = float((first[i] != original[i]).mean())
            rows.append(
                EverydayRow(
                    *(model.name, condition, recipe, sample.count),
                    *(one.second, one.second_interval, among.second, among.second_interval, *gap, *gap5, moved),
                )
            )
    return Everyday("zheng", *about(sample, seed), tuple(rows), tuple(_summary(model.name, rows) for model in models))


def _summary(model: str, rows: Sequence[EverydayRow]) -> EverydaySummary:
    own = [row for row in rows if row.model == model]
    accuracy, top5 = ({row.condition: getattr(row, share) for row in own} for share in ("accuracy", "top5"))
    return EverydaySummary(model, accuracy, top5)


def _against(first: NDArray[np.bool_], right: NDArray[np.bool_]) -> Paired:
    """The shares of a model, paired with those of the first one."""
    return compare_paired(right & ~first, first & ~right, first & right)
