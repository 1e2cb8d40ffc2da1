"""The card of a trained model: its data, its training and its accuracies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.data.dataset import Dataset, data_fingerprint
from explorer.data.reading import read_rows
from explorer.distortions import Recipe
from explorer.models import Card, Classifier, halved
from explorer.models.right import pack
from explorer.provenance import hardware, versions
from explorer.training.config import TrainConfig, normalisation

CARD_RECIPES = (
    "clean", "gaussian_noise=0.05", "gaussian_noise=0.1", "gaussian_noise=0.2", "gaussian_noise=0.5",
    "jpeg=50", "thumbnail=16", "crop=4", "contrast=0.3", "fog=1",
)  # fmt: skip
"""What every card is measured on: clean images, the noise of the stability paper, its JPEG, thumbnail and crop; and
contrast and fog, under which training with noise loses."""

REFERENCE_IMAGES, REFERENCE_PAIRS = 2000, 20_000


Correct = Callable[[Classifier, Dataset, Recipe], NDArray[np.bool_]]
"""Which images of a data set a model names rightly under a recipe, (n,): ``evaluation.evaluate.correct``. It belongs to
a higher floor, so the caller passes it in."""


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
    correct: Correct,
    report: Callable[[str], None],
    recipes: Sequence[str] = CARD_RECIPES,
) -> tuple[Classifier, bool]:
    """Fill in a model's card: accuracies on ``dataset``, and the distances between features of different images.

    Args:
        model: A trained model in eval mode; its card is replaced.
        dataset: The images to measure on, usually the whole test set.
        correct: How to measure.
        report: Called with a line for each result.
        recipes: What to measure.

    Returns:
        The model to save, and whether to store it in 16 bits: that is where none of these accuracies changes by it.
    """
    results = list(card_rows(model, dataset, correct, report, recipes))
    small = halved(model)
    # The hardest first: there rounding changes answers most easily, and the first change settles it.
    hardest = sorted(results, key=lambda row: row["accuracy"])
    half = all(
        round(float(correct(small, dataset, Recipe.parse(row["recipe"])).mean()), 6) == row["accuracy"]
        for row in hardest
    )
    report(f"stored in {'16' if half else '32'} bits")
    model = small if half else model
    model.card = replace(with_reference(model, dataset), results=results)
    return model, half


def card_rows(
    model: Classifier,
    dataset: Dataset,
    correct: Correct,
    report: Callable[[str], None],
    recipes: Sequence[str] = CARD_RECIPES,
) -> Iterator[dict[str, Any]]:
    """Measure a card's results.

    Args:
        model: The model.
        dataset: The images to measure on.
        correct: How to measure.
        report: Called with a line for each result.
        recipes: What to measure.

    Yields:
        Per recipe its seed, the number of images and the accuracy in [0, 1]; ``images``, the fingerprint of the images,
        and ``right``, those that the model names rightly, as ``models.right.pack`` writes them.
    """
    images = data_fingerprint(dataset, len(dataset))
    for text in recipes:
        recipe = Recipe.parse(text)
        found = correct(model, dataset, recipe)
        n, accuracy = len(found), float(found.mean())
        report(f"{text:22} {accuracy:7.2%}  n = {n}")
        row = {"recipe": text, "seed": recipe.seed, "n": n, "accuracy": round(accuracy, 6)}
        yield {**row, "images": images, "right": pack(found)}


@torch.inference_mode()
def with_reference(model: Classifier, dataset: Dataset, command: str = "", seed: int = 0) -> Card:
    """Measure how far apart the features of different images lie, as a scale for the distances that distortions cause.

    Args:
        model: The model whose penultimate features are compared.
        dataset: The images; at most ``REFERENCE_IMAGES`` of them are used, drawn with ``seed``.
        command: The command line that does this.
        seed: Of the images and of the ``REFERENCE_PAIRS`` pairs.

    Returns:
        The model's card with the quantiles 0, 0.01, ..., 1 of the L2 distance between the features of two different
        clean images as ``reference``, and where they come from.
    """
    generator = torch.Generator().manual_seed(seed)
    count = min(REFERENCE_IMAGES, len(dataset))
    rows = torch.randperm(len(dataset), generator=generator)[:count].tolist()
    parts = (read_rows(dataset, rows[i : i + 250], model.takes).pixels for i in range(0, count, 250))
    vectors = torch.cat([model.features(x.to(model.device))["penultimate"].cpu() for x in parts if len(x)]).double()
    count = len(vectors)  # of files, those that can be read
    first = torch.randint(count, (REFERENCE_PAIRS,), generator=generator)
    other = (first + torch.randint(1, count, (REFERENCE_PAIRS,), generator=generator)) % count  # never the same image
    distances = (vectors[first] - vectors[other]).norm(dim=1)
    quantiles = torch.quantile(distances, torch.linspace(0, 1, 101, dtype=torch.float64))
    return replace(
        model.card,
        reference={"penultimate": [round(float(v), 6) for v in quantiles]},
        reference_source={"images": count, "pairs": REFERENCE_PAIRS, "seed": seed, "command": command},
    )
