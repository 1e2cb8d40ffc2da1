"""What the page "Failures" sends with each of its questions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from explorer.app.failures.filters import GONE, CaseNumber
from explorer.app.failures.table import SIDES
from explorer.app.validation import MAX_TEXT, Request, Sentence

PAGE = 200
"""Cases described at once."""

DRAWN = 48
"""Pictures drawn at once."""

SHOWN = 100_000
"""Cases in the gallery: the first ones in the chosen order."""


class SurveyRequest(Request):
    """A request about a survey and two of its models.

    Attributes:
        survey: Key of the survey.
        pair: Names of the baseline and the other model; None for the usual pair.
    """

    wrong = GONE

    survey: Any = None
    pair: Annotated[
        list[Annotated[str, Field(max_length=MAX_TEXT)]] | None, Field(min_length=len(SIDES), max_length=len(SIDES))
    ] = None


class SelectionRequest(SurveyRequest):
    """A request about some of the survey's cases.

    Attributes:
        filters: As ``FiltersRequest``.
    """

    filters: Any = None


class CasesRequest(SelectionRequest):
    """A request for a part of the gallery.

    Attributes:
        order: As ``OrderRequest``.
        start: Position of the first case.
        count: Number of cases.
    """

    order: Any = None
    start: Annotated[int, Field(ge=0, le=SHOWN)] = 0
    count: Annotated[int, Field(ge=0, le=PAGE)] = PAGE


class PicturesRequest(SurveyRequest):
    """A request for pictures.

    Attributes:
        cases: Numbers of the cases.
    """

    cases: Annotated[
        list[CaseNumber], Field(max_length=DRAWN), Sentence(f"At most {DRAWN} pictures are drawn at once.")
    ]


class CaseRequest(SurveyRequest):
    """A request about one case.

    Attributes:
        case: Its number.
    """

    case: CaseNumber


class AnnotationRequest(CaseRequest):
    """A request to store an annotation.

    Attributes:
        annotation: {"star", "tags", "note"}, which ``make_annotation`` checks.
    """

    annotation: dict[str, Any]
