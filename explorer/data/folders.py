"""Image files in folders, read one by one when they are used."""

from __future__ import annotations

import copy
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data import images
from explorer.errors import ExplorerError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
MAX_FILES = 200_000
"""A folder with more image files than this is refused: it is hardly the one that was meant."""

MAX_SIDE = 4096  # px: the largest side to which a folder's images are brought
DECODED = 2**25  # bytes of decoded images that are kept, of each size


def image_files(folder: Path, *, deep: bool) -> list[Path]:
    """List the image files of a folder.

    Args:
        folder: The folder.
        deep: Whether to include its sub-folders.

    Returns:
        Paths, sorted.

    Raises:
        ExplorerError: If there are more than ``MAX_FILES``.
    """
    found = []
    for path in folder.rglob("*") if deep else folder.iterdir():
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file():
            found.append(path)
            if len(found) > MAX_FILES:
                raise ExplorerError(f"{folder} holds more than {MAX_FILES:,} images; name a smaller folder.")
    return sorted(found)


def named_side(root: Path) -> int | None:
    """Read the image size from a folder's ``dataset.json``.

    Args:
        root: The folder.

    Returns:
        ``size`` in px; None without the file.

    Raises:
        ExplorerError: If the file is damaged or the size is invalid.
    """
    settings = root / "dataset.json"
    if not settings.is_file():
        return None
    try:
        side = json.loads(settings.read_text(encoding="utf-8"))["size"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        side = None
    if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MAX_SIDE:
        raise ExplorerError(f'{settings} should hold the side in px of the images, such as {{"size": 96}}.')
    return side


class ImageFiles:
    """Image files as if they were an array uint8 (N, side, side, channels): what ``Dataset`` asks of its images."""

    def __init__(self, root: Path, files: list[Path], takes: tuple[int, int]) -> None:
        self._root, self._files, self._takes = root, files, takes
        self._others = {takes: self}
        self.tick: Callable[[], None] | None = None
        self._decoded: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()
        self._kept = max(1, DECODED // (takes[0] ** 2 * takes[1]))
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        side, channels = self._takes
        return len(self._files), side, side, channels

    def at(self, side: int, channels: int, tick: Callable[[], None] | None) -> Any:
        """The same files at another size; each size keeps its own decoded images.

        Args:
            side: Side in px.
            channels: 1 or 3.
            tick: Called before each file that is read; what it raises is passed on.

        Returns:
            The files at that size.
        """
        found = self._others.setdefault((side, channels), ImageFiles(self._root, self._files, (side, channels)))
        if tick is not None:
            found = copy.copy(found)  # shares what is decoded
            found.tick = tick
        return found

    def __len__(self) -> int:
        return len(self._files)

    def state(self, count: int) -> str:
        """Describe the first files so that a change is noticed.

        Args:
            count: Number of files.

        Returns:
            Their names, sizes and modification times as text.
        """
        stats = [(path, path.stat()) for path in self._files[:count]]
        return "\n".join(f"{path.relative_to(self._root).as_posix()} {s.st_size} {s.st_mtime_ns}" for path, s in stats)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        wanted = np.arange(len(self))[rows]
        if wanted.ndim == 0:
            return self._read(self._files[int(wanted)])
        out = np.empty((len(wanted), *self.shape[1:]), np.uint8)  # filled one by one: in memory once, not twice
        for i, row in enumerate(wanted.tolist()):
            out[i] = self._read(self._files[row])
        return out

    def _read(self, path: Path) -> NDArray[np.uint8]:
        with self._lock:
            pixels = self._decoded.get(path)
        if pixels is None:
            if self.tick is not None:
                self.tick()
            try:
                (fitted,) = images.load_fitted(path, [self._takes])
                pixels = images.to_uint8(fitted)[0]
            except ExplorerError as error:
                raise ExplorerError(f"{path.relative_to(self._root).as_posix()[-200:]}: {error}") from None
            with self._lock:
                self._decoded[path] = pixels
                if len(self._decoded) > self._kept:
                    self._decoded.popitem(last=False)
        return pixels
