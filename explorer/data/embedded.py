"""The named data sets: digits come with scikit-learn, the others are downloaded once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from explorer.data import images
from explorer.data.datasets import Dataset, dataset, local_file
from explorer.data.downloads import megabytes
from explorer.data.npz import read_npz
from explorer.data.published import CIFAR10_CLASSES, PUBLISHED, TEN_DIGITS, fetch
from explorer.errors import ExplorerError

DIGIT_SIDE = 28  # scikit-learn's digits are 8 x 8; enlarged bilinearly so that MNIST-sized networks fit
DIGITS_SPLIT_SEED, DIGITS_TEST_SIZE = 0, 360


@dataset("digits", title="Digits", classes=TEN_DIGITS, rows=DIGITS_TEST_SIZE, channels=1)
def _digits(split: str) -> Dataset:
    """Handwritten digits of 8 x 8 pixels that come with scikit-learn, enlarged to 28 x 28."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    pixels = torch.from_numpy(raw.images).float().unsqueeze(1) / 16
    pixels = F.interpolate(pixels, size=(DIGIT_SIDE, DIGIT_SIDE), mode="bilinear", align_corners=False)
    x = images.to_uint8(pixels)
    order = np.random.default_rng(DIGITS_SPLIT_SEED).permutation(len(x))
    rows = order[:DIGITS_TEST_SIZE] if split == "test" else order[DIGITS_TEST_SIZE:]
    return Dataset("digits", split, x[rows], raw.target[rows].astype(np.int64), TEN_DIGITS, (0.0,), (1.0,))


def _downloaded(name: str) -> Callable[[Callable[[str], Dataset]], Callable[[str], Dataset]]:
    """:func:`dataset` with what is known of a published data set."""
    known = PUBLISHED[name]
    return dataset(name, title=known.title, classes=known.classes, rows=known.rows, channels=known.channels)


@_downloaded("cifar10")
def _cifar10(split: str) -> Dataset:
    """Small colour photographs of animals and vehicles, 32 x 32 pixels (Krizhevsky 2009)."""
    # Normalisation as in the public CIFAR code the Lipschitz paper builds on (.4914 .4822 .4465).
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    return replace(_published("cifar10", split), classes=CIFAR10_CLASSES, mean=mean, std=std)


@_downloaded("mnist")
def _mnist(split: str) -> Dataset:
    """Handwritten digits of 28 x 28 pixels (LeCun et al. 1998)."""
    return replace(_published("mnist", split), classes=TEN_DIGITS)


@_downloaded("stl10")
def _stl10(split: str) -> Dataset:
    """Colour photographs of animals and vehicles, 96 x 96 pixels (Coates et al. 2011)."""
    mean, std = (0.4467, 0.4398, 0.4066), (0.2603, 0.2566, 0.2713)
    return replace(_published("stl10", split), mean=mean, std=std)


def _published(name: str, split: str) -> Dataset:
    path = local_file(name)
    if path is None:
        try:
            path = _fetch_watched(name)
        except ExplorerError as error:
            raise ExplorerError(
                f"{name} is not here: {error} Or set EXPLORER_DATA to a folder that holds {name}.npz; the data set "
                "'digits' needs no download."
            ) from error
    return read_npz(path, split, name=name)


def _fetch_watched(name: str) -> Path:
    """Download with a progress bar in the terminal (on stderr)."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    wanted, console = PUBLISHED[name], Console(file=sys.stderr)
    console.print(f"Downloading {wanted.title} ({megabytes(wanted.size)}) from {wanted.host}")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(wanted.title, total=wanted.size)
        return fetch(name, lambda done, total: bar.update(task, completed=done, total=total))
