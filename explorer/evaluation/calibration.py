"""Calibration: whether a model is right as often as it says, on clean images and under the fifteen corruptions.

The expected calibration error is that of Guo, Pleiss, Sun & Weinberger 2017 (arXiv 1706.04599), eq. 3: images are put
into 15 bins of equal width by the probability of their answer, and the distances between mean probability and accuracy
are averaged, each bin weighing as much as it holds. Torchmetrics computes it. The Brier score (Brier 1950) is the
squared distance between all probabilities and the one-hot true class, from 0 to 2, mean over images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from explorer.data.datasets import Dataset
from explorer.distortions import Recipe
from explorer.distortions.protocols import corruption_plan
from explorer.errors import ExplorerError
from explorer.evaluation.results import SuiteResult, about, interval_columns
from explorer.evaluation.sample import Sample, step_of
from explorer.evaluation.statistics import Interval, basic_interval, resampled_sums
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Progress
from explorer.results import percent

if TYPE_CHECKING:
    from torchmetrics import Metric

BINS = 15
"""Bins of equal width from 0 to 1, each with its lower edge; the last with both."""

SURE = 1 - 2**-24
"""The largest float32 below 1: Torchmetrics would put answers of probability 1 into a bin of their own."""

CLEAN = "clean"
"""Stands for the distortion of undistorted images."""


@dataclass(frozen=True)
class Bin:
    """The images whose answers have probabilities in one range.

    Attributes:
        low: Smallest probability, in [0, 1].
        high: Largest probability.
        n: Number of images.
        confidence: Mean probability of their answers; None if the bin is empty.
        accuracy: Share of correct answers, in [0, 1]; None if the bin is empty.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Reading:
    """The calibration of one model under one distortion.

    Attributes:
        model: Name of the model.
        distortion: Name of the distortion, or "clean".
        severity: Published severity, 1 to 5; 0 for "clean".
        recipe: The recipe that gives the same pixels again.
        n: Number of images.
        accuracy: Share of correct answers, in [0, 1].
        confidence: Mean probability of the answers, in [0, 1].
        ece: Expected calibration error, in [0, 1] (Guo et al. 2017, eq. 3). Chance alone gives an error above 0; the
            fewer the images, the larger it is.
        interval: Its 95 % basic bootstrap interval over images (2,000 draws, seed 0), cut at 0. It allows for most of
            what chance gives, so that it may even lie below the error.
        brier: Brier score, in [0, 2].
        bins: The reliability diagram, from low to high probability.
    """

    model: str
    distortion: str
    severity: int
    recipe: Recipe
    n: int
    accuracy: float
    confidence: float
    ece: float
    interval: Interval
    brier: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """The reading as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        bins = [asdict(one) for one in self.bins]
        return {**vars(self), "recipe": str(self.recipe), "interval": list(self.interval), "bins": bins}


@dataclass(frozen=True)
class CalibrationSummary:
    """The calibration of one model, clean and under all corruptions.

    Attributes:
        model: Name of the model.
        clean: Expected calibration error on clean images.
        clean_interval: Its interval, as in ``Reading``.
        clean_brier: Brier score on clean images.
        by_distortion: Expected calibration error by corruption, mean of its severities.
        brier_by_distortion: Brier score by corruption, mean of its severities.
        mean: Expected calibration error, mean over the corruptions.
        interval: Its interval; it resamples images, each with all of its distorted versions.
        mean_brier: Brier score, mean over the corruptions.
    """

    model: str
    clean: float
    clean_interval: Interval
    clean_brier: float
    by_distortion: dict[str, float]
    brier_by_distortion: dict[str, float]
    mean: float
    interval: Interval
    mean_brier: float

    def to_dict(self) -> dict[str, Any]:
        """The summary as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return {**vars(self), "clean_interval": list(self.clean_interval), "interval": list(self.interval)}


@dataclass(frozen=True, repr=False)
class Calibration(SuiteResult):
    """Calibration of several models, clean and under the fifteen corruptions.

    Attributes:
        rows: One reading per model and condition, the clean one first.
        summaries: One summary per model.
    """

    rows: tuple[Reading, ...]
    summaries: tuple[CalibrationSummary, ...]

    def records(self) -> list[dict[str, Any]]:
        """The readings as rows of a table.

        Returns:
            One row per model, distortion and severity; ``low`` and ``high`` are the ends of the error's interval.
        """
        return [
            {**self._of_all(), "model": row.model, "distortion": row.distortion, "severity": row.severity,
             "recipe": str(row.recipe), "n": row.n, "accuracy": row.accuracy, "confidence": row.confidence,
             "ece": row.ece, **interval_columns(row.interval), "brier": row.brier}
            for row in self.rows
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [self.heading]
        for one in self.summaries:
            errors = f"calibration error {percent(one.clean)} clean, {percent(one.mean)} corrupted"
            lines.append(f"  {one.model}: {errors}; Brier score {one.clean_brier:.3f}, {one.mean_brier:.3f}")
        return "\n".join(lines)


def calibration(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Measure expected calibration error and Brier score on the pixels of the suite ``corruptions``.

    Args:
        models: Models of one input size.
        dataset: Labelled images.
        limit: Number of images, the first ones; all by default.
        seed: Seed of the recipes.
        batch_size: Images per forward pass; chosen by size by default.
        progress: Called with images done and images in all.

    Returns:
        The readings and a summary per model.

    Raises:
        ExplorerError: As in ``run_suite``, and if Torchmetrics is not installed.
    """
    sample = Sample.of(models, dataset, limit, batch_size)
    models = sample.models
    for model in models:
        if len(model.classes) < 2:
            raise ExplorerError(f"{model.name} knows only one class, so there is no calibration to measure.")
    plan = [(CLEAN, 0, Recipe(seed=seed)), *corruption_plan(models[0].size, seed)]
    rows: list[Reading] = []
    drawn: dict[str, list[NDArray[np.float64]]] = {model.name: [] for model in models}  # resampled errors by condition
    for done, (distortion, severity, recipe) in enumerate(plan):
        tallies = [_Tally(len(model.classes)) for model in models]
        for _, x, labels in sample.distorted(recipe, step_of(progress, done, len(plan))):
            for model, tally in zip(models, tallies, strict=True):
                tally.add(inputs.logits(model, x), labels)
        for model, tally in zip(models, tallies, strict=True):
            reading, errors = tally.reading(model.name, distortion, severity, recipe)
            rows.append(reading)
            drawn[model.name].append(errors)
    summaries = tuple(_summary([row for row in rows if row.model == name], errors) for name, errors in drawn.items())
    return Calibration("calibration", *about(sample, seed), tuple(rows), summaries)


class _Tally:
    """Collects the answers of one model to the images of one condition."""

    def __init__(self, classes: int) -> None:
        self._metric = _metric(classes)
        self._confidence: list[Tensor] = []
        self._correct: list[Tensor] = []
        self._brier: list[Tensor] = []

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: logits (B, K) in float64, labels (B,)."""
        probabilities = logits.softmax(1)
        self._brier.append((probabilities - F.one_hot(labels, logits.shape[1])).square().sum(1))
        self._metric.update(probabilities.float().clamp(max=SURE), labels)
        self._confidence.append(probabilities.amax(1).float().clamp(max=SURE))
        self._correct.append(logits.argmax(1) == labels)

    def reading(
        self, model: str, distortion: str, severity: int, recipe: Recipe
    ) -> tuple[Reading, NDArray[np.float64]]:
        """What was found, and the expected calibration errors of the resamples."""
        confidence, correct = torch.cat(self._confidence), torch.cat(self._correct)
        edges = torch.linspace(0, 1, BINS + 1)
        bin_of = torch.bucketize(confidence, edges, right=True) - 1
        gaps = (confidence.double() - correct.double()).numpy()
        n, ece = len(correct), float(self._metric.compute())
        errors = np.abs(resampled_sums(gaps, bin_of.numpy(), BINS)).sum(1) / n
        bins = []
        for i, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
            inside = bin_of == i
            confident, accurate = (
                float(v[inside].double().mean()) if inside.any() else None for v in (confidence, correct)
            )
            bins.append(Bin(low, high, int(inside.sum()), confident, accurate))
        shares = float(correct.double().mean()), float(confidence.double().mean())
        interval, brier = basic_interval(ece, errors), float(torch.cat(self._brier).mean())
        found = Reading(model, distortion, severity, recipe, n, *shares, ece, interval, brier, tuple(bins))
        return found, errors


def _summary(rows: Sequence[Reading], errors: Sequence[NDArray[np.float64]]) -> CalibrationSummary:
    """The summary of one model's readings, of which the first is the clean one."""
    clean, *others = rows
    names = dict.fromkeys(row.distortion for row in others)
    eces = {name: float(np.mean([row.ece for row in others if row.distortion == name])) for name in names}
    briers = {name: float(np.mean([row.brier for row in others if row.distortion == name])) for name in names}
    mean = float(np.mean([row.ece for row in others]))
    return CalibrationSummary(
        model=clean.model,
        clean=clean.ece,
        clean_interval=clean.interval,
        clean_brier=clean.brier,
        by_distortion=eces,
        brier_by_distortion=briers,
        mean=mean,
        interval=basic_interval(mean, np.mean(errors[1:], axis=0)),
        mean_brier=float(np.mean([row.brier for row in others])),
    )


def _metric(classes: int) -> Metric:
    try:
        from torchmetrics.classification import MulticlassCalibrationError
    except ImportError as error:
        raise ExplorerError(
            "The calibration error needs the package torchmetrics; 'explorer doctor' shows how to get it."
        ) from error
    return MulticlassCalibrationError(num_classes=classes, n_bins=BINS, norm="l1")
