"""Precision and recall of "these two are the same picture" at every threshold of a distance, exactly.

A curve changes its recall only at the distances of positive pairs, so of the negatives it is enough to count how many
are as near as each of these: that is exact for any number of them, and none needs to be kept or sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.errors import ExplorerError
from explorer.numbers import plain_number
from explorer.results import Result, percent, plain

PRECISIONS = (0.995, 0.99, 0.9)
"""Precisions at which recall is reported; the first is that of Zheng et al. 2016."""

BLOCK = 2**22
"""Dot products in a block of all pairs: 16 MB."""


@dataclass(frozen=True, repr=False, eq=False)
class PrecisionRecall(Result):
    """Precision and recall over the threshold of a distance: a pair counts as found where it is not farther.

    Attributes:
        thresholds: Distances of the positive pairs, ascending, each once (T,).
        true: Positive pairs that are found at each (T,).
        false: Negative pairs that are found at each (T,).
        nearer: Negative pairs that are strictly nearer than each (T,).
        positives: Number of positive pairs.
        negatives: Number of negative pairs, on which every precision depends.
        prior: Share of positives among all pairs for which precisions are computed; by default that of these pairs.
        name: What was measured.
    """

    thresholds: NDArray[np.float64]
    true: NDArray[np.int64]
    false: NDArray[np.int64]
    nearer: NDArray[np.int64]
    positives: int
    negatives: int
    prior: float
    name: str = ""

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the positive pairs that are found at each threshold, ascending (T,)."""
        return self.true / self.positives

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of positives among the pairs that are found at each threshold (T,)."""
        return self.true / (self.true + self._weight * self.false)

    @property
    def _weight(self) -> float:
        """What a negative pair counts as, so that the shares are those of the prior; 1 in the default."""
        own = self.positives / (self.positives + self.negatives)
        return 1.0 if self.prior == own else self.positives * (1 - self.prior) / (self.prior * self.negatives)

    @property
    def average_precision(self) -> float:
        """Sum of the precisions, each weighted with the recall that its threshold adds, as scikit-learn has it."""
        return float(np.diff(self.recall, prepend=0) @ self.precision)

    @property
    def roc_area(self) -> float:
        """Share of all (positive, negative) with the positive nearer; equals count half. NaN without negatives."""
        if not self.negatives:
            return float("nan")
        farther = self.negatives - (self.nearer + self.false) / 2
        return float(np.diff(self.true, prepend=0) @ farther) / (self.positives * self.negatives)

    def recall_at(self, precision: float) -> float:
        """The largest recall at which the precision is not below a bound.

        Args:
            precision: The bound, 0 to 1.

        Returns:
            A share; 0 where no threshold reaches it.
        """
        place = self._place(precision)
        return 0.0 if place is None else float(self.recall[place])

    def threshold_at(self, precision: float) -> float | None:
        """The largest threshold at which the precision is not below a bound.

        Args:
            precision: The bound, 0 to 1.

        Returns:
            A distance, that of a positive pair; None where no threshold reaches it.
        """
        place = self._place(precision)
        return None if place is None else float(self.thresholds[place])

    def _place(self, precision: float) -> int | None:
        if not 0 <= precision <= 1:
            raise ExplorerError(f"A precision is a share from 0 to 1, not {precision:g}.")
        reached = np.flatnonzero(self.precision >= precision)
        return int(reached[-1]) if len(reached) else None

    def with_prior(self, prior: float) -> PrecisionRecall:
        """The same pairs with precisions for another share of positives.

        Args:
            prior: Share of positives among all pairs, above 0 and at most 1.

        Returns:
            The curve.

        Raises:
            ExplorerError: If it is no such share, or below 1 where there is no negative pair to weigh.
        """
        share = plain_number(prior)
        if not isinstance(share, float | int) or not 0 < share <= 1:
            raise ExplorerError(f"The prior is the share of positives among all pairs, above 0 up to 1, not {prior}.")
        if share < 1 and not self.negatives:
            raise ExplorerError(
                f"There is no negative pair, so a prior of {share:g} has nothing to weigh; give negatives, or no prior."
            )
        return replace(self, prior=float(share))

    def __str__(self) -> str:
        shares = ", ".join(f"{percent(self.recall_at(one))} at precision {one:.1%}" for one in PRECISIONS)
        areas = f"average precision {self.average_precision:.4f}, ROC area {self.roc_area:.4f}"
        return f"{self.heading}\n  recall {shares}\n  {areas}"

    @property
    def heading(self) -> str:
        """What was measured, and of how many pairs."""
        return ", ".join(filter(None, (self.name, self.prior_words)))

    @property
    def prior_words(self) -> str:
        """Of how many pairs this is, in words: precision means nothing without it."""
        own = self.positives / (self.positives + self.negatives)
        words = f"{self.positives:,} positive and {self.negatives:,} negative pairs"
        return words if self.prior == own else f"{words}, for a prior of {self.prior:.3g}"

    def to_dict(self) -> dict[str, Any]:
        """The curve as a JSON object.

        Returns:
            The summary numbers and the curve's arrays as lists.
        """
        return self.summary() | {
            "thresholds": plain(self.thresholds), "precision": self.precision.tolist(),
            "recall": self.recall.tolist(), "false": self.false.tolist(),
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """The numbers without the curve.

        Returns:
            Plain values.
        """
        found = {
            "name": self.name, "positives": self.positives, "negatives": self.negatives, "prior": self.prior,
            "average_precision": self.average_precision, "roc_area": plain(self.roc_area),
        }  # fmt: skip
        return found | {
            "recall_at": {f"{one:g}": self.recall_at(one) for one in PRECISIONS},
            "threshold_at": {f"{one:g}": plain(self.threshold_at(one)) for one in PRECISIONS},
        }

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per threshold.
        """
        columns = zip(self.thresholds, self.precision, self.recall, self.true, self.false, strict=True)
        return [
            {"threshold": float(at), "precision": float(p), "recall": float(r), "true": int(t), "false": int(f)}
            for at, p, r, t, f in columns
        ]


def precision_recall(
    positives: ArrayLike, negatives: ArrayLike, *, prior: float | None = None, name: str = ""
) -> PrecisionRecall:
    """Precision and recall from the distances of pairs.

    Args:
        positives: Distances of pairs of the same picture; near means duplicate.
        negatives: Distances of pairs of different pictures.
        prior: Share of positives among all pairs for which precisions are computed; by default that of these pairs.
        name: What was measured.

    Returns:
        The curve; equal to scikit-learn's of the negative distances.

    Raises:
        ExplorerError: If there is no positive pair, or a distance is not a number.

    Examples:
        >>> from explorer.search import precision_recall
        >>> found = precision_recall([0.1, 0.2, 0.4], [0.3, 0.9, 1.2])
        >>> found.recall_at(0.995), round(found.average_precision, 4), round(found.roc_area, 4)
        (0.6666666666666666, 0.9167, 0.8889)
    """
    near, far = (_distances(given, which) for given, which in ((positives, "positives"), (negatives, "negatives")))
    counter = Counter(near)
    counter.add(far)
    return counter.curve(prior, name)


def _distances(given: ArrayLike, which: str) -> NDArray[np.float64]:
    try:
        found = np.asarray(given, np.float64).ravel()
    except (TypeError, ValueError):
        raise ExplorerError(f"The {which} must be distances, an array of numbers.") from None
    if np.isnan(found).any():
        raise ExplorerError(f"A distance among the {which} is not a number (NaN).")
    return found


class Counter:
    """Counts the negatives that are as near as each positive, whatever order and portions they come in."""

    def __init__(self, positives: NDArray[np.float64]) -> None:
        """Begin.

        Args:
            positives: Distances of the positive pairs.

        Raises:
            ExplorerError: If there are none.
        """
        if not len(positives):
            raise ExplorerError("There is no positive pair, so there is no recall: give at least one distance.")
        self.thresholds, counts = np.unique(positives, return_counts=True)
        self._true = np.cumsum(counts)
        self._false, self._nearer = (np.zeros(len(counts), np.int64) for _ in range(2))
        self._negatives = 0

    def add(self, negatives: NDArray[Any]) -> None:
        """Count some negatives.

        Args:
            negatives: Distances, in any order.
        """
        self.add_ordered(np.sort(negatives, axis=None))

    def add_ordered(self, ordered: NDArray[Any]) -> None:
        """Count some negatives that are sorted.

        Args:
            ordered: Distances, ascending.
        """
        bounds = self.thresholds.astype(ordered.dtype)
        self.add_counts(
            np.searchsorted(ordered, bounds, "right"), np.searchsorted(ordered, bounds, "left"), ordered.size
        )

    def add_counts(self, within: NDArray[np.int64], nearer: NDArray[np.int64], negatives: int) -> None:
        """Add what was counted elsewhere.

        Args:
            within: Negatives that are not farther than each threshold.
            nearer: Negatives that are strictly nearer.
            negatives: How many there are.
        """
        self._false += within
        self._nearer += nearer
        self._negatives += negatives

    def settle(self, ordered: NDArray[np.float64], reach: float) -> None:
        """Count again where the near distances are known better than when they were counted.

        Args:
            ordered: Distances, ascending, among them all that are below ``reach``.
            reach: Thresholds below it are counted again.
        """
        sure = self.thresholds[: np.searchsorted(self.thresholds, reach)]
        self._false[: len(sure)] = np.searchsorted(ordered, sure, "right")
        self._nearer[: len(sure)] = np.searchsorted(ordered, sure, "left")

    def curve(self, prior: float | None = None, name: str = "") -> PrecisionRecall:
        """The curve of what was counted so far.

        Args:
            prior: As for ``precision_recall``.
            name: What was measured.

        Returns:
            The curve.
        """
        positives = int(self._true[-1])
        found = PrecisionRecall(
            self.thresholds, self._true, self._false.copy(), self._nearer.copy(), positives, self._negatives,
            positives / (positives + self._negatives), name,
        )  # fmt: skip
        return found if prior is None else found.with_prior(prior)


def blocks(count: int, size: int) -> Iterator[range]:
    """Cut rows into blocks.

    Args:
        count: Number of rows.
        size: Rows in a block.

    Yields:
        The rows of each block.
    """
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
