"""Data sets as ``.npz`` files of plain arrays; nothing is unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data.dataset import Dataset
from explorer.errors import ExplorerError

MAX_CLASSES = 100_000
"""More classes than that are not believed: names for all of them would fill the memory."""

_UNREADABLE = (OSError, ValueError, TypeError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError)


def read_npz(path: Path, split: str, name: str) -> Dataset:
    """Read a data set.

    Images are ``x_<split>`` (or ``<split>_images``, or ``x`` where there are no splits), labels ``y_<split>``
    (``<split>_labels``, ``y``). ``classes`` is optional, as is ``exact_<split>``, which is false for images that are
    not the published ones bit for bit; they are counted.

    Args:
        path: The file. Images are uint8 or bool (N, H, W), (N, H, W, C) or (N, C, H, W), C 1 or 3; labels integers
            (N,) or (N, 1).
        split: ``train`` or ``test``.
        name: Name of the data set.

    Returns:
        The data set, without normalisation; its split is ``all`` where the file has none.

    Raises:
        ExplorerError: If the file cannot be read or its arrays do not fit together.
    """
    try:
        with path.open("rb") as raw, np.lib.npyio.NpzFile(raw, allow_pickle=False) as file:
            keys = set(file.files)
            images, labels = _names(path, keys, split)
            suffix = "" if images == "x" else f"_{split}"
            x, y = np.asarray(file[images]), np.asarray(file[labels])
            classes = tuple(str(c) for c in file["classes"]) if "classes" in keys else ()
            exact = np.asarray(file[f"exact{suffix}"], bool) if f"exact{suffix}" in keys else np.ones(len(y), bool)
    except ExplorerError:
        raise
    except _UNREADABLE as error:
        raise ExplorerError(f"{path.name} is not a readable .npz file of plain arrays ({error}).") from error
    x, y = _images(path, x), _labels(path, y, len(x))
    if not classes and y.max() < MAX_CLASSES:
        classes = tuple(str(i) for i in range(int(y.max()) + 1))
    if y.min() < 0 or y.max() >= len(classes):
        counted = f"{len(classes)} classes" if classes else "no classes"
        raise ExplorerError(f"{path.name} has labels from {y.min()} to {y.max()} but {counted}; labels count from 0.")
    channels = x.shape[3]
    split = split if suffix else "all"
    copies = int((~exact).sum())
    notes = (
        (f"{copies:,} of the {len(y):,} {split} images of {name} are copies that lost some detail.",) if copies else ()
    )
    return Dataset(name, split, x, y.astype(np.int64), classes, (0.0,) * channels, (1.0,) * channels, notes)


def _names(path: Path, keys: Collection[str], split: str) -> tuple[str, str]:
    """What the arrays of a split are called: by Keras and us, by MedMNIST, and without splits."""
    for names in ((f"x_{split}", f"y_{split}"), (f"{split}_images", f"{split}_labels"), ("x", "y")):
        if set(names) <= set(keys):
            return names
    raise ExplorerError(f"{path.name} holds {sorted(keys)}; expected x_{split} and y_{split}, or x and y.")


def _images(path: Path, x: NDArray[Any]) -> NDArray[np.uint8]:
    """(N, H, W, C)."""
    if x.dtype == bool:
        x = x.astype(np.uint8) * 255
    if x.ndim == 3:
        x = x[..., None]
    elif x.ndim == 4 and x.shape[3] not in {1, 3} and x.shape[1] in {1, 3}:
        x = np.moveaxis(x, 1, 3)
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[3] not in {1, 3} or 0 in x.shape[1:3]:
        floats = "; floats in [0, 1] are saved as (255 * x).round().astype('uint8')" if x.dtype.kind == "f" else ""
        raise ExplorerError(
            f"{path.name} holds images of type {x.dtype} and shape {x.shape}; "
            f"expected uint8 (N, H, W) or (N, H, W, 1 or 3){floats}."
        )
    return np.ascontiguousarray(x).astype(np.uint8, copy=False)


def _labels(path: Path, y: NDArray[Any], count: int) -> NDArray[Any]:
    """Integers (N,)."""
    labels = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y  # as Keras and MedMNIST keep them
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer) or not count:
        raise ExplorerError(
            f"{path.name} holds labels of type {y.dtype} and shape {y.shape}; expected one integer per image ({count})."
        )
    return labels
