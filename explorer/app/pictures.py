"""Pictures the app can show: bundled photographs, rows of data sets, and uploads, each visible to its sender only."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.app.cache import LruCache
from explorer.app.dataset_catalog import THUMB, DatasetCatalog
from explorer.app.films import Films
from explorer.data import decoding, images
from explorer.data.fitting import Takes, as_pixels
from explorer.data.inputs import Picture, is_data_url, read_picture
from explorer.data.photographs import read_photograph, working_pixels
from explorer.errors import ExplorerError

MAX_UPLOADS = 500
"""Uploaded pictures kept at once; the one unused for longest goes first."""

MAX_WHOLE = 60
"""Of these, pictures kept at their own size as well, of 3 MB each at most."""

MAX_UNUSED = 4 * 3600
"""An uploaded picture that has not been used for this long is deleted."""


class PictureGoneError(ExplorerError):
    """An uploaded picture is no longer stored."""


class Pictures:
    """Finds the pixels of a picture the browser names.

    An uploaded picture is fitted to every input at once and only those few pixels are kept, in memory, under a token
    cannot be guessed and that only its sender gets; the file itself is not kept.
    """

    def __init__(self, inputs: Sequence[Takes], catalog: DatasetCatalog) -> None:
        """Start without uploaded pictures.

        Args:
            inputs: What the models take.
            catalog: The data sets whose rows can be shown.
        """
        self.inputs = tuple(inputs)
        self._catalog = catalog
        self.films = Films()
        self._decoding = threading.Lock()
        self._uploads: LruCache[str, dict[Takes, Tensor]] = LruCache(MAX_UPLOADS, MAX_UNUSED)
        self._fitted: LruCache[tuple[str, Takes | None], Picture] = LruCache(256)
        # Photographs at their own size, as bytes: a hundred times what a small model takes.
        self._whole: LruCache[str, NDArray[np.uint8]] = LruCache(MAX_WHOLE, MAX_UNUSED)

    def bring(self, data: bytes) -> dict[str, str]:
        """Take an uploaded picture in.

        Args:
            data: The bytes of its file.

        Returns:
            {"token", "thumb"}.

        Raises:
            ExplorerError: If the bytes are not a picture.
        """
        with self._decoding:  # one at a time: a large photograph takes half a gigabyte while it is decoded
            array = decoding.decode(data)
            *fitted, small = images.load_fitted(array, [*self.inputs, Takes(THUMB, 3)])
            whole = working_pixels(array)
        token = secrets.token_urlsafe(24)
        self._whole.put(token, whole)
        self._uploads.put(token, dict(zip(self.inputs, fitted, strict=True)))
        return {"token": token, "thumb": images.data_url(small)}

    def find(self, picture: Any, takes: Takes | None) -> tuple[str, Picture]:
        """Find the picture that a browser names.

        Args:
            picture: {"sample": name}, {"dataset": name, "index": row} or {"token": token}, from an untrusted sender.
            takes: What the models take; None: the picture is distorted at its own size.

        Returns:
            A key that names it for this app, and the picture as the models take it, or at its own size.

        Raises:
            ExplorerError: If there is none; PictureGoneError if it was uploaded and is not kept any more.
        """
        if not isinstance(picture, Mapping):
            raise ExplorerError("Choose a picture first.")
        if isinstance(token := picture.get("token"), str):
            return f"token:{token}", Picture(self._uploaded(token, takes))
        if isinstance(name := picture.get("sample"), str):
            if name not in images.sample_images():
                known = ", ".join(images.sample_images())
                raise ExplorerError(f"There is no sample picture of that name; there are {known}.")
        else:
            data, row = self._catalog.row(picture)
            name = f"{data.name}:{row}"
        return name, self.read(name, takes)

    def read(self, named: str | bytes, takes: Takes | None) -> Picture:
        """Read a picture that a program names or sends.

        Args:
            named: Name of a photograph or a row, the bytes of a file, or a data URL. Paths are not opened.
            takes: What the models take; None: the picture is distorted at its own size.

        Returns:
            The picture as the models take it, or at its own size.

        Raises:
            ExplorerError: As in ``read_picture``.
        """
        if isinstance(named, bytes) or is_data_url(named):
            with self._decoding:  # one at a time: a large photograph takes much memory while it is decoded
                return self._read(named, takes)
        found = self._fitted.get((named, takes))
        if found is None:
            found = self._read(named, takes)
            if named.rpartition(":")[0] in self._catalog.user_data:
                found = replace(found, shipped=False)
            self._fitted.put((named, takes), found)
        return found

    def _uploaded(self, token: str, takes: Takes | None) -> Tensor:
        fitted, whole = self._uploads.get(token), self._whole.get(token)
        if fitted is not None and takes is not None:
            return fitted[takes]
        frame = self.films.find(token, takes) if fitted is None else None
        if frame is not None:
            return frame
        if fitted is None or whole is None:
            raise PictureGoneError("This picture is no longer held here; choose it again.")
        return as_pixels(whole)

    def _read(self, named: str | bytes, takes: Takes | None) -> Picture:
        find = self._catalog.find
        if takes is None:
            return read_photograph(named, paths=False, find_dataset=find)
        return read_picture(named, takes, paths=False, find_dataset=find)


def thumbnail(image: Tensor) -> str:
    """Draw a small square picture.

    Args:
        image: The picture, (1, C, H, W) in [0, 1].

    Returns:
        A PNG as a data URL.
    """
    return images.data_url(images.fit(image, THUMB, image.shape[1]) if image.shape[-1] > THUMB else image)


def sample_strip() -> list[dict[str, str]]:
    """List the bundled photographs that can be loaded here.

    Returns:
        Name and thumbnail of each.
    """
    strip = []
    for name, load in images.sample_images().items():
        try:
            strip.append({"sample": name, "thumb": thumbnail(load())})
        except (ExplorerError, OSError, ImportError):  # a library built without its sample pictures
            continue
    return strip
