"""Suites: a published list of conditions, measured on a whole data set under one name.

``corruptions``: accuracy under the fifteen of CIFAR-10-C, for inputs above 64 px under those of ImageNet-C, at five
severities, and their mean. ``adversarial``: accuracy under FGSM and PGD-20, each crafted on the evaluated model, away
from the true label, and rounded to 8 bits; and under the worst of them. The others are in their own files;
``explorer.distortions.protocols`` lists the conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from explorer.analysis.request import issue
from explorer.data.datasets import Dataset
from explorer.distortions import Recipe
from explorer.distortions.adversarial import cross_entropy, saturated, slope
from explorer.distortions.protocols import attack_plan, corruption_plan
from explorer.distortions.registry import published_for
from explorer.evaluation.autoattack import AutoAttack, autoattack
from explorer.evaluation.calibration import Calibration, calibration
from explorer.evaluation.certified import CertifiedAccuracy, certified
from explorer.evaluation.evaluate import DatasetLike, read_data
from explorer.evaluation.everyday import Everyday, everyday
from explorer.evaluation.line_search import LineSearch, line_search
from explorer.evaluation.perturbations import Perturbations, perturbations
from explorer.evaluation.results import SuiteResult, about, interval_columns
from explorer.evaluation.sample import Sample, step_of
from explorer.evaluation.statistics import Interval, Paired, compare_paired, wilson_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike
from explorer.progress import Progress
from explorer.registry import Registry
from explorer.results import percent


@dataclass(frozen=True)
class Row:
    """One model under one distortion.

    Attributes:
        model: Name of the model.
        distortion: Name of the distortion.
        severity: Published severity, 1 to 5, or the index of an attack's size among the suite's.
        amount: Amount in the distortion's unit.
        recipe: Recipe with which ``evaluate`` sees the same pixels.
        n: Number of images.
        accuracy: In [0, 1].
        interval: Its 95 % Wilson interval.
    """

    model: str
    distortion: str
    severity: int
    amount: float
    recipe: Recipe
    n: int
    accuracy: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """The row as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return {**vars(self), "recipe": str(self.recipe), "interval": list(self.interval)}


@dataclass(frozen=True)
class Worst:
    """Accuracy under the worst attack of one size.

    Attributes:
        severity: Index of the size among the suite's.
        amount: The size, in the attacks' unit.
        accuracy: Share of images, in [0, 1], that the model classifies correctly clean and under every attack of the
            size.
        interval: Its 95 % Wilson interval.
    """

    severity: int
    amount: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Summary:
    """One model over a whole suite; accuracies are in [0, 1].

    The intervals of ``mean`` (Wilson) and ``difference`` (Tango, paired) have the image as their unit, with all of its
    distorted versions (``design_effect``); they do not cover other noise.

    Attributes:
        model: Name of the model.
        clean: Accuracy on clean images.
        clean_interval: Its 95 % Wilson interval.
        by_distortion: Mean over the severities of each distortion.
        mean: Mean over the distortions.
        interval: Its 95 % interval.
        difference: ``mean`` minus that of the first model; None for the first.
        difference_interval: Its 95 % interval.
        worst: One per size of the attacks; empty for suites without attacks.
        zero_gradients: Share of images at which the gradient of the cross-entropy as float32 computes it is exactly
            zero; None for suites without attacks.
        saturated: Share of images at which the true class has a probability of 1 in float32, so that this gradient is
            rounded and attacks that follow it (``fgsm_float32``, published ones) are weaker than the exact ones
            measured here; None for suites without attacks.
    """

    model: str
    clean: float
    clean_interval: Interval
    by_distortion: dict[str, float]
    mean: float
    interval: Interval
    difference: float | None
    difference_interval: Interval | None
    worst: tuple[Worst, ...] = ()
    zero_gradients: float | None = None
    saturated: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The summary as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        gap = self.difference_interval
        return {
            **vars(self),
            "clean_interval": list(self.clean_interval),
            "interval": list(self.interval),
            "difference_interval": None if gap is None else list(gap),
            "worst": [asdict(one) | {"interval": list(one.interval)} for one in self.worst],
        }


@dataclass(frozen=True, repr=False)
class Suite(SuiteResult):
    """Accuracies under a suite.

    Attributes:
        rows: One row per model, distortion and severity.
        summaries: One summary per model.
        severities: The data set whose severities these are, ``CIFAR-10-C`` or ``ImageNet-C``; "" for attacks.
    """

    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]
    severities: str = ""

    @property
    def heading(self) -> str:
        """What was measured: data set, suite, whose severities, and seed."""
        return ", ".join(text for text in (super().heading, self.severities) if text)

    def records(self) -> list[dict[str, Any]]:
        """The suite as rows of a table.

        Returns:
            One row per model, distortion and severity; undistorted images have the distortion "clean".
        """
        clean = [
            {**self._of_all(), "model": one.model, "distortion": "clean", "severity": 0, "amount": None,
             "recipe": "clean", "n": self.n, "accuracy": one.clean, **interval_columns(one.clean_interval)}
            for one in self.summaries
        ]  # fmt: skip
        return clean + [
            {**self._of_all(), "model": row.model, "distortion": row.distortion, "severity": row.severity,
             "amount": row.amount, "recipe": str(row.recipe), "n": row.n, "accuracy": row.accuracy,
             **interval_columns(row.interval)}
            for row in self.rows
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [self.heading]
        for one in self.summaries:
            low, high = map(percent, one.interval)
            lines.append(f"  {one.model}: clean {percent(one.clean)}, mean {percent(one.mean)} ({low} to {high})")
        return "\n".join(lines)


def _accuracies(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    name: str,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Suite:
    """The suites ``corruptions`` and ``adversarial``; images are distorted once for all models, attacked for each."""
    sample = Sample.of(models, dataset, limit, batch_size)
    attacked = name == "adversarial"
    samples = [sample] * len(models)
    if attacked and any(model.any_size for model in sample.models):  # each is attacked at its own input's size
        samples = [Sample.of([model], dataset, limit, batch_size) for model in models]
    models = [own.models[i if own is sample else 0] for i, own in enumerate(samples)]
    plan = attack_plan(models[0].channels, seed) if attacked else corruption_plan(models[0].size, seed)
    total, done = len(plan) * (len(models) if attacked else 1) + len(set(map(id, samples))), 0

    def measure(recipe: Recipe, group: Sequence[Classifier], sample: Sample = sample) -> NDArray[np.bool_]:
        nonlocal done
        correct = sample.correct(recipe, step_of(progress, done, total), group)
        done += 1
        return correct

    def each(recipes: Sequence[Recipe]) -> NDArray[np.bool_]:
        asked = zip(recipes, models, samples, strict=True)
        return np.concatenate([measure(one, [model], own) for one, model, own in asked])

    alike = all(own is sample for own in samples)
    clean = measure(Recipe(), models) if alike else each([Recipe()] * len(models))
    n = samples[0].count
    # By model and image: versions that only it, only the first model, and both classify correctly.
    gained, lost, both = (np.zeros(clean.shape, dtype=np.int64) for _ in range(3))
    # By size: whether the answer is correct and no attack has changed it so far.
    surviving = {severity: clean.copy() for _, severity, _ in plan}
    rows: list[Row] = []
    for distortion, severity, recipe in plan:
        recipes = [replace(recipe, against=model.name) if attacked else recipe for model in models]
        correct = each(recipes) if attacked else measure(recipe, models)
        gained += correct & ~correct[0]
        lost += correct[0] & ~correct
        both += correct & correct[0]
        surviving[severity] &= correct
        for model, used, count in zip(models, recipes, correct.sum(1).tolist(), strict=True):
            accuracy, interval = count / n, wilson_interval(count, n)
            rows.append(Row(model.name, distortion, severity, recipe.steps[0][1], used, n, accuracy, interval))
    sizes = np.full(n, len(plan))
    paired = [compare_paired(*of_model, sizes) for of_model in zip(gained, lost, both, strict=True)]
    summaries = [_summary(models[i].name, clean[i], paired[i], i > 0, rows) for i in range(len(models))]
    if attacked:
        amounts = {severity: recipe.steps[0][1] for _, severity, recipe in plan}
        for i, model in enumerate(models):
            counts = {severity: int(surviving[severity][i].sum()) for severity in amounts}
            worst = tuple(Worst(k, amounts[k], count / n, wilson_interval(count, n)) for k, count in counts.items())
            zero, sure = _hidden(model, samples[i])
            summaries[i] = replace(summaries[i], worst=worst, zero_gradients=zero, saturated=sure)
    severities = "" if attacked else published_for(models[0].size)
    found = Suite(name, *about(samples[0], seed), tuple(rows), tuple(summaries), severities)
    said = () if alike else ("The models take inputs of different sizes; each is attacked at its own.",)
    return replace(found, warnings=(*found.warnings, *said))


def _hidden(model: Classifier, sample: Sample) -> tuple[float, float]:
    """Shares of the clean images: the cross-entropy's gradient is zero in float32; p(true) is 1 in float32."""
    zeros = sure = 0
    for _, x, labels in sample.batches():
        zeros += int((slope(x, inputs.target_of(model, labels), cross_entropy) == 0).flatten(1).all(1).sum())
        sure += int(saturated(inputs.logits(model, x), labels).sum())
    return zeros / sample.count, sure / sample.count


def _summary(name: str, clean: NDArray[np.bool_], found: Paired, compared: bool, rows: Sequence[Row]) -> Summary:
    """The summary of one model; ``found`` is its comparison with the first one."""
    correct, n = int(clean.sum()), len(clean)
    of_model = [row for row in rows if row.model == name]
    means = {
        distortion: float(np.mean([row.accuracy for row in of_model if row.distortion == distortion]))
        for distortion in dict.fromkeys(row.distortion for row in of_model)
    }
    return Summary(
        model=name,
        clean=correct / n,
        clean_interval=wilson_interval(correct, n),
        by_distortion=means,
        mean=found.second,
        interval=found.second_interval,
        difference=found.difference if compared else None,
        difference_interval=found.interval if compared else None,
    )


Measured = Suite | Calibration | LineSearch | AutoAttack | Everyday | Perturbations | CertifiedAccuracy

SUITES = Registry[Callable[..., Measured]]("suite")
"""What ``run_suite`` can measure, by name."""
SUITES.add("corruptions", partial(_accuracies, name="corruptions"))
SUITES.add("adversarial", partial(_accuracies, name="adversarial"))
SUITES.add("calibration", calibration)
SUITES.add("line-search", line_search)
SUITES.add("autoattack", autoattack)
SUITES.add("zheng", everyday)
SUITES.add("perturbations", perturbations)
SUITES.add("certified", certified)


@overload
def run_suite(
    models: ModelsLike,
    dataset: DatasetLike,
    name: Literal["corruptions", "adversarial"] = "corruptions",
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Suite: ...


@overload
def run_suite(
    models: ModelsLike,
    dataset: DatasetLike,
    name: str,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Measured: ...


def run_suite(
    models: ModelsLike,
    dataset: DatasetLike,
    name: str = "corruptions",
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Measure models on a data set under a suite: a published list of conditions under one name.

    Image i is distorted with the seed ``image_seed(seed, i)``, so that a row is what ``evaluate`` gives for its recipe.
    The severities of ``corruptions`` are CIFAR-10-C's, for inputs above 64 px ImageNet-C's, by the first model's input;
    amounts in pixels grow with it from the side they were published for.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``; the first is the baseline.
        dataset: A ``Dataset``, or what ``load_dataset`` takes.
        name: ``corruptions``, ``adversarial``, ``calibration``, ``line-search``, ``autoattack``, ``zheng``,
            ``perturbations`` or ``certified``.
        limit: Take that many images only, as ``evaluate`` does.
        seed: Of the distortions.
        batch_size: Images asked about at once; of no matter for the result.
        progress: Called with the number of images that are done, and of all.

    Returns:
        The rows of the suite, and a summary per model.

    Raises:
        ExplorerError: As ``evaluate_many``, and for an unknown suite.

    Examples:
        >>> import explorer
        >>> suite = explorer.run_suite("digits/lenet/standard", "digits", limit=5)
        >>> len(suite.rows)
        75
    """
    measure = SUITES.find(name)
    chosen, data = read_data(models, dataset)
    found = measure(chosen, data, limit=limit, seed=seed, batch_size=batch_size, progress=progress)
    issue(found.warnings)
    return found
