"""The pictures of a stabilization: read, fitted to the model, and divided into three parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from explorer.data.dataset import Dataset
from explorer.data.datasets import open_dataset
from explorer.data.images import fit
from explorer.data.inputs import read_images
from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.inference import labelled
from explorer.numbers import counted
from explorer.stabilizing.tasks import Pictures

MOST = 10_000
"""Pictures that are read at most; a few hundred steps look at a few thousand."""

FEWEST = 10
WATCHED, REPORTED = (0.15, 150), (0.15, 200)
"""Share of the pictures that is held out to choose by, and to report on; and how many at most."""


@dataclass(frozen=True)
class Source:
    """Where a picture comes from.

    Attributes:
        name: What it is called.
        address: What ``explorer compare`` finds it by; None for training images, of which addresses know nothing.
        row: Its row in the data that were given.
    """

    name: str
    address: str | None
    row: int


@dataclass(frozen=True)
class Parts:
    """Pictures, divided.

    Attributes:
        train: Those that are trained on.
        watched: Held out: what is kept is chosen on them.
        reported: Held out: the report is about them, and nothing was chosen on them.
        sources: Where each reported picture comes from.
        data: What they are called together.
        labelled: Whether their classes are known to the model.
        notes: What was noticed, one sentence each.
    """

    train: Pictures
    watched: Pictures
    reported: Pictures
    sources: tuple[Source, ...]
    data: str
    labelled: bool
    notes: tuple[str, ...]


def divided(count: int, test: int | None = None) -> tuple[int, int, int]:
    """How pictures are divided.

    Args:
        count: How many there are.
        test: How many others there are to report on; None where a part of the first is held out for that.

    Returns:
        How many are trained on, watched and reported on.
    """
    watched, reported = (min(max(2, round(share * count)), most) for share, most in (WATCHED, REPORTED))
    return (count - watched - reported, watched, reported) if test is None else (count - watched, watched, test)


def read_parts(given: Any, model: Classifier, *, labels: bool, seed: int, test: Any = None) -> Parts:
    """Read pictures and divide them by a seeded shuffle.

    Args:
        given: A folder, the name of a data set (its training images), a ``Dataset``, a data set of PyTorch or Hugging
            Face, or a list of pictures.
        model: The model that they are fitted to.
        labels: Whether labels are needed.
        seed: Of the shuffle.
        test: Pictures to report on, likewise; by default a part of the first ones.

    Returns:
        The parts.

    Raises:
        ExplorerError: If there are fewer than ``FEWEST``, or labels are needed and there are none that fit.
    """
    data = _matched(_dataset(given, model, "train"), model, needed=labels)
    if labels:
        data = data.select(np.flatnonzero(data.labels >= 0))
    if len(data) < FEWEST:
        raise ExplorerError(f"{counted(len(data), 'picture')} are too few; give {FEWEST} or more.")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed)).numpy()
    _, watched, reported = divided(len(order))
    chosen, rest = np.split(order, [watched])
    if test is None:
        told, rest = np.split(rest, [reported])
        source = data
    else:
        source = _matched(_dataset(test, model, "test"), model, needed=False)
        told = np.arange(len(source))
    report, sources = source.select(told), tuple(_source(source, int(row)) for row in told)
    train, watch, reports = (_part(one, model) for one in (data.select(rest), data.select(chosen), report))
    known = bool((report.labels >= 0).all())
    return Parts(train, watch, reports, sources, data.name, known, tuple(dict.fromkeys((*data.notes, *report.notes))))


def _part(data: Dataset, model: Classifier) -> Pictures:
    return Pictures(_pixels(data, model), torch.from_numpy(data.labels))


def _dataset(given: Any, model: Classifier, split: str) -> Dataset:
    """The pictures as a data set, its unreadable files left out; of one that is divided, the part that is meant."""
    if isinstance(given, Dataset):
        data = given
    elif isinstance(given, list | tuple | np.ndarray | torch.Tensor):
        batch = read_images(given, model.takes)
        x = torch.cat([picture.pixels for picture in batch.pictures])
        array = x.mul(255).round().byte().permute(0, 2, 3, 1).numpy()
        none = np.full(len(x), -1, np.int64)
        return Dataset("pictures", "all", array, none, (), (0.0,) * x.shape[1], (1.0,) * x.shape[1], batch.notes)
    else:
        data = open_dataset(given)
        data = data if data.split == "all" else open_dataset(given, split)
    if len(data) > MOST:  # not all of them are read
        rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)).numpy()
        note = f"{MOST:,} of {counted(len(data), 'picture')} are used, drawn with the seed 0."
        data = replace(data.select(np.sort(rows[:MOST])), notes=(*data.notes, note))
    return data.fitted(model.takes).in_memory()


def _matched(data: Dataset, model: Classifier, *, needed: bool) -> Dataset:
    """With the classes as the model counts them, which is said where it is not by name; -1 where they are unknown."""
    unknown = replace(data, labels=np.full(len(data), -1, np.int64))
    try:
        found = labelled(data, [model]) if data.classes else unknown
    except ExplorerError:
        if needed:
            raise
        found = unknown
    if needed and not (found.labels >= 0).any():
        raise ExplorerError(
            f"{data.name} does not say what its pictures show; leave labels out, or give class folders."
        )
    return found


def _pixels(data: Dataset, model: Classifier) -> torch.Tensor:
    """The pictures as the model takes them, uint8 (N, C, H, W)."""
    parts = []
    for start in range(0, len(data), 256):
        x = data.batch(slice(start, start + 256))[0]
        if tuple(x.shape[1:]) != (model.channels, model.size, model.size):
            x = fit(x, model.size, model.channels)
        parts.append(x.mul(255).round().byte())
    return torch.cat(parts) if parts else torch.empty(0, model.channels, model.size, model.size, dtype=torch.uint8)


def _source(data: Dataset, row: int) -> Source:
    first = row if data.chosen is None else int(data.chosen[row])
    if data.files is not None:
        return Source(data.files.names[row], data.files.names[row], first)
    if data.split == "train":
        return Source(f"{data.name}, training image {first}", None, first)
    return Source(f"{data.name}:{first}", f"{data.name}:{first}", first)
