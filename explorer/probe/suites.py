"""Suites: accuracy under a published list of distortions and amounts, as one number with its interval.

``corruptions`` are the fifteen of CIFAR-10-C and ImageNet-C (Hendrycks & Dietterich 2019, arXiv 1903.12261), each at
its five severities. They are made here from the published constants, so that accuracies are close to, not the same as,
those on the published files; frost has a drawn texture in place of photographs.

``adversarial`` are FGSM and PGD (10 steps) in the L-infinity norm, on the cross-entropy and on the logit margin, each
crafted on the very model that is asked, away from the true label, and rounded to 8 bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.distortions import Recipe, find_distortion
from explorer.distortions.adversarial import cross_entropy, slope
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.probe import inputs
from explorer.probe.evaluate import batches, named_rightly, needs_fit, wilson_interval
from explorer.probe.inputs import Progress

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg"),
)
"""The fifteen corruptions in the order of the paper: noise, blur, weather, digital."""

ATTACKS = ("fgsm", "fgsm_margin", "pgd_linf", "pgd_linf_margin")
"""The attacks of the suite ``adversarial``; each model is shown those crafted on itself."""

COLOUR_SIZES = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
GREY_SIZES = (0.05, 0.1, 0.2, 0.3)  # 0.1 to 0.3 as published for MNIST: grey digits withstand more
"""Sizes of the attacks: the largest change of a value of [0, 1] pixels."""

SUITES = ("corruptions", "adversarial")
"""The names ``run_suite`` knows."""

RESAMPLES = 2000
"""Bootstrap draws of each interval of a mean."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """``accuracy`` (0-1) of one model on ``n`` images under one distortion; ``interval`` is its 95 % Wilson interval.

    ``notch`` is the published severity, 1 to 5, or the place of an attack's size among the suite's; ``recipe`` gives
    the same pixels again with ``evaluate``.
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

    ``by_distortion``: the mean over each distortion's severities. ``zero_gradients``: the share of images at which the
    gradient of the cross-entropy is exactly zero in float32, so that attacks on it do nothing (gradient masking); None
    for suites without attacks. ``mean``: over the distortions. ``difference``:
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
    zero_gradients: float | None = None

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
    """Measure all models on the distorted images of a suite, each made once for all of them (attacks: once for each).

    ``limit`` takes the first images only. Image i is distorted with the seed ``image_seed(seed, i)``, so that a row is
    what ``evaluate`` gives for its recipe. Amounts in pixels grow with the models' input, from the 32 px they were
    published for. ExplorerError for an unknown suite, and as in ``evaluate_many``.
    """
    if name not in SUITES:
        raise ExplorerError(f"There is no suite named {name!r}: choose one of {', '.join(SUITES)}.")
    models = inputs.check_models(models)
    attacked = name == "adversarial"
    plan = _attacks(models[0].channels, seed) if attacked else _corruptions(models[0].size, seed)
    total, done = len(plan) * (len(models) if attacked else 1) + 1, 0

    def measure(recipe: Recipe, group: Sequence[Classifier]) -> NDArray[np.bool_]:
        nonlocal done

        def step(images: int, of: int) -> None:
            if progress is not None:
                progress(done * of + images, total * of)

        right, _ = named_rightly(group, dataset, recipe, limit=limit, batch_size=batch_size, progress=step)
        done += 1
        return right

    clean = measure(Recipe(), models)
    n = clean.shape[1]
    hits = np.zeros(clean.shape, dtype=np.int64)
    rows: list[Row] = []
    for distortion, notch, recipe in plan:
        recipes = [replace(recipe, against=model.name) if attacked else recipe for model in models]
        if attacked:
            right = np.concatenate([measure(own, [model]) for own, model in zip(recipes, models, strict=True)])
        else:
            right = measure(recipe, models)
        hits += right
        for model, own, count in zip(models, recipes, right.sum(1).tolist(), strict=True):
            accuracy, interval = count / n, wilson_interval(count, n)
            rows.append(Row(model.name, distortion, notch, recipe.steps[0][1], own, n, accuracy, interval))
    scores = hits / len(plan)
    summaries = [
        _summary(models[i].name, clean[i], scores[i], scores[0] if i else None, rows) for i in range(len(models))
    ]
    if attacked:
        shares = [_zero_gradients(model, dataset, n, batch_size) for model in models]
        summaries = [replace(one, zero_gradients=share) for one, share in zip(summaries, shares, strict=True)]
    fitted = needs_fit(models[0], dataset)
    return Suite(name, dataset.name, dataset.split, seed, n, fitted, tuple(rows), tuple(summaries))


def _attacks(channels: int, seed: int) -> list[tuple[str, int, Recipe]]:
    """(attack, place of its size, recipe without the model) of the adversarial suite."""
    sizes = GREY_SIZES if channels == 1 else COLOUR_SIZES
    return [(name, i, Recipe(((name, size),), seed=seed)) for name in ATTACKS for i, size in enumerate(sizes, start=1)]


def _zero_gradients(model: Classifier, dataset: Dataset, n: int, batch_size: int | None) -> float:
    """Share of the first n clean images at which the cross-entropy's gradient is exactly zero."""
    attack = Recipe((("fgsm", 1 / 255),), against=model.name)
    zeros = 0
    for _, x, labels in batches(model, dataset, n, batch_size):
        target = inputs.attack_target(attack, [model], x, labels)
        assert target is not None  # noqa: S101
        zeros += int((slope(x, target, cross_entropy) == 0).flatten(1).all(1).sum())
    return zeros / n


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
