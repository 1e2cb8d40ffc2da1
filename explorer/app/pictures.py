"""Pictures the app can show: bundled photographs, rows of data sets, and what people bring, for its owner alone."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from explorer.app.cache import LruCache
from explorer.app.dataset_catalog import THUMB, DatasetCatalog
from explorer.data import images
from explorer.errors import ExplorerError

MAX_UPLOADS = 500
"""Uploaded pictures kept at once; the one unused for longest goes first."""

MAX_UNUSED = 4 * 3600
"""An uploaded picture that nobody asked for in this time is forgotten."""


class PictureGoneError(ExplorerError):
    """An uploaded picture is asked for that is not kept any more."""


Input = tuple[int, int]
"""What models take: side in px and number of channels."""


class Pictures:
    """Finds the pixels of a picture the browser names.

    An uploaded picture is fitted to every input at once and only those few pixels are kept, in memory, under a token
    nobody can guess that goes to its sender alone; the file itself is not kept.
    """

    def __init__(self, inputs: Sequence[Input], catalog: DatasetCatalog) -> None:
        """Start without uploaded pictures.

        Args:
            inputs: What the models take.
            catalog: The data sets whose rows can be shown.
        """
        self.inputs = tuple(inputs)
        self._catalog = catalog
        self._decoding = threading.Lock()
        self._uploads: LruCache[str, dict[Input, Tensor]] = LruCache(MAX_UPLOADS, MAX_UNUSED)
        self._fitted: LruCache[tuple[str, Input], Tensor] = LruCache(256)

    def bring(self, data: bytes) -> dict[str, str]:
        """Take a picture in: its ``token`` and a ``thumb``. ExplorerError where the bytes are no picture."""
        with self._decoding:  # one at a time: a large photograph takes half a gigabyte while it is decoded
            *fitted, small = images.load_fitted(data, [*self.inputs, (THUMB, 3)])
        token = secrets.token_urlsafe(24)
        self._uploads.put(token, dict(zip(self.inputs, fitted, strict=True)))
        return {"token": token, "thumb": images.data_url(small)}

    def find(self, picture: Any, takes: Input) -> tuple[str, Tensor, str | None]:
        """A key, the pixels (1, C, H, W) for models that take ``takes``, and the true class where one is known.

        ``picture`` is {"sample": name}, {"dataset": name, "index": row} or {"token": token}, from an untrusted sender.
        """
        if not isinstance(picture, Mapping):
            raise ExplorerError("Choose a picture first.")
        if isinstance(token := picture.get("token"), str):
            uploaded = self._uploads.get(token)
            if uploaded is None:
                raise PictureGoneError("This picture is no longer held here; choose it again.")
            return f"token:{token}", uploaded[takes], None
        if isinstance(name := picture.get("sample"), str):
            return f"sample:{name}", self._fit(f"sample:{name}", takes, sample_loader(name)), None
        data, row = self._catalog.row(picture, takes)
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
