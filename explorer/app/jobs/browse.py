"""Rows of a data set for the browser window, and the list of data sets as it is now."""

from __future__ import annotations

from typing import Any

from explorer.app.context import Context
from explorer.app.dataset_catalog import BrowseRequest
from explorer.app.jobs.registry import job
from explorer.app.validation import Request
from explorer.progress import Progress


@job("browse", BrowseRequest)
def browse(context: Context, question: BrowseRequest, progress: Progress) -> dict[str, Any]:
    """Some rows, as ``DatasetCatalog.browse`` gives them."""
    return context.workspace.catalog.browse(question, progress)


@job("datasets", Request)
def datasets(context: Context, question: Request, progress: Progress) -> dict[str, Any]:
    """{"datasets": [...]}: which data sets are here by now, and which can be downloaded."""
    return {"datasets": context.workspace.catalog.catalogue()}
