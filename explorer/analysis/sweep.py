"""One distortion of one image over a grid of amounts: the curves of every model, from one batch per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.analysis import measures
from explorer.analysis.request import issue, read_request
from explorer.analysis.varied import Tick, varied
from explorer.data import images
from explorer.data.inputs import PictureLike
from explorer.distortions import Recipe
from explorer.distortions.recipe import MAX_SEED
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike
from explorer.numbers import count_of, counted
from explorer.progress import Meter, Progress
from explorer.results import Result

AMOUNTS = 32  # points of a sweep over the whole slider
MAX_SEEDS = 100  # of a band
CURVES = ("confidence", "margin", "feature_distance")


@dataclass(frozen=True, eq=False)
class Spread:
    """One number per amount over several seeds.

    Attributes:
        mean: Mean, float64 (A,).
        low: Smallest, float64 (A,).
        high: Largest, float64 (A,).
    """

    mean: Tensor
    low: Tensor
    high: Tensor

    def to_dict(self) -> dict[str, list[float]]:
        """The spread as a JSON object.

        Returns:
            Lists by name.
        """
        return {"mean": self.mean.tolist(), "low": self.low.tolist(), "high": self.high.tolist()}


@dataclass(frozen=True, eq=False)
class Band:
    """The curves of several noises of the same strength.

    Attributes:
        seeds: Seeds of the noises.
        confidence: Spread of the confidence.
        margin: Spread of the margin.
        feature_distance: Spread of the feature distance.
        flip_points: Flip point of each seed, or None.
    """

    seeds: tuple[int, ...]
    confidence: Spread
    margin: Spread
    feature_distance: Spread
    flip_points: tuple[float | None, ...]

    @property
    def n(self) -> int:
        return len(self.seeds)

    def to_dict(self) -> dict[str, Any]:
        """The band as a JSON object.

        Returns:
            The object.
        """
        return {
            "n": self.n,
            "seeds": list(self.seeds),
            "confidence": self.confidence.to_dict(),
            "margin": self.margin.to_dict(),
            "feature_distance": self.feature_distance.to_dict(),
            "flip_points": list(self.flip_points),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Curves:
    """One model along the amounts. The curves are those of the recipe's own seed.

    Attributes:
        name: Name of the model.
        title: Title of its method.
        method: Its training method.
        classes: Its class names.
        clean: Index of its clean answer.
        followed: Index of the class whose probability is ``confidence``: the label if given, otherwise ``clean``.
        probabilities: float64 (A, K).
        predictions: Class indices (A,).
        confidence: Probability of the followed class (A,).
        margin: Likeliest minus second likeliest probability (A,).
        feature_distance: L2 distance of the penultimate features from the clean ones (A,).
        flip_point: First amount of the grid, from its mild end, at which the answer differs from the clean one; None if
            it never does.
        band: Spread over several seeds; None for one seed.
    """

    name: str
    title: str
    method: str
    classes: tuple[str, ...]
    clean: int
    followed: int
    probabilities: Tensor
    predictions: Tensor
    confidence: Tensor
    margin: Tensor
    feature_distance: Tensor
    flip_point: float | None
    band: Band | None = None

    def __repr__(self) -> str:
        flips = "never flips" if self.flip_point is None else f"flips at {self.flip_point:.4g}"
        some = "" if self.band is None else f" ({flips_of(self.band)} over {self.band.n} seeds)"
        return f"{self.name}: {flips}{some}, confidence {self.confidence[0]:.3f} → {self.confidence[-1]:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """The curves as a JSON object.

        Returns:
            The object.
        """
        return {
            "name": self.name,
            "title": self.title,
            "method": self.method,
            "classes": list(self.classes),
            "clean": self.classes[self.clean],
            "followed": self.classes[self.followed],
            "predictions": [self.classes[index] for index in self.predictions.tolist()],
            "confidence": self.confidence.tolist(),
            "margin": self.margin.tolist(),
            "feature_distance": self.feature_distance.tolist(),
            "probabilities": self.probabilities.tolist(),
            "flip_point": self.flip_point,
            "band": None if self.band is None else self.band.to_dict(),
        }


def flips_of(band: Band) -> str:
    """Say where the answer flips under noises of the same strength.

    Args:
        band: The band over several seeds.

    Returns:
        Words such as "at 0.04 to 0.06, 7 of 8".
    """
    found = sorted(point for point in band.flip_points if point is not None)
    if not found:
        return "never"
    where = f"{found[0]:.4g}" if found[0] == found[-1] else f"{found[0]:.4g} to {found[-1]:.4g}"
    return f"at {where}" + (f", {len(found)} of {band.n}" if len(found) < band.n else "")


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """The curves of several models while one distortion grows.

    Attributes:
        distortion: Name of the distortion.
        step_index: Index in ``recipe.steps`` of the varied step; their number if it was appended.
        unit: Unit of the amounts.
        amounts: Amounts from mild to strong.
        recipe: The recipe whose step was varied.
        image_hash: Hash of the clean pixels.
        models: One set of curves per model.
    """

    distortion: str
    step_index: int
    unit: str
    amounts: tuple[float, ...]
    recipe: Recipe
    image_hash: str
    models: tuple[Curves, ...]

    def to_dict(self) -> dict[str, Any]:
        """The sweep as a JSON object.

        Returns:
            Finite numbers, strings and None only.
        """
        return {
            "distortion": self.distortion,
            "step_index": self.step_index,
            "unit": self.unit,
            "amounts": list(self.amounts),
            "recipe": str(self.recipe),
            "image_hash": self.image_hash,
            "models": [curves.to_dict() for curves in self.models],
        }

    def records(self) -> list[dict[str, Any]]:
        """The sweep as rows of a table.

        Returns:
            One row per model and amount, with the band of each curve if there are several seeds.
        """
        return [
            {
                "model": curves.name,
                "title": curves.title,
                "method": curves.method,
                "distortion": self.distortion,
                "unit": self.unit,
                "amount": amount,
                "prediction": curves.classes[prediction],
                "flipped": prediction != curves.clean,
                "followed": curves.classes[curves.followed],
                **{name: float(getattr(curves, name)[i]) for name in CURVES},
                **({} if curves.band is None else _band_at(curves.band, i)),
            }
            for curves in self.models
            for i, (amount, prediction) in enumerate(zip(self.amounts, curves.predictions.tolist(), strict=True))
        ]

    def __str__(self) -> str:
        span = f"{self.amounts[0]:.4g} to {self.amounts[-1]:.4g} {self.unit}".rstrip()
        head = f"{self.distortion} from {span} in {counted(len(self.amounts), 'step')}, pixels {self.image_hash}"
        return "\n".join([head, *(f"  {curves!r}" for curves in self.models)])


def _band_at(band: Band, i: int) -> dict[str, float]:
    """The spread of every curve at the amount number ``i``."""
    return {
        f"{name}_{end}": float(getattr(getattr(band, name), end)[i])
        for name in CURVES
        for end in ("mean", "low", "high")
    }


def sweep(
    models: ModelsLike,
    image: PictureLike,
    distortion: str,
    *,
    amounts: Sequence[float] | None = None,
    recipe: Recipe | str | None = None,
    label: int | None = None,
    step_index: int | None = None,
    seeds: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """Vary the amount of one distortion and follow every model's answer.

    Each model answers all amounts and the clean image in one batch (large images in several), attacks are computed in
    batches too, and every answer equals that of ``compare`` with that amount.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``.
        image: One picture, as for ``compare``.
        distortion: The distortion that is varied.
        amounts: In the distortion's unit, from mild to strong; by default 32 over the slider's span.
        recipe: The steps that stay as they are, and the seed; by default none, and seed 0.
        label: Index of the class to follow and to attack; by default the class that a row of a data set brings, and
            else each model's clean answer.
        step_index: Index of the varied step in ``recipe.steps``; by default the last of that name, else a new one.
        seeds: 1 to 100; n asks for the band over the seeds recipe.seed, recipe.seed + 1, ... Where nothing in the chain
            is random there is one seed and no band.
        progress: Called with the number of images drawn and answered, and of all.

    Returns:
        The curves of every model, with its flip point on the grid.

    Raises:
        ExplorerError: As ``compare``, and if an amount or the number of seeds is out of range, or if the step at
            ``step_index`` is of another distortion.

    Examples:
        >>> import explorer
        >>> found = explorer.sweep("digits/lenet/standard", "digits:7", "contrast", amounts=[0.5, 0.3, 0.1])
        >>> found.models[0].to_dict()["predictions"]
        ['2', '2', '1']
        >>> found.models[0].flip_point
        0.1
    """
    request = read_request(models, image, Recipe() if recipe is None else recipe, label=label)
    issue(request.notes)
    chosen, recipe, label = request.models, request.recipe, request.label
    line = varied(chosen, request.pixels, distortion, recipe, step_index=step_index, label=label)
    points = line.grid(AMOUNTS) if amounts is None else tuple(line.distortion.check(amount) for amount in amounts)
    if not points:
        raise ExplorerError("A sweep needs at least one amount.")
    seeds = count_of(seeds, "The number of seeds", MAX_SEEDS)
    used = [(recipe.seed + i) % (MAX_SEED + 1) for i in range(seeds if line.is_random else 1)]
    meter = Meter(progress, len(used) * len(points) * (1 + len(chosen)) + len(chosen))
    runs: list[list[_Run]] = [[] for _ in chosen]
    for seed in used:
        pixels = line.render(points, meter.step, seed=seed)
        for model, done in zip(chosen, runs, strict=True):
            done.append(_run(model, pixels, line.clean, done[0] if done else None, label, meter.step))
    curves = tuple(_curves(model, done, points, used) for model, done in zip(chosen, runs, strict=True))
    return Sweep(
        distortion, line.step_index, line.distortion.unit, points, recipe, images.image_hash(line.clean), curves
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """One model's numbers for one seed: per amount (A, ...), and its clean answer and penultimate features (D,)."""

    clean: int
    followed: int
    origin: Tensor
    probabilities: Tensor
    predictions: Tensor
    margin: Tensor
    feature_distance: Tensor

    @property
    def confidence(self) -> Tensor:
        return self.probabilities[:, self.followed]

    def flip_point(self, amounts: Sequence[float]) -> float | None:
        changed = (self.predictions != self.clean).tolist()
        return next((amount for amount, flipped in zip(amounts, changed, strict=True) if flipped), None)


def _run(model: Classifier, pixels: Tensor, clean: Tensor, first: _Run | None, label: int | None, tick: Tick) -> _Run:
    """Ask about the pixels (A, C, H, W); the clean ones go along the first time."""
    logits, penultimate = _answers(model, torch.cat([clean, pixels]) if first is None else pixels, tick)
    if first is None:
        answer, origin = int(logits[0].argmax()), penultimate[0]
        followed = answer if label is None else label
        logits, penultimate = logits[1:], penultimate[1:]
    else:
        answer, followed, origin = first.clean, first.followed, first.origin
    probability = measures.probabilities(logits)
    return _Run(
        clean=answer,
        followed=followed,
        origin=origin,
        probabilities=probability,
        predictions=logits.argmax(dim=1),
        margin=measures.margin(probability),
        feature_distance=torch.linalg.vector_norm(penultimate - origin, dim=1),
    )


def _answers(model: Classifier, pixels: Tensor, tick: Tick) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and penultimate features (N, D), float64 on the CPU."""
    logits, penultimate = [], []
    for part in pixels.split(inputs.piece_size(pixels.shape[1:])):
        values, features = inputs.answer(model, part)
        logits.append(values)
        penultimate.append(features["penultimate"].flatten(1).cpu().double())
        tick(len(part))
    return torch.cat(logits), torch.cat(penultimate)


def _curves(model: Classifier, runs: Sequence[_Run], amounts: Sequence[float], seeds: Sequence[int]) -> Curves:
    first = runs[0]
    return Curves(
        name=model.name,
        title=model.card.title,
        method=model.method,
        classes=model.classes,
        clean=first.clean,
        followed=first.followed,
        probabilities=first.probabilities,
        predictions=first.predictions,
        confidence=first.confidence,
        margin=first.margin,
        feature_distance=first.feature_distance,
        flip_point=first.flip_point(amounts),
        band=None if len(runs) == 1 else _band(runs, amounts, seeds),
    )


def _band(runs: Sequence[_Run], amounts: Sequence[float], seeds: Sequence[int]) -> Band:
    return Band(
        seeds=tuple(seeds),
        confidence=_spread([run.confidence for run in runs]),
        margin=_spread([run.margin for run in runs]),
        feature_distance=_spread([run.feature_distance for run in runs]),
        flip_points=tuple(run.flip_point(amounts) for run in runs),
    )


def _spread(curves: Sequence[Tensor]) -> Spread:
    over = torch.stack(list(curves))
    low, high = over.aminmax(dim=0)
    return Spread(over.mean(dim=0), low, high)
