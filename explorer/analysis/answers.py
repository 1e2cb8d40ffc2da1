"""Results of a comparison: one model's answer, those of several models on one image, and those on many images."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.analysis.doubt import Judged
from explorer.analysis.measures import FeatureDistance, InputDistance
from explorer.data import images
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.files import user_path, write_whole
from explorer.models import Card
from explorer.numbers import counted
from explorer.results import Result, Results, percent

ALL, FIRST = 10, 5  # classes listed by to_dict: up to ten all of them, of more the first five


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """One model's answers to the clean and the distorted image.

    Attributes:
        name: Name of the model.
        title: Title of its method.
        method: Its training method.
        classes: Its class names.
        clean: Probabilities on the clean image, float64 (K,).
        distorted: Probabilities on the distorted image, float64 (K,).
        flipped: Whether the predicted class differs from the clean one.
        confidence: Probability of the predicted class, in [0, 1].
        confidence_clean: The same on the clean image.
        margin: Probability of the predicted class minus that of the second, in [0, 1].
        margin_clean: The same on the clean image.
        entropy: Shannon entropy in nats.
        entropy_clean: The same on the clean image.
        kl: KL(clean || distorted) in nats.
        feature_distance: Distance between the clean and the distorted features, by layer.
        feature_percentile: Where the penultimate L2 distance lies among distances between different clean test images,
            in [0, 100]; None if the model's card has no such table.
        card: The model's card.
        doubt: Whether the answers should be relied on, where a threshold was given.
    """

    name: str
    title: str
    method: str
    classes: tuple[str, ...]
    clean: Tensor
    distorted: Tensor
    flipped: bool
    confidence: float
    confidence_clean: float
    margin: float
    margin_clean: float
    entropy: float
    entropy_clean: float
    kl: float
    feature_distance: dict[str, FeatureDistance]
    feature_percentile: float | None
    card: Card
    doubt: Judged | None = None

    def __repr__(self) -> str:
        before, after = (ranking(p, self.classes, 1)[0] for p in (self.clean, self.distorted))
        change = " → ".join(f"{one['label']} ({percent(one['probability'])})" for one in (before, after))
        unsure = f", {'unsure' if self.doubt.unsure else 'answer'}" if self.doubt else ""
        return f"{self.name}: {change}, {'flipped' if self.flipped else 'holds'}{unsure}"

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """The answers as a JSON object.

        Args:
            top: Number of classes listed in ``clean`` and ``distorted``, likeliest first; by default all of up to ten,
                five of more.

        Returns:
            The object.
        """
        if top is None:
            top = ALL if len(self.classes) <= ALL else FIRST
        return {
            "name": self.name,
            "title": self.title,
            "method": self.method,
            "input": self.card.size,
            "clean": ranking(self.clean, self.classes, top),
            "distorted": ranking(self.distorted, self.classes, top),
            "flipped": self.flipped,
            "confidence": self.confidence,
            "confidence_clean": self.confidence_clean,
            "margin": self.margin,
            "margin_clean": self.margin_clean,
            "entropy": self.entropy,
            "entropy_clean": self.entropy_clean,
            "kl": self.kl,
            "feature_distance": {layer: asdict(distance) for layer, distance in self.feature_distance.items()},
            "feature_percentile": self.feature_percentile,
            **({"doubt": self.doubt.to_dict()} if self.doubt else {}),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """What several models answer to the same clean and distorted pixels of one image.

    Attributes:
        image_hash: Hash of the distorted pixels.
        recipe: The recipe that made them.
        clean: Pixels (1, C, H, W) in [0, 1].
        distorted: Pixels (1, C, H, W) in [0, 1].
        input: Distance between the two.
        models: One answer per model, in the order given.
        seconds: Time spent in ``distort``, ``infer`` and ``measure``; not part of ``to_dict``, which is the same for
            the same question.
        warnings: Findings about networks and images, one sentence each.
    """

    image_hash: str
    recipe: Recipe
    clean: Tensor
    distorted: Tensor
    input: InputDistance
    models: tuple[Answer, ...]
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """The comparison as a JSON object.

        Args:
            top: Number of classes listed per model, as in ``Answer.to_dict``.

        Returns:
            Finite numbers, strings, booleans and None only.
        """
        return {
            "image_hash": self.image_hash,
            "recipe": str(self.recipe),
            "on": self.recipe.on,
            "input": self.input.to_dict(),
            "models": [answer.to_dict(top) for answer in self.models],
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }

    def records(self) -> list[dict[str, Any]]:
        """The comparison as rows of a table.

        Returns:
            One row per model.
        """
        return [
            {
                "model": answer.name,
                "title": answer.title,
                "method": answer.method,
                "clean": ranking(answer.clean, answer.classes, 1)[0]["label"],
                "distorted": ranking(answer.distorted, answer.classes, 1)[0]["label"],
                "flipped": answer.flipped,
                "confidence": answer.confidence,
                "confidence_clean": answer.confidence_clean,
                "margin": answer.margin,
                "margin_clean": answer.margin_clean,
                "entropy": answer.entropy,
                "entropy_clean": answer.entropy_clean,
                "kl": answer.kl,
                "feature_l2": None if (moved := answer.feature_distance.get("penultimate")) is None else moved.l2,
                "feature_cosine": None if moved is None else moved.cosine,
                "feature_percentile": answer.feature_percentile,
                **_doubted(answer.doubt),
                "recipe": str(self.recipe),
                "image_hash": self.image_hash,
                **self.input.to_dict(),
            }
            for answer in self.models
        ]

    def save_pixels(self, path: str | Path) -> Path:
        """Write the distorted pixels into a file, value for value as the models saw them.

        Args:
            path: ``.png`` holds 8-bit values, which is exact unless the recipe says ``float``; ``.npy`` holds the
                float32 array (C, H, W) in [0, 1].

        Returns:
            The path that was written.

        Raises:
            ExplorerError: The ending is neither, a PNG would round the pixels, or the file cannot be written.
        """
        target = check_pixels(path, self.recipe)
        write_whole(target, images.encode_png(self.distorted) if target.suffix.lower() == ".png" else _npy(self))
        return target

    def __str__(self) -> str:
        lines = [f"{self.recipe}: pixels {self.image_hash}", *(f"  {answer!r}" for answer in self.models)]
        return "\n".join([*lines, *(f"  Note: {warning}" for warning in self.warnings)])


def _doubted(found: Judged | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "doubt_score": found.score, "doubt_limit": found.limit, "doubt": found.distorted, "doubt_clean": found.clean,
        "unsure": found.unsure, "unsure_clean": found.unsure_clean,
    }  # fmt: skip


def check_pixels(path: str | Path, recipe: Recipe) -> Path:
    """Check that the pixels of a recipe can be saved under a file name.

    Args:
        path: The file to be written, ending in ``.png`` (8 bits) or ``.npy`` (floats).
        recipe: The recipe that makes the pixels.

    Returns:
        The path.

    Raises:
        ExplorerError: If the ending is unknown, if PNG would round the recipe's pixels, or if the folder does not
            exist.
    """
    target = user_path(path)
    if target.suffix.lower() not in {".png", ".npy"}:
        raise ExplorerError(f"{str(path)!r} cannot hold exact pixels; end it with .png (8 bits) or .npy (floats).")
    if target.suffix.lower() == ".png" and not recipe.quantised:
        raise ExplorerError("A PNG would round the pixels of this recipe, which are floats; save them as .npy.")
    if not target.parent.is_dir():
        raise ExplorerError(f"The folder {target.parent} does not exist, so {target.name} cannot be written there.")
    return target


def _npy(comparison: Comparison) -> bytes:
    out = io.BytesIO()
    np.save(out, comparison.distorted[0].numpy(), allow_pickle=False)
    return out.getvalue()


def ranking(probability: Tensor, classes: Sequence[str], top: int) -> list[dict[str, Any]]:
    """List the likeliest classes.

    Args:
        probability: Probabilities of one image (K,), in [0, 1].
        classes: Class names in the order of the probabilities.
        top: Number of classes listed.

    Returns:
        ``{"label", "probability"}`` of each, likeliest first; ties keep the order of the classes.
    """
    values, order = probability.sort(descending=True, stable=True)
    pairs = zip(order[:top].tolist(), values[:top].tolist(), strict=True)
    return [{"label": classes[index], "probability": value} for index, value in pairs]


@dataclass(frozen=True, eq=False, repr=False)
class Comparisons(Results[Comparison]):
    """Comparisons of several images.

    Attributes:
        recipe: The recipe asked for; image i has the seed ``image_seed(recipe.seed, i)``, as in ``evaluate``.
        warnings: Findings about networks and images, one sentence each.
    """

    recipe: Recipe
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names."""
        return tuple(answer.name for answer in self.items[0].models)

    def predictions(self, name: str, *, clean: bool = False) -> Tensor:
        """Predicted classes of one model.

        Args:
            name: Name of the model.
            clean: Whether to return the predictions on the clean images.

        Returns:
            Class indices (N,).
        """
        index = self._index_of(name)
        answers = (item.models[index] for item in self.items)
        return torch.tensor([int((answer.clean if clean else answer.distorted).argmax()) for answer in answers])

    def flipped(self, name: str) -> Tensor:
        """Whether each answer of one model changed.

        Args:
            name: Name of the model.

        Returns:
            Booleans (N,).
        """
        index = self._index_of(name)
        return torch.tensor([item.models[index].flipped for item in self.items])

    def to_dict(self, top: int = 3) -> dict[str, Any]:
        """All comparisons as a JSON object.

        Args:
            top: Number of classes listed per model and image.

        Returns:
            How often each model flipped, and every comparison.
        """
        return {
            "recipe": str(self.recipe),
            "n": len(self),
            "flipped": {name: int(self.flipped(name).sum()) for name in self.names},
            "warnings": list(self.warnings),
            "comparisons": [item.to_dict(top) for item in self.items],
        }

    def records(self) -> list[dict[str, Any]]:
        """All comparisons as rows of a table.

        Returns:
            One row per image and model; ``image`` counts from 0.
        """
        return [{"image": i, **row} for i, item in enumerate(self) for row in item.records()]

    def __str__(self) -> str:
        lines = [f"{counted(len(self), 'image')} under {self.recipe}, each with noise of its own"]
        for name in self.names:
            count = int(self.flipped(name).sum())
            lines.append(f"  {name}: {count} of {len(self)} answers flipped ({percent(count / len(self))})")
        return "\n".join([*lines, *(f"  Note: {warning}" for warning in self.warnings)])

    def _index_of(self, name: str) -> int:
        if name not in self.names:
            raise ExplorerError(f"{name!r} was not compared; there are {', '.join(self.names)}.")
        return self.names.index(name)
