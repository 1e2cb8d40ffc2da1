"""Labelled images: what every data set is, wherever it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.data import images
from explorer.data.classes import match_classes
from explorer.data.downloads import megabytes
from explorer.data.fitting import Takes
from explorer.data.image_files import ImageFiles, left_out
from explorer.errors import ExplorerError
from explorer.numbers import counted

MAX_BYTES = 4 * 2**30  # of a folder's images in memory, which training needs


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
        notes: What was noticed when it was opened, one sentence each.
        mixed: Whether it was brought into a seeded order in which every beginning holds the classes in their
            proportions (``explorer.data.sampling``). A benchmark keeps its published order, in which its classes are
            mixed already and in which results are published and stored.
        files: The files that images in memory were read from, if any.
        chosen: int64 (N,), the row that each image had before ``select`` chose it; None where nothing was chosen.
    """

    name: str
    split: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    notes: tuple[str, ...] = ()
    mixed: bool = False
    files: ImageFiles | None = None
    chosen: NDArray[np.int64] | None = None

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
        images = self.images
        selected = images.select(indices) if isinstance(images, ImageFiles) else images[indices]
        files = None if self.files is None else self.files.select(indices)
        rows = np.arange(len(self)) if self.chosen is None else self.chosen
        return replace(self, images=selected, labels=self.labels[indices], files=files, chosen=rows[indices])

    def in_memory(self) -> Dataset:
        """The same data set with all pixels in memory, as training needs it.

        Returns:
            The data set without the files that cannot be read, which are counted in ``notes``; itself where it has no
            files.

        Raises:
            ExplorerError: If it needs more than ``MAX_BYTES``, or no file can be read.
        """
        files = self.images
        if not isinstance(files, ImageFiles):
            return self
        needed = len(self) * self.size**2 * self.channels
        if needed > MAX_BYTES:
            raise ExplorerError(
                f"The {len(self):,} images of {self.name} at {self.size} px need {megabytes(needed)} of memory; name a "
                'smaller side in its dataset.json, such as {"size": 96}.'
            )
        pixels, unread, enlarged = files.load(range(len(self)))
        rows = [row for row in range(len(self)) if row not in unread]
        if not rows:
            raise ExplorerError(f"No image of {self.name} can be read: {unread[0]}")
        notes = (*self.notes, *left_out(len(self), self.size, unread, enlarged))
        kept = self.select(rows)
        pixels = pixels[rows] if unread else pixels
        return replace(kept, images=pixels, notes=notes, files=files.select(rows))

    def matched(self, classes: Sequence[str], model: str, *, guessed: bool = False) -> Dataset:
        """The same images with the classes of a model, found by name: ``explorer.data.classes.match_classes``.

        Args:
            classes: The model's classes.
            model: Its name, for the sentence.
            guessed: Whether its classes' names are a guess.

        Returns:
            The data set, its labels counting in ``classes``; how they were matched is in ``notes``, if not by name.

        Raises:
            ExplorerError: If one of its classes is not among them.
        """
        if tuple(classes) == self.classes:
            return self
        known = self.labels >= 0
        found, note = match_classes(
            self.classes, np.unique(self.labels[known]).tolist(), classes, self.name, model, guessed=guessed
        )
        labels = np.where(known, found[np.where(known, self.labels, 0)], -1)
        notes = (*self.notes, note) if note and note not in self.notes else self.notes
        return replace(self, labels=labels, classes=tuple(classes), notes=notes)

    def sample(self, n: int) -> str:
        """What the first n images are, in words.

        Args:
            n: Number of images.

        Returns:
            "100 of 50,000 images, stratified, seed 0", or "the first 100 of 360 images"; of all, only their number.
        """
        if n >= len(self):
            return counted(n, "image")
        of = f"{n:,} of {counted(len(self), 'image')}"
        return f"{of}, stratified, seed 0" if self.mixed else f"the first {of}"

    def fitted(self, takes: Takes, *, tick: Callable[[], None] | None = None) -> Dataset:
        """The same images at a model's input size; files are fitted directly, not twice.

        Args:
            takes: What the model takes.
            tick: Called before each file that is read; what it raises is passed on.

        Returns:
            The data set at that size; images in memory stay as they are.
        """
        if not isinstance(self.images, ImageFiles):
            return self
        return replace(self, images=self.images.at(takes, tick))

    def full(self, row: int) -> Tensor:
        """An image at its own size: of a file, that of the file.

        Args:
            row: Which.

        Returns:
            (1, C, H, W) in [0, 1].

        Raises:
            ExplorerError: If it cannot be read.
        """
        if isinstance(self.images, ImageFiles):
            return images.load_image(self.images.full(row))
        return self.batch([row])[0]

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


def data_fingerprint(data: Dataset, rows: int) -> str:
    """Hash the first images and labels of a data set.

    Args:
        data: The data set. For image files only names, sizes and modification times are read.
        rows: Number of images.

    Returns:
        64 hex digits (SHA-256).
    """
    made = hashlib.sha256(data.labels[:rows].tobytes())
    if isinstance(data.images, ImageFiles):
        made.update(data.images.state(rows).encode(errors="surrogatepass"))
    else:
        made.update(repr(data.images.shape[1:]).encode())
        for start in range(0, rows, 4096):
            made.update(data.images[start : min(start + 4096, rows)].tobytes())
    return made.hexdigest()
