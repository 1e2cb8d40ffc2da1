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
    """Which survey, and which two of its models."""

    wrong = GONE

    survey: Any = None
    pair: Annotated[
        list[Annotated[str, Field(max_length=MAX_TEXT)]] | None, Field(min_length=len(SIDES), max_length=len(SIDES))
    ] = None


class SelectionRequest(SurveyRequest):
    """Which of its cases."""

    filters: Any = None


class CasesRequest(SelectionRequest):
    """Which part of the gallery."""

    order: Any = None
    start: Annotated[int, Field(ge=0, le=SHOWN)] = 0
    count: Annotated[int, Field(ge=0, le=PAGE)] = PAGE


class PicturesRequest(SurveyRequest):
    """The pictures of which cases."""

    cases: Annotated[
        list[CaseNumber], Field(max_length=DRAWN), Sentence(f"At most {DRAWN} pictures are drawn at once.")
    ]


class CaseRequest(SurveyRequest):
    """One case."""

    case: CaseNumber


class AnnotationRequest(CaseRequest):
    """What to note of a case; ``make_annotation`` checks it."""

    annotation: dict[str, Any]
