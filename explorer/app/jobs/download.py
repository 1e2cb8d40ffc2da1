"""A published data set is downloaded, when a person asks for it and for no other reason."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.app.jobs import job
from explorer.app.pictures import catalogue_of_datasets
from explorer.errors import ExplorerError
from explorer.downloads import Progress
from explorer.published import fetch

if TYPE_CHECKING:
    from explorer.app.live import Live

_one = threading.Lock()


@job("download")
def download(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"dataset": name} -> {"datasets": [...]}, the list as it is then; progress counts bytes."""
    name = question.get("dataset")
    if not isinstance(name, str):
        raise ExplorerError("Say which data set to download.")
    if not _one.acquire(blocking=False):  # each takes a thread for minutes
        raise ExplorerError("Another data set is being downloaded; wait until that has finished.")
    try:
        fetch(name, progress)
    finally:
        _one.release()
    return {"datasets": catalogue_of_datasets(live.pictures)}
