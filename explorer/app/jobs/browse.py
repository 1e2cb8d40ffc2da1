"""Rows of a data set for the image browser, and the list of data sets as it is now."""

from __future__ import annotations

from typing import Any

from explorer.app.context import Context
from explorer.app.dataset_catalog import BrowseRequest
from explorer.app.jobs.registry import job
from explorer.app.validation import Request
from explorer.progress import Progress


@job("browse", BrowseRequest)
def browse(context: Context, request: BrowseRequest, progress: Progress) -> dict[str, Any]:
    """Return some rows, as in ``DatasetCatalog.browse``."""
    return context.workspace.catalog.browse(request, progress)


@job("datasets", Request)
def datasets(context: Context, request: Request, progress: Progress) -> dict[str, Any]:
    """Return {"datasets": [...]}: the data sets that are here by now, and those that can be downloaded."""
    return {"datasets": context.workspace.catalog.catalogue()}
