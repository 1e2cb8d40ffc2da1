"""Named sources of labelled images, the offline one (digits) first.

A data set is uint8 pixels in memory or files, plus integer labels and class names; ``load_dataset`` finds it by name:
``digits`` (bundled with scikit-learn), ``cifar10``, ``mnist``, ``stl10`` (``$EXPLORER_DATA/<name>.npz``, else fetched
once into the cache folder), a folder with one sub-folder per class, or any ``.npz``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from explorer.data import published
from explorer.data.dataset import Dataset as Dataset  # noqa: PLC0414  # others import it from here
from explorer.data.folders import read_folder
from explorer.data.foreign import read_foreign
from explorer.data.manifest import is_manifest
from explorer.data.npz import read_npz
from explorer.data.sampling import class_by_class, held_out, mixed_order
from explorer.errors import ExplorerError
from explorer.files import user_path
from explorer.registry import Registry

cache_folder = published.cache_folder


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


_ELSEWHERE = {"imagenet": "ImageNet"}  # data sets that networks were trained on and that cannot be had here


def dataset_title(name: str) -> str:
    """Title of a data set on screen.

    Args:
        name: Name of the data set.

    Returns:
        Its title; the name itself if it is not known.
    """
    known = DATASETS.get(name)
    return _ELSEWHERE.get(name, name) if known is None else known.title


def load_dataset(name: Any, split: str | None = None) -> Dataset:
    """Load labelled images.

    An ``.npz`` holds ``x_<split>`` and ``y_<split>``, or just ``x`` and ``y``, as ``explorer.data.npz`` says;
    ``classes`` is optional. A folder holds split folders under their usual names (``train``, ``val``, ``test``, ...)
    or the class folders themselves. A list in CSV or JSON Lines names a ``file`` and its ``label``, ``class_index`` or
    ``class`` in each row, and perhaps a ``split``. Where there is no test split, a seeded fifth of each class is held
    out: ``test`` is that part and ``train`` the rest.

    Args:
        name: A named data set, a folder of class folders, a list of files, or an ``.npz`` file; in Python also a
            PyTorch ``Dataset`` whose rows are (image, label), or a ``Dataset`` or ``DatasetDict`` of Hugging Face.
        split: ``train`` or ``test``; by default the test split, and where there is none, all images.

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
    if isinstance(name, Dataset) and split in (None, name.split):
        return name
    data = open_dataset(name, split)
    if not data.classes:
        raise ExplorerError(f"{name} does not say what its images show; expected one sub-folder per class, or labels.")
    return data


def open_dataset(name: Any, split: str | None = None) -> Dataset:
    """``load_dataset``, also for a folder of images without classes, whose labels are -1.

    Args:
        name: As in ``load_dataset``.
        split: Likewise.

    Returns:
        The data set; the files of a folder are read when their rows are asked for.

    Raises:
        ExplorerError: If the name is unknown or the data cannot be read.
    """
    if split not in (None, "train", "test"):
        raise ExplorerError(f"Unknown split {split!r}; a data set has 'train' and 'test'.")
    if not isinstance(name, str | Path):
        data = read_foreign(name, split)
        return _arranged(data, data.name, split)
    name = str(name)
    if name in DATASETS:
        return DATASETS[name](split or "test")
    path = _find_file(name)
    if path is not None and path.suffix.lower() == ".npz" and path.is_file():
        return _arranged(read_npz(path, split or "test", name=path.stem), path.name, split)
    if path is not None and (path.is_dir() or is_manifest(path)):
        return open_folder(path, split)
    raise ExplorerError(
        f"Unknown data set {name[:200]!r}; known are {', '.join(DATASETS)}, or give a folder with one sub-folder per "
        "class, a list of files (.csv, .jsonl, .parquet) or an .npz file."
    )


def _find_file(name: str) -> Path | None:
    """Where a name points; None where nothing is there, nor can be: names too long for a path, of unknown users."""
    path = user_path(name)
    try:
        return path if path.exists() else None
    except (OSError, ValueError):
        return None


def _arranged(data: Dataset, called: str, split: str | None) -> Dataset:
    """Data that come in an order of their own: mixed where they come class by class, and with a part held out where
    they have no splits and one is asked for.
    """
    names = [str(row) for row in range(len(data))]
    notes = data.notes
    rows = np.arange(len(data))
    if mixed := class_by_class(data.labels):
        rows = mixed_order(data.labels, names)
        notes += (f"The images of {called} come class by class; they were brought into a mixed order (seed 0).",)
    if data.split == "all" and split is not None:
        test = held_out(data.labels, names)
        rows = rows[test[rows] == (split == "test")]
        notes += (f"{called} has no test split: a seeded 20 % of each class (seed 0) is held out for testing.",)
        if not len(rows):
            raise ExplorerError(f"{called} has too few images to hold some out for testing; give each class two.")
    elif not mixed:
        return data
    return replace(data.select(rows), split=split or data.split, notes=notes, mixed=mixed, chosen=None)


def open_folder(path: Path, split: str | None = None, *, side: int | None = None) -> Dataset:
    """Open a folder of images, or a list of them, whose files are read when a row is asked for.

    The folder holds one sub-folder per class, split folders of them, or images without classes (labels -1). Each image
    goes through ``explorer.fit``.

    Args:
        path: The folder, or a manifest (``explorer.data.manifest``).
        split: As in ``load_dataset``.
        side: Side in px; by default ``size`` of the folder's ``dataset.json``, or the median of the images' shorter
            sides.

    Returns:
        The data set; images in class folders come in a seeded order in which every beginning is a stratified sample.

    Raises:
        ExplorerError: If there are no images; on reading a row if its file is damaged.
    """
    found = read_folder(path, split, side)
    return Dataset(
        name=found.name,
        split=found.split,
        images=cast("NDArray[np.uint8]", found.files),
        labels=found.labels,
        classes=found.classes,
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        notes=found.notes,
        mixed=found.mixed,
    )
