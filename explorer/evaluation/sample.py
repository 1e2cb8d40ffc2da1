"""The images of one evaluation: which of a data set, with the models' classes, and what could not be read of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.data.dataset import Dataset
from explorer.data.image_files import ImageFiles, left_out
from explorer.data.images import fit_photographs
from explorer.data.photographs import read_rows as read_photographs
from explorer.data.reading import stream
from explorer.data.sampling import class_by_class
from explorer.data.seen import Sketch, seen
from explorer.distortions import Recipe, apply, image_seed
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.memory import kept_memory
from explorer.numbers import count_of, counted
from explorer.progress import Progress

PHOTOGRAPHS = 32  # of their own sizes, at a time


@dataclass(eq=False)
class Sample:
    """The first images of a data set, as the models take them. Images that cannot be read are left out and counted.

    Attributes:
        models: The models; of another input size than the first only those that fit pictures themselves.
        dataset: The data set, its labels counting in the models' classes.
        n: How many images are wanted.
        batch_size: Images at a time; chosen by size by default.
        unread: Why a row could not be read, for the rows that were asked for so far.
        enlarged: Rows whose files have fewer pixels than the models take.
        unknown: Rows whose class is not known.
    """

    models: tuple[Classifier, ...]
    dataset: Dataset
    n: int
    batch_size: int | None = None
    unread: dict[int, str] = field(default_factory=dict)
    enlarged: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    _rows: list[int] | None = None

    @classmethod
    def of(
        cls,
        models: Sequence[Classifier],
        dataset: Dataset,
        limit: int | None = None,
        batch_size: int | None = None,
        *,
        photographs: bool = False,
    ) -> Sample:
        """The first images of a data set for these models.

        Args:
            models: The models.
            dataset: The labelled images.
            limit: Number of images; all by default.
            batch_size: Images at a time; chosen by size by default.
            photographs: Whether recipes with ``on=photograph`` are to come, so that each model fits the images itself.

        Returns:
            The images.

        Raises:
            ExplorerError: If the models cannot be asked about these images, or there are none.
        """
        together = inputs.check_together(models, photographs=photographs)
        models = tuple(models) if photographs else together
        batch_size = None if batch_size is None else count_of(batch_size, "batch_size")
        n = len(dataset) if limit is None else min(len(dataset), count_of(limit, "limit"))
        if n == 0:
            raise ExplorerError(f"{dataset.name} holds no images to evaluate on.")
        return cls(models, inputs.labelled(dataset, models), n, batch_size)

    @property
    def count(self) -> int:
        """How many images were measured in the end."""
        return self.n - len(self.unread) - len(self.unknown)

    @property
    def fitted(self) -> bool:
        """Whether the data set's images have another size or other channels than the models take."""
        model = self.models[0]
        return tuple(self.dataset.images.shape[1:]) != (model.size, model.size, model.channels)

    @property
    def words(self) -> str:
        """Which images these are, such as "100 of 50,000 images, stratified, seed 0"; "" for all."""
        return self.dataset.sample(self.n) if self.n < len(self.dataset) else ""

    @property
    def notes(self) -> list[str]:
        """What there is to say of them, one sentence each; complete when all have been read."""
        model, data, said = self.models[0], self.dataset, [*self.dataset.notes, *self.trained_on]
        if self.words and not data.mixed and class_by_class(data.labels):
            held, known = (len(np.unique(labels)) for labels in (data.labels[: self.n], data.labels))
            said.append(
                f"The images of {data.name} come class by class: the first {self.n:,} hold {held} of "
                f"{counted(known, 'class')}."
            )
        if isinstance(data.images, ImageFiles):
            said += left_out(self.n, model.size, self.unread, len(self.enlarged))
        if self.unknown:
            verbs = "has no class and is" if len(self.unknown) == 1 else "have no class and are"
            said.append(f"{len(self.unknown):,} of {counted(self.n, 'image')} {verbs} left out.")
        return said

    @cached_property
    def trained_on(self) -> list[str]:
        """Which of the models have seen some of these images in training, one sentence each."""
        said = []
        for model in self.models:
            trained = Sketch.from_dict(model.card.training.get("sketch"))
            if trained and (count := seen(trained, self.dataset.select(slice(self.n)))):
                said.append(
                    f"{model.name} was trained on about {count:,} of these {self.n:,} images, so its accuracy here "
                    "says little about new ones; the test split holds those that it has not seen."
                )
        return said

    def batches(self) -> Iterator[tuple[tuple[int, ...], Tensor, Tensor]]:
        """All of them, a batch at a time.

        Yields:
            Which rows, their pixels (B, C, H, W) in [0, 1], and their labels (B,).

        Raises:
            ExplorerError: If none of them can be read.
        """
        takes = self.models[0].takes
        step = self.batch_size or inputs.batch_size((takes.channels, takes.size, takes.size), self.models[0].device)
        for part in stream(self.dataset, range(self.n), step, takes):
            self.unread |= part.unread
            self.enlarged |= set(part.enlarged)
            known = part.labels >= 0
            if bool(known.all()):
                if part.rows:
                    yield part.rows, part.pixels, part.labels
                continue
            self.unknown |= {row for row, is_known in zip(part.rows, known.tolist(), strict=True) if not is_known}
            rows = tuple(row for row in part.rows if row not in self.unknown)
            if rows:
                yield rows, part.pixels[known], part.labels[known]
        self._check_any()

    def distorted(
        self, recipe: Recipe, progress: Progress | None = None, models: Sequence[Classifier] | None = None
    ) -> Iterator[tuple[tuple[int, ...], Tensor, Tensor]]:
        """``batches``, each image distorted with its own seed, ``image_seed(recipe.seed, row)``.

        Args:
            recipe: The distortions.
            progress: Counts images when the next batch is asked for.
            models: Those that ``against`` may name; all by default.

        Yields:
            Which rows, their distorted pixels, and their labels.
        """
        for rows, clean, labels in self.batches():
            target = inputs.attack_target(recipe, models or self.models, clean, labels)
            yield rows, apply(recipe, clean, target=target, seeds=[image_seed(recipe.seed, i) for i in rows]), labels
            if progress is not None:
                progress(rows[-1] + 1, self.n)
        if progress is not None and rows[-1] + 1 < self.n:
            progress(self.n, self.n)

    def correct(
        self, recipe: Recipe, progress: Progress | None = None, models: Sequence[Classifier] | None = None
    ) -> NDArray[np.bool_]:
        """Which images each model classifies correctly: ``ranks`` of 0.

        Args:
            recipe: The distortions.
            progress: Counts images.
            models: The models to ask; all by default.

        Returns:
            (models, images that could be read), in the order of the rows: the same images at every call.

        Raises:
            ExplorerError: If other files can be read than at the first call.
        """
        return self.ranks(recipe, progress, models) == 0

    def ranks(
        self, recipe: Recipe, progress: Progress | None = None, models: Sequence[Classifier] | None = None
    ) -> NDArray[np.int64]:
        """Where the true class of each image stands among each model's answers.

        Args:
            recipe: The distortions.
            progress: Counts images.
            models: The models to ask; all by default.

        Returns:
            (models, images that could be read), in the order of the rows: how many classes are likelier than the true
            one.

        Raises:
            ExplorerError: If other files can be read than at the first call.
        """
        asked = tuple(models or self.models)
        read: list[int] = []
        parts = []
        with kept_memory():
            for rows, views, labels in self._shown(recipe, progress, asked):
                read += rows
                found = (inputs.ranks(model, x, labels).numpy() for model, x in zip(asked, views, strict=True))
                parts.append(np.stack(list(found)))
        if self._rows is None:
            self._rows = read
        elif self._rows != read:
            raise ExplorerError(f"The files of {self.dataset.name} changed while they were read; start again.")
        return np.concatenate(parts, 1)

    def _shown(
        self, recipe: Recipe, progress: Progress | None, asked: Sequence[Classifier]
    ) -> Iterator[tuple[tuple[int, ...], list[Tensor], Tensor]]:
        """Which rows, their distorted pixels as each model is given them, and their labels."""
        if recipe.on != PHOTOGRAPH:
            for rows, x, labels in self.distorted(recipe, progress, asked):
                yield rows, [x] * len(asked), labels
            return
        known = np.asarray(self.dataset.labels[: self.n]) >= 0
        self.unknown |= set(np.flatnonzero(~known).tolist())
        for start in range(0, self.n, PHOTOGRAPHS):
            wanted = [row for row in range(start, min(start + PHOTOGRAPHS, self.n)) if known[row]]
            found, unread = read_photographs(self.dataset, wanted)
            self.unread |= unread
            made = [apply(recipe, x, seeds=[image_seed(recipe.seed, row)]) for row, x in found.items()]
            if made:
                views = [
                    torch.cat([fit_photographs(one, model.takes, recipe.window) for one in made]) for model in asked
                ]
                yield tuple(found), views, torch.from_numpy(np.asarray(self.dataset.labels)[list(found)])
            if progress is not None:
                progress(min(start + PHOTOGRAPHS, self.n), self.n)
        self._check_any()

    def _check_any(self) -> None:
        if self.count == 0:
            why = f": {next(iter(self.unread.values()))}" if self.unread else ", or say what they show."
            raise ExplorerError(f"None of the {self.n:,} images of {self.dataset.name} can be measured{why}")


def step_of(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Progress over one of several passes.

    Args:
        progress: Of all passes.
        done: How many passes are finished.
        total: How many there are.

    Returns:
        What this pass calls; None where nobody listens.
    """
    return None if progress is None else partial(_step, progress, done, total)


def _step(progress: Progress, done: int, total: int, images: int, of: int) -> None:
    progress(done * of + images, total * of)
