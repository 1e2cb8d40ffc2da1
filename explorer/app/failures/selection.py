"""Which cases of which survey a request of the page "Failures" is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.app.failures.filters import Filters, read_filters
from explorer.app.failures.open_surveys import OpenSurvey, OpenSurveys
from explorer.app.failures.requests import SelectionRequest, SurveyRequest
from explorer.app.failures.table import Table
from explorer.survey import QUADRANTS
from explorer.survey.annotations import read_annotations


@dataclass(frozen=True, eq=False)
class Selection:
    """What a request is about.

    Attributes:
        opened: The survey.
        pair: The two models that are compared.
        table: Their cases.
        filters: Which of the cases are shown.
    """

    opened: OpenSurvey
    pair: tuple[str, str]
    table: Table
    filters: Filters

    def annotated(self) -> dict[str, set[int]]:
        """The annotated cases, if a filter asks for them.

        Returns:
            Cases with a "star", a "note" and each "tag:WORD"; empty without such a filter.
        """
        return annotated_cases(self.opened) if self.filters.annotation else {}

    def kept(self) -> NDArray[np.bool_]:
        """Apply all filters.

        Returns:
            Which cases of the table they keep, booleans (n,).
        """
        keep = self.table.select(self.filters, self.annotated())
        return keep & np.isin(self.table.quadrant, [QUADRANTS.index(name) for name in self.filters.quadrants])


def select(surveys: OpenSurveys, question: SelectionRequest) -> Selection:
    """Look up what a request names.

    Args:
        surveys: The surveys that the page offers.
        question: The request.

    Returns:
        The survey, its two models, their cases, and the filters.

    Raises:
        ExplorerError: If it names what is not there.
    """
    opened = surveys.find(question.survey)
    pair = pair_of(opened, question)
    filters = read_filters(question.filters, opened.survey.plan)
    return Selection(opened, pair, surveys.table(opened, pair), filters)


def pair_of(opened: OpenSurvey, question: SurveyRequest) -> tuple[str, str]:
    """Return the two models to compare: by default the first one, and a stabilized sibling where there is one.

    Args:
        opened: The survey.
        question: The request.

    Returns:
        Names of the baseline and the other model.

    Raises:
        ExplorerError: If the survey does not have them.
    """
    if question.pair is None:
        plan = opened.survey.plan
        stable = (name for name, method in zip(plan.models, plan.methods, strict=True) if method == "stability")
        sibling = next((name for name in stable if name != plan.models[0]), None)
        return opened.survey.pair(plan.models[0], sibling)
    first, second = question.pair
    return opened.survey.pair(first, second)


def annotated_cases(opened: OpenSurvey) -> dict[str, set[int]]:
    """Collect the annotated cases of a survey.

    Args:
        opened: The survey.

    Returns:
        The cases with a "star", with a "note", and with each "tag:WORD".
    """
    found: dict[str, set[int]] = {}
    for case, one in read_annotations(opened.survey).items():
        names = [*(["star"] if one.star else []), *(["note"] if one.note else [])]
        for name in [*names, *(f"tag:{tag}" for tag in one.tags)]:
            found.setdefault(name, set()).add(case)
    return found
