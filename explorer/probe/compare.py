"""Several models answer the same clean and the same distorted pixels of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from explorer import images
from explorer.distortions import Recipe, apply
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.probe import inputs, measures
from explorer.probe.measures import FeatureDistance, InputDistance
from explorer.probe.varied import undistorted

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


@dataclass(frozen=True, eq=False)
class Comparison:
    """``clean`` and ``distorted``: the pixels (1, C, H, W) all models saw; ``image_hash`` is of the distorted ones.

    ``models`` holds one Answer per model, in the order given. ``seconds`` says where the time went: ``distort``,
    ``infer`` and ``measure``; it is no part of ``to_dict``, which gives the same for the same question.
    """

    image_hash: str
    recipe: Recipe
    clean: Tensor
    distorted: Tensor
    input: InputDistance
    models: tuple[Answer, ...]
    seconds: dict[str, float]

    def to_dict(self, top: int = TOP) -> dict[str, Any]:
        """A JSON object (only finite numbers, strings, booleans and null)."""
        return {
            "image_hash": self.image_hash,
            "recipe": str(self.recipe),
            "input": self.input.to_dict(),
            "models": [answer.to_dict(top) for answer in self.models],
        }


def ranking(probability: Tensor, classes: Sequence[str], top: int) -> list[dict[str, Any]]:
    """The ``top`` likeliest classes of (K,) as {label, probability}, likeliest first; ties keep the classes' order."""
    values, order = probability.sort(descending=True, stable=True)
    pairs = zip(order[:top].tolist(), values[:top].tolist(), strict=True)
    return [{"label": classes[index], "probability": value} for index, value in pairs]


@dataclass(frozen=True, eq=False)
class CleanPass:
    """What some models said of an undistorted image (1, C, H, W): made once, used for all its distortions."""

    pixels: Tensor
    answers: dict[str, tuple[Classifier, Tensor, dict[str, Tensor]]]

    def of(self, model: Classifier, pixels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits (1, K) and features of this model; ExplorerError where another model or another image was passed."""
        if not torch.equal(pixels, self.pixels):
            raise ExplorerError(
                "The clean pass was made for other pixels; make one for this image with clean_pass(models, image)."
            )
        passed, logits, features = self.answers.get(model.name, (None, None, None))
        if passed is not model or logits is None or features is None:
            raise ExplorerError(f"The clean pass does not hold {model.name}; make one with clean_pass(models, image).")
        return logits, features


def clean_pass(models: Sequence[Classifier], image: Tensor, *, quantised: bool = True) -> CleanPass:
    """The models' answers to the undistorted image, so that ``compare(..., clean=)`` pays for the distorted one only.

    ``quantised`` must be that of the recipes to come: whether pixels are rounded to 8 bits. Errors as in ``compare``.
    """
    models = inputs.check_models(models)
    pixels = undistorted(inputs.check_image(image, models[0]), quantised)
    return CleanPass(pixels, {model.name: (model, *inputs.answer(model, pixels)) for model in models})


def pinned_pass(models: Sequence[Classifier], image: Tensor, recipe: Recipe, *, label: int | None = None) -> CleanPass:
    """The models' answers to a distorted image, for ``compare(..., reference=)``: one state pinned, others held to it.

    Arguments and errors as in ``compare``.
    """
    distorted = compare(models, image, recipe, label=label).distorted
    return clean_pass(models, distorted, quantised=recipe.quantised)


def compare(
    models: Sequence[Classifier],
    image: Tensor,
    recipe: Recipe,
    *,
    label: int | None = None,
    clean: CleanPass | None = None,
    reference: CleanPass | None = None,
) -> Comparison:
    """What each model says of the clean and of the distorted image (1, C, H, W) in [0, 1].

    The distorted pixels are made once, on the CPU, and every model sees those very bytes: in one batch of two with
    the clean ones, or alone where ``clean`` holds the clean answers already. With a ``reference``, the answers to any
    pixels (``clean_pass(models, pixels, quantised=False)``), everything is compared with those instead of with the
    image's own undistorted ones: ``clean`` in the result then means the reference. Adversarial steps are computed
    against the model that ``recipe.against`` names, away from the class ``label``, or from that model's answer to the
    undistorted image where it is None. ExplorerError where models differ in input size or channels, share a name, are
    in training mode or answer with something that is not a number, where the image does not fit or leaves [0, 1],
    where ``against`` names none of them, and where ``clean`` or ``reference`` was made for others.
    """
    models = inputs.check_models(models)
    image = inputs.check_image(image, models[0])
    for model in models if label is not None else ():
        inputs.check_label(label, model)
    started = perf_counter()
    pixels = undistorted(image, recipe.quantised)
    target = inputs.attack_target(recipe, models, pixels, None if label is None else torch.tensor([label]))
    distorted = apply(recipe, image, target=target)
    if reference is not None:
        if reference.pixels.shape != image.shape:
            raise ExplorerError(
                f"The reference is a picture of shape {tuple(reference.pixels.shape[1:])} and the image one of "
                f"{tuple(image.shape[1:])}; pictures that are compared must have one size."
            )
        clean, pixels = reference, reference.pixels
    made = perf_counter()
    pairs = [_ask(model, pixels, distorted, clean) for model in models]
    asked = perf_counter()
    numbers = _numbers([logits for logits, _, _ in pairs])
    answers = tuple(_answer(*parts) for parts in zip(models, numbers, pairs, strict=True))
    distance = measures.input_distance(pixels, distorted)
    image_hash = images.image_hash(distorted)
    seconds = {"distort": made - started, "infer": asked - made, "measure": perf_counter() - asked}
    return Comparison(image_hash, recipe, pixels, distorted, distance, answers, seconds)


Features = dict[str, Tensor]


def _ask(
    model: Classifier, pixels: Tensor, distorted: Tensor, clean: CleanPass | None
) -> tuple[Tensor, Features, Features]:
    """Logits (2, K), clean first, and the features (1, ...) of the clean and of the distorted image."""
    if clean is None:
        logits, features = inputs.answer(model, torch.cat([pixels, distorted]))
        return logits, {k: v[:1] for k, v in features.items()}, {k: v[1:] for k, v in features.items()}
    logits_clean, before = clean.of(model, pixels)
    logits, after = inputs.answer(model, distorted)
    return torch.cat([logits_clean, logits]), before, after


def _numbers(logits: list[Tensor]) -> list[dict[str, Any]]:
    """What follows from each model's logits (2, K), clean first; models with equally many classes in one go."""
    if len({pair.shape for pair in logits}) > 1:
        return [numbers for pair in logits for numbers in _numbers([pair])]
    log_p = measures.log_probabilities(torch.stack(logits))
    p = log_p.exp()
    table = torch.stack([measures.confidence(p), measures.margin(p), measures.entropy(log_p)], dim=-1).tolist()
    kl = measures.kl(log_p[:, 0], log_p[:, 1]).tolist()
    likeliest = log_p.argmax(dim=-1).tolist()
    return [
        {
            "clean": p[i, 0],
            "distorted": p[i, 1],
            "flipped": likeliest[i][0] != likeliest[i][1],
            "confidence": after[0],
            "confidence_clean": before[0],
            "margin": after[1],
            "margin_clean": before[1],
            "entropy": after[2],
            "entropy_clean": before[2],
            "kl": kl[i],
        }
        for i, (before, after) in enumerate(table)
    ]


def _answer(model: Classifier, numbers: dict[str, Any], pair: tuple[Tensor, Features, Features]) -> Answer:
    distance = measures.feature_distances(pair[1], pair[2])
    return Answer(
        name=model.name,
        title=model.card.title,
        method=model.method,
        classes=model.classes,
        feature_distance=distance,
        feature_percentile=_percentile(model, distance),
        **numbers,
    )


def _percentile(model: Classifier, distance: dict[str, FeatureDistance]) -> float | None:
    quantiles = model.card.reference.get("penultimate")
    if not quantiles or "penultimate" not in distance:
        return None
    return measures.percentile(distance["penultimate"].l2, quantiles)
