"""What comes out of a comparison: each model's answer, all of them on one image, and those on many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

import torch
from torch import Tensor

from explorer.analysis.measures import FeatureDistance, InputDistance
from explorer.distortions import Recipe
from explorer.errors import ExplorerError

TOP = 10  # classes listed by to_dict: all of a ten-class data set


@dataclass(frozen=True, eq=False)
class Answer:
    """What one model said. ``clean`` and ``distorted``: its probabilities (K,), float64, in the order of ``classes``.

    ``confidence``: probability of the likeliest class (0-1); ``margin``: that minus the second (0-1); ``entropy`` and
    ``kl`` = KL(clean || distorted) in nats; ``flipped``: the likeliest class differs from the clean one;
    ``feature_percentile``: where the penultimate L2 distance lies among distances between different clean test images
    (0-100), None where the model's card has no such table.
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

    def to_dict(self, top: int = TOP) -> dict[str, Any]:
        """The JSON object of one model; ``clean`` and ``distorted`` become the ``top`` likeliest classes, in order."""
        return {
            "name": self.name,
            "title": self.title,
            "method": self.method,
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
        }


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """``clean`` and ``distorted``: the pixels (1, C, H, W) all models saw; ``image_hash`` is of the distorted ones.

    ``models`` holds one Answer per model, in the order given. ``seconds`` says where the time went: ``distort``,
    ``infer`` and ``measure``; it is no part of ``to_dict``, which gives the same for the same question. ``warnings``:
    what was noticed about networks and images of one's own, one sentence each.
    """

    image_hash: str
    recipe: Recipe
    clean: Tensor
    distorted: Tensor
    input: InputDistance
    models: tuple[Answer, ...]
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()

    def to_dict(self, top: int = TOP) -> dict[str, Any]:
        """A JSON object (only finite numbers, strings, booleans and null)."""
        return {
            "image_hash": self.image_hash,
            "recipe": str(self.recipe),
            "input": self.input.to_dict(),
            "models": [answer.to_dict(top) for answer in self.models],
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }

    def __repr__(self) -> str:
        lines = [f"{self.recipe}: pixels {self.image_hash}"]
        for answer in self.models:
            before, after = (ranking(p, answer.classes, 1)[0] for p in (answer.clean, answer.distorted))
            change = " → ".join(f"{one['label']} ({100 * one['probability']:.1f} %)" for one in (before, after))
            lines.append(f"  {answer.name}: {change}, {'flipped' if answer.flipped else 'holds'}")
        return "\n".join([*lines, *(f"  Note: {warning}" for warning in self.warnings)])


def ranking(probability: Tensor, classes: Sequence[str], top: int) -> list[dict[str, Any]]:
    """The ``top`` likeliest classes of (K,) as {label, probability}, likeliest first; ties keep the classes' order."""
    values, order = probability.sort(descending=True, stable=True)
    pairs = zip(order[:top].tolist(), values[:top].tolist(), strict=True)
    return [{"label": classes[index], "probability": value} for index, value in pairs]


@dataclass(frozen=True, eq=False, repr=False)
class Comparisons(Sequence[Comparison]):
    """One Comparison per image, each with the recipe that gives its pixels again, and what was noticed.

    ``recipe`` is the one that was asked for; image i has the seed ``image_seed(recipe.seed, i)``, as in ``evaluate``.
    """

    items: tuple[Comparison, ...]
    recipe: Recipe
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Comparison: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Comparison, ...]: ...
    def __getitem__(self, index: int | slice) -> Comparison | tuple[Comparison, ...]:
        return self.items[index]

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names."""
        return tuple(answer.name for answer in self.items[0].models)

    def predictions(self, name: str, *, clean: bool = False) -> Tensor:
        """Index of the class that the model of that name takes for the likeliest, per image, (N,)."""
        place = self._place(name)
        answers = (item.models[place] for item in self.items)
        return torch.tensor([int((answer.clean if clean else answer.distorted).argmax()) for answer in answers])

    def flipped(self, name: str) -> Tensor:
        """Whether the answer of the model of that name changed, per image, bool (N,)."""
        place = self._place(name)
        return torch.tensor([item.models[place].flipped for item in self.items])

    def to_dict(self, top: int = 3) -> dict[str, Any]:
        """A JSON object: how often each model flipped, and every comparison with its ``top`` likeliest classes."""
        return {
            "recipe": str(self.recipe),
            "n": len(self),
            "flipped": {name: int(self.flipped(name).sum()) for name in self.names},
            "warnings": list(self.warnings),
            "comparisons": [item.to_dict(top) for item in self.items],
        }

    def __repr__(self) -> str:
        lines = [f"{len(self)} images under {self.recipe}, each with noise of its own"]
        for name in self.names:
            count = int(self.flipped(name).sum())
            lines.append(f"  {name}: {count} of {len(self)} answers flipped ({100 * count / len(self):.1f} %)")
        return "\n".join([*lines, *(f"  Note: {warning}" for warning in self.warnings)])

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise ExplorerError(f"{name!r} was not compared; there are {', '.join(self.names)}.")
        return self.names.index(name)
