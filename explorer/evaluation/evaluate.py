"""Accuracy over a whole data set, every image distorted by one recipe with noise of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.analysis.request import issue, read_recipe
from explorer.data.datasets import Dataset, load_dataset
from explorer.distortions import Recipe
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.evaluation.sample import Sample
from explorer.evaluation.statistics import Interval, wilson_interval
from explorer.models import Classifier
from explorer.models.reading import ModelLike, ModelsLike, open_models, wrap_opened
from explorer.numbers import counted
from explorer.progress import Progress
from explorer.results import Result, Results, percent

FIVE, FEW = 5, 10  # the first five answers count where there are more than ten classes

DatasetLike = Any
"""A ``Dataset``, or what ``load_dataset`` takes: a name, a path, a data set of PyTorch or Hugging Face."""


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """Accuracy of one model under one recipe.

    Attributes:
        name: Name of the model.
        accuracy: Share of correct answers in [0, 1].
        n: Number of images.
        recipe: The distortion.
        interval: 95 % Wilson interval.
        top5: Share of images whose true class is among the five likeliest; None for ten classes and fewer.
        fitted: Whether the images had another size or other channels and went through ``explorer.fit``.
    """

    name: str
    accuracy: float
    n: int
    recipe: Recipe
    interval: Interval
    fitted: bool = False
    top5: float | None = None

    @property
    def seed(self) -> int:
        """The recipe's seed, from which each image's own follows (``image_seed``)."""
        return self.recipe.seed

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as a JSON object.

        Returns:
            The object.
        """
        return {
            "name": self.name,
            "accuracy": self.accuracy,
            **({} if self.top5 is None else {"top5": self.top5}),
            "n": self.n,
            "recipe": str(self.recipe),
            "seed": self.seed,
            "interval": list(self.interval),
            "fitted": self.fitted,
        }

    def records(self) -> list[dict[str, Any]]:
        """The evaluation as a row of a table.

        Returns:
            One row; ``low`` and ``high`` are the ends of the interval.
        """
        return [
            {
                "model": self.name,
                "recipe": str(self.recipe),
                "seed": self.seed,
                "n": self.n,
                "accuracy": self.accuracy,
                **({} if self.top5 is None else {"top5": self.top5}),
                "low": self.interval[0],
                "high": self.interval[1],
                "fitted": self.fitted,
            }
        ]

    def __str__(self) -> str:
        low, high = map(percent, self.interval)
        five = "" if self.top5 is None else f", {percent(self.top5)} among the first five"
        measured = f"{percent(self.accuracy)} of {counted(self.n, 'image')}"
        return f"{self.name}: {measured} under {self.recipe} ({low} to {high}){five}"


@dataclass(frozen=True, repr=False)
class Evaluations(Results[Evaluation]):
    """Accuracy of several models on the same distorted images.

    Attributes:
        data: Name of the data set.
        recipe: The distortion.
        sample: Which images, such as "100 of 50,000 images, stratified, seed 0"; "" for all.
        warnings: What was noticed about the images, one sentence each.
    """

    data: str
    recipe: Recipe
    sample: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """What was measured: the data set, which of its images, and the recipe."""
        return ", ".join(text for text in (self.data, self.sample, str(self.recipe)) if text)

    def to_dict(self) -> dict[str, Any]:
        """All evaluations as a JSON object.

        Returns:
            The object.
        """
        return {
            "data": self.data,
            "models": [evaluation.to_dict() for evaluation in self],
            **({"sample": self.sample} if self.sample else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }

    def records(self) -> list[dict[str, Any]]:
        """All evaluations as rows of a table.

        Returns:
            One row per model.
        """
        return [{"data": self.data, **row} for evaluation in self for row in evaluation.records()]

    def __str__(self) -> str:
        notes = (f"  Note: {warning}" for warning in self.warnings)
        return "\n".join([self.heading, *(f"  {evaluation}" for evaluation in self), *notes])


def evaluate(
    model: ModelLike,
    dataset: DatasetLike,
    recipe: Recipe | str | None = None,
    *,
    limit: int | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure the accuracy of one model on a data set, clean or distorted: ``evaluate_many`` for one model.

    Args:
        model: A name, a path, a loaded model or a network of your own, as for ``compare``.
        dataset: A ``Dataset``, or what ``load_dataset`` takes: a name such as ``digits``, a folder, an ``.npz``,
            a data set of PyTorch or Hugging Face.
        recipe: The distortions and the seed, a ``Recipe`` or its text; clean without one.
        limit: Take that many images only: of a folder a stratified sample, of a benchmark the first ones.
        batch_size: Images asked about at once; of no matter for the result.
        progress: Called with the number of images that are done, and of all.

    Returns:
        The share of images that it classifies correctly (0-1), with a 95 % Wilson interval.

    Raises:
        ExplorerError: As ``evaluate_many``.

    Examples:
        >>> import explorer
        >>> found = explorer.evaluate("digits/lenet/standard", "digits", "gaussian_noise=0.5", limit=100)
        >>> found.accuracy
        0.85
    """
    return evaluate_many([model], dataset, recipe, limit=limit, batch_size=batch_size, progress=progress)[0]


def evaluate_many(
    models: ModelsLike,
    dataset: DatasetLike,
    recipe: Recipe | str | None = None,
    *,
    limit: int | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Evaluations:
    """Measure the accuracy of several models on the same distorted pixels of a data set.

    Image i is distorted with the seed ``image_seed(recipe.seed, i)``, so the result does not depend on ``batch_size``
    and equals that of ``compare`` image by image. Images of another size or other channels than the models take are
    fitted first (``explorer.fit``) and the Evaluation says so. Files are read and pixels made on the CPU batch by
    batch; memory does not grow with the data set. Images that cannot be read are left out and counted. The classes of
    the data set are found by name among those of the models.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``.
        dataset: A ``Dataset``, or what ``load_dataset`` takes.
        recipe: The distortions and the seed; clean without one. Adversarial steps are computed against the model among
            ``models`` that its ``against`` names, away from the true labels.
        limit: Take that many images only: of a folder a stratified sample, of a benchmark the first ones, in whose
            published order the classes are mixed and results are stored.
        batch_size: Images asked about at once; of no matter for the result.
        progress: Called with the number of images that are done, and of all.

    Returns:
        One Evaluation per model, in their order.

    Raises:
        ExplorerError: As ``compare``, and where a class of the data set is not among a model's, or there is no image.
    """
    chosen, data = read_data(models, dataset)
    chain = read_recipe(recipe, "clean")
    sample = Sample.of(chosen, data, limit, batch_size, photographs=chain.on == PHOTOGRAPH)
    ranks = sample.ranks(chain, progress)
    n, notes = sample.count, sample.notes
    found = (
        Evaluation(model.name, first / n, n, chain, wilson_interval(first, n), sample.fitted, top5(model, five / n))
        for model, first, five in zip(chosen, (ranks == 0).sum(1).tolist(), (ranks < FIVE).sum(1).tolist(), strict=True)
    )
    issue(notes)
    return Evaluations(tuple(found), data.name, chain, sample.words, tuple(notes))


def top5(model: Classifier, share: float) -> float | None:
    """Whether the share of true classes among the five likeliest says something.

    Args:
        model: The model.
        share: That share, in [0, 1].

    Returns:
        The share; None of a model with ten classes or fewer.
    """
    return share if len(model.classes) > FEW else None


def read_data(models: ModelsLike, dataset: DatasetLike) -> tuple[tuple[Classifier, ...], Dataset]:
    """Load the named models and data set; findings about users' networks become warnings.

    Args:
        models: As in ``evaluate_many``.
        dataset: As in ``evaluate_many``.

    Returns:
        The models and the data set.
    """
    data = load_dataset(dataset)
    opened = open_models(models)
    first = next((model for model in opened if isinstance(model, Classifier)), data)
    chosen = wrap_opened(opened, first.size, first.channels)
    issue([note for model in chosen for note in model.warnings], 3)
    return chosen, data


def correct(model: Classifier, dataset: Dataset, recipe: Recipe) -> NDArray[np.bool_]:
    """Find out which images of a whole data set a model classifies correctly.

    Args:
        model: A loaded model.
        dataset: The data set.
        recipe: The distortions.

    Returns:
        Booleans, (n,).
    """
    return correct_answers([model], dataset, recipe)[0][0]


def correct_answers(
    models: Sequence[Classifier],
    dataset: Dataset,
    recipe: Recipe,
    *,
    limit: int | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.bool_], bool]:
    """Find out which images each model classifies correctly.

    Args:
        models: Loaded models.
        dataset: The data set.
        recipe: The distortions.
        limit: Number of images; all by default.
        batch_size: Images per batch; None for what fits into memory.
        progress: Called with images done and images in all.

    Returns:
        Booleans (models, n), and whether the images were fitted.
    """
    sample = Sample.of(models, dataset, limit, batch_size)
    return sample.correct(recipe, progress), sample.fitted
