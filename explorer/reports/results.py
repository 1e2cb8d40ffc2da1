"""Every result as HTML: a page that opens without a network, and what a notebook shows."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from functools import singledispatch

from explorer.analysis import Comparison
from explorer.data.images import data_url
from explorer.errors import ExplorerError
from explorer.figures.display import Figure
from explorer.figures.results import of_copies
from explorer.models.families import group
from explorer.provenance import versions
from explorer.reports.comparison import report
from explorer.reports.document import MADE_WITH, document, fill
from explorer.reports.sheets import sheet
from explorer.reports.stabilizing import telling_pictures
from explorer.reports.survey import survey_report
from explorer.results import Result
from explorer.search import PairStudy
from explorer.stabilizing.report import StabilizationReport
from explorer.survey.report import Findings
from explorer.web.answers import answer_to_paint


@singledispatch
def page(result: Result) -> str:
    """A result as a page of its own.

    Args:
        result: Any result. A comparison and a survey's findings have reports of their own; others are shown by their
            figure and their tables.

    Returns:
        HTML that opens from a file and asks no host for anything.
    """
    found, examples = sheet(result), list[dict[str, str]]()
    if isinstance(result, StabilizationReport) and result.examples:
        found, examples = (
            replace(found, tables=found.tables[:-1]),
            telling_pictures(result),
        )  # pictures for the last one
    return document(
        "result.html",
        styles=["report", "survey_report"],
        title=_title(result),
        pictures=_pictures(result),
        sheet=found,
        examples=examples,
        made=_today(),
        versions=[f"{name} {number}" for name, number in versions(*MADE_WITH).items()],
    )


@page.register
def _(found: Comparison) -> str:
    family = next(iter(group([answer.card for answer in found.models]).values()))
    answer = answer_to_paint(found, found.models, family, shown=data_url(found.clean))
    answer["timing"] = {}  # no part of what was found; the same comparison gives the same page
    cards = [one.card.to_dict() for one in found.models]
    about = {"recipe": str(found.recipe), "cards": cards, "versions": versions(*MADE_WITH), "made": _today()}
    return report(answer, None, about)


@page.register
def _(found: Findings) -> str:
    return survey_report(found, _today())


def fragment(result: Result) -> str:
    """A result as a notebook shows it: its figure as a picture, its tables, its notes; readable in light and dark.

    Args:
        result: Any result.

    Returns:
        HTML without scripts and without addresses.
    """
    found = sheet(result)
    return fill("fragment.html", title=_title(result), picture=_picture(result, "png"), sheet=found)


def _title(result: Result) -> str:
    return str(result).partition("\n")[0].rstrip(":")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _pictures(result: Result) -> list[str]:
    """The figures of a page as data URLs: of a study of pairs one for each kind of copy."""
    if isinstance(result, PairStudy):
        kinds = dict.fromkeys(row.distortion for row in result.rows)
        return [_data_url(of_copies(result, kind), "svg") for kind in kinds]
    return [found] if (found := _picture(result, "svg")) else []


def _picture(result: Result, form: str) -> str:
    """The figure as a data URL; empty where the result has none."""
    try:
        figure = result.figure()
    except ExplorerError:
        return ""
    return _data_url(figure, form)


def _data_url(figure: Figure, form: str) -> str:
    data = figure.static(form)
    media_type = {"png": "image/png", "svg": "image/svg+xml"}[form]
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
