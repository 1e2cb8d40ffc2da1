"""The report to save: what is on the page, with everything needed to reproduce it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from explorer.app.context import Context
from explorer.app.jobs.curves import StepRequest, step_of, swept
from explorer.app.jobs.registry import job
from explorer.app.links import MAX_LINK
from explorer.app.sharing import shares
from explorer.app.validation import Sentence
from explorer.progress import Progress
from explorer.provenance import versions
from explorer.reports.comparison import report
from explorer.reports.document import MADE_WITH

SEEDS = 8
"""Seeds of the curves' band."""


class ReportRequest(StepRequest):
    """What the report shows.

    Attributes:
        link: The page's address of this state.
    """

    link: Annotated[str, Field(max_length=2 * MAX_LINK), Sentence("The loaded names no page address; reload the page.")]


@job("report", ReportRequest)
def write(context: Context, request: ReportRequest, progress: Progress) -> dict[str, Any]:
    """Write the report of a state.

    Returns:
        {"html"}.

    Raises:
        ExplorerError: If the state makes no sense.
    """
    state = request.state
    loaded = context.workspace.load(state)
    answer = context.workspace.answer(state)
    step_index = step_of(loaded.recipe, request)
    texts = shares(loaded, loaded.doubt)
    about = {
        "recipe": str(loaded.recipe),
        "python": texts["python"],
        "command": texts["command"],
        "json": json.dumps(texts["json"]),
        "link": request.link,
        "cards": [model.card.to_dict() for model in loaded.models],
        "versions": versions(*MADE_WITH),
        "made": datetime.now(UTC).date().isoformat(),
    }
    curves = None if step_index is None else swept(loaded, step_index, SEEDS, progress)
    return {"html": report(answer, curves, about)}
