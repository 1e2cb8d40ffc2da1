"""Data sets of other libraries as ours: PyTorch's and torchvision's, and Hugging Face's; their images stay there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from explorer.data import decoding, images
from explorer.data.classes import listed, natural_key
from explorer.data.dataset import Dataset
from explorer.data.fitting import Takes
from explorer.data.image_files import MAX_SIDE, ImageFiles
from explorer.data.layout import split_of
from explorer.errors import ExplorerError

PROBED = 32
"""Images, spread evenly, by which the size and the identity of a data set are found."""

_TURN = threading.Lock()  # other people's data sets are seldom made for several threads
_LABELS = ("label", "class", "labels", "class_index", "fine_label")


@dataclass(frozen=True)
class _Rows:
    """Someone's data set as images and labels by row.

    Attributes:
        name: What it is called.
        given: The data set itself.
        column: The column of its images; "" where rows are pairs.
    """

    name: str
    given: Any
    column: str = ""

    def image(self, row: int) -> np.ndarray:
        """The image of a row, (H, W, C), whatever type it has there."""
        try:
            with _TURN:
                found = self.given[row]
        except Exception as error:  # whatever their code raises
            raise ExplorerError(f"{type(error).__name__}: {str(error)[:200] or 'no reason given'}") from error
        if self.column:
            return _pixels(found[self.column])
        return _pixels(_pair(found, self.name)[0])


class ImageItems(ImageFiles):
    """The images of someone's data set as if they were one array, read one after another when they are looked at."""

    def state(self, count: int) -> str:
        """Describe the first images so that a change is noticed, by the pixels of ``PROBED`` of them.

        Args:
            count: Number of images.

        Returns:
            Their rows, and a hash, as text.
        """
        made = hashlib.sha256()
        for row in _spread(count):
            read = self._read(self._files[row])
            made.update(read.encode(errors="replace") if isinstance(read, str) else read.pixels.tobytes())
        return f"{self._files[:count]} {made.hexdigest()}"

    def content(self, row: int) -> bytes:
        """The pixels of a row, which has no file.

        Args:
            row: Which.

        Returns:
            The bytes of its array.

        Raises:
            ExplorerError: If it cannot be read.
        """
        return self._array(self._files[row]).tobytes()

    def _read_together(self, paths: Sequence[Any]) -> list[Any]:
        return [self._read(path) for path in paths]

    def _array(self, path: Any) -> np.ndarray:
        return cast("_Rows", self._root).image(path)

    def _name(self, path: Any) -> str:
        return f"row {path}"


def read_foreign(given: Any, split: str | None) -> Dataset:
    """Take over a data set of another library; its images are read when they are looked at.

    Args:
        given: A PyTorch ``Dataset`` whose rows are (image, label), or a ``Dataset`` or ``DatasetDict`` of Hugging Face.
        split: ``train`` or ``test`` of a ``DatasetDict``; by default its test split, and where it has none, another.

    Returns:
        The data set in its own order. Its split is ``all`` where ``given`` is not divided.

    Raises:
        ExplorerError: If it is not such a data set, or its images or labels cannot be understood.
    """
    part = "all"
    if isinstance(given, Mapping):
        given, part = _part(given, split)
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")) or hasattr(given, "batch_sampler"):
        hint = ": hand over its dataset" if hasattr(given, "batch_sampler") else ""
        kinds = "a folder, a file, or a data set with a length whose rows can be asked for"
        raise ExplorerError(f"Expected the name of a data set, {kinds}, not {type(given).__name__}{hint}.")
    if not len(given):
        raise ExplorerError(f"The {type(given).__name__} holds no images.")
    rows, labels, classes = _of_columns(given) if hasattr(given, "column_names") else _of_pairs(given)
    probed = _spread(len(labels))
    shapes = [_probe(rows, row) for row in probed]
    read = [array for array in shapes if isinstance(array, np.ndarray)]
    if not read:
        raise ExplorerError(f"No image of {rows.name} can be read: {shapes[0]}")
    sides = sorted(min(array.shape[:2]) for array in read)
    channels = 3 if any(array.shape[2] > 1 for array in read) else 1
    takes = Takes(min(sides[(len(sides) - 1) // 2], MAX_SIDE), channels)
    same = all(np.array_equal(_probe(rows, row), before) for row, before in zip(probed[:3], shapes, strict=False))
    random = f"{rows.name} gives other pixels each time it is asked: leave random transforms out of it."
    return Dataset(
        name=rows.name,
        split=part,
        images=cast("NDArray[np.uint8]", ImageItems(cast("Any", rows), cast("Any", range(len(labels))), takes)),
        labels=labels,
        classes=classes,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        notes=() if same else (random,),
    )


def _part(given: Mapping[str, Any], split: str | None) -> tuple[Any, str]:
    """The part of a DatasetDict that is meant, and which it is; "all" where a part is still to be held out."""
    parts = {found: part for name, part in given.items() if (found := split_of(str(name)))}
    if not parts:
        raise ExplorerError(f"The splits are called {listed(map(str, given))}; expected train, validation or test.")
    tests = [name for name in ("test", "valid") if name in parts]
    if split == "train" and tests:
        if "train" not in parts:
            raise ExplorerError(f"There is no split train, only {listed(map(str, given))}.")
        return parts["train"], "train"
    return (parts[tests[0]], "test") if tests else (parts["train"], "all")


def _of_columns(given: Any) -> tuple[_Rows, NDArray[np.int64], tuple[str, ...]]:
    """A ``datasets.Dataset``."""
    given = given.with_format(None)  # pictures, whatever format or transform is set
    features = given.features
    pictures = [name for name, feature in features.items() if type(feature).__name__ == "Image"]
    if not pictures:
        raise ExplorerError(f"There is no column of images among {listed(features)}; cast one to datasets.Image().")
    column = "image" if "image" in pictures else pictures[0]
    named = [name for name, feature in features.items() if type(feature).__name__ == "ClassLabel"]
    label = next((name for name in (*_LABELS, *named[: len(named) == 1]) if name in features), None)
    if label is None and named:
        raise ExplorerError(f"The columns {listed(named)} are all classes; rename the one that is meant to label.")
    name = str(given.info.dataset_name or "dataset")
    if label is None:
        return _Rows(name, given, column), np.full(len(given), -1, np.int64), ()
    labels, classes = _numbered(list(given[label]), tuple(getattr(features[label], "names", ())), name)
    return _Rows(name, given, column), labels, classes


def _of_pairs(given: Any) -> tuple[_Rows, NDArray[np.int64], tuple[str, ...]]:
    """A PyTorch ``Dataset``, or anything else whose rows are (image, label)."""
    inner, indices = given, np.arange(len(given))
    while isinstance(inner, torch.utils.data.Subset):
        indices, inner = np.asarray(inner.indices)[indices], inner.dataset
    rows = _Rows(type(inner).__name__, given)
    classes = tuple(map(str, getattr(inner, "classes", ())))
    targets = inner.tensors[1] if isinstance(inner, torch.utils.data.TensorDataset) else getattr(inner, "targets", None)
    every: list[Any] | None = None
    if targets is not None and len(targets) == len(inner):
        every = [targets[int(row)] for row in indices]
        probed = _spread(len(every))[:: PROBED // 4]
        if any(_label(given, row, rows.name) != _plain(every[row]) for row in probed):  # a transform of the labels
            every = None
    if every is None:
        every = [_label(given, row, rows.name) for row in range(len(given))]
    labels, classes = _numbered([_plain(label) for label in every], classes, rows.name)
    return rows, labels, classes


def _label(given: Any, row: int, name: str) -> Any:
    try:
        with _TURN:
            found = given[row]
    except Exception:  # noqa: BLE001  # whatever their code raises; it is counted when the image is read
        return None
    return _plain(_pair(found, name)[1])


def _pair(found: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ExplorerError(f"A row of {name} is a {type(found).__name__}; expected a pair of image and label.")
    return found[0], found[1]


def _plain(label: Any) -> Any:
    """A label as a number, a text or None."""
    label = label.detach().cpu().numpy() if isinstance(label, Tensor) else label
    if not isinstance(label, np.ndarray | np.generic):
        return label
    return label.item() if label.size == 1 else label.tolist()


def _numbered(every: list[Any], classes: tuple[str, ...], name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels as indices, and what they count in; -1 where there is none."""
    known = [label for label in every if label is not None]
    if known and all(isinstance(label, str) for label in known):
        classes = classes or tuple(sorted(set(known), key=natural_key))
        index: dict[Any, int] = {text: i for i, text in enumerate(classes)}
        return np.array([index.get(label, -1) for label in every], np.int64), classes
    if not all(isinstance(label, int) and not isinstance(label, bool) for label in known):
        odd = next(label for label in known if not isinstance(label, int) or isinstance(label, bool))
        raise ExplorerError(f"A label of {name} is {str(odd)[:60]!r}; expected whole numbers or names of classes.")
    labels = np.array([-1 if label is None else label for label in every], np.int64)
    classes = classes or tuple(map(str, range(int(labels.max()) + 1)))
    if labels.min() < -1 or labels.max() >= len(classes):
        raise ExplorerError(f"{name} has labels up to {labels.max()} but {len(classes)} classes; labels count from 0.")
    return labels, classes


def _spread(count: int) -> list[int]:
    """At most ``PROBED`` rows, spread evenly."""
    return list(range(0, count, -(-count // PROBED)))


def _probe(rows: _Rows, row: int) -> np.ndarray | str:
    try:
        return rows.image(row)
    except (ExplorerError, OSError, MemoryError) as error:
        return str(error)


def _pixels(item: Any) -> np.ndarray:
    """An image as ``decode`` gives it."""
    if isinstance(item, Tensor):
        images.check_values(item)
        item = item.detach().cpu()
        item = (item.float() if item.is_floating_point() else item).numpy()
    if isinstance(item, np.ndarray):
        if item.ndim == 3 and item.shape[0] in (1, 3) and item.shape[2] not in (1, 3, 4):
            item = np.moveaxis(item, 0, -1)
        if item.dtype.kind == "f":
            images.check_batch(torch.from_numpy(np.ascontiguousarray(item, np.float32).reshape(1, 1, 1, -1)))
    elif not isinstance(item, Image.Image):
        raise ExplorerError(f"An image is a {type(item).__name__}; expected a picture, an array or a tensor.")
    return decoding.decode(item)
