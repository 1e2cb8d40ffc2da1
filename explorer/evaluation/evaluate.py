"""Accuracy over a whole data set, every image distorted by one recipe with noise of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.analysis.request import issue, read_recipe
from explorer.data import images
from explorer.data.datasets import Dataset, load_dataset
from explorer.distortions import Recipe, apply, image_seed
from explorer.errors import ExplorerError
from explorer.evaluation.statistics import Interval, wilson_interval
from explorer.models import Classifier, ExternalClassifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelLike, ModelsLike, open_models, wrap_opened
from explorer.progress import Progress
from explorer.results import Result, Results, percent

DatasetLike = Dataset | str | Path
"""A data set, or what ``load_dataset`` takes."""


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """Accuracy of one model under one recipe.

    Attributes:
        name: Name of the model.
        accuracy: Share of correct answers in [0, 1].
        n: Number of images.
        recipe: The distortion.
        interval: 95 % Wilson interval.
        fitted: Whether the images had another size or other channels and went through ``explorer.fit``.
    """

    name: str
    accuracy: float
    n: int
    recipe: Recipe
    interval: Interval
    fitted: bool = False

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
                "low": self.interval[0],
                "high": self.interval[1],
                "fitted": self.fitted,
            }
        ]

    def __str__(self) -> str:
        low, high = map(percent, self.interval)
        return f"{self.name}: {percent(self.accuracy)} of {self.n:,} images under {self.recipe} ({low} to {high})"


@dataclass(frozen=True, repr=False)
class Evaluations(Results[Evaluation]):
    """Accuracy of several models on the same distorted images.

    Attributes:
        data: Name of the data set.
        recipe: The distortion.
    """

    data: str
    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        """All evaluations as a JSON object.

        Returns:
            The object.
        """
        return {"data": self.data, "models": [evaluation.to_dict() for evaluation in self]}

    def records(self) -> list[dict[str, Any]]:
        """All evaluations as rows of a table.

        Returns:
            One row per model.
        """
        return [{"data": self.data, **row} for evaluation in self for row in evaluation.records()]

    def __str__(self) -> str:
        return "\n".join([f"{self.data}, {self.recipe}", *(f"  {evaluation}" for evaluation in self)])


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
        dataset: A ``Dataset``, or what ``load_dataset`` takes: a name such as ``digits``, a folder, an ``.npz``.
        recipe: The distortions and the seed, a ``Recipe`` or its text; clean without one.
        limit: Take the first images only.
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
    fitted first (``explorer.fit``) and the Evaluation says so. Pixels are made on the CPU batch by batch; memory does
    not grow with the data set.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``.
        dataset: A ``Dataset``, or what ``load_dataset`` takes.
        recipe: The distortions and the seed; clean without one. Adversarial steps are computed against the model among
            ``models`` that its ``against`` names, away from the true labels.
        limit: Take the first images only.
        batch_size: Images asked about at once; of no matter for the result.
        progress: Called with the number of images that are done, and of all.

    Returns:
        One Evaluation per model, in their order.

    Raises:
        ExplorerError: As ``compare``, and where a model has another number of classes than the data set, or there is no
            image.
    """
    chosen, data = read_data(models, dataset)
    chain = read_recipe(recipe, "clean")
    correct, fitted = correct_answers(chosen, data, chain, limit=limit, batch_size=batch_size, progress=progress)
    n = correct.shape[1]
    found = (
        Evaluation(model.name, count / n, n, chain, wilson_interval(count, n), fitted)
        for model, count in zip(chosen, correct.sum(1).tolist(), strict=True)
    )
    return Evaluations(tuple(found), data.name, chain)


def read_data(models: ModelsLike, dataset: DatasetLike) -> tuple[tuple[Classifier, ...], Dataset]:
    """Load the named models and data set; findings about users' networks become warnings.

    Args:
        models: As in ``evaluate_many``.
        dataset: A data set, its name, or a path.

    Returns:
        The models and the data set.
    """
    data = load_dataset(str(dataset)) if isinstance(dataset, str | Path) else dataset
    opened = open_models(models)
    first = next((model for model in opened if isinstance(model, Classifier)), data)
    chosen = wrap_opened(opened, first.size, first.channels)
    issue([note for model in chosen if isinstance(model, ExternalClassifier) for note in model.warnings], 3)
    return chosen, data


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
        limit: Number of images; None for all.
        batch_size: Images per batch; None for what fits into memory.
        progress: Called with images done and images in all.

    Returns:
        Booleans (models, n), and whether the images were fitted.
    """
    models, n = check_data(models, dataset, limit, batch_size)
    correct = np.zeros((len(models), n), dtype=np.bool_)
    for rows, x, labels in distorted(models, dataset, recipe, n, batch_size, progress):
        for i, model in enumerate(models):
            correct[i, rows.start : rows.stop] = (inputs.predictions(model, x) == labels).numpy()
    return correct, needs_fit(models[0], dataset)


def check_data(
    models: Sequence[Classifier], dataset: Dataset, limit: int | None, batch_size: int | None
) -> tuple[tuple[Classifier, ...], int]:
    """Check that models can be measured on a data set.

    Args:
        models: Loaded models.
        dataset: The data set.
        limit: Number of images; None for all.
        batch_size: Images per batch; None for what fits into memory.

    Returns:
        The models, and the number of images n.

    Raises:
        ExplorerError: If models and data have different numbers of classes, if there are no images, or if a number is
            below 1.
    """
    models = inputs.check_models(models)
    for model in models:
        if len(model.classes) != len(dataset.classes):
            raise ExplorerError(
                f"{model.name} knows {len(model.classes)} classes but {dataset.name} has {len(dataset.classes)}; "
                "evaluate a model on data with its own classes."
            )
    if (limit is not None and limit < 1) or (batch_size is not None and batch_size < 1):
        raise ExplorerError(f"limit is {limit} and batch_size {batch_size}; both count images and must be 1 or more.")
    n = min(len(dataset), len(dataset) if limit is None else limit)
    if n == 0:
        raise ExplorerError(f"{dataset.name} holds no images to evaluate on.")
    return models, n


def distorted(
    models: Sequence[Classifier],
    dataset: Dataset,
    recipe: Recipe,
    n: int,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[range, Tensor, Tensor]]:
    """``batches``, distorted as in ``evaluate_many``.

    Args:
        models: Loaded models, for the recipe's attacks.
        dataset: The data set.
        recipe: The distortions.
        n: Number of images.
        batch_size: Images per batch; None for what fits into memory.
        progress: Called with images done and images in all when the next batch is requested.

    Returns:
        Rows, distorted pixels (B, C, H, W) in [0, 1], and labels (B,), batch by batch.
    """
    for rows, clean, labels in batches(models[0], dataset, n, batch_size):
        target = inputs.attack_target(recipe, models, clean, labels)
        yield rows, apply(recipe, clean, target=target, seeds=[image_seed(recipe.seed, i) for i in rows]), labels
        if progress is not None:
            progress(rows.stop, n)


def needs_fit(model: Classifier, dataset: Dataset) -> bool:
    """Whether images must be fitted.

    Args:
        model: A model.
        dataset: The data set.

    Returns:
        True if its images have another size or other channels than the model takes.
    """
    return tuple(dataset.images.shape[1:]) != (model.size, model.size, model.channels)


def batches(
    model: Classifier, dataset: Dataset, n: int, batch_size: int | None = None
) -> Iterator[tuple[range, Tensor, Tensor]]:
    """The first images of a data set as a model takes them.

    Args:
        model: A model.
        dataset: The data set.
        n: Number of images.
        batch_size: Images per batch; None for what fits into memory.

    Returns:
        Rows, pixels (B, C, H, W) in [0, 1], and labels (B,), batch by batch.
    """
    size, channels = model.size, model.channels
    step = batch_size or inputs.batch_size((channels, size, size), model.device)
    for start in range(0, n, step):
        rows = range(start, min(start + step, n))
        x, labels = dataset.batch(rows)
        yield rows, images.fit(x, size, channels) if needs_fit(model, dataset) else x, labels
