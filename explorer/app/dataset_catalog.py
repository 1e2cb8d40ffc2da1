"""The data sets whose rows the app can show: the known ones that are here, those to be had, and people's own."""

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
from explorer.data.datasets import SOURCES, Dataset, local_file
from explorer.data.inputs import known_dataset
from explorer.data.published import PUBLISHED, fetched
from explorer.errors import ExplorerError
from explorer.progress import Progress

BROWSED = 40
"""Rows shown at once."""

SLOW = 0.03  # s of work after which it is asked whether to go on
THUMB = 96  # px side of a thumbnail: twice what is drawn, for dense screens


class BrowseRequest(Request):
    """Which rows of which data set; what ``DatasetCatalog.browse`` makes of them."""

    dataset: Any = None
    label: Any = None
    count: Annotated[int, Field(ge=1, le=BROWSED), Sentence(f"At most {BROWSED} pictures are shown at once.")] = BROWSED
    start: Any = 0
    row: Any = None
    after: Any = None
    before: Any = None
    random: bool = False


class DatasetCatalog:
    """Finds data sets and their rows by what the browser names, which is not believed."""

    def __init__(self, own: Sequence[Dataset] = ()) -> None:
        """``own``: data sets offered under their names beside the known ones, or in their place."""
        self.own = {data.name: data for data in own}

    def names(self) -> list[str]:
        """Those that can be looked at without a download, people's own first."""
        here = [name for name in SOURCES if name not in PUBLISHED or local_file(name) is not None]
        return [*self.own, *(name for name in here if name not in self.own)]

    def catalogue(self) -> list[dict[str, Any]]:
        """What the page shows of each: {name, title, here, bytes, kept, host, classes, rows, channels}.

        ``bytes`` is what has to be downloaded from ``host`` (0 where it is here), ``kept`` what of that an interrupted
        download has left.
        """
        here, listed = self.names(), []
        for name in [*here, *(name for name in PUBLISHED if name not in here)]:
            if (data := self.own.get(name)) is not None:
                entry: dict[str, Any] = {"title": name, "classes": data.classes, "rows": len(data)}
                entry["channels"] = data.channels
            else:
                known = SOURCES[name]
                entry = {"title": known.title, "classes": known.classes, "rows": known.rows}
                entry["channels"] = known.channels
            download = {"bytes": 0, "kept": 0, "host": ""}
            if name not in here:
                download = {"bytes": PUBLISHED[name].size, "kept": fetched(name), "host": PUBLISHED[name].host}
            entry["classes"] = list(entry["classes"])
            listed.append({"name": name, "here": name in here} | entry | download)
        return listed

    def find(self, name: Any, takes: tuple[int, int] | None = None) -> Dataset:
        """A data set that is here; one of files gives its images as a model ``takes`` them (side in px, channels)."""
        here = isinstance(name, str) and name in self.names()  # else asking for it might download it
        data = (self.own.get(name) or known_dataset(name)) if here else None
        if data is None:
            raise ExplorerError(f"There is no such data set here; there are {', '.join(self.names())}.")
        return data if takes is None else data.fitted(*takes)

    def row(self, picture: Mapping[str, Any], takes: tuple[int, int] | None = None) -> tuple[Dataset, int]:
        """The data set and the row that {"dataset": name, "index": row} means; ExplorerError where there is none."""
        data = self.find(picture.get("dataset"), takes)
        return data, check_row(data, picture.get("index"))

    def item(self, data: Dataset, row: int) -> dict[str, Any]:
        """What the page shows of a row: {index, label, thumb}, or {index, label, error} where it cannot be read."""
        shown: dict[str, Any] = {"index": row, "label": data.class_of(row)}
        side = min(data.size, THUMB)
        try:
            pixels = data.fitted(side, data.channels).batch([row])[0]
        except ExplorerError as error:
            return shown | {"error": str(error)}
        return shown | {"thumb": images.data_url(images.fit(pixels, side, data.channels))}

    def browse(self, question: Any, progress: Progress) -> dict[str, Any]:
        """Some rows: {"dataset", "label"?, "count"?} with "start" (a place in the list), "row", "after", "before" or
        "random" -> {"items", "start", "total", "rows", "size"}.

        ``label`` keeps the rows of that class alone; ``start`` and ``total`` then count those. "row" gives the page
        that holds the row, "after" and "before" the next ones of a row, round the end of the list.
        """
        asked = BrowseRequest.read(question)
        data = self.find(asked.dataset)
        rows = data.rows(label_of(data, asked.label))
        count = asked.count
        start = _index(data, rows, asked)
        items, told = [], time.monotonic()
        for row in rows[start : start + count].tolist():
            items.append(self.item(data, row))
            if time.monotonic() - told > SLOW:  # thumbnails of files; others are ready at once
                progress(len(items), count)
                told = time.monotonic()
        return {"items": items, "start": start, "total": len(rows), "rows": len(data), "size": count}


def label_of(data: Dataset, name: Any) -> int | None:
    """The label of the class of that name; None for None."""
    if name is None:
        return None
    if name not in data.classes:
        raise ExplorerError(f"{data.name} has no class of that name; it has {', '.join(data.classes) or 'none'}.")
    return data.classes.index(name)


def check_row(data: Dataset, row: Any) -> int:
    """The row itself if the data set has it, else an ExplorerError."""
    return _whole(row, 0, len(data) - 1, f"{data.name} has the rows 0 to {len(data) - 1}.")


def _whole(value: Any, low: int, high: int, sentence: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ExplorerError(sentence)
    return value


def _index(data: Dataset, rows: NDArray[np.int64], asked: BrowseRequest) -> int:
    """Where in ``rows`` to begin."""
    total = len(rows)
    if not total:
        return 0
    given = asked.model_fields_set
    if "row" in given:
        return min(int(np.searchsorted(rows, check_row(data, asked.row))), total - 1) // asked.count * asked.count
    if "after" in given:
        return int(np.searchsorted(rows, check_row(data, asked.after), side="right")) % total
    if "before" in given:
        return (int(np.searchsorted(rows, check_row(data, asked.before))) - 1) % total
    if asked.random:
        return secrets.randbelow(total)
    return _whole(asked.start, 0, total - 1, f"There are {total} such rows, counted from 0.")
