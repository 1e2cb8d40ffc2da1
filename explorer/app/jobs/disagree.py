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
    """Where to search.

    Attributes:
        dataset: Name of the data set.
        after: The row where the search begins; it is checked last.
        label: Name of the class to keep to; None for all.
        back: Whether to go backwards.
    """

    dataset: Any = None
    after: Any = None
    label: Any = None
    back: bool = False


@job("disagree", DisagreeRequest)
def disagree(context: Context, request: DisagreeRequest, progress: Progress) -> dict[str, Any]:
    """Find the next row on which the models disagree; the search goes round the end of the data set once.

    Returns:
        {"item": the row found, or null}.

    Raises:
        ExplorerError: If there is no such data set, row or class, or only one model.
    """
    from explorer.analysis.disagree import next_disagreement

    loaded = context.workspace.load(request.state)
    if len(loaded.models) < 2:
        raise ExplorerError("Finding a disagreement needs at least two models; add another.")
    catalog = context.workspace.catalog
    reported = (0, 0)

    def noted(done: int, total: int) -> None:
        nonlocal reported
        reported = (done, total)
        progress(done, total)

    data = catalog.find(request.dataset)
    data = data.fitted(loaded.models[0].takes, tick=lambda: progress(*reported))
    row = next_disagreement(
        loaded.models,
        data,
        loaded.recipe,
        check_row(data, request.after),
        label=label_of(data, request.label),
        step=-1 if request.back else 1,
        progress=noted,
    )
    return {"item": None if row is None else catalog.item(data, row)}
