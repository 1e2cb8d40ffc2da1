"""Several models answer the same clean and the same distorted pixels of one image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, overload

import torch
from torch import Tensor, nn

from explorer.analysis import measures
from explorer.analysis.answers import Answer, Comparison, Comparisons
from explorer.analysis.arguments import read
from explorer.analysis.measures import FeatureDistance
from explorer.analysis.varied import undistorted
from explorer.data import images
from explorer.distortions import Recipe, apply
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Meter, Progress


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


@overload
def compare(
    models: Sequence[Classifier],
    image: Tensor,
    recipe: Recipe,
    /,
    *,
    label: int | None = None,
    clean: CleanPass | None = None,
    reference: CleanPass | None = None,
) -> Comparison: ...
@overload
def compare(
    *nets_then_images: Any,
    recipe: Recipe | str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    size: int | None = None,
    label: int | Sequence[int] | Tensor | None = None,
    progress: Progress | None = None,
) -> Any: ...  # a Comparison of one image, Comparisons of several
def compare(
    *given: Any,
    recipe: Recipe | str | None = None,
    label: Any = None,
    clean: CleanPass | None = None,
    reference: CleanPass | None = None,
    progress: Progress | None = None,
    **own: Any,
) -> Comparison | Comparisons:
    """What each model says of the clean and of the distorted image (1, C, H, W) in [0, 1].

    ``compare([model, other], image, recipe)``, for loaded models: the distorted pixels are made once, on the CPU, and
    every model sees those very bytes: in one batch of two with the clean ones, or alone where ``clean`` holds the clean
    answers already. With a ``reference``, the answers to any pixels (``clean_pass(models, pixels, quantised=False)``),
    everything is compared with those instead of with the image's own undistorted ones: ``clean`` in the result then
    means the reference. Adversarial steps are computed against the model that ``recipe.against`` names, away from the
    class ``label``, or from that model's answer to the undistorted image where it is None. ExplorerError where models
    differ in input size or channels, share a name, are in training mode or answer with something that is not a number,
    where the image does not fit or leaves [0, 1], where ``against`` names none of them, and where ``clean`` or
    ``reference`` was made for others.

    ``compare(my_net, other_net, images, recipe="jpeg=20", mean=..., std=...)``, for networks of one's own: any
    ``torch.nn.Module`` that gives logits (N, K), loaded models or names of shipped ones among them; one by one, in a
    list, or as {name: network}. ``mean`` and ``std`` (default none), ``classes`` and ``names`` are those of the own
    networks (``explorer.models.wrap``). ``images``: what ``explorer.data.batches.read_images`` reads; pictures are
    fitted to the loaded models or to ``size`` px. The recipe defaults to the app's first screen. One image gives a
    Comparison; several give Comparisons, image i distorted with the seed ``image_seed(recipe.seed, i)``, and then
    ``label`` is one class index per image and ``progress`` counts images.

    What is noticed about own networks is a warning where an answer can still be had: it stands in the result's
    ``warnings`` and is issued as an ExplorerWarning. So with training mode (asked in eval mode, put back as it was),
    softmax and log-softmax outputs (used as the probabilities they are), sigmoid outputs, answers that depend on chance
    or on the batch, different classes, images almost black, pictures that were fitted. It is an ExplorerError where
    there is no answer: values outside [0, 1] (0 to 255, normalised already), a size or channels that a network does not
    take, outputs that are not finite or not (N, K), and what is no network or no image.
    """
    if len(given) == 3 and recipe is None and not own and progress is None and _is_loaded(*given):
        return _compare(*given, label=label, clean=clean, reference=reference)
    if clean is not None or reference is not None:
        raise ExplorerError("clean and reference go with loaded models: compare([model], image, recipe, clean=...).")
    if unknown := sorted(set(own) - {"mean", "std", "classes", "names", "size"}):
        raise TypeError(f"compare() got an unexpected keyword argument {unknown[0]!r}")
    asked = read(given, recipe, label=label, **{**dict.fromkeys(("mean", "std", "classes", "names", "size")), **own})
    for sentence in asked.warnings:
        warnings.warn(sentence, ExplorerWarning, stacklevel=2)
    meter = Meter(progress, len(asked.images))
    found = []
    for image, own_recipe, own_label in zip(asked.images.split(1), asked.recipes, asked.labels, strict=True):
        found.append(replace(_compare(asked.models, image, own_recipe, label=own_label), warnings=asked.warnings))
        meter.step()
    return Comparisons(tuple(found), asked.recipe, asked.warnings) if asked.several else found[0]


def _is_loaded(models: Any, image: Any, recipe: Any) -> bool:
    """Whether these are a list without networks of one's own, and a recipe."""
    return (
        isinstance(recipe, Recipe)
        and isinstance(models, (list, tuple))
        and all(hasattr(model, "answer") or not isinstance(model, nn.Module) for model in models)
    )


def _compare(
    models: Sequence[Classifier],
    image: Tensor,
    recipe: Recipe,
    *,
    label: int | None = None,
    clean: CleanPass | None = None,
    reference: CleanPass | None = None,
) -> Comparison:
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
