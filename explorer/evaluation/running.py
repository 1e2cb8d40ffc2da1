"""Accuracy against the amount of one distortion, on the first images of a data set; more images go on from fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.data.dataset import Dataset
from explorer.data.reading import read_rows
from explorer.distortions import Recipe, apply, find_distortion, image_seed
from explorer.errors import ExplorerError
from explorer.evaluation.sample import Sample
from explorer.evaluation.statistics import Interval, wilson_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Meter, Progress

ATTACKED = 4  # an attack asks for gradients, some of them twenty times: its pieces hold fewer images


@dataclass(frozen=True)
class AccuracyCurve:
    """One model's accuracy at every amount.

    Attributes:
        name: The model's name.
        n: Number of images that could be read.
        accuracy: Share of them classified correctly, 0 to 1, one per amount.
        intervals: 95 % Wilson interval of each.
    """

    name: str
    n: int
    accuracy: tuple[float, ...]
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, eq=False)
class RunningAccuracy:
    """Accuracy of several models while one distortion grows.

    All models see the same pixels; under an attack each sees the one made on itself. Image i is distorted with
    ``image_seed(seed, i)``, so that every number is that of ``evaluate`` with the same limit.

    Attributes:
        models: The models, of one input size.
        dataset: The labelled images; their classes are found by name among the models'.
        distortion: Name of the distortion.
        amounts: In its unit.
        seed: Of all recipes.
    """

    models: tuple[Classifier, ...]
    dataset: Dataset
    distortion: str
    amounts: tuple[float, ...]
    seed: int = 0
    _counts: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False)
    _unread: set[int] = field(default_factory=set, repr=False)

    @property
    def measured(self) -> tuple[int, ...]:
        """The numbers of images for which the accuracy is known."""
        return tuple(sorted(self._counts))

    def up_to(self, n: int, progress: Progress | None = None) -> list[AccuracyCurve]:
        """Measure the first ``n`` images, going on from the largest smaller number that is known.

        Args:
            n: Number of images, at least 1; at most all of them are measured.
            progress: Called with how much is done and how much there is to do, at least every few images.

        Returns:
            One curve per model.

        Raises:
            ExplorerError: If ``n`` is below 1, the models do not know the data set's classes, or no image can be read.
        """
        sample = Sample.of(self.models, self.dataset, n)
        models, n = sample.models, sample.n
        if n not in self._counts:
            start = max((known for known in self._counts if known < n), default=0)
            more = count_correct(
                models,
                sample.dataset,
                self.distortion,
                self.amounts,
                range(start, n),
                self.seed,
                progress,
                self._unread,
            )
            self._counts[n] = more + self._counts[start] if start else more
        read = n - sum(row < n for row in self._unread)
        if not read:
            raise ExplorerError(f"None of the first {n:,} images of {self.dataset.name} can be read.")
        return [
            AccuracyCurve(
                model.name,
                read,
                tuple((row / read).tolist()),
                tuple(wilson_interval(count, read) for count in row.tolist()),
            )
            for model, row in zip(models, self._counts[n], strict=True)
        ]


def count_correct(
    models: Sequence[Classifier],
    dataset: Dataset,
    distortion: str,
    amounts: Sequence[float],
    rows: range,
    seed: int = 0,
    progress: Progress | None = None,
    unread: set[int] | None = None,
) -> NDArray[np.int64]:
    """Count the images that each model classifies correctly under each amount, as ``evaluate`` does.

    It takes a few images at a time, and all amounts of these before the next, so that ``progress`` is called often.

    Args:
        models: The models, of one input size.
        dataset: The labelled images.
        distortion: Name of the distortion.
        amounts: In its unit.
        rows: Which images.
        seed: Of all recipes.
        progress: Called after every amount and model with how much is done and how much there is to do.
        unread: Receives the rows that could not be read or whose class is unknown.

    Returns:
        The counts, (models, amounts).

    Raises:
        ExplorerError: If there is no such distortion.
    """
    found, (size, channels) = find_distortion(distortion), (models[0].size, models[0].channels)
    values = inputs.PIECE_VALUES // (ATTACKED if found.adversarial else 1)
    pieces = inputs.pieces(rows, inputs.piece_size((channels, size, size), values))
    meter = Meter(progress, len(pieces) * len(amounts) * len(models))
    counts = np.zeros((len(models), len(amounts)), np.int64)
    for piece in pieces:
        read = read_rows(dataset, piece, models[0].takes)
        known = read.labels >= 0
        x, labels = read.pixels[known], read.labels[known]
        kept = [row for row, is_known in zip(read.rows, known.tolist(), strict=True) if is_known]
        if unread is not None:
            unread |= set(piece) - set(kept)
        if not kept:
            meter.step(len(amounts) * len(models))
            continue
        seeds = [image_seed(seed, i) for i in kept]
        for j, amount in enumerate(amounts):
            recipe = Recipe(((distortion, amount),), seed=seed)
            shown = x if found.adversarial else apply(recipe, x, seeds=seeds)
            for i, model in enumerate(models):
                if found.adversarial:
                    own = replace(recipe, against=model.name)
                    shown = apply(own, x, target=inputs.attack_target(own, [model], x, labels), seeds=seeds)
                counts[i, j] += int((inputs.predictions(model, shown) == labels).sum())
                meter.step()
    return counts
