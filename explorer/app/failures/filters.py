"""What a browser asks of a survey's cases, read into plain values: names are looked up, numbers checked, no text of it
ever becomes a part of a query.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.app.validation import mapping
from explorer.errors import ExplorerError
from explorer.survey import QUADRANTS, Plan
from explorer.survey.annotations import MAX_TAG

ORDERS = ("case", "apart", "margin", "confidence", "feature_l2", "kl", "amount")
"""What the gallery can be sorted by."""

MODELS = ("baseline", "other")
MAX_LASSO = 5000
"""Cases that can be picked by hand at once."""

LARGE = 1e300
GONE = "The page asked for cases in a way that makes no sense; reload it."


@dataclass(frozen=True)
class Filters:
    """Which cases are shown; None does not filter.

    ``model`` ("baseline" or "other") is the one that ``low``, ``high`` (of its margin), ``was`` and ``now`` (its clean
    and its distorted answer, as class index) and ``flipped`` are about. ``conditions``: indices into the plan's.
    ``marked``: "star", "note" or "tag:WORD". ``cases``: picked by hand.
    """

    quadrants: tuple[str, ...] = QUADRANTS
    label: int | None = None
    conditions: tuple[int, ...] | None = None
    model: str = "baseline"
    low: float | None = None
    high: float | None = None
    was: int | None = None
    now: int | None = None
    flipped: bool | None = None
    marked: str | None = None
    cases: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Order:
    """What the cases are sorted by, one of ``ORDERS``, and whether the largest come first."""

    by: str = "case"
    falling: bool = False


def read_filters(raw: Any, plan: Plan) -> Filters:
    """The filters of a JSON object; ExplorerError where one names what the survey does not have."""
    given = {key: value for key, value in mapping({} if raw is None else raw).items() if value is not None}
    quadrants = given.get("quadrants", list(QUADRANTS))
    model = given.get("model", "baseline")
    if not isinstance(quadrants, list) or any(name not in QUADRANTS for name in quadrants) or model not in MODELS:
        raise ExplorerError(GONE)
    flipped = given.get("flipped")
    if flipped is not None and not isinstance(flipped, bool):
        raise ExplorerError(GONE)
    return Filters(
        tuple(name for name in QUADRANTS if name in quadrants),
        _class(given.get("label"), plan),
        _conditions(given, plan),
        model,
        _number(given.get("low")),
        _number(given.get("high")),
        _class(given.get("was"), plan),
        _class(given.get("now"), plan),
        flipped,
        _marked(given.get("marked")),
        _cases(given.get("cases")),
    )


def read_order(raw: Any) -> Order:
    """The order of {"by", "falling"}."""
    given = mapping({} if raw is None else raw)
    by, falling = given.get("by", "case"), given.get("falling", False)
    if by not in ORDERS or not isinstance(falling, bool):
        raise ExplorerError(GONE)
    return Order(by, falling)


def whole(value: Any, low: int, high: int) -> int:
    """The value, if it is a whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ExplorerError(GONE)
    return value


def number(value: Any) -> float:
    """The value as a float, if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGE:
        raise ExplorerError("A number is wanted here, such as 0.5.")
    return float(value)


def _class(value: Any, plan: Plan) -> int | None:
    """The index of a class by its name."""
    if value is None:
        return None
    if not isinstance(value, str) or value not in plan.classes:
        raise ExplorerError("The survey has no class of that name.")
    return plan.classes.index(value)


def _conditions(given: Mapping[str, Any], plan: Plan) -> tuple[int, ...] | None:
    """The conditions of one distortion, at one of its amounts where one is given."""
    name, amount = given.get("distortion"), _number(given.get("amount"))
    if name is None and amount is None:
        return None
    found = tuple(
        place
        for place, one in enumerate(plan.conditions)
        if one.distortion == name and (amount is None or math.isclose(one.amount, amount, rel_tol=1e-9))
    )
    if not found:
        raise ExplorerError("The survey has no such distortion, or not with that amount.")
    return found


def _number(value: Any) -> float | None:
    return None if value is None else number(value)


def _marked(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_TAG + 4 or not (value in {"star", "note"} or value[:4] == "tag:"):
        raise ExplorerError(GONE)
    return value


def _cases(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_LASSO:
        raise ExplorerError(f"At most {MAX_LASSO:,} cases can be picked at once.")
    return tuple(whole(case, 0, 2**62) for case in value)
