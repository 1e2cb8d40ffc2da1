"""The pictures that are searched, whatever names them: read one by one, each known by a hash of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from explorer.data.dataset import Dataset
from explorer.data.datasets import DATASETS, open_dataset
from explorer.data.image_files import ImageFiles
from explorer.data.images import image_hash
from explorer.data.inputs import ImagesLike
from explorer.data.manifest import is_manifest
from explorer.data.photographs import read_photographs, read_rows
from explorer.data.reading import in_steps
from explorer.errors import ExplorerError
from explorer.files import user_path

PicturesLike = ImagesLike
"""What can be searched: a data set or its name, a folder, or what ``explorer.data.inputs.read_images`` takes."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures at their own size.

    Attributes:
        data: The data set they are rows of; None for those in memory.
        loaded: Those in memory, (1, C, H, W) in [0, 1] each.
        names: Name of each: the path within its folder, or a name such as ``digits:7``.
        name: What they are called together.
        notes: What was noticed about them, one sentence each.
    """

    data: Dataset | None
    loaded: tuple[Tensor, ...]
    names: tuple[str, ...]
    name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def content(self, row: int) -> str:
        """What makes a picture the same one under another name.

        Args:
            row: Which.

        Returns:
            16 hex digits of the SHA-256 of its file, or of its pixels where it has none; "" if it cannot be read.
        """
        if self.data is None:
            return image_hash(self.loaded[row])
        files = self.data.images
        try:
            held = files.content(row) if isinstance(files, ImageFiles) else np.ascontiguousarray(files[row]).tobytes()
        except OSError:
            return ""
        shape = b"" if isinstance(files, ImageFiles) else repr(files.shape[1:]).encode()
        return hashlib.sha256(shape + held).hexdigest()[:16]

    def read(self, rows: Sequence[int]) -> tuple[dict[int, Tensor], dict[int, str]]:
        """Read some of them; photographs above ``defaults.WORKING_SIDE`` px as their working copy.

        Args:
            rows: Which.

        Returns:
            The pictures (1, C, H, W) in [0, 1] that can be read, and why the others cannot.
        """
        if self.data is None:
            return {row: self.loaded[row] for row in rows}, {}
        if not isinstance(self.data.images, ImageFiles):  # arrays: read at once, and of one size
            return dict(zip(rows, self.data.batch(list(rows))[0].split(1), strict=True)), {}
        return read_rows(self.data, rows)

    def first(self, count: int) -> Pictures:
        """Keep the first ones; of a data set in a mixed order they are a stratified sample.

        Args:
            count: How many at most.

        Returns:
            The pictures.
        """
        data = None if self.data is None else self.data.select(slice(count))
        return replace(self, data=data, loaded=self.loaded[:count], names=self.names[:count])

    def stream(self, rows: Sequence[int], step: int) -> Iterator[tuple[dict[int, Tensor], dict[int, str]]]:
        """Read many of them bit by bit; files are read while those before are used.

        Args:
            rows: Which.
            step: How many at a time.

        Yields:
            As ``read``.
        """
        if self.data is None:
            parts = (rows[start : start + step] for start in range(0, len(rows), step))
            yield from map(self.read, parts)
        else:
            yield from in_steps(self.data, range(len(rows)), step, lambda some: self.read([rows[i] for i in some]))


def read_pictures(given: PicturesLike | Pictures) -> Pictures:
    """Find the pictures that are meant, without reading those in files.

    Args:
        given: A ``Dataset``; the name of a data set or the path of a folder, which is read with ``open_dataset``; or
            pictures as ``explorer.data.photographs.read_photographs`` takes them.

    Returns:
        The pictures.

    Raises:
        ExplorerError: If there are none, or if they cannot be read.
    """
    if isinstance(given, Pictures):
        return given
    if isinstance(given, str | Path) and _names_several(given):
        given = open_dataset(given)
    if not isinstance(given, Dataset):
        batch = read_photographs(given)
        loaded = tuple(one for picture in batch.pictures for one in picture.pixels.split(1))
        names = tuple(picture.name for picture in batch.pictures for _ in picture.pixels)
        return Pictures(None, loaded, names, "pictures", batch.notes)
    if not len(given):
        raise ExplorerError(f"{given.name} holds no pictures.")
    files = given.images
    rows = files.names if isinstance(files, ImageFiles) else [f"{given.name}:{row}" for row in range(len(given))]
    return Pictures(given, (), tuple(rows), given.name, given.notes)


def _names_several(given: str | Path) -> bool:
    """Whether a name is that of a data set, a folder, a list of files or an array, and not that of one picture."""
    if str(given) in DATASETS:
        return True
    path = user_path(given)
    try:
        return path.is_dir() or (path.is_file() and (is_manifest(path) or path.suffix.lower() == ".npz"))
    except (OSError, ValueError):  # too long for a path, perhaps a data URL
        return False
