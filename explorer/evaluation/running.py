"""Accuracy against the amount of one distortion, on the first images of a data set; more images go on from fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.distortions import Recipe, apply, find_distortion, image_seed
from explorer.evaluation.evaluate import check_data, needs_fit
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
        accuracy: Share of images classified correctly, 0 to 1, one per amount.
        intervals: 95 % Wilson interval of each.
    """

    name: str
    accuracy: tuple[float, ...]
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, eq=False)
class RunningAccuracy:
    """Accuracy of several models while one distortion grows.

    All models see the same pixels; under an attack each sees the one made on itself. Image i is distorted with
    ``image_seed(seed, i)``, so that every number is that of ``evaluate`` with the same limit.

    Attributes:
        models: The models, of one input size.
        dataset: The labelled images, with the models' classes.
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
            ExplorerError: If ``n`` is below 1, or the models do not know the data set's classes.
        """
        models, n = check_data(self.models, self.dataset, n, None)
        if n not in self._counts:
            start = max((known for known in self._counts if known < n), default=0)
            more = count_correct(
                models, self.dataset, self.distortion, self.amounts, range(start, n), self.seed, progress
            )
            self._counts[n] = more + self._counts[start] if start else more
        return [
            AccuracyCurve(
                model.name, tuple((row / n).tolist()), tuple(wilson_interval(count, n) for count in row.tolist())
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

    Returns:
        The counts, (models, amounts).

    Raises:
        ExplorerError: If there is no such distortion.
    """
    found, size, channels = find_distortion(distortion), models[0].size, models[0].channels
    values = inputs.PIECE_VALUES // (ATTACKED if found.adversarial else 1)
    pieces = inputs.pieces(rows, inputs.piece_size((channels, size, size), values))
    meter = Meter(progress, len(pieces) * len(amounts) * len(models))
    counts = np.zeros((len(models), len(amounts)), np.int64)
    for piece in pieces:
        x, labels = dataset.batch(piece)
        x = images.fit(x, size, channels) if needs_fit(models[0], dataset) else x
        seeds = [image_seed(seed, i) for i in piece]
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
