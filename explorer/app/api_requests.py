"""Requests of programs, read into the core's objects; they are validated like those of a browser."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from explorer.analysis import ComparisonRequest
from explorer.app.validation import MAX_TEXT, Request, Sentence, parse_recipe
from explorer.app.workspace import Workspace
from explorer.data import decoding
from explorer.data.inputs import is_data_url
from explorer.errors import ExplorerError

MAX_AMOUNTS = 129
"""Amounts in one sweep."""


MAX_SEEDS = 16
"""Seeds in one sweep."""


class DistortionRequest(Request):
    """The distortion that is varied.

    Attributes:
        distortion: Its name.
    """

    distortion: Annotated[
        str,
        Field(max_length=MAX_TEXT),
        Sentence(f"The distortion is given by its name, a text of at most {MAX_TEXT} characters."),
    ]


class SweepRequest(DistortionRequest):
    """A sweep.

    Attributes:
        amounts: Amounts in the distortion's unit, from mild to strong; None for 32 over the slider's span.
        seeds: Number of seeds of the band.
    """

    amounts: Annotated[
        list[float] | None,
        Field(max_length=MAX_AMOUNTS),
        Sentence(f"The amounts are a list of at most {MAX_AMOUNTS}; each of them must be a number."),
    ]
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS), Sentence(f"seeds is a whole number from 1 to {MAX_SEEDS}.")]


class FlipPointRequest(DistortionRequest):
    """A search for flip points.

    Attributes:
        tolerance: Largest error, in the distortion's unit; None for 1/1000 of the slider's span.
    """

    tolerance: Annotated[float | None, Sentence("The tolerance must be a number.")]


class Reader:
    """Reads what a program compares."""

    def __init__(self, workspace: Workspace, uploads: Collection[str]) -> None:
        """Make a reader.

        Args:
            workspace: The models and pictures.
            uploads: Paths of the files that were uploaded to this server; no other file is opened.
        """
        self._workspace = workspace
        self._uploads = uploads

    def load(self, image: Any, models: Any, recipe: Any) -> ComparisonRequest:
        """Load a picture and models, and read a recipe.

        Args:
            image: Name of a photograph or a row, a data URL, or an uploaded file as Gradio describes it.
            models: Names of models; None takes those that the app opens with.
            recipe: A recipe as text.

        Returns:
            What they compare.

        Raises:
            ExplorerError: If one of them makes no sense.
        """
        names = models if models is not None else self._workspace.first[1]
        family, loaded = self._workspace.choose(names)
        chain = parse_recipe(recipe)
        if isinstance(image, dict):
            named: str | bytes = self._uploaded(image)
        elif isinstance(image, str) and (is_data_url(image) or len(image) <= MAX_TEXT):
            named = image
        else:
            raise ExplorerError(f"The image is given by its name, a text of at most {MAX_TEXT} characters.")
        shown, takes = self._workspace.on(chain, loaded)
        picture = self._workspace.pictures.read(named, takes)
        return ComparisonRequest(picture, shown, chain, picture.index_in(family.classes))

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
