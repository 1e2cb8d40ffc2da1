"""One distortion of one image over a grid of amounts: the curves of every model, from one batch per model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from explorer import images
from explorer.distortions import Recipe, Target, apply, find_distortion
from explorer.errors import ExplorerError
from explorer.models import Classifier, method_title
from explorer.probe import inputs, measures
from explorer.probe.compare import undistorted

AMOUNTS = 32  # points of a sweep over the whole slider


@dataclass(frozen=True, eq=False)
class Curves:
    """One model along the amounts. ``probabilities`` (A, K) float64; ``predictions`` (A,) indices into ``classes``.

    ``followed`` is the class whose probability is ``confidence`` (A,): the label where one was given, else the model's
    clean answer ``clean``. ``margin`` (A,): likeliest minus second likeliest. ``feature_distance`` (A,): L2 between the
    penultimate features and the clean ones. ``flip_point``: first amount of the grid, from its mild end, at which the
    answer differs from the clean one; None where it never does.
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

    def to_dict(self) -> dict[str, Any]:
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
        }


@dataclass(frozen=True, eq=False)
class Sweep:
    """``amounts`` run from the mild end to the strong one, in ``unit``; ``image_hash`` is that of the clean pixels."""

    distortion: str
    unit: str
    amounts: tuple[float, ...]
    recipe: Recipe
    image_hash: str
    models: tuple[Curves, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON object (only finite numbers, strings and null)."""
        return {
            "distortion": self.distortion,
            "unit": self.unit,
            "amounts": list(self.amounts),
            "recipe": str(self.recipe),
            "image_hash": self.image_hash,
            "models": [curves.to_dict() for curves in self.models],
        }


def with_amount(recipe: Recipe, distortion: str, amount: float) -> Recipe:
    """The recipe with that step at ``amount``: the last step of that name is changed, or a new one is appended."""
    steps = list(recipe.steps)
    places = [i for i, (name, _) in enumerate(steps) if name == distortion]
    if places:
        steps[places[-1]] = (distortion, amount)
    else:
        steps.append((distortion, amount))
    return replace(recipe, steps=tuple(steps))


def grid(distortion: str, side: int, points: int) -> tuple[float, ...]:
    """``points`` evenly spaced amounts over the slider's span for images of that side, from mild to strong."""
    mild, strong = find_distortion(distortion).span(side)
    return tuple(torch.linspace(mild, strong, points, dtype=torch.float64).tolist())


def render(image: Tensor, distortion: str, amounts: Iterable[float], recipe: Recipe, target: Target | None) -> Tensor:
    """The image (1, C, H, W) at every amount, (A, C, H, W). All share one seed, so the noise field is one, scaled."""
    return torch.cat([apply(with_amount(recipe, distortion, amount), image, target=target) for amount in amounts])


def sweep(
    models: Sequence[Classifier],
    image: Tensor,
    distortion: str,
    *,
    amounts: Sequence[float] | None = None,
    recipe: Recipe | None = None,
    label: int | None = None,
) -> Sweep:
    """The answers to the image (1, C, H, W) in [0, 1] at every amount of one distortion.

    ``amounts``: in the distortion's unit, from mild to strong; 32 over the slider's span where they are not given.
    The other steps of ``recipe`` stay as they are. Each model answers all amounts and the clean image in one batch,
    and every answer equals that of ``compare`` with that amount. ``label`` is the class to follow and to attack;
    without it each model's clean answer. Errors as in ``compare``, and for amounts out of the distortion's range.
    """
    recipe = Recipe() if recipe is None else recipe
    models = inputs.check_models(models)
    image = inputs.check_image(image, models[0])
    for model in models if label is not None else ():
        inputs.check_label(label, model)
    kind = find_distortion(distortion)
    points = grid(distortion, image.shape[-1], AMOUNTS) if amounts is None else tuple(map(float, amounts))
    if not points:
        raise ExplorerError("A sweep needs at least one amount.")
    probe = with_amount(recipe, distortion, kind.default)
    clean = undistorted(image, recipe.quantised)
    target = inputs.attack_target(probe, models, clean, None if label is None else torch.tensor([label]))
    pixels = torch.cat([clean, render(image, distortion, points, recipe, target)])
    curves = tuple(_curves(model, pixels, points, label) for model in models)
    return Sweep(distortion, kind.unit, points, recipe, images.image_hash(clean), curves)


def _curves(model: Classifier, pixels: Tensor, amounts: tuple[float, ...], label: int | None) -> Curves:
    logits, features = inputs.answer(model, pixels)
    penultimate = features["penultimate"].flatten(1).cpu().double()
    probability = measures.probabilities(logits)
    clean, *answers = logits.argmax(dim=1).tolist()
    followed = clean if label is None else label
    return Curves(
        name=model.name,
        title=method_title(model.method),
        method=model.method,
        classes=model.classes,
        clean=clean,
        followed=followed,
        probabilities=probability[1:],
        predictions=torch.tensor(answers, dtype=torch.int64),
        confidence=probability[1:, followed],
        margin=measures.margin(probability[1:]),
        feature_distance=torch.linalg.vector_norm(penultimate[1:] - penultimate[0], dim=1),
        flip_point=next((amount for amount, answer in zip(amounts, answers, strict=True) if answer != clean), None),
    )
