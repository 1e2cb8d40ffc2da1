"""Named sources of labelled images, the offline one (digits) first.

A data set is uint8 pixels in memory plus integer labels and class names; ``load_dataset`` finds it by name:
``digits`` (bundled with scikit-learn), ``cifar10``, ``mnist`` (from ``$EXPLORER_DATA/<name>.npz``, else torchvision's
download into the cache folder), ``stl10`` (torchvision), a folder with one sub-folder per class, or any ``.npz``.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from explorer import images
from explorer.errors import ExplorerError

DIGIT_SIDE = 28  # scikit-learn's digits are 8 x 8; enlarged bilinearly so that MNIST-sized networks fit
DIGITS_SPLIT_SEED, DIGITS_TEST_SIZE = 0, 360
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TEN_DIGITS = tuple(str(digit) for digit in range(10))
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


@dataclass(frozen=True)
class Dataset:
    """Labelled images: ``images`` uint8 (N, H, W, C) with C 1 or 3, ``labels`` int64 (N,) into ``classes``.

    ``mean`` and ``std`` are the per-channel normalisation in [0, 1] pixel units that models trained on it use.
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
        """Image batch float32 (n, C, H, W) in [0, 1] and labels int64 (n,) of the given indices."""
        pixels = torch.from_numpy(np.ascontiguousarray(self.images[indices])).permute(0, 3, 1, 2)
        return pixels.float().div_(255).contiguous(), torch.from_numpy(np.asarray(self.labels[indices]))

    def select(self, indices: Sequence[int] | slice | NDArray[np.int64]) -> Dataset:
        """The data set of these rows only, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


def cache_folder() -> Path:
    """Where downloads are kept: ``$EXPLORER_CACHE``, else ``~/.cache/stability-explorer``."""
    return Path(os.environ.get("EXPLORER_CACHE") or Path.home() / ".cache" / "stability-explorer")


def local_file(name: str) -> Path | None:
    """The ``.npz`` of a named data set under ``$EXPLORER_DATA``, or None where there is none."""
    folder = os.environ.get("EXPLORER_DATA")
    path = Path(folder) / f"{name}.npz" if folder else None
    return path if path is not None and path.is_file() else None


SOURCES: dict[str, Callable[[str], Dataset]] = {}


def _source(name: str) -> Callable[[Callable[[str], Dataset]], Callable[[str], Dataset]]:
    def register(load: Callable[[str], Dataset]) -> Callable[[str], Dataset]:
        SOURCES[name] = load
        return load

    return register


def load_dataset(name: str, split: str = "test") -> Dataset:
    """The ``split`` ("train" or "test") of a named data set, of a folder of class folders, or of an ``.npz`` file.

    An ``.npz`` holds ``x_<split>`` uint8 (N, H, W) or (N, H, W, C) and ``y_<split>`` integers, or just ``x`` and ``y``;
    ``classes`` is optional. A folder may hold ``train``/``test`` folders or the class folders themselves.
    Raises ExplorerError where the name is unknown or the data cannot be read.
    """
    if split not in ("train", "test"):
        raise ExplorerError(f"Unknown split {split!r}; a data set has 'train' and 'test'.")
    if name in SOURCES:
        return SOURCES[name](split)
    path = Path(name).expanduser()
    if path.suffix == ".npz" and path.is_file():
        return _read_npz(path, split, name=path.stem)
    if path.is_dir():
        return _read_folder(path, split)
    raise ExplorerError(
        f"Unknown data set {name!r}; known are {', '.join(SOURCES)}, or give a folder with one sub-folder per class "
        "or an .npz file."
    )


@_source("digits")
def _digits(split: str) -> Dataset:
    from sklearn.datasets import load_digits

    raw = load_digits()
    pixels = torch.from_numpy(raw.images).float().unsqueeze(1) / 16
    pixels = F.interpolate(pixels, size=(DIGIT_SIDE, DIGIT_SIDE), mode="bilinear", align_corners=False)
    x = images.to_uint8(pixels)
    order = np.random.default_rng(DIGITS_SPLIT_SEED).permutation(len(x))
    rows = order[:DIGITS_TEST_SIZE] if split == "test" else order[DIGITS_TEST_SIZE:]
    return Dataset("digits", split, x[rows], raw.target[rows].astype(np.int64), TEN_DIGITS, (0.0,), (1.0,))


@_source("cifar10")
def _cifar10(split: str) -> Dataset:
    # Normalisation as in the public CIFAR code the Lipschitz paper builds on (METHODS: .4914 .4822 .4465).
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    if path := local_file("cifar10"):
        return replace(_read_npz(path, split, name="cifar10"), mean=mean, std=std, classes=CIFAR10_CLASSES)
    data = _torchvision("CIFAR10", "cifar10", train=split == "train")
    labels = np.asarray(data.targets, np.int64)
    return Dataset("cifar10", split, data.data, labels, CIFAR10_CLASSES, mean, std)


@_source("mnist")
def _mnist(split: str) -> Dataset:
    if path := local_file("mnist"):
        return replace(_read_npz(path, split, name="mnist"), classes=TEN_DIGITS)
    data = _torchvision("MNIST", "mnist", train=split == "train")
    labels = data.targets.numpy().astype(np.int64)
    return Dataset("mnist", split, data.data.numpy()[..., None], labels, TEN_DIGITS, (0.0,), (1.0,))


@_source("stl10")
def _stl10(split: str) -> Dataset:
    data = _torchvision("STL10", "stl10", split=split)
    classes = tuple(data.classes)
    x = np.ascontiguousarray(data.data.transpose(0, 2, 3, 1))
    return Dataset(
        "stl10", split, x, data.labels.astype(np.int64), classes, (0.4467, 0.4398, 0.4066), (0.2603, 0.2566, 0.2713)
    )


def _torchvision(kind: str, name: str, **options: object):  # type: ignore[no-untyped-def]  # torchvision is untyped
    import torchvision.datasets

    try:
        return getattr(torchvision.datasets, kind)(root=str(cache_folder()), download=True, **options)
    except Exception as error:  # torchvision raises RuntimeError, URLError, OSError ... for one cause: no data
        raise ExplorerError(
            f"{name} is not here and could not be downloaded ({type(error).__name__}); connect to the internet, or set "
            f"EXPLORER_DATA to a folder that holds {name}.npz. The data set 'digits' needs no download."
        ) from error


def _read_npz(path: Path, split: str, name: str) -> Dataset:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            keys = set(file.files)
            suffix = f"_{split}" if f"x_{split}" in keys else ""
            if not {f"x{suffix}", f"y{suffix}"} <= keys:
                raise ExplorerError(f"{path.name} holds {sorted(keys)}; expected x_{split} and y_{split}, or x and y.")
            x, y = file[f"x{suffix}"], file[f"y{suffix}"]
            classes = tuple(str(c) for c in file["classes"]) if "classes" in keys else ()
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
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


def _read_folder(folder: Path, split: str) -> Dataset:
    root = folder / split if (folder / split).is_dir() else folder
    classes = tuple(sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")))
    files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((root / name).rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not files:
        raise ExplorerError(f"{folder} holds no images; expected one sub-folder per class with image files in it.")
    settings = root / "dataset.json"
    size = int(json.loads(settings.read_text())["size"]) if settings.is_file() else 0
    tensors = [images.load_image(path) for path, _ in files]
    size = size or min(min(t.shape[-2:]) for t in tensors)
    x = np.concatenate([images.to_uint8(images.fit(t, size, 3)) for t in tensors])
    labels = np.asarray([label for _, label in files], np.int64)
    return Dataset(folder.name, split, x, labels, classes, (0.0,) * 3, (1.0,) * 3)
