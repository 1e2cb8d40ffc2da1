"""What a program asks, read into the core's objects; it is trusted no more than a browser."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from explorer.analysis import ComparisonRequest
from explorer.app.validation import MAX_TEXT, parse_recipe
from explorer.app.workspace import Workspace
from explorer.data import decoding
from explorer.data.inputs import is_data_url
from explorer.errors import ExplorerError

MAX_AMOUNTS = 129
"""Amounts in one sweep."""


class Reader:
    """Reads questions; raises ExplorerError where they make no sense."""

    def __init__(self, workspace: Workspace, uploads: Collection[str]) -> None:
        """``uploads``: the paths of files that were uploaded to this server; no other file is opened."""
        self._workspace = workspace
        self._uploads = uploads

    def load(self, image: Any, models: Any, recipe: Any) -> ComparisonRequest:
        """What a question is about, checked and loaded."""
        names = models if models is not None else self._workspace.first[1]
        family, loaded = self._workspace.choose(names)
        chain = parse_recipe(recipe)
        if isinstance(image, dict):
            named: str | bytes = self._uploaded(image)
        else:
            named = image if isinstance(image, str) and is_data_url(image) else text_of(image, "The image")
        picture = self._workspace.pictures.read(named, (family.size, family.channels))
        return ComparisonRequest(picture, tuple(loaded), chain, picture.index_in(family.classes))

    def _uploaded(self, file: dict[str, Any]) -> bytes:
        """The bytes of a file that was uploaded to this server before, and of no other."""
        path = file.get("path")
        if not isinstance(path, str) or path not in self._uploads:
            raise ExplorerError(
                "Only a file that was uploaded here is opened; with gradio_client, send it by handle_file(PATH)."
            )
        try:
            with Path(path).open("rb") as opened:
                return opened.read(decoding.MAX_BYTES + 1)
        except OSError:
            raise ExplorerError("This file is no longer stored here; upload it again.") from None


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
