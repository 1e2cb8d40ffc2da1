"""Rows of a data set for the browser window, and the list of data sets as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.app.jobs import job
from explorer.app.pictures import catalogue_of_datasets
from explorer.data.downloads import Progress

if TYPE_CHECKING:
    from explorer.app.live import Live


@job("browse")
def browse(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Some rows, as ``Shelf.browse`` gives them."""
    return live.pictures.shelf.browse(question, progress)


@job("datasets")
def datasets(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"datasets": [...]}: which data sets are here by now, and which can be downloaded."""
    return {"datasets": catalogue_of_datasets(live.pictures)}
