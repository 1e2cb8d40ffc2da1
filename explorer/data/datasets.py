"""Named sources of labelled images, the offline one (digits) first.

A data set is uint8 pixels in memory plus integer labels and class names; ``load_dataset`` finds it by name:
``digits`` (bundled with scikit-learn), ``cifar10``, ``mnist``, ``stl10`` (``$EXPLORER_DATA/<name>.npz``, else fetched
once into the cache folder), a folder with one sub-folder per class, or any ``.npz``.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.data import decoding, published
from explorer.data.downloads import megabytes
from explorer.data.folders import MAX_SIDE, ImageFiles, image_files, named_side
from explorer.errors import ExplorerError
from explorer.registry import Registry

MAX_BYTES = 4 * 2**30  # of a folder's images in memory

cache_folder = published.cache_folder


@dataclass(frozen=True)
class Dataset:
    """Labelled images in memory or in files.

    Attributes:
        name: Name of the data set.
        split: ``train``, ``test`` or another name.
        images: uint8 (N, H, W, C), C 1 or 3.
        labels: int64 (N,) into ``classes``; -1 where the class is unknown.
        classes: Class names.
        mean: Normalisation mean per channel in [0, 1] pixel units of models trained on it.
        std: Normalisation standard deviation per channel, likewise.
    """

    name: str
    split: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> int:
        """Side of the (square) images in px."""
        return int(self.images.shape[1])

    @property
    def channels(self) -> int:
        return int(self.images.shape[3])

    def batch(self, indices: Sequence[int] | slice | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Get images by index.

        Args:
            indices: Rows.

        Returns:
            Images float32 (n, C, H, W) in [0, 1] and labels int64 (n,).
        """
        pixels = torch.from_numpy(np.ascontiguousarray(self.images[indices])).permute(0, 3, 1, 2)
        # With one channel strides are ambiguous, and by them convolutions differ in the last bit: always fresh ones.
        plain = pixels.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
        return plain.div_(255), torch.from_numpy(np.asarray(self.labels[indices]))

    def select(self, indices: Sequence[int] | slice | NDArray[np.int64]) -> Dataset:
        """Keep some rows.

        Args:
            indices: Rows, in the order wanted.

        Returns:
            The smaller data set.
        """
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def fitted(self, side: int, channels: int, *, tick: Callable[[], None] | None = None) -> Dataset:
        """The same images at a model's input size; files are fitted directly, not twice.

        Args:
            side: Side in px.
            channels: 1 or 3.
            tick: Called before each file that is read; what it raises is passed on.

        Returns:
            The data set at that size; images in memory stay as they are.
        """
        if not isinstance(self.images, ImageFiles):
            return self
        return replace(self, images=self.images.at(side, channels, tick))

    def class_of(self, row: int) -> str | None:
        """Name of the true class of a row.

        Args:
            row: Index of the image.

        Returns:
            The class name, or None if it is unknown.
        """
        label = int(self.labels[row])
        return self.classes[label] if label >= 0 else None

    def rows(self, label: int | None = None) -> NDArray[np.int64]:
        """Find the images of a class.

        Args:
            label: Index of the class; None for all images.

        Returns:
            Ascending indices (n,).
        """
        return np.arange(len(self)) if label is None else np.flatnonzero(self.labels == label)


def local_file(name: str) -> Path | None:
    """Find the file of a named data set on this machine.

    Args:
        name: Name of the data set.

    Returns:
        Its ``.npz`` under ``$EXPLORER_DATA`` or in the cache folder; None if there is none.
    """
    folder = os.environ.get("EXPLORER_DATA")
    folders = [*([Path(folder)] if folder else []), cache_folder()]
    return next((path for one in folders if (path := one / f"{name}.npz").is_file()), None)


@dataclass(frozen=True)
class NamedDataset:
    """A data set that commands, app and experiments know by name; called with "train" or "test" it loads that split.

    Attributes:
        name: Its name in commands and cards.
        title: Its name on screen.
        load: Loads a split.
        classes: The names of the classes in the order of the labels.
        rows: The number of test images.
        channels: Their colour channels, 1 or 3.
        help: What it holds, in a sentence.
    """

    name: str
    title: str
    load: Callable[[str], Dataset]
    classes: tuple[str, ...]
    rows: int
    channels: int
    help: str

    def __call__(self, split: str) -> Dataset:
        return self.load(split)


DATASETS = Registry[NamedDataset]("data set", "explorer.data.embedded")
"""Every named data set, filled by :func:`dataset`. Those of ``explorer.data.published`` are downloaded on first use."""


def dataset(
    name: str, *, title: str, classes: Sequence[str], rows: int, channels: int
) -> Callable[[Callable[[str], Dataset]], Callable[[str], Dataset]]:
    """Register a function from a split ("train" or "test") to a :class:`Dataset` as a named data set.

    The first paragraph of the function's docstring becomes its help.

    Args:
        name: Its name in commands and cards.
        title: Its name on screen.
        classes: The names of the classes in the order of the labels.
        rows: The number of test images.
        channels: Their colour channels, 1 or 3.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        ValueError: If the name is taken.
    """

    def register(load: Callable[[str], Dataset]) -> Callable[[str], Dataset]:
        text = " ".join((load.__doc__ or "").split("\n\n")[0].split())
        DATASETS.add(name, NamedDataset(name, title, load, tuple(classes), rows, channels, text))
        return load

    return register


def dataset_title(name: str) -> str:
    """Title of a data set on screen.

    Args:
        name: Name of the data set.

    Returns:
        Its title; the name itself if it is not registered.
    """
    known = DATASETS.get(name)
    return name if known is None else known.title


def load_dataset(name: str, split: str = "test") -> Dataset:
    """Load labelled images.

    An ``.npz`` holds ``x_<split>`` uint8 (N, H, W) or (N, H, W, C) and ``y_<split>`` integers, or just ``x`` and ``y``;
    ``classes`` is optional. A folder holds ``train`` and ``test`` folders, or the class folders themselves.

    Args:
        name: A named data set, a folder of class folders, or an ``.npz`` file.
        split: ``train`` or ``test``.

    Returns:
        The data set.

    Raises:
        ExplorerError: If the name is unknown or the data cannot be read.

    Examples:
        >>> import explorer
        >>> digits = explorer.load_dataset("digits")
        >>> len(digits), digits.size, digits.channels
        (360, 28, 1)
    """
    if split not in ("train", "test"):
        raise ExplorerError(f"Unknown split {split!r}; a data set has 'train' and 'test'.")
    if name in DATASETS:
        return DATASETS[name](split)
    path = _find_file(name)
    if path is not None and path.suffix == ".npz" and path.is_file():
        return read_npz(path, split, name=path.stem)
    if path is not None and path.is_dir():
        return _read_folder(path, split)
    raise ExplorerError(
        f"Unknown data set {name[:200]!r}; known are {', '.join(DATASETS)}, or give a folder with one sub-folder per "
        "class or an .npz file."
    )


def _find_file(name: str) -> Path | None:
    """Where a name points; None where nothing is there, nor can be: names too long for a path, of unknown users."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None


def read_npz(path: Path, split: str, name: str) -> Dataset:
    """Read a data set from a ``.npz`` file of plain arrays; nothing is unpickled.

    Args:
        path: The file; see ``load_dataset``.
        split: ``train`` or ``test``.
        name: Name of the data set.

    Returns:
        The data set, without normalisation.

    Raises:
        ExplorerError: If the file cannot be read or its arrays do not fit together.
    """
    try:
        with path.open("rb") as raw, np.lib.npyio.NpzFile(raw, allow_pickle=False) as file:
            keys = set(file.files)
            suffix = f"_{split}" if f"x_{split}" in keys else ""
            if not {f"x{suffix}", f"y{suffix}"} <= keys:
                raise ExplorerError(f"{path.name} holds {sorted(keys)}; expected x_{split} and y_{split}, or x and y.")
            x, y = np.asarray(file[f"x{suffix}"]), np.asarray(file[f"y{suffix}"])
            classes = tuple(str(c) for c in file["classes"]) if "classes" in keys else ()
    except (OSError, ValueError, TypeError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError) as error:
        if isinstance(error, ExplorerError):
            raise
        raise ExplorerError(f"{path.name} is not a readable .npz file of plain arrays ({error}).") from error
    x = x[..., None] if x.ndim == 3 else x
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[3] not in (1, 3):
        raise ExplorerError(
            f"{path.name} holds images of type {x.dtype} and shape {x.shape}; "
            "expected uint8 (N, H, W) or (N, H, W, 1 or 3)."
        )
    if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer) or not len(y):
        raise ExplorerError(
            f"{path.name} holds labels of type {y.dtype} and shape {y.shape}; "
            f"expected one integer per image ({len(x)})."
        )
    classes = classes or tuple(str(i) for i in range(int(y.max()) + 1))
    if y.min() < 0 or y.max() >= len(classes):
        raise ExplorerError(
            f"{path.name} has labels from {y.min()} to {y.max()} but {len(classes)} classes; labels count from 0."
        )
    channels = x.shape[3]
    return Dataset(name, split, x, y.astype(np.int64), classes, (0.0,) * channels, (1.0,) * channels)


def _smallest_side(files: Sequence[Path]) -> int:
    """In px, of the images that can be read; the error of the first one where none can."""
    sides, errors = [], []
    for path in files:
        try:
            sides.append(min(decoding.image_size(path)))
        except ExplorerError as error:
            errors.append(error)
    if not sides:
        raise errors[0]
    return min(sides)


def open_dataset(name: str) -> Dataset:
    """Open a data set for looking at single rows: files are read one by one and need no classes.

    Args:
        name: As in ``load_dataset``.

    Returns:
        The data set.

    Raises:
        ExplorerError: As in ``load_dataset``.
    """
    folder = None if name in DATASETS else _find_file(name)
    return open_folder(folder) if folder is not None and folder.is_dir() else load_dataset(name)


def _read_folder(folder: Path, split: str) -> Dataset:
    data = open_folder(folder, split)
    if not data.classes:
        raise ExplorerError(f"{folder} holds no sub-folders with images; expected one sub-folder per class.")
    needed = len(data) * data.size**2 * 3
    if needed > MAX_BYTES:
        raise ExplorerError(
            f"The {len(data)} images of {folder} at {data.size} px need {megabytes(needed)} of memory; name a smaller "
            f'side in {folder / "dataset.json"}, such as {{"size": 96}}.'
        )
    return data.select(slice(None))


def open_folder(folder: Path, split: str = "test", *, side: int | None = None) -> Dataset:
    """Open a folder of images whose files are read when a row is asked for.

    The folder holds one sub-folder per class, ``train`` and ``test`` folders of them, or images without classes (labels
    -1). Each image goes through ``explorer.fit``.

    Args:
        folder: The folder.
        split: ``train`` or ``test``.
        side: Side in px; by default ``size`` of the folder's ``dataset.json``, or the smallest side among the images.

    Returns:
        The data set.

    Raises:
        ExplorerError: If there are no images; on reading a row if its file is damaged.
    """
    root = folder / split if (folder / split).is_dir() else folder
    try:
        names = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        groups = [image_files(root / name, deep=True) for name in names]
        files = [path for group in groups for path in group]
        if not files:
            names, files = [], image_files(root, deep=False)
    except OSError as error:
        raise ExplorerError(f"The folder {folder} cannot be read ({error.strerror}).") from error
    if not files:
        raise ExplorerError(f"{folder} holds no images; expected one sub-folder per class with image files in it.")
    labels = [label for label, group in enumerate(groups) for _ in group] if names else [-1] * len(files)
    side = side or named_side(root) or _smallest_side(files)
    pixels = cast("NDArray[np.uint8]", ImageFiles(root, files, (min(side, MAX_SIDE), 3)))
    name = folder.name if folder.name not in {"", ".."} else folder.resolve().name or "folder"
    return Dataset(name, split, pixels, np.asarray(labels, np.int64), tuple(names), (0.0,) * 3, (1.0,) * 3)
