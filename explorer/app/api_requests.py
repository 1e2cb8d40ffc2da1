"""What a program asks, read into the core's objects; it is trusted no more than a browser."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from explorer.app.validation import MAX_TEXT, parse_recipe
from explorer.app.workspace import Workspace
from explorer.data import images
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models.families import Family

MAX_AMOUNTS = 129
"""Amounts in one sweep."""

_DATA_URL = re.compile(r"data:[\w.+/-]*(;[\w.+=-]+)*;base64,")


@dataclass(frozen=True, eq=False)
class ApiRequest:
    """A checked question: the models, the recipe, the pixels (1, C, H, W), and the true class where it is known."""

    models: list[Classifier]
    recipe: Recipe
    pixels: Tensor
    label: int | None


class Reader:
    """Reads questions; raises ExplorerError where they make no sense."""

    def __init__(self, workspace: Workspace, uploads: Collection[str]) -> None:
        """``uploads``: the paths of files that were uploaded to this server; no other file is opened."""
        self._workspace = workspace
        self._uploads = uploads
        self._decoding = threading.Lock()

    def load(self, image: Any, models: Any, recipe: Any) -> ApiRequest:
        """What a question is about, checked and loaded."""
        names = models if models is not None else self._workspace.first[1]
        family, loaded = self._workspace.choose(names)
        return ApiRequest(loaded, parse_recipe(recipe), *self._pixels(image, family))

    def _pixels(self, image: Any, family: Family) -> tuple[Tensor, int | None]:
        """The image as the models take it, (1, C, H, W), and the index of its class where that is known."""
        if isinstance(image, dict) or (isinstance(image, str) and image.startswith("data:")):
            data = self._uploaded(image) if isinstance(image, dict) else _decoded(image)
            with self._decoding:  # one at a time: a large photograph takes much memory while it is decoded
                return images.load_fitted(data, [(family.size, family.channels)])[0], None
        text = text_of(image, "The image")
        source, colon, row = text.rpartition(":")
        if colon and row.isdecimal() and len(row) < 12:
            picture: dict[str, Any] = {"dataset": source, "index": int(row)}
        elif text in images.sample_images():
            picture = {"sample": text}
        else:
            raise ExplorerError(
                f"There is no picture named {text[:80]!r}: name one of {', '.join(images.sample_images())}, or a row "
                "of a data set such as digits:7, or send a file or a data URL; paths and addresses are not opened here."
            )
        _, pixels, label = self._workspace.picture(picture, family)
        return pixels, label

    def _uploaded(self, file: dict[str, Any]) -> bytes:
        """The bytes of a file that was uploaded to this server before, and of no other."""
        path = file.get("path")
        if not isinstance(path, str) or path not in self._uploads:
            raise ExplorerError(
                "Only a file that was uploaded here is opened; with gradio_client, send it by handle_file(PATH)."
            )
        try:
            with Path(path).open("rb") as opened:
                return opened.read(images.MAX_BYTES + 1)
        except OSError:
            raise ExplorerError("This file is no longer held here; upload it again.") from None


def _decoded(url: str) -> bytes:
    """The bytes of a data URL."""
    head = _DATA_URL.match(url, 0, 200)
    if head is None:
        raise ExplorerError("A data URL of an image begins with data:image/png;base64, or the like.")
    if len(url) - head.end() > images.MAX_BYTES * 4 // 3 + 4:
        raise ExplorerError(f"The file is larger than {images.MAX_BYTES // 2**20} MiB: choose a smaller one.")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ExplorerError("The data URL is damaged: what follows its comma is not base64.") from None


def text_of(value: Any, what: str) -> str:
    """The value, if it is a text as short as a name; ``what`` says in the error what it is."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ExplorerError(f"{what} is given by its name, a text of at most {MAX_TEXT} characters.")
    return value


def number_of(value: Any, what: str) -> float:
    """The value as a float, if it is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or (isinstance(value, int) and abs(value) > 2**53):
        raise ExplorerError(f"{what} must be a number.")
    return float(value)


def numbers_of(values: Any) -> list[float] | None:
    """The amounts of a sweep, None where none are named."""
    if values is None:
        return None
    if not isinstance(values, list) or len(values) > MAX_AMOUNTS:
        raise ExplorerError(f"The amounts are a list of at most {MAX_AMOUNTS} numbers.")
    return [number_of(value, "Each amount") for value in values]
