"""Which cases of a survey the page asks for, and in which order.

Names are looked up and numbers checked; no text from the browser ever becomes part of a query.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from explorer.app.validation import Request, Sentence
from explorer.errors import ExplorerError
from explorer.survey import QUADRANTS, Plan
from explorer.survey.annotations import MAX_TAG

MAX_LASSO = 5000
"""Cases that can be picked by hand at once."""

LARGE = 1e300
GONE = "The page asked for cases in a way that makes no sense; reload it."
NO_CLASS = "The survey has no class of that name."

CaseNumber = Annotated[int, Field(ge=0, le=2**62)]
Class = Annotated[str | None, Sentence(NO_CLASS)]
Number = Annotated[float | None, Field(gt=-LARGE, lt=LARGE), Sentence("Enter a number, such as 0.5.")]


@dataclass(frozen=True)
class Filters:
    """Which cases are shown; None does not filter.

    Attributes:
        quadrants: Names of the quadrants that are shown.
        label: Index of the true class.
        conditions: Indices into the plan's conditions.
        model: "baseline" or "other": the one that the following are about.
        low: Smallest margin.
        high: Largest margin.
        was: Index of the class of its clean answer.
        now: Index of the class of its distorted answer.
        flipped: Whether its answer has changed.
        annotation: "star", "note" or "tag:WORD".
        cases: Picked by hand.
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
    annotation: str | None = None
    cases: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Order:
    """What the cases are sorted by.

    Attributes:
        by: One of the columns in ``OrderRequest``.
        falling: Whether the largest come first.
    """

    by: str = "case"
    falling: bool = False


class FiltersRequest(Request):
    """Filters as the page sends them; null does not filter.

    Attributes:
        quadrants: Names of the quadrants that are shown.
        label: Name of the true class.
        distortion: Name of the distortion.
        amount: Its amount.
        model: The model that the following filters are about.
        low: Smallest margin.
        high: Largest margin.
        was: Class of its clean answer.
        now: Class of its distorted answer.
        flipped: Whether its answer has changed.
        annotation: "star", "note" or "tag:WORD".
        cases: Numbers of cases that were picked by hand.
    """

    wrong = GONE

    quadrants: list[str] | None = None
    label: Class = None
    distortion: str | None = None
    amount: Number = None
    model: Literal["baseline", "other"] = "baseline"
    low: Number = None
    high: Number = None
    was: Class = None
    now: Class = None
    flipped: bool | None = None
    annotation: Annotated[str | None, Field(max_length=MAX_TAG + 4, pattern="^(star|note|tag:.*)$")] = None
    cases: Annotated[
        list[CaseNumber] | None,
        Field(max_length=MAX_LASSO),
        Sentence(f"At most {MAX_LASSO:,} cases can be picked at once."),
    ] = None


class OrderRequest(Request):
    """An order as the page sends it.

    Attributes:
        by: What the cases are sorted by; ``apart`` is the difference of the two models' margins.
        falling: Whether the largest come first.
    """

    wrong = GONE

    by: Literal["case", "apart", "margin", "confidence", "feature_l2", "kl", "amount"] = "case"
    falling: bool = False


def read_filters(raw: Any, plan: Plan) -> Filters:
    """Look up what the filters of the page name.

    Args:
        raw: A JSON object from the browser, or None.
        plan: The survey's plan.

    Returns:
        The filters.

    Raises:
        ExplorerError: If one names what the survey does not have.
    """
    given = FiltersRequest.read({} if raw is None else raw)
    quadrants = QUADRANTS if given.quadrants is None else given.quadrants
    if any(name not in QUADRANTS for name in quadrants):
        raise ExplorerError(GONE)
    return Filters(
        tuple(name for name in QUADRANTS if name in quadrants),
        _class(given.label, plan),
        _conditions(given, plan),
        given.model,
        given.low,
        given.high,
        _class(given.was, plan),
        _class(given.now, plan),
        given.flipped,
        given.annotation,
        None if given.cases is None else tuple(given.cases),
    )


def read_order(raw: Any) -> Order:
    """Read the order that the page asks for.

    Args:
        raw: {"by", "falling"} from the browser, or None.

    Returns:
        The order; by case where it does not say.

    Raises:
        ExplorerError: If cases cannot be sorted by that.
    """
    given = OrderRequest.read({} if raw is None else raw)
    return Order(given.by, given.falling)


def _class(name: str | None, plan: Plan) -> int | None:
    """The index of a class by its name."""
    if name is None:
        return None
    if name not in plan.classes:
        raise ExplorerError(NO_CLASS)
    return plan.classes.index(name)


def _conditions(given: FiltersRequest, plan: Plan) -> tuple[int, ...] | None:
    """The conditions of one distortion, at one of its amounts where one is given."""
    name, amount = given.distortion, given.amount
    if name is None and amount is None:
        return None
    found = tuple(
        index
        for index, one in enumerate(plan.conditions)
        if one.distortion == name and (amount is None or math.isclose(one.amount, amount, rel_tol=1e-9))
    )
    if not found:
        raise ExplorerError("The survey has no such distortion, or not with that amount.")
    return found
