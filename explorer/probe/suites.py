"""Suites: accuracy under a published list of distortions and amounts, as one number with its interval.

``corruptions`` are the fifteen of CIFAR-10-C and ImageNet-C (Hendrycks & Dietterich 2019, arXiv 1903.12261), each at
its five severities. They are made here from the published constants, so that accuracies are close to, not the same as,
those on the published files; frost has a drawn texture in place of photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.probe import inputs
from explorer.probe.evaluate import named_rightly, wilson_interval
from explorer.probe.inputs import Progress

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg"),
)
"""The fifteen corruptions in the order of the paper: noise, blur, weather, digital."""

SUITES = ("corruptions",)
"""The names ``run_suite`` knows."""

RESAMPLES = 2000
"""Bootstrap draws of each interval of a mean."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """``accuracy`` (0-1) of one model on ``n`` images under one distortion; ``interval`` is its 95 % Wilson interval.

    ``notch`` is the published severity, 1 to 5; ``recipe`` gives the same pixels again with ``evaluate``.
    """

    model: str
    distortion: str
    notch: int
    amount: float
    recipe: Recipe
    n: int
    accuracy: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return {**vars(self), "recipe": str(self.recipe), "interval": list(self.interval)}


@dataclass(frozen=True)
class Summary:
    """One model over a whole suite: accuracies (0-1) with 95 % intervals.

    ``by_distortion``: the mean over each distortion's five severities. ``mean``: over the distortions. ``difference``:
    this mean less that of the first model, None for the first. ``clean`` has a Wilson interval; the intervals of
    ``mean`` and ``difference`` are percentile bootstraps over images (2,000 draws, seed 0), each image with all of its
    distorted versions and with the same draws for all models; they do not cover other noise.
    """

    model: str
    clean: float
    clean_interval: Interval
    by_distortion: dict[str, float]
    mean: float
    interval: Interval
    difference: float | None
    difference_interval: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        gap = self.difference_interval
        return {
            **vars(self),
            "clean_interval": list(self.clean_interval),
            "interval": list(self.interval),
            "difference_interval": None if gap is None else list(gap),
        }


@dataclass(frozen=True)
class Suite:
    """What ``run_suite`` measured: a row per model, distortion and severity, and a summary per model.

    ``n`` images of ``data`` (its split ``split``); ``seed`` is that of every row's recipe; ``fitted`` says that the
    images had another size or other channels than the models take and went through ``explorer.fit``.
    """

    name: str
    data: str
    split: str
    seed: int
    n: int
    fitted: bool
    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            **vars(self),
            "rows": [row.to_dict() for row in self.rows],
            "summaries": [summary.to_dict() for summary in self.summaries],
        }


def run_suite(
    models: Sequence[Classifier],
    dataset: Dataset,
    name: str = "corruptions",
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Suite:
    """Measure all models on the distorted images of a suite, each made once for all of them.

    ``limit`` takes the first images only. Image i is distorted with the seed ``image_seed(seed, i)``, so that a row is
    what ``evaluate`` gives for its recipe. Amounts in pixels grow with the models' input, from the 32 px they were
    published for. ExplorerError for an unknown suite, and as in ``evaluate_many``.
    """
    if name not in SUITES:
        raise ExplorerError(f"There is no suite named {name!r}: choose one of {', '.join(SUITES)}.")
    models = inputs.check_models(models)
    plan = list(_corruptions(models[0].size, seed))
    total, done, fitted = len(plan) + 1, 0, False

    def measure(recipe: Recipe) -> NDArray[np.bool_]:
        nonlocal done, fitted

        def step(images: int, of: int) -> None:
            if progress is not None:
                progress(done * of + images, total * of)

        right, fitted = named_rightly(models, dataset, recipe, limit=limit, batch_size=batch_size, progress=step)
        done += 1
        return right

    clean = measure(Recipe())
    n = clean.shape[1]
    hits = np.zeros(clean.shape, dtype=np.int64)
    rows: list[Row] = []
    for distortion, notch, recipe in plan:
        right = measure(recipe)
        hits += right
        for model, count in zip(models, right.sum(1).tolist(), strict=True):
            amount = recipe.steps[0][1]
            interval = wilson_interval(count, n)
            rows.append(Row(model.name, distortion, notch, amount, recipe, n, count / n, interval))
    scores = hits / len(plan)
    summaries = [
        _summary(models[i].name, clean[i], scores[i], scores[0] if i else None, rows) for i in range(len(models))
    ]
    return Suite(name, dataset.name, dataset.split, seed, n, fitted, tuple(rows), tuple(summaries))


def _corruptions(side: int, seed: int) -> list[tuple[str, int, Recipe]]:
    """(distortion, severity, recipe) of all corruptions at all severities, for an input of ``side`` px."""
    plan = []
    for name in CORRUPTIONS:
        marks = find_distortion(name).marks(side) or ()
        plan += [(name, i, Recipe(((name, amount),), seed=seed)) for i, amount in enumerate(marks, start=1)]
    return plan


def _summary(
    name: str,
    clean: NDArray[np.bool_],
    scores: NDArray[np.float64],
    baseline: NDArray[np.float64] | None,
    rows: Sequence[Row],
) -> Summary:
    """The summary of one model; ``scores`` (n,) are the shares of each image's versions that it names rightly."""
    right, n = int(clean.sum()), len(clean)
    own = [row for row in rows if row.model == name]
    means = {
        distortion: float(np.mean([row.accuracy for row in own if row.distortion == distortion]))
        for distortion in dict.fromkeys(row.distortion for row in own)
    }
    gap = None if baseline is None else scores - baseline
    return Summary(
        model=name,
        clean=right / n,
        clean_interval=wilson_interval(right, n),
        by_distortion=means,
        mean=float(scores.mean()),
        interval=mean_interval(scores),
        difference=None if gap is None else float(gap.mean()),
        difference_interval=None if gap is None else mean_interval(gap),
    )


def mean_interval(scores: NDArray[np.float64]) -> Interval:
    """The 95 % percentile bootstrap interval of the mean of one score per image (n,), n > 0.

    Drawn image by image with one fixed seed: scores of the same images are resampled together.
    """
    generator = np.random.default_rng(0)
    means = [float(scores[generator.integers(0, len(scores), len(scores))].mean()) for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
