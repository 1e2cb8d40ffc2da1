"""Pictures the app can show: bundled photographs, rows of data sets, and what people bring, for its owner alone."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from torch import Tensor

from explorer.app.shelf import THUMB, Shelf
from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError

HELD = 500
"""Brought pictures kept at once; the one unused for longest goes first."""

HELD_SECONDS = 4 * 3600
"""A brought picture that nobody asked for in this time is forgotten."""


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

    def __init__(self, inputs: Sequence[Input], own: Sequence[Dataset] = ()) -> None:
        """``inputs``: what the models take; ``own``: people's own data sets, shown beside the known ones."""
        self.inputs = tuple(inputs)
        self.shelf = Shelf(own)
        self._decoding = threading.Lock()
        self._brought: Recent[str, dict[Input, Tensor]] = Recent(HELD, HELD_SECONDS)
        self._fitted: Recent[tuple[str, Input], Tensor] = Recent(256)

    def bring(self, data: bytes) -> dict[str, str]:
        """Take a picture in: its ``token`` and a ``thumb``. ExplorerError where the bytes are no picture."""
        with self._decoding:  # one at a time: a large photograph takes half a gigabyte while it is decoded
            *fitted, small = images.load_fitted(data, [*self.inputs, (THUMB, 3)])
        token = secrets.token_urlsafe(24)
        self._brought.put(token, dict(zip(self.inputs, fitted, strict=True)))
        return {"token": token, "thumb": images.data_url(small)}

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
        data, row = self.shelf.row(picture, takes)
        key = f"dataset:{data.name}:{row}"
        return key, self._fit(key, takes, lambda: data.batch([row])[0]), data.class_of(row)

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


def catalogue_of_datasets(pictures: Pictures) -> list[dict[str, Any]]:
    """The data sets as the page lists them (see ``Shelf.catalogue``)."""
    return pictures.shelf.catalogue()
