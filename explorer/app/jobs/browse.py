"""Rows of a data set for the browser window, and the list of data sets as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.progress import Progress


@job("browse")
def browse(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Some rows, as ``DatasetCatalog.browse`` gives them."""
    return context.workspace.catalog.browse(question, progress)


@job("datasets")
def datasets(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"datasets": [...]}: which data sets are here by now, and which can be downloaded."""
    return {"datasets": context.workspace.catalog.catalogue()}
