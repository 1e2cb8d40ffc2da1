"""All cases of a survey for two models, as columns in memory: what the page filters, counts and sorts in milliseconds.

A case takes about 60 bytes, so that a survey of five million rows of two models takes 150 MB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.failures.filters import Filters, Order
from explorer.errors import ExplorerError
from explorer.survey import QUADRANTS, Plan, Survey
from explorer.survey.statistics import CLEAN

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[Any]

_COLUMNS = (
    '"case"',
    "label",
    "prediction",
    "clean_prediction",
    "confidence",
    "coalesce(margin_true, CASE WHEN flipped THEN -margin ELSE margin END) AS margin",
    "feature_l2",
    "kl",
    "flipped",
    "fails(correct, flipped) AS fails",
)
SHARED = ("case", "label")
MANY = 2**20
SIDES = ("baseline", "other")


@dataclass(frozen=True, eq=False)
class Table:
    """The cases of two models as columns of length n, in the order of the case numbers.

    Attributes:
        case: Case numbers.
        label: Index of the true class, -1 where it is not known.
        condition: Index of the condition in the plan.
        mild: Rank of the amount, from mild to strong.
        quadrant: Index in ``QUADRANTS``.
        sides: Columns of either model by name. ``margin`` is that of the true class; where the class is not known, that
            of the answer, and below 0 if it differs from the clean one.
    """

    case: NDArray[np.int64]
    label: NDArray[np.int16]
    condition: NDArray[np.int32]
    mild: NDArray[np.int32]
    quadrant: NDArray[np.int8]
    sides: dict[str, dict[str, Column]]

    def select(self, filters: Filters, annotated: dict[str, set[int]]) -> NDArray[np.bool_]:
        """Apply the filters, except that of the quadrants.

        Args:
            filters: The filters.
            annotated: The cases with "star", "note" or "tag:WORD".

        Returns:
            Which cases they keep, (n,).
        """
        keep = np.ones(len(self.case), bool)
        if filters.label is not None:
            keep &= self.label == filters.label
        if filters.conditions is not None:
            keep &= np.isin(self.condition, filters.conditions)
        side = self.sides[filters.model]
        if filters.low is not None:
            keep &= side["margin"] >= filters.low
        if filters.high is not None:
            keep &= side["margin"] <= filters.high
        if filters.was is not None:
            keep &= side["clean_prediction"] == filters.was
        if filters.now is not None:
            keep &= side["prediction"] == filters.now
        if filters.flipped is not None:
            keep &= side["flipped"] == filters.flipped
        if filters.annotation is not None:
            keep &= np.isin(self.case, list(annotated.get(filters.annotation, ())))
        if filters.cases is not None:
            keep &= np.isin(self.case, filters.cases)
        return keep

    def counts(self, keep: NDArray[np.bool_]) -> dict[str, int]:
        """Count the kept cases of each quadrant.

        Args:
            keep: Which cases, (n,).

        Returns:
            The counts by the quadrant's name.
        """
        counted = np.bincount(self.quadrant[keep], minlength=len(QUADRANTS))
        return dict(zip(QUADRANTS, counted.tolist(), strict=True))

    def ordered(self, keep: NDArray[np.bool_], filters: Filters, order: Order, most: int) -> NDArray[np.int64]:
        """Sort the kept cases of the filters' quadrants.

        Args:
            keep: Which cases, (n,).
            filters: Their quadrants, and the model whose columns count.
            order: What to sort by.
            most: How many to return at most.

        Returns:
            Rows of this table, the first ones in that order.
        """
        wanted = [QUADRANTS.index(name) for name in filters.quadrants]
        rows = np.flatnonzero(keep & np.isin(self.quadrant, wanted))
        if order.by == "case":
            return rows[::-1][:most] if order.falling else rows[:most]
        values = self._values(order.by, filters.model)[rows]
        values = -values if order.falling else values
        if len(rows) > most:  # a whole sort of millions would be waited for
            rows = rows[np.sort(np.argpartition(values, most - 1)[:most])]
            values = self._values(order.by, filters.model)[rows]
            values = -values if order.falling else values
        return rows[np.argsort(values, kind="stable")]

    def _values(self, by: str, model: str) -> Column:
        if by == "apart":  # how far the two models' margins are from each other, whichever is ahead
            return np.abs(self.sides["other"]["margin"] - self.sides["baseline"]["margin"])
        if by == "amount":
            return self.mild
        return self.sides[model][by]

    def confusion(self, keep: NDArray[np.bool_], model: str, classes: int) -> list[list[int]]:
        """Count how a model's answers to the kept cases moved.

        Args:
            keep: Which cases, (n,).
            model: "baseline" or "other".
            classes: Number of classes.

        Returns:
            The counts, [clean answer][distorted answer].
        """
        side = self.sides[model]
        pairs = side["clean_prediction"][keep].astype(np.int64) * classes + side["prediction"][keep]
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).tolist()

    def patterns(self, plan: Plan) -> pd.DataFrame:
        """Count what ``survey.statistics.paired`` counts, from these columns: faster than asking the files.

        Args:
            plan: The survey's plan.

        Returns:
            The same table.
        """
        import pandas as pd

        image = self.case % plan.rows
        a, b = self.sides["baseline"]["fails"], self.sides["other"]["fails"]
        known = self.label >= 0
        clean_a, clean_b = (known & (side["clean_prediction"] != self.label) for side in self.sides.values())
        case_of = np.full(plan.rows, -1)
        case_of[image[::-1]] = np.arange(len(image))[::-1]  # the first case of each image
        first = case_of[case_of >= 0]
        parts = [_pattern(CLEAN, math.nan, image[first], clean_a[first], clean_b[first])]
        starts = np.searchsorted(self.condition, np.arange(len(plan.conditions) + 1))  # the cases are in their order
        cases: dict[tuple[str, float], list[NDArray[np.int64]]] = {}  # of all seeds of a distortion and amount
        for i, one in enumerate(plan.conditions):
            cases.setdefault((one.distortion, one.amount), []).append(np.arange(starts[i], starts[i + 1]))
        for (distortion, amount), seeds in cases.items():
            rows = np.concatenate(seeds)
            if len(rows):
                parts.append(_pattern(distortion, amount, image[rows], a[rows], b[rows]))
        return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _pattern(distortion: str, amount: float, image: Column, a: Column, b: Column) -> dict[str, Column]:
    """The rows of ``patterns`` of one condition: ``image`` (n,) of each case, and whether either model failed it."""
    most = int(image.max()) + 1
    counted = [np.bincount(image[which], minlength=most) for which in (slice(None), a & ~b, b & ~a, a & b)]
    there = counted[0] > 0
    base = int(counted[0].max()) + 1  # what happened to an image as one number, its digits the four counts
    code = sum(one[there] * base**power for power, one in zip((3, 2, 1, 0), counted, strict=True))
    if base**4 <= MANY:  # counting is faster than sorting
        images = np.bincount(code)
        found = np.flatnonzero(images)
        images = images[found]
    else:
        found, images = np.unique(code, return_counts=True)
    digits = (found // base**power % base for power in (3, 2, 1, 0))
    return {
        "distortion": np.full(len(found), distortion, object),
        "amount": np.full(len(found), amount),
        **dict(zip(("seeds", "a_only", "b_only", "joint"), digits, strict=True)),
        "images": images,
    }


def load(survey: Survey, pair: Sequence[str]) -> Table:
    """Read the table of two models.

    Args:
        survey: The survey.
        pair: Names of the baseline and the other model.

    Returns:
        The table.

    Raises:
        ExplorerError: If nothing is finished yet, or only one of the models has answered a case.
    """
    wanted = ", ".join(_COLUMNS)
    with survey.connect() as connection:
        mild = {
            (name, amount): rank
            for name, amount, rank in connection.execute("SELECT distortion, amount, mild FROM amounts").fetchall()
        }
        first, second = (
            {
                name: _plain(name, values)
                for name, values in connection.execute(
                    f'SELECT {wanted} FROM rows WHERE model = ? ORDER BY "case"',  # noqa: S608  # names of ours
                    [model],
                )
                .fetchnumpy()
                .items()
            }
            for model in pair
        )
    if not np.array_equal(first["case"], second["case"]):
        raise ExplorerError("The two models have not answered the same cases; run the survey again.")
    condition = (first["case"] // survey.plan.rows).astype(np.int32)
    ranks = np.array([mild[one.distortion, one.amount] for one in survey.plan.conditions], np.int32)
    a, b = first["fails"], second["fails"]
    quadrant = np.select([a & ~b, b & ~a, a & b], [0, 1, 2], 3).astype(np.int8)
    sides = {
        side: {name: values for name, values in one.items() if name not in SHARED}
        for side, one in zip(SIDES, (first, second), strict=True)
    }
    return Table(first["case"], first["label"], condition, ranks[condition], quadrant, sides)


def _plain(name: str, values: Column) -> Column:
    """The column without a mask: an unknown label is -1, other unknown numbers NaN."""
    if isinstance(values, np.ma.MaskedArray):
        return values.filled(-1 if name == "label" else np.nan)
    return values
