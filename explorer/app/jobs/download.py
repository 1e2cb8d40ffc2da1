"""Download of a published data set, only at a user's request."""

from __future__ import annotations

import threading
import time
from typing import Any

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import Request
from explorer.data.published import fetch
from explorer.errors import ExplorerError
from explorer.progress import Progress

EVERY = 0.05  # s between two calls of progress
MAX_WAIT = 3.0  # s that a download waits for another one to end

_one = threading.Lock()


class DownloadRequest(Request):
    """Which download.

    Attributes:
        dataset: Name of the data set.
    """

    wrong = "Say which data set to download."

    dataset: str


@job("download", DownloadRequest)
def download(context: Context, request: DownloadRequest, progress: Progress) -> dict[str, Any]:
    """Download a data set; progress counts bytes.

    Returns:
        {"datasets": [...]}, the list as it is then.

    Raises:
        ExplorerError: If it cannot be downloaded, or another one is being downloaded.
    """
    reported = time.monotonic()

    def seldom(done: int, total: int) -> None:
        # Waiting for the sliders at each of thousands of pieces would stretch minutes to hours.
        nonlocal reported
        if time.monotonic() - reported > EVERY:
            progress(done, total)
            reported = time.monotonic()

    _wait_for_turn(progress)
    try:
        fetch(request.dataset, seldom)
    finally:
        _one.release()
    return {"datasets": context.workspace.catalog.catalogue()}


def _wait_for_turn(progress: Progress) -> None:
    """One download at a time, since each takes a thread for minutes; one just cancelled may take a moment to end."""
    end = time.monotonic() + MAX_WAIT
    while not _one.acquire(timeout=EVERY):
        progress(0, 0)
        if time.monotonic() > end:
            raise ExplorerError("Another data set is being downloaded; wait until that has finished.")
