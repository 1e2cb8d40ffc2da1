"""Rows of a data set as a model takes them: the one way in which evaluate, survey and app read, whatever is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from explorer.data import images
from explorer.data.dataset import Dataset
from explorer.data.fitting import Takes
from explorer.data.image_files import ImageFiles

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Images:
    """Some rows of a data set.

    Attributes:
        pixels: float32 (N, C, H, W) in [0, 1] at the models' input size.
        labels: int64 (N,); -1 where the class is unknown.
        rows: Row of each image in the data set.
        unread: Why a row could not be read, a sentence each.
        enlarged: Rows whose files have fewer pixels than the models take.
    """

    pixels: Tensor
    labels: Tensor
    rows: tuple[int, ...]
    unread: dict[int, str] = field(default_factory=dict)
    enlarged: tuple[int, ...] = ()


def read_rows(data: Dataset, rows: Sequence[int], takes: Takes) -> Images:
    """Read images at a model's input size.

    Args:
        data: The data set.
        rows: Rows to read.
        takes: What the model takes.

    Returns:
        The images that could be read, in the order of ``rows``, and what is wrong with the others.
    """
    files = data.fitted(takes).images
    if not isinstance(files, ImageFiles):
        pixels, labels = data.batch(list(rows))
        return Images(images.fit(pixels, *takes), labels, tuple(rows))
    found, unread = files.read(rows)
    read = [(row, one) for row, one in zip(rows, found, strict=True) if one is not None]
    kept = tuple(row for row, _ in read)
    stack = np.stack([one.pixels for _, one in read]) if read else np.empty((0, *files.shape[1:]), np.uint8)
    pixels = torch.from_numpy(stack).permute(0, 3, 1, 2)
    pixels = pixels.to(torch.float32, copy=True, memory_format=torch.contiguous_format).div_(255)  # as Dataset.batch
    labels = torch.from_numpy(np.asarray(data.labels)[list(kept)])
    return Images(pixels, labels, kept, unread, tuple(row for row, one in read if one.enlarged))


def stream(data: Dataset, rows: range, step: int, takes: Takes) -> Iterator[Images]:
    """Read many images bit by bit; files are read while the ones before are used, so that memory stays flat.

    Args:
        data: The data set.
        rows: Rows to read.
        step: Images at a time.
        takes: What the model takes.

    Yields:
        ``step`` rows at a time, and the rest.
    """
    return in_steps(data, rows, step, lambda some: read_rows(data, some, takes))


def in_steps(data: Dataset, rows: range, step: int, read: Callable[[range], T]) -> Iterator[T]:
    """Read rows of a data set by a function, as ``stream`` does.

    Args:
        data: The data set.
        rows: Rows to read.
        step: Rows at a time.
        read: Reads some rows.

    Yields:
        What it gives for ``step`` rows at a time, and the rest.
    """
    starts = range(rows.start, rows.stop, step)
    parts = (read(range(start, min(start + step, rows.stop))) for start in starts)
    return ahead(parts) if isinstance(data.images, ImageFiles) else parts


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Make each item in a thread while the previous one is used.

    Args:
        items: What makes the items; none of them may be None.

    Yields:
        The items in order.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "explorer-ahead") as pool:
        coming = pool.submit(next, source, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield item
