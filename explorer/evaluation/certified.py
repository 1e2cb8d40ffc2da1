"""Certified accuracy: the share of images whose smoothed answer is right and certified within a radius.

The measures of Cohen, Rosenfeld & Kolter 2019 (arXiv 1902.02918) and Zhai et al. 2020 (arXiv 2001.02378): certified
accuracy at a radius, and the average certified radius, in which images with a wrong answer or none count as 0. How a
radius comes about is said in ``explorer.analysis.certify``. A model with ``+smoothing(sigma=...,n=...)`` around it
brings the noise and the number of copies; any other is smoothed with sigma 0.25 and 1,000 copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from explorer.analysis.certify import ALPHA, N0, certificate, largest_radius, smoothed
from explorer.data.datasets import Dataset
from explorer.data.images import quantise
from explorer.distortions import image_seed
from explorer.evaluation.results import SuiteResult, about, interval_columns
from explorer.evaluation.sample import Sample
from explorer.evaluation.statistics import Interval, bounded_mean_interval, wilson_interval
from explorer.models import Classifier
from explorer.progress import Progress
from explorer.results import percent

RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Where certified accuracy is told, up to the largest radius that the copies can certify."""


@dataclass(frozen=True)
class Certified:
    """One image of one model.

    Attributes:
        model: Name of the model.
        row: Which image of the data set.
        label: Its class.
        answer: The smoothed answer; None where the model abstains.
        radius: L2 distance on [0, 1] pixels within which the answer holds.
        correct: Whether the answer is the class.
    """

    model: str
    row: int
    label: str
    answer: str | None
    radius: float
    correct: bool

    def to_dict(self) -> dict[str, Any]:
        """The image as a JSON object.

        Returns:
            Plain values.
        """
        return asdict(self)


@dataclass(frozen=True)
class CertifiedAt:
    """Certified accuracy at one radius.

    Attributes:
        radius: L2 distance on [0, 1] pixels.
        accuracy: Share of the images that are right and certified at least as far, in [0, 1].
        interval: Its 95 % Wilson interval.
    """

    radius: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class CertifiedSummary:
    """One model over the data set.

    Attributes:
        model: Name of the model.
        sigma: Standard deviation of the noise on [0, 1] pixels.
        n0: Copies that choose the class.
        n: Copies that bound its probability.
        alpha: Largest probability that an image's statement is wrong.
        largest: The radius that is certified where all copies agree.
        abstained: Share of images for which nothing is stated, in [0, 1].
        abstained_interval: Its 95 % Wilson interval.
        mean_radius: Average certified radius, wrong answers counting as 0.
        interval: Its 95 % bootstrap interval over images; as of a share where all radii are equal.
        curve: Certified accuracy at some radii.
    """

    model: str
    sigma: float
    n0: int
    n: int
    alpha: float
    largest: float
    abstained: float
    abstained_interval: Interval
    mean_radius: float
    interval: Interval
    curve: tuple[CertifiedAt, ...]

    def to_dict(self) -> dict[str, Any]:
        """The summary as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return {
            **vars(self),
            "abstained_interval": list(self.abstained_interval),
            "interval": list(self.interval),
            "curve": [asdict(one) | {"interval": list(one.interval)} for one in self.curve],
        }


@dataclass(frozen=True, repr=False)
class CertifiedAccuracy(SuiteResult):
    """What randomized smoothing guarantees over a data set.

    Attributes:
        rows: One per model and image.
        summaries: One per model.
    """

    rows: tuple[Certified, ...]
    summaries: tuple[CertifiedSummary, ...]

    def curve(self, model: str) -> tuple[list[float], list[float]]:
        """One model's certified accuracy at every radius at which it changes.

        Args:
            model: Name of the model.

        Returns:
            Radii from 0 on, and the accuracy in [0, 1] up to each.
        """
        of_model = [one for one in self.rows if one.model == model]
        radii = sorted({0.0, *(one.radius for one in of_model)})
        held = np.array([one.radius if one.correct else -1.0 for one in of_model])
        return radii, [float((held >= radius).mean()) for radius in radii]

    def records(self) -> list[dict[str, Any]]:
        """Certified accuracy as a table.

        Returns:
            One row per model and radius.
        """
        return [
            {**self._of_all(), "model": one.model, "sigma": one.sigma, "n0": one.n0, "n": one.n, "alpha": one.alpha,
             "images": self.n, "radius": at.radius, "accuracy": at.accuracy, **interval_columns(at.interval),
             "mean_radius": one.mean_radius, **interval_columns(one.interval, "mean_radius_"),
             "abstained": one.abstained}
            for one in self.summaries
            for at in one.curve
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [self.heading]
        for one in self.summaries:
            shown = ", ".join(f"{percent(at.accuracy)} at {at.radius:g}" for at in one.curve)
            lines.append(f"  {one.model}: average certified radius {one.mean_radius:.3f}; certified {shown}")
        return "\n".join(lines)


def certified(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> CertifiedAccuracy:
    """Certify every image; the noise of image i is drawn from ``image_seed(seed, i)``, the same for all models.

    Args:
        models: Models of one input size, with or without smoothing around them.
        dataset: Labelled images.
        limit: Number of images; all by default.
        seed: Of the noise.
        batch_size: Images read at once; of no matter for the result.
        progress: Called with images done and images in all.

    Returns:
        A row per image and a summary per model.

    Raises:
        ExplorerError: As in ``run_suite``.
    """
    sample = Sample.of(models, dataset, limit, batch_size)
    models, rows, n = sample.models, list[Certified](), sample.n
    for index, model in enumerate(models):
        within, sigma, copies = smoothed(model)
        for places, clean, labels in sample.batches():
            for row, x, label in zip(places, quantise(clean).split(1), labels.tolist(), strict=True):
                found = certificate(within, x, sigma, N0, copies, ALPHA, seed=image_seed(seed, row))
                name, answer = model.classes[label], None if found.abstained else found.answer
                rows.append(Certified(model.name, row, name, answer, found.radius, answer == name))
                if progress is not None:
                    progress(index * n + row + 1, len(models) * n)
    summaries = [_summary(model, [one for one in rows if one.model == model.name]) for model in models]
    return CertifiedAccuracy("certified", *about(sample, seed), tuple(rows), tuple(summaries))


def _summary(model: Classifier, rows: Sequence[Certified]) -> CertifiedSummary:
    _, sigma, copies = smoothed(model)
    n, most = len(rows), largest_radius(sigma, copies, ALPHA)
    held = np.array([one.radius if one.correct else 0.0 for one in rows])
    silent = sum(one.answer is None for one in rows)
    curve = []
    for radius in (one for one in RADII if one <= most):
        count = sum(one.correct and one.radius >= radius for one in rows)
        curve.append(CertifiedAt(radius, count / n, wilson_interval(count, n)))
    return CertifiedSummary(
        model.name, sigma, N0, copies, ALPHA, most, silent / n, wilson_interval(silent, n), float(held.mean()),
        bounded_mean_interval(held, most), tuple(curve),
    )  # fmt: skip
