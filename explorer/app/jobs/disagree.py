"""The next picture of a data set on which the models disagree under the present distortions."""

from __future__ import annotations

from typing import Any

from explorer.app.context import Context
from explorer.app.dataset_catalog import check_row, label_of
from explorer.app.jobs.registry import job
from explorer.app.validation import StateRequest
from explorer.errors import ExplorerError
from explorer.progress import Progress


class DisagreeRequest(StateRequest):
    """Where the search begins, in which direction it goes, and which class it keeps to."""

    dataset: Any = None
    after: Any = None
    label: Any = None
    back: bool = False


@job("disagree", DisagreeRequest)
def disagree(context: Context, question: DisagreeRequest, progress: Progress) -> dict[str, Any]:
    """{"state", "dataset", "after", "label"?, "back"?} -> {"item": the row found, or null}.

    The search begins behind the row ``after`` (before it, where ``back`` is true), goes round the end once, and looks
    at the rows of the class ``label`` only, where one is named.
    """
    from explorer.analysis.disagree import next_disagreement

    request = context.workspace.load(question.state)
    if len(request.models) < 2:
        raise ExplorerError("A single model agrees with itself; add another one.")
    catalog = context.workspace.catalog
    told = (0, 0)

    def noted(done: int, total: int) -> None:
        nonlocal told
        told = (done, total)
        progress(done, total)

    data = catalog.find(question.dataset)
    data = data.fitted(request.family.size, request.family.channels, tick=lambda: progress(*told))
    row = next_disagreement(
        request.models,
        data,
        request.recipe,
        check_row(data, question.after),
        label=label_of(data, question.label),
        step=-1 if question.back else 1,
        progress=noted,
    )
    return {"item": None if row is None else catalog.item(data, row)}
