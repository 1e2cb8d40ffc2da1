"""Image files as if they were one array, read when they are looked at, several at once, at the size asked for."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data import decoding, images
from explorer.data.classes import printable
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError
from explorer.numbers import counted

MAX_SIDE = 4096  # px: the largest side to which images are brought
DECODED = 2**25  # bytes of decoded images that are kept, of each size
WORKERS = min(8, os.cpu_count() or 1)
AT_ONCE = 64  # files that are read together where many are wanted in one array
HEADERS = 256  # files of which the size is looked up


@dataclass(frozen=True)
class Decoded:
    """One image as it was read.

    Attributes:
        pixels: uint8 (side, side, channels).
        enlarged: Whether its file has fewer pixels.
    """

    pixels: NDArray[np.uint8]
    enlarged: bool


class _Kept:
    """The images read last, in one block: small arrays among large ones would keep memory from being given back."""

    def __init__(self, count: int, shape: tuple[int, ...]) -> None:
        self._count, self._shape = count, shape
        self._block: NDArray[np.uint8] | None = None
        self._slots: dict[Any, int] = {}
        self._enlarged: dict[int, bool] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, path: Any) -> Decoded | None:
        with self._lock:
            slot = self._slots.get(path)
            if slot is None or self._block is None:
                return None
            return Decoded(self._block[slot].copy(), self._enlarged[slot])  # the slot may be used again

    def put(self, path: Any, found: Decoded) -> None:
        with self._lock:
            if self._block is None:
                self._block = np.empty((self._count, *self._shape), np.uint8)
            if path in self._slots:
                return
            slot = len(self._slots) if len(self._slots) < self._count else self._slots.pop(next(iter(self._slots)))
            self._slots[path], self._enlarged[slot] = slot, found.enlarged
            self._block[slot] = found.pixels


class ImageFiles:
    """Image files as if they were an array uint8 (N, side, side, channels): what ``Dataset`` asks of its images."""

    def __init__(self, root: Path, files: Sequence[Path], takes: Takes) -> None:
        """Make the array.

        Args:
            root: The folder from which on files are named.
            files: Their paths.
            takes: Side in px, channels (1 or 3), and how they are fitted.
        """
        self._root, self._files, self._takes = root, list(files), takes
        self._others = {takes: self}
        self.tick: Callable[[], None] | None = None
        kept = min(len(self._files), DECODED // (takes.size**2 * takes.channels))
        self._kept = _Kept(max(1, kept), (takes.size, takes.size, takes.channels))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        side, channels = self._takes.size, self._takes.channels
        return len(self._files), side, side, channels

    @property
    def names(self) -> list[str]:
        """The paths of the files within their folder."""
        return [self._name(path) for path in self._files]

    def content(self, row: int) -> bytes:
        """What makes an image the same one under another name.

        Args:
            row: Which.

        Returns:
            The bytes of its file.

        Raises:
            OSError: If it cannot be read.
        """
        return self._files[row].read_bytes()

    def full(self, row: int) -> np.ndarray:
        """An image at its own size.

        Args:
            row: Which.

        Returns:
            Its pixels as ``explorer.data.decoding.decode`` gives them.

        Raises:
            ExplorerError: If it cannot be read.
        """
        return self._array(self._files[row])

    def at(self, takes: Takes, tick: Callable[[], None] | None = None) -> ImageFiles:
        """The same files at another size; each size keeps its own decoded images.

        Args:
            takes: Side in px, channels (1 or 3), and how they are fitted.
            tick: Called before each file that is read; what it raises is passed on.

        Returns:
            The files at that size.
        """
        found = (
            self if takes == self._takes else self._others.setdefault(takes, type(self)(self._root, self._files, takes))
        )
        if tick is not None:
            found = copy.copy(found)  # shares what is decoded
            found.tick = tick
        return found

    def select(self, rows: Any) -> ImageFiles:
        """Some of the files.

        Args:
            rows: Indices, a slice or booleans.

        Returns:
            These files, in this order, at the same size.
        """
        return type(self)(self._root, [self._files[row] for row in np.arange(len(self))[rows].tolist()], self._takes)

    def __len__(self) -> int:
        return len(self._files)

    def state(self, count: int) -> str:
        """Describe the first files so that a change is noticed.

        Args:
            count: Number of files.

        Returns:
            Their names, sizes and modification times as text.
        """
        return "\n".join(f"{self._name(path)} {_state(path)}" for path in self._files[:count])

    def read(self, rows: Sequence[int]) -> tuple[list[Decoded | None], dict[int, str]]:
        """Read files, several at once.

        Args:
            rows: Which.

        Returns:
            The image of each row, None where it cannot be read, and for those the reason by row.
        """
        found: list[Decoded | None] = []
        unread: dict[int, str] = {}
        for row, one in zip(rows, self._read_together([self._files[row] for row in rows]), strict=True):
            found.append(None if isinstance(one, str) else one)
            if isinstance(one, str):
                unread[row] = one
        return found, unread

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        rows, rest = (rows[0], rows[1:]) if isinstance(rows, tuple) else (rows, ())
        wanted = np.arange(len(self))[rows]
        out, unread, _ = self.load(wanted.reshape(-1).tolist())
        for why in unread.values():
            raise ExplorerError(why)
        return out[(0, *rest)] if wanted.ndim == 0 else out[(slice(None), *rest)]

    def load(self, rows: Sequence[int]) -> tuple[NDArray[np.uint8], dict[int, str], int]:
        """Read files into one array.

        Args:
            rows: Which.

        Returns:
            Pixels uint8 (n, side, side, channels), black where a file cannot be read; for these the reason by row; and
            how many have fewer pixels.
        """
        out = np.zeros((len(rows), *self.shape[1:]), np.uint8)  # filled bit by bit: in memory once, not twice
        unread: dict[int, str] = {}
        enlarged = 0
        for start in range(0, len(rows), AT_ONCE):
            found, why = self.read(rows[start : start + AT_ONCE])
            unread |= why
            for i, one in enumerate(found, start):
                if one is not None:
                    out[i] = one.pixels
                    enlarged += one.enlarged
        return out, unread, enlarged

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: neither what is decoded nor the lock."""
        return {"root": self._root, "files": self._files, "takes": self._takes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # as new

    def _read_together(self, paths: Sequence[Path]) -> list[Decoded | str]:
        if self.tick is not None or len(paths) == 1 or WORKERS == 1:  # one who watches may end it at any file
            return [self._read(path) for path in paths]
        with ThreadPoolExecutor(WORKERS, "explorer-read") as pool:
            return list(pool.map(self._read, paths))

    def _read(self, path: Path) -> Decoded | str:
        """The image, or why it cannot be read."""
        found = self._kept.get(path)
        if found is None:
            if self.tick is not None:
                self.tick()
            try:
                found = self._decode(path)
            except (ExplorerError, OSError, MemoryError) as error:
                return f"{printable(self._name(path))[-200:]}: {error}"
            self._kept.put(path, found)
        return found

    def _decode(self, path: Path) -> Decoded:
        array = self._array(path)
        (fitted,) = images.load_fitted(array, [self._takes])
        return Decoded(images.to_uint8(fitted)[0], min(array.shape[:2]) < self._takes.size)

    def _array(self, path: Path) -> np.ndarray:
        return decoding.decode(path)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.as_posix()


def usual_side(files: Sequence[Path]) -> int:
    """The side in px to which images are brought where nobody says another: the median of their shorter sides.

    Args:
        files: The image files; of many, ``HEADERS`` that are spread over them evenly.

    Returns:
        The lower median of those that can be read, at most ``MAX_SIDE``; one tiny image does not lower it.

    Raises:
        ExplorerError: If none can be read: the error of the first one.
    """
    sides, errors = [], []
    for path in files[:: -(-len(files) // HEADERS)]:
        try:
            sides.append(min(decoding.image_size(path)))
        except ExplorerError as error:
            errors.append(error)
    if not sides:
        raise errors[0]
    return min(sorted(sides)[(len(sides) - 1) // 2], MAX_SIDE)


def left_out(total: int, side: int, unread: dict[int, str], enlarged: int) -> list[str]:
    """What there is to say of files that were read.

    Args:
        total: How many were wanted.
        side: Side in px at which they were read.
        unread: Why a file could not be read, by row.
        enlarged: How many have fewer pixels than that.

    Returns:
        One sentence each.
    """
    notes = []
    if unread:
        count = f"{len(unread):,} of {counted(total, 'image')}"
        more = f" And {len(unread) - 3:,} more." if len(unread) > 3 else ""
        reasons = " ".join(list(unread.values())[:3]) + more
        notes.append(f"{count} could not be read and {'is' if len(unread) == 1 else 'are'} left out: {reasons}")
    if enlarged:
        notes.append(
            f"{enlarged:,} of {counted(total, 'image')} {'is' if enlarged == 1 else 'are'} smaller than "
            f"{side} x {side} px and {'was' if enlarged == 1 else 'were'} enlarged."
        )
    return notes


def _state(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "gone"
    return f"{found.st_size} {found.st_mtime_ns}"
