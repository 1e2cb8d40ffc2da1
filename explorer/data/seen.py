"""Which images a model was trained on: a small sketch in its card, with which every other data set can be compared.

A bottom-k sketch (Broder 1997, "On the resemblance and containment of documents"): of all training images those with
the ``SIZE`` smallest hashes, so that the share of them among other images estimates the share of all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from explorer.data.dataset import Dataset
from explorer.data.image_files import ImageFiles
from explorer.errors import ExplorerError

SIZE = 64
"""Images in a sketch: a share of one half is estimated to within 13 points (95 %)."""


@dataclass(frozen=True)
class Sketch:
    """Some of the images of a data set, chosen by a hash.

    Attributes:
        images: How many images the data set has.
        below: The largest hash of those chosen, 16 hex digits.
        contents: SHA-256 of each of those, its first 16 hex digits; of a file's bytes, or of an array's pixels.
    """

    images: int
    below: str
    contents: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As a card stores it.

        Returns:
            Plain JSON types; ``from_dict`` reads them.
        """
        return {"images": self.images, "below": self.below, "contents": list(self.contents)}

    @classmethod
    def from_dict(cls, stored: Any) -> Sketch | None:
        """Read what a card stores.

        Args:
            stored: What ``to_dict`` gave; cards from elsewhere may hold anything.

        Returns:
            The sketch, or None where there is none.
        """
        try:
            found = cls(int(stored["images"]), str(stored["below"]), tuple(map(str, stored["contents"])))
        except (KeyError, TypeError, ValueError):
            return None
        return found if found.images > 0 and found.contents else None


def sketch(data: Dataset) -> Sketch:
    """Sketch a data set; of files only the sketch's own are read.

    Args:
        data: The images.

    Returns:
        The sketch; it does not depend on their order.
    """
    keys = _keys(data)
    chosen = sorted(range(len(keys)), key=keys.__getitem__)[:SIZE]
    return Sketch(len(data), keys[chosen[-1]], tuple(_content(data, row) for row in chosen))


def seen(trained: Sketch, data: Dataset) -> int:
    """Estimate how many images of a data set are among those that a sketch was made of.

    Args:
        trained: The sketch of the training images.
        data: Other images.

    Returns:
        About how many, from 0 to their number. 0 is certain for images that share nothing.
    """
    known = set(trained.contents)
    found = {_content(data, row) for row, key in enumerate(_keys(data)) if key <= trained.below} & known
    return min(len(data), round(trained.images * len(found) / len(known)))


def _keys(data: Dataset) -> Sequence[str]:
    """A hash of each image that costs little: of a file's name and its folder's, of an array's pixels."""
    if files := _files(data):
        return [_short("/".join(PurePath(name).parts[-2:]).encode(errors="surrogateescape")) for name in files.names]
    return [_short(image.tobytes()) for image in data.images]


def _content(data: Dataset, row: int) -> str:
    files = _files(data)
    if files is None:
        return _short(data.images[row].tobytes())
    try:
        return _short(files.content(row))
    except (ExplorerError, OSError):
        return f"row {row} cannot be read"


def _files(data: Dataset) -> ImageFiles | None:
    return data.images if isinstance(data.images, ImageFiles) else data.files


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
