"""The card of a trained model: its data, its training and its accuracies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

import torch

from explorer.data.datasets import Dataset
from explorer.data.reading import read_rows
from explorer.distortions import Recipe
from explorer.models import Card, Classifier, halved
from explorer.provenance import hardware, versions
from explorer.training.config import TrainConfig, normalisation

CARD_RECIPES = (
    "clean", "gaussian_noise=0.05", "gaussian_noise=0.1", "gaussian_noise=0.2", "gaussian_noise=0.5",
    "jpeg=50", "thumbnail=16", "crop=4",
)  # fmt: skip
"""What every card is measured on: clean images, the noise of the stability paper, its JPEG, thumbnail and crop."""

REFERENCE_IMAGES, REFERENCE_PAIRS = 2000, 20_000


class Accuracy(Protocol):
    """An accuracy in [0, 1] on ``n`` images, distorted with ``seed``; an ``Evaluation`` is an example."""

    @property
    def seed(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def accuracy(self) -> float: ...


Evaluate = Callable[[Classifier, Dataset, Recipe], Accuracy]
"""``explorer.evaluate``; it belongs to a higher floor, so the caller passes it in."""


def new_card(config: TrainConfig, data: Dataset, init: Card | None = None) -> Card:
    """Make the card of an untrained model.

    Args:
        config: Settings of the run.
        data: The training set.
        init: Card of the model to start from; its normalisation is used.

    Returns:
        The card with name, input and classes.
    """
    mean, std = normalisation(config, data) if init is None else (init.mean, init.std)
    return Card(
        name=config.name, data=config.data, arch=config.arch, method=config.method, classes=data.classes,
        size=data.size, channels=data.channels, mean=mean, std=std,
    )  # fmt: skip


def training_card(
    card: Card, config: TrainConfig, facts: dict[str, Any], *, command: str, device: torch.device
) -> Card:
    """Add to a card how its model was trained.

    Args:
        card: The card.
        config: Settings of the run, all of which are stored.
        facts: What the run measured.
        command: Command line that repeats the run.
        device: Device of the run.

    Returns:
        The new card, with the versions of the libraries.
    """
    settings = {key: value for key, value in asdict(config).items() if key not in ("method", "arch", "data")}
    # pip does not know for which CUDA this torch was built; it knows itself.
    libraries = versions("explorer", "python", "torch", "torchvision", "numpy", "pillow") | {"torch": torch.__version__}
    training = settings | facts | {"hardware": hardware(device)}
    return replace(card, training=training, command=command, versions=libraries)


def measured(
    model: Classifier,
    dataset: Dataset,
    evaluate: Evaluate,
    report: Callable[[str], None],
    recipes: Sequence[str] = CARD_RECIPES,
) -> tuple[Classifier, bool]:
    """Fill in a model's card: accuracies on ``dataset``, and the distances between features of different images.

    Args:
        model: A trained model in eval mode; its card is replaced.
        dataset: The images to measure on, usually the whole test set.
        evaluate: How to measure an accuracy: ``explorer.evaluate``.
        report: Called with a line for each result.
        recipes: What to measure.

    Returns:
        The model to save, and whether to store it in 16 bits: that is where none of these accuracies changes by it.
    """
    results: list[dict[str, Any]] = []
    for text in recipes:
        found = evaluate(model, dataset, Recipe.parse(text))
        results.append({"recipe": text, "seed": found.seed, "n": found.n, "accuracy": round(found.accuracy, 6)})
        report(f"{text:22} {found.accuracy:7.2%}  n = {found.n}")
    small = halved(model)
    # The hardest first: there rounding changes answers most easily, and the first change settles it.
    hardest = sorted(results, key=lambda row: row["accuracy"])
    half = all(
        round(evaluate(small, dataset, Recipe.parse(row["recipe"])).accuracy, 6) == row["accuracy"] for row in hardest
    )
    report(f"stored in {'16' if half else '32'} bits")
    model = small if half else model
    model.card = replace(model.card, results=results, reference={"penultimate": reference_distances(model, dataset)})
    return model, half


@torch.inference_mode()
def reference_distances(model: Classifier, dataset: Dataset, seed: int = 0) -> list[float]:
    """How far apart the features of different images lie, as a scale for the distances that distortions cause.

    Args:
        model: The model whose penultimate features are compared.
        dataset: The images; at most ``REFERENCE_IMAGES`` of them are used, drawn with ``seed``.
        seed: Of the images and of the ``REFERENCE_PAIRS`` pairs.

    Returns:
        The quantiles 0, 0.01, ..., 1 of the L2 distance between the features of two different clean images.
    """
    generator = torch.Generator().manual_seed(seed)
    count = min(REFERENCE_IMAGES, len(dataset))
    rows = torch.randperm(len(dataset), generator=generator)[:count].tolist()
    parts = (read_rows(dataset, rows[i : i + 250], model.size, model.channels).pixels for i in range(0, count, 250))
    vectors = torch.cat([model.features(x.to(model.device))["penultimate"].cpu() for x in parts if len(x)]).double()
    count = len(vectors)  # of files, those that can be read
    first = torch.randint(count, (REFERENCE_PAIRS,), generator=generator)
    other = (first + torch.randint(1, count, (REFERENCE_PAIRS,), generator=generator)) % count  # never the same image
    distances = (vectors[first] - vectors[other]).norm(dim=1)
    return [round(float(v), 6) for v in torch.quantile(distances, torch.linspace(0, 1, 101, dtype=torch.float64))]
