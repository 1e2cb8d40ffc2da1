"""How sure a curve's numbers are: the bootstrap by picture, and paired differences between models.

A picture that is drawn twice counts twice in its positive pair and in every negative pair that it is part of: pairs
that share a picture are never taken for independent ones. Of the negatives, those that are kept are weighed so; farther
ones, where precision is low for certain, count as in the sample. Recalls that are the same in every resample, as where
all copies are found, have the score intervals of ``explorer.evaluation.statistics``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.evaluation.statistics import (
    Interval,
    paired_interval,
    percentile_interval,
    resampled_counts,
    wilson_interval,
)
from explorer.search.copies import Copies
from explorer.search.pairs import PRECISIONS

AVERAGE = "average_precision"

Resampled = dict[str, NDArray[np.float64]]
"""Estimates in each resample (R,) by name: ``average_precision`` and ``recall_at_0.995`` and its like."""


@dataclass(frozen=True)
class Estimate:
    """A number and its interval.

    Attributes:
        value: The number.
        interval: Its 95 % interval.
    """

    value: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """The estimate as a JSON object.

        Returns:
            Plain values.
        """
        return {"value": self.value, "interval": list(self.interval)}


def names() -> tuple[str, ...]:
    """What is estimated.

    Returns:
        Names of the estimates.
    """
    return (*(f"recall_at_{one:g}" for one in PRECISIONS), AVERAGE)


def resample(found: Copies) -> Resampled:
    """The numbers of a curve in every bootstrap resample of the pictures.

    Args:
        found: Originals against copies.

    Returns:
        The estimates.
    """
    parts = [weighted(found, counts) for counts in resampled_counts(len(found.distances))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def weighted(found: Copies, counts: NDArray[np.float64]) -> Resampled:
    """The numbers of a curve in which pictures count more than once or not at all.

    Args:
        found: Originals against copies, of n pictures.
        counts: How often each picture counts (R, n); each row adds up to n.

    Returns:
        The estimates (R,), for the curve's prior.
    """
    n, curve, kept = len(found.distances), found.curve, found.false
    order = np.argsort(found.distances, kind="stable")
    near = found.distances[order]
    last = np.searchsorted(near, near, "right") - 1  # equal distances are found together
    at = np.searchsorted(kept.distance, near, "right")
    every = curve.false[np.minimum(np.searchsorted(curve.thresholds, near), len(curve.thresholds) - 1)]
    beyond = np.maximum(0, every - at)
    true = np.cumsum(counts[:, order], axis=1)[:, last]
    pairs = np.cumsum(counts[:, kept.original] * counts[:, kept.copy], axis=1)
    within = np.concatenate([np.zeros((len(counts), 1)), pairs], axis=1)[:, at]
    same = n * (n - 1) / np.maximum(1, n * n - (counts**2).sum(1, keepdims=True))  # so that the prior stays
    weight = curve.positives * (1 - curve.prior) / (curve.prior * curve.negatives)
    false = weight * (within * same + beyond)
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    recall = true / n
    made = {f"recall_at_{one:g}": np.where(precision >= one, recall, 0).max(1) for one in PRECISIONS}
    return made | {AVERAGE: (np.diff(recall, axis=1, prepend=0) * precision).sum(1)}


def value_of(found: Copies, name: str) -> float:
    """The number itself.

    Args:
        found: Originals against copies.
        name: One of ``names``.

    Returns:
        The number, of all pictures once.
    """
    if name == AVERAGE:
        return found.curve.average_precision
    return found.curve.recall_at(float(name.rpartition("_")[2]))


def estimates(found: Copies, resampled: Resampled | None = None) -> dict[str, Estimate]:
    """The numbers of a curve with their intervals.

    Args:
        found: Originals against copies.
        resampled: What ``resample`` gave for them, where it is known.

    Returns:
        Estimates by name.
    """
    drawn, n = resample(found) if resampled is None else resampled, len(found.distances)
    made = {name: Estimate(value_of(found, name), percentile_interval(one)) for name, one in drawn.items()}
    for name, one in drawn.items():
        if name != AVERAGE and not np.ptp(one):  # all or none in every resample: so few pictures leave something open
            made[name] = Estimate(made[name].value, wilson_interval(round(made[name].value * n), n))
    return made


def differences(
    first: Copies, second: Copies, resampled: tuple[Resampled, Resampled] | None = None
) -> dict[str, Estimate]:
    """How much higher the second model's numbers are, on the same pictures in every resample.

    Args:
        first: One model's pairs.
        second: Another's, of the same pictures.
        resampled: What ``resample`` gave for them, where it is known.

    Returns:
        Differences by name.

    Raises:
        ExplorerError: If they are not of the same pictures.
    """
    if first.originals.hashes != second.originals.hashes:
        raise ExplorerError(
            f"{first.model} and {second.model} were measured on different pictures, so nothing can be paired."
        )
    one, other = resampled or (resample(first), resample(second))
    found, n = dict[str, Estimate](), len(first.distances)
    for name in one:
        gap, drawn = value_of(second, name) - value_of(first, name), other[name] - one[name]
        agreed = name != AVERAGE and not np.ptp(drawn)
        counts = (round(max(0.0, gap) * n), round(max(0.0, -gap) * n))
        found[name] = Estimate(gap, paired_interval(*counts, n) if agreed else percentile_interval(drawn))
    return found
