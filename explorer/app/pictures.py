"""Pictures the app can show: bundled photographs, rows of data sets, and what people bring, for its owner alone."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from torch import Tensor

from explorer import images
from explorer.datasets import SOURCES, Dataset, load_dataset, local_file
from explorer.errors import ExplorerError

HELD = 500
"""Brought pictures kept at once; the one unused for longest goes first."""

HELD_SECONDS = 4 * 3600
"""A brought picture that nobody asked for in this time is forgotten."""

THUMB = 96  # px side of a thumbnail: twice what is drawn, for dense screens
BROWSED = 40  # rows of a data set shown at once


class PictureGoneError(ExplorerError):
    """A brought picture is asked for that is not held any more."""


Input = tuple[int, int]
"""What models take: side in px and number of channels."""

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary of the ``limit`` entries used last, forgotten after ``seconds`` without use; for many threads."""

    def __init__(self, limit: int, seconds: float = float("inf"), clock: Callable[[], float] = time.monotonic) -> None:
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            self._forget()
            if key not in self._entries:
                return None
            _, value = self._entries.pop(key)
            self._entries[key] = (self._clock(), value)
            return value

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = (self._clock(), value)
            self._forget()

    def __len__(self) -> int:
        return len(self._entries)

    def _forget(self) -> None:
        oldest_allowed = self._clock() - self._seconds
        while self._entries:
            used, _ = next(iter(self._entries.values()))
            if len(self._entries) <= self._limit and used >= oldest_allowed:
                return
            self._entries.popitem(last=False)


class Pictures:
    """Finds the pixels of a picture the browser names.

    A brought picture is fitted to every input at once and only those few pixels are kept, in memory, under a token
    nobody can guess that goes to its sender alone; the file itself is not kept.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.inputs = tuple(inputs)
        self._brought: Recent[str, dict[Input, Tensor]] = Recent(HELD, HELD_SECONDS)
        self._fitted: Recent[tuple[str, Input], Tensor] = Recent(256)

    def bring(self, data: bytes) -> dict[str, str]:
        """Take a picture in: its ``token`` and a ``thumb``. ExplorerError where the bytes are no picture."""
        image = images.load_image(data)
        token = secrets.token_urlsafe(24)
        self._brought.put(token, {takes: images.fit(image, *takes) for takes in self.inputs})
        return {"token": token, "thumb": thumbnail(image)}

    def find(self, picture: Any, takes: Input) -> tuple[str, Tensor, str | None]:
        """A key, the pixels (1, C, H, W) for models that take ``takes``, and the true class where one is known.

        ``picture`` is {"sample": name}, {"dataset": name, "index": row} or {"token": token}, from an untrusted sender.
        """
        if not isinstance(picture, Mapping):
            raise ExplorerError("Choose a picture first.")
        if isinstance(token := picture.get("token"), str):
            brought = self._brought.get(token)
            if brought is None:
                raise PictureGoneError("This picture is no longer held here; choose it again.")
            return f"token:{token}", brought[takes], None
        if isinstance(name := picture.get("sample"), str):
            return f"sample:{name}", self._fit(f"sample:{name}", takes, sample_loader(name)), None
        data, row = dataset_row(picture)
        key = f"dataset:{data.name}:{row}"
        return key, self._fit(key, takes, lambda: data.batch([row])[0]), data.classes[int(data.labels[row])]

    def _fit(self, key: str, takes: Input, load: Callable[[], Tensor]) -> Tensor:
        image = self._fitted.get((key, takes))
        if image is None:
            image = images.fit(load(), *takes)
            self._fitted.put((key, takes), image)
        return image


def thumbnail(image: Tensor) -> str:
    """A small square PNG of the picture as a data URL."""
    return images.data_url(images.fit(image, THUMB, image.shape[1]) if image.shape[-1] > THUMB else image)


def sample_loader(name: str) -> Callable[[], Tensor]:
    """The loader of a bundled photograph; ExplorerError for an unknown name."""
    loaders = images.sample_images()
    if name not in loaders:
        raise ExplorerError(f"There is no sample picture of that name; there are {', '.join(loaders)}.")
    return loaders[name]


def sample_strip() -> list[dict[str, str]]:
    """Name and thumbnail of every bundled photograph that loads here."""
    strip = []
    for name, load in images.sample_images().items():
        try:
            strip.append({"sample": name, "thumb": thumbnail(load())})
        except (ExplorerError, OSError, ImportError):  # a library built without its sample pictures
            continue
    return strip


def datasets_here() -> list[str]:
    """The data sets that can be browsed without a download."""
    return [name for name in SOURCES if name == "digits" or local_file(name) is not None]


@cache
def _dataset(name: str) -> Dataset:
    return load_dataset(name, "test")


def dataset_row(picture: Mapping[str, Any]) -> tuple[Dataset, int]:
    """The data set and the row that {"dataset": name, "index": row} means; ExplorerError where there is none."""
    name, row = picture.get("dataset"), picture.get("index")
    if not isinstance(name, str) or name not in datasets_here():
        raise ExplorerError(f"There is no such data set here; there are {', '.join(datasets_here())}.")
    data = _dataset(name)
    if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row < len(data):
        raise ExplorerError(f"{name} has the rows 0 to {len(data) - 1}.")
    return data, row


def browse(name: Any, start: Any) -> dict[str, Any]:
    """``BROWSED`` rows of a data set from ``start``: {"items": [{index, label, thumb}], "size", "total"}."""
    data, start = dataset_row({"dataset": name, "index": start})
    rows = range(start, min(start + BROWSED, len(data)))
    pixels, labels = data.batch(list(rows))
    items = [
        {"index": row, "label": data.classes[int(label)], "thumb": images.data_url(pixels[i])}
        for i, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]
    return {"items": items, "size": BROWSED, "total": len(data)}
