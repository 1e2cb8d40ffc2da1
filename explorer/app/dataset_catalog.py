"""The data sets whose rows the app can show: those that are here, those that can be downloaded, and the user's own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from explorer.app.validation import Request, Sentence
from explorer.data import images
from explorer.data.datasets import DATASETS, Dataset, local_file
from explorer.data.fitting import Takes
from explorer.data.inputs import known_dataset
from explorer.data.published import PUBLISHED, fetched
from explorer.errors import ExplorerError
from explorer.progress import Progress

BROWSED = 40
"""Rows shown at once."""

SLOW = 0.03  # s of work after which it is asked whether to go on
THUMB = 96  # px side of a thumbnail: twice what is drawn, for dense screens


class BrowseRequest(Request):
    """Which rows to show, by the first of these that is given: ``row``, ``after``, ``before``, ``random``, ``start``.

    Attributes:
        dataset: Name of the data set.
        label: Name of the class to keep to; None for all.
        count: Number of rows.
        start: Index in the list of rows.
        row: The page of the list that holds this row.
        after: The rows behind this one, round the end of the list.
        before: Likewise, before it.
        random: Whether to begin anywhere.
    """

    dataset: Any = None
    label: Any = None
    count: Annotated[int, Field(ge=1, le=BROWSED), Sentence(f"At most {BROWSED} pictures are shown at once.")] = BROWSED
    start: Any = 0
    row: Any = None
    after: Any = None
    before: Any = None
    random: bool = False


class DatasetCatalog:
    """Finds data sets and their rows by the browser's untrusted names."""

    def __init__(self, user_data: Sequence[Dataset] = ()) -> None:
        """Make a catalog.

        Args:
            user_data: The user's own data sets, offered under their names beside the known ones, or in their place.
        """
        self.user_data = {data.name: data for data in user_data}

    def names(self) -> list[str]:
        """List the data sets that need no download.

        Returns:
            Their names, the user's data sets first.
        """
        here = [name for name in DATASETS if name not in PUBLISHED or local_file(name) is not None]
        return [*self.user_data, *(name for name in here if name not in self.user_data)]

    def catalogue(self) -> list[dict[str, Any]]:
        """Describe each data set as the page lists it.

        Returns:
            One {name, title, here, bytes, kept, host, classes, rows, channels} each; ``bytes``: what has to be
            downloaded from ``host``, 0 if it is here; ``kept``: how much of that an interrupted download has left.
        """
        here, listed = self.names(), []
        for name in [*here, *(name for name in PUBLISHED if name not in here)]:
            if (data := self.user_data.get(name)) is not None:
                entry: dict[str, Any] = {"title": name, "classes": data.classes, "rows": len(data)}
                entry["channels"] = data.channels
            else:
                known = DATASETS[name]
                entry = {"title": known.title, "classes": known.classes, "rows": known.rows}
                entry["channels"] = known.channels
            download = {"bytes": 0, "kept": 0, "host": ""}
            if name not in here:
                download = {"bytes": PUBLISHED[name].size, "kept": fetched(name), "host": PUBLISHED[name].host}
            entry["classes"] = list(entry["classes"])
            listed.append({"name": name, "here": name in here} | entry | download)
        return listed

    def find(self, name: Any, takes: Takes | None = None) -> Dataset:
        """Find a data set that is here.

        Args:
            name: What the browser names.
            takes: What a model takes; a data set of files then gives its images so.

        Returns:
            The data set.

        Raises:
            ExplorerError: If it is not here.
        """
        here = isinstance(name, str) and name in self.names()  # else asking for it might download it
        data = (self.user_data.get(name) or known_dataset(name)) if here else None
        if data is None:
            raise ExplorerError(f"There is no such data set here; there are {', '.join(self.names())}.")
        return data if takes is None else data.fitted(takes)

    def row(self, picture: Mapping[str, Any], takes: Takes | None = None) -> tuple[Dataset, int]:
        """Find a row.

        Args:
            picture: {"dataset": name, "index": row} from the browser.
            takes: As in ``find``.

        Returns:
            The data set and the row.

        Raises:
            ExplorerError: If there is none.
        """
        data = self.find(picture.get("dataset"), takes)
        return data, check_row(data, picture.get("index"))

    def item(self, data: Dataset, row: int) -> dict[str, Any]:
        """Describe a row as the page shows it.

        Args:
            data: The data set.
            row: The row.

        Returns:
            {index, label, thumb}, or {index, label, error} if its file cannot be read.
        """
        shown: dict[str, Any] = {"index": row, "label": data.class_of(row)}
        side = min(data.size, THUMB)
        try:
            pixels = data.fitted(Takes(side, data.channels)).batch([row])[0]
        except ExplorerError as error:
            return shown | {"error": str(error)}
        return shown | {"thumb": images.data_url(images.fit(pixels, side, data.channels))}

    def browse(self, question: Any, progress: Progress) -> dict[str, Any]:
        """Show some rows.

        Args:
            question: As ``BrowseRequest``, from the browser.
            progress: Called with how many rows are done and how many there are.

        Returns:
            {"items", "start", "total", "rows", "size"}; ``start`` and ``total`` count the rows of the class that is
            asked for, ``rows`` all of them.

        Raises:
            ExplorerError: If there is no such data set, class or row.
        """
        request = BrowseRequest.read(question)
        data = self.find(request.dataset)
        rows = data.rows(label_of(data, request.label))
        count = request.count
        start = _index(data, rows, request)
        items, reported = [], time.monotonic()
        for row in rows[start : start + count].tolist():
            items.append(self.item(data, row))
            if time.monotonic() - reported > SLOW:  # thumbnails of files; others are ready at once
                progress(len(items), count)
                reported = time.monotonic()
        return {"items": items, "start": start, "total": len(rows), "rows": len(data), "size": count}


def label_of(data: Dataset, name: Any) -> int | None:
    """Find the label of a class.

    Args:
        data: The data set.
        name: What the browser names; None for all classes.

    Returns:
        The label; None for None.

    Raises:
        ExplorerError: If there is no such class.
    """
    if name is None:
        return None
    if name not in data.classes:
        raise ExplorerError(f"{data.name} has no class of that name; it has {', '.join(data.classes) or 'none'}.")
    return data.classes.index(name)


def check_row(data: Dataset, row: Any) -> int:
    """Check a row.

    Args:
        data: The data set.
        row: What the browser names.

    Returns:
        The row.

    Raises:
        ExplorerError: If the data set does not have it.
    """
    return _whole(row, 0, len(data) - 1, f"{data.name} has the rows 0 to {len(data) - 1}.")


def _whole(value: Any, low: int, high: int, sentence: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ExplorerError(sentence)
    return value


def _index(data: Dataset, rows: NDArray[np.int64], request: BrowseRequest) -> int:
    """Where in ``rows`` to begin."""
    total = len(rows)
    if not total:
        return 0
    given = request.model_fields_set
    if "row" in given:
        return min(int(np.searchsorted(rows, check_row(data, request.row))), total - 1) // request.count * request.count
    if "after" in given:
        return int(np.searchsorted(rows, check_row(data, request.after), side="right")) % total
    if "before" in given:
        return (int(np.searchsorted(rows, check_row(data, request.before))) - 1) % total
    if request.random:
        return secrets.randbelow(total)
    return _whole(request.start, 0, total - 1, f"There are {total} such rows, counted from 0.")
