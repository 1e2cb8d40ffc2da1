"""The suite ``perturbations``: how often answers flip along the sequences of ImageNet-P and CIFAR-10-P.

Hendrycks & Dietterich 2019 (arXiv 1903.12261), section 4.2. The unit is the sequence, one for each image: its frames
are one cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data.dataset import Dataset
from explorer.data.images import quantise
from explorer.distortions import image_seed
from explorer.distortions.registry import published_for
from explorer.distortions.sequences import SEQUENCES, PerturbationSequence
from explorer.evaluation.flips import flips, likeliest, top5_distances
from explorer.evaluation.results import SuiteResult, about, interval_columns
from explorer.evaluation.sample import Sample, step_of
from explorer.evaluation.statistics import Interval, compare_paired, mean_interval, ratio_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Progress
from explorer.results import percent

FRAMES = 32  # frames of one image are made together, and those of several while they are no more than a batch of it


@dataclass(frozen=True)
class PerturbationRow:
    """One model on one family of sequences.

    Attributes:
        model: Name of the model.
        sequence: Name of the family.
        extra: Whether the family is left out of the means.
        n: Number of sequences.
        frames: Frames of each.
        flip_probability: Share of the frames that are answered otherwise than the frame before, for noise than the
            first one, in [0, 1].
        interval: Its 95 % interval (Wilson), a sequence as one cluster.
        difference: ``flip_probability`` minus that of the first model; None for the first.
        difference_interval: Its 95 % interval, paired (Tango).
        flip_rate: ``flip_probability`` divided by that of the first model; None where that is 0.
        top5_distance: Mean distance of the five likeliest classes, 0 to 15.
        top5_interval: Its 95 % bootstrap interval over sequences.
    """

    model: str
    sequence: str
    extra: bool
    n: int
    frames: int
    flip_probability: float
    interval: Interval
    difference: float | None
    difference_interval: Interval | None
    flip_rate: float | None
    top5_distance: float
    top5_interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """The row as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return _plain(self)


@dataclass(frozen=True)
class PerturbationSummary:
    """One model over the ten families of the paper.

    Attributes:
        model: Name of the model.
        flip_probability: Mean flip probability over the families.
        interval: Its 95 % bootstrap interval over images.
        difference: ``flip_probability`` minus that of the first model; None for the first.
        difference_interval: Its 95 % bootstrap interval over images, paired.
        flip_rate: Mean flip rate: mean over the families of the flip probability divided by that of the first model,
            which stands where the paper has AlexNet; None where one of those is 0.
        flip_rate_interval: Its 95 % bootstrap interval over images.
        top5_distance: Mean top-5 distance over the families, not divided by a baseline's.
        top5_interval: Its 95 % bootstrap interval over images.
    """

    model: str
    flip_probability: float
    interval: Interval
    difference: float | None
    difference_interval: Interval | None
    flip_rate: float | None
    flip_rate_interval: Interval | None
    top5_distance: float
    top5_interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """The summary as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return _plain(self)


def _plain(found: PerturbationRow | PerturbationSummary) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(found).items()}


@dataclass(frozen=True, repr=False)
class Perturbations(SuiteResult):
    """Flip probabilities along perturbation sequences.

    Attributes:
        rows: One row per model and family.
        summaries: One per model.
        severities: The data set whose parameters these are, ``CIFAR-10-P`` or ``ImageNet-P``.
    """

    rows: tuple[PerturbationRow, ...]
    summaries: tuple[PerturbationSummary, ...]
    severities: str = ""

    @property
    def heading(self) -> str:
        """What was measured: data set, suite, whose parameters, and seed."""
        return f"{super().heading}, {self.severities}"

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per model and family.
        """
        intervals = ("interval", "difference_interval", "top5_interval")
        return [
            self._of_all()
            | {key: value for key, value in vars(row).items() if key not in intervals}
            | interval_columns(row.interval)
            | interval_columns(row.difference_interval, "difference_")
            | interval_columns(row.top5_interval, "top5_")
            for row in self.rows
        ]

    def __str__(self) -> str:
        lines = [self.heading]
        for one in self.summaries:
            low, high = map(percent, one.interval)
            lines.append(f"  {one.model}: mean flip probability {percent(one.flip_probability)} ({low} to {high})")
        return "\n".join(lines)


def perturbations(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Perturbations:
    """Measure how often answers flip along every family of perturbation sequences.

    Args:
        models: Models that see the same pixels; the first is the baseline.
        dataset: Images; their labels do not matter.
        limit: Number of images, as for ``evaluate``; all by default.
        seed: Of the noise; image i draws from ``image_seed(seed, i)``.
        batch_size: Images whose sequences are made at once; of no matter for the result.
        progress: Called with images done and images in all.

    Returns:
        A row per model and family, and a summary per model.

    Raises:
        ExplorerError: As in ``run_suite``.
    """
    size = inputs.batch_size((models[0].channels, models[0].size, models[0].size), models[0].device)
    sample = Sample.of(models, dataset, limit, batch_size or max(1, size // FRAMES))
    rows: list[PerturbationRow] = []
    of_flips: list[list[NDArray[np.float64]]] = [[] for _ in sample.models]  # per family, the mean of each sequence
    of_ranks: list[list[NDArray[np.float64]]] = [[] for _ in sample.models]
    for done, family in enumerate(SEQUENCES.values()):
        flipped, moved = _measured(sample, family, seed, step_of(progress, done, len(SEQUENCES)))
        for i, model in enumerate(sample.models):
            rows.append(_row(model.name, family, flipped[0], flipped[i], moved[i], compared=i > 0))
            if not family.extra:
                of_flips[i].append(flipped[i].mean(1))
                of_ranks[i].append(moved[i])
    means = [(np.stack(a), np.stack(b)) for a, b in zip(of_flips, of_ranks, strict=True)]
    summaries = tuple(
        _summary(model.name, means[0][0], *mean, compared=i > 0)
        for i, (model, mean) in enumerate(zip(sample.models, means, strict=True))
    )
    named = published_for(sample.models[0].size).removesuffix("-C") + "-P"
    return Perturbations("perturbations", *about(sample, seed), tuple(rows), summaries, named)


def _measured(
    sample: Sample, family: PerturbationSequence, seed: int, progress: Progress | None
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.float64]]]:
    """Per model: the flips (S, F - 1), and the mean top-5 distance of each sequence (S,)."""
    flipped: list[list[NDArray[np.bool_]]] = [[] for _ in sample.models]
    moved: list[list[NDArray[np.float64]]] = [[] for _ in sample.models]
    for places, x, _ in sample.batches():
        frames = family.frames(quantise(x), [image_seed(seed, i) for i in places])
        for i, model in enumerate(sample.models):
            five = likeliest(inputs.logits(model, frames.flatten(0, 1)).view(*frames.shape[:2], -1))
            flipped[i].append(flips(five[..., 0], noise=family.noise))
            moved[i].append(top5_distances(five, noise=family.noise).mean(1))
        if progress is not None:
            progress(places[-1] + 1, sample.n)
    return [np.concatenate(one) for one in flipped], [np.concatenate(one) for one in moved]


def _row(
    model: str,
    family: PerturbationSequence,
    base: NDArray[np.bool_],
    flipped: NDArray[np.bool_],
    moved: NDArray[np.float64],
    *,
    compared: bool,
) -> PerturbationRow:
    count = partial(np.sum, axis=1, dtype=np.int64)
    n, pairs = flipped.shape
    found = compare_paired(
        count(flipped & ~base), count(base & ~flipped), count(flipped & base), np.full(n, float(pairs))
    )
    return PerturbationRow(
        *(model, family.name, family.extra, n, pairs + 1, found.second, found.second_interval),
        difference=found.difference if compared else None,
        difference_interval=found.interval if compared else None,
        flip_rate=found.second / found.first if found.first else None,
        top5_distance=float(moved.mean()),
        top5_interval=mean_interval(moved),
    )


def _summary(
    model: str,
    base: NDArray[np.float64],
    flipped: NDArray[np.float64],
    moved: NDArray[np.float64],
    *,
    compared: bool,
) -> PerturbationSummary:
    """The summary of one model from the means of each sequence (families, images)."""
    gaps, within = (flipped - base).mean(0), ratio_interval(flipped, base)
    return PerturbationSummary(
        model,
        *(float(flipped.mean()), mean_interval(flipped.mean(0))),
        difference=float(gaps.mean()) if compared else None,
        difference_interval=mean_interval(gaps) if compared else None,
        flip_rate=None if within is None else float((flipped.mean(1) / base.mean(1)).mean()),
        flip_rate_interval=within,
        top5_distance=float(moved.mean()),
        top5_interval=mean_interval(moved.mean(0)),
    )
