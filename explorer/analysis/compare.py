"""Several models answer the same clean and the same distorted pixels of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeVar, overload

import torch
from torch import Tensor

from explorer.analysis import measures
from explorer.analysis.answers import Answer, Comparison, Comparisons
from explorer.analysis.doubt import Threshold
from explorer.analysis.measures import FeatureDistance
from explorer.analysis.request import ComparisonRequest, Labels, issue, read_requests
from explorer.analysis.varied import undistorted
from explorer.data.datasets import Dataset
from explorer.data.images import image_hash
from explorer.data.inputs import Array, ImagesLike, Named, PictureLike
from explorer.distortions import Recipe, apply, find_distortion
from explorer.distortions.adversarial import objective_of, slope
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike
from explorer.progress import Meter, Progress


@dataclass(frozen=True, eq=False)
class CleanPass:
    """Answers of several models to one undistorted image, made once and used for all its distortions.

    Attributes:
        pixels: The image (1, C, H, W) in [0, 1].
        answers: Model, logits (1, K) and features by name.
    """

    pixels: Tensor
    answers: dict[str, tuple[Classifier, Tensor, dict[str, Tensor]]]

    def of(self, model: Classifier, pixels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The stored answers of one model.

        Args:
            model: The model.
            pixels: The clean pixels they are wanted for.

        Returns:
            Logits (1, K) and features by layer.

        Raises:
            ExplorerError: If the pass was made for another image or without this model.
        """
        if not torch.equal(pixels, self.pixels):
            raise ExplorerError(
                "The clean pass was made for other pixels; make one for this image with clean_pass(models, image)."
            )
        passed, logits, features = self.answers.get(model.name, (None, None, None))
        if passed is not model or logits is None or features is None:
            raise ExplorerError(f"The clean pass does not hold {model.name}; make one with clean_pass(models, image).")
        return logits, features


def clean_pass(models: Sequence[Classifier], image: Tensor, *, quantised: bool = True) -> CleanPass:
    """Answer the undistorted image once, so that ``compare_image`` pays for the distorted one only.

    Args:
        models: Models of one input size.
        image: (1, C, H, W) in [0, 1].
        quantised: Whether the recipes to come round to 8 bits.

    Returns:
        The answers.

    Raises:
        ExplorerError: As in ``compare``.
    """
    models = inputs.check_models(models)
    return _pass(models, undistorted(inputs.check_image(image, models[0]), quantised))


def _pass(models: Sequence[Classifier], pixels: Tensor) -> CleanPass:
    return CleanPass(pixels, {model.name: (model, *inputs.answer(model, pixels)) for model in models})


def pinned_pass(models: Sequence[Classifier], image: Tensor, recipe: Recipe, *, label: int | None = None) -> CleanPass:
    """Answer a distorted image, so that other states can be compared with it.

    Args:
        models: Models of one input size.
        image: (1, C, H, W) in [0, 1].
        recipe: The distortion of the pinned state.
        label: Index of the true class if known; attacks move away from it.

    Returns:
        The answers, for ``compare_image(..., reference=)``.

    Raises:
        ExplorerError: As in ``compare``.
    """
    distorted = compare_image(models, image, recipe, label=label).distorted
    return clean_pass(models, distorted, quantised=recipe.quantised)


P = TypeVar("P", bound=PictureLike)
Reference = str | Comparison
"""A state to compare with: ``picture|recipe``, or a comparison whose distorted pixels are meant."""


@overload
def compare(
    models: ModelsLike | None = None,
    images: Named | None = None,
    recipe: Recipe | str | None = None,
    *,
    label: int | None = None,
    reference: Reference | None = None,
    doubt: Threshold | str | None = None,
    progress: Progress | None = None,
) -> Comparison: ...
@overload
def compare(
    models: ModelsLike | None,
    images: list[P] | tuple[P, ...] | Dataset,
    recipe: Recipe | str | None = None,
    *,
    label: Labels | None = None,
    reference: None = None,
    doubt: Threshold | str | None = None,
    progress: Progress | None = None,
) -> Comparisons: ...
@overload
def compare(
    models: ModelsLike | None,
    images: Tensor | Array,
    recipe: Recipe | str | None = None,
    *,
    label: Labels | None = None,
    reference: Reference | None = None,
    doubt: Threshold | str | None = None,
    progress: Progress | None = None,
) -> Comparison | Comparisons: ...
def compare(
    models: ModelsLike | None = None,
    images: ImagesLike | None = None,
    recipe: Recipe | str | None = None,
    *,
    label: Labels | None = None,
    reference: Reference | None = None,
    doubt: Threshold | str | None = None,
    progress: Progress | None = None,
) -> Comparison | Comparisons:
    """Ask several models about the same clean and the same distorted pixels.

    The distorted pixels are made once, on the CPU, and every model sees those very bytes. Without arguments this is
    what the app shows first.

    Args:
        models: A shipped model's name, the path of a checkpoint, a ``Classifier`` or any ``torch.nn.Module`` that gives
            logits (N, K); one, a list, or {name: model}. ``explorer.wrap`` says how a network of your own normalises,
            and what its classes are called.
        images: A bundled photograph (``"cat"``), a row of a data set (``"digits:7"``), a path, bytes, an open file, a
            Pillow image, an array or a tensor in [0, 1]; or many: a batch (N, C, H, W), a list, a ``Dataset``, or the
            (images, labels) that a DataLoader gives. Photographs are fitted to the models, pixels are taken as they
            are.
        recipe: The distortions and the seed, a ``Recipe`` or its text; by default ``gaussian_noise=0.1;seed=0``.
        label: Index of the true class, or one per image: attacks lead away from it. By default the class that a row or
            a ``Dataset`` brings, and else each attacked model's own answer to the clean image.
        reference: A state to compare with in place of the clean image, ``"cat|jpeg=30;seed=0"``, or a ``Comparison``
            whose distorted pixels are meant.
        doubt: A score and how much of it is too much, such as ``"entropy=0.5"``: every answer is then told to be relied
            on or unsure (``explorer.analysis.doubt``).
        progress: Called with the number of images that are done, and of all.

    Returns:
        A ``Comparison`` for one picture that is named or loaded; ``Comparisons`` for a list, a ``Dataset`` and what a
        DataLoader gives, image i distorted with the seed ``image_seed(recipe.seed, i)``. The type of an array or a
        tensor does not tell how many images it holds: one gives a ``Comparison``, more give ``Comparisons``, and a type
        checker sees either. A list of one tensor always gives ``Comparisons``.

    Raises:
        ExplorerError: Where there is no answer, in one sentence: values outside [0, 1], a size that a network does not
            take, models that take different pixels or share a name, outputs that are not finite or not (N, K), an
            attack on a model that is not among them, and what is not a model, an image or a recipe.

    Findings that do not prevent an answer are in the result's ``warnings`` and are issued as an
    ``ExplorerWarning``: training mode (a copy in eval mode answers), softmax and log-softmax outputs (used
    as the probabilities they are), sigmoid outputs, answers that depend on chance or on the batch, different classes,
    images almost black, photographs of your own that were fitted.

    Examples:
        >>> import explorer
        >>> models = ["digits/lenet/standard", "digits/lenet/stability"]
        >>> found = explorer.compare(models, "digits:7", "contrast=0.2")
        >>> [answer.flipped for answer in found.models]
        [True, False]
        >>> len(explorer.compare(models, ["digits:7", "digits:8"], "gaussian_noise=0.2;seed=7"))
        2
    """
    limit = Threshold.parse(doubt) if isinstance(doubt, str) else doubt
    requests = read_requests(
        models, images, recipe, label=label, reference=reference if isinstance(reference, str) else None
    )
    issue(requests.notes)
    first = requests.items[0]
    pinned = None
    if isinstance(reference, Comparison):
        pinned = _pass(first.models, reference.distorted)
    elif first.reference is not None:
        state = first.reference
        pinned = pinned_pass(state.models, state.pixels, state.recipe, label=state.label)
    elif reference is not None:
        raise ExplorerError(f"Expected a reference such as 'cat|jpeg=30;seed=0', got {type(reference).__name__}.")
    meter = Meter(progress, len(requests.items))
    found, later = [], dict[str, None]()
    for item in requests.items:
        answer = _compare(item.models, item.pixels, item.recipe, label=item.label, reference=pinned, doubt=limit)
        notes = _zero_gradient(item, answer.distorted)
        later |= dict.fromkeys(notes)
        found.append(replace(answer, warnings=(*requests.notes, *notes)))
        meter.step()
    issue(tuple(later))
    return Comparisons(tuple(found), requests.recipe, (*requests.notes, *later)) if requests.several else found[0]


def _zero_gradient(request: ComparisonRequest, distorted: Tensor) -> list[str]:
    """One sentence if the recipe's attacks changed nothing because the attacked model gives them no gradient."""
    recipe = request.recipe
    steps = [(find_distortion(name), amount) for name, amount in recipe.steps]
    active = [(step, amount) for step, amount in steps if amount != step.identity]
    if not active or not all(step.adversarial and amount >= 1 / 255 for step, amount in active):
        return []
    pixels = undistorted(request.pixels, recipe.quantised)
    if not torch.equal(distorted, pixels):
        return []
    label = None if request.label is None else torch.tensor([request.label])
    target = inputs.attack_target(recipe, request.models, pixels, label)
    if target is None or bool(slope(pixels, target, objective_of(active[0][0].name)).any()):
        return []
    return [f"The gradient of {recipe.against} is zero at this picture: that this attack fails proves nothing."]


def compare_image(
    models: Sequence[Classifier],
    image: Tensor,
    recipe: Recipe,
    *,
    label: int | None = None,
    clean: CleanPass | None = None,
    reference: CleanPass | None = None,
    doubt: Threshold | None = None,
) -> Comparison:
    """``compare`` for loaded models and one fitted image, for callers who ask again and again.

    Args:
        models: Loaded models that take the same pixels.
        image: float32 (1, C, H, W) in [0, 1], as the models take it.
        recipe: The distortions and the seed.
        label: Index of the true class; None for the attacked model's own answer to the clean image.
        clean: The models' answers to the undistorted image, made before by ``clean_pass``.
        reference: Their answers to the pixels to compare with in place of the undistorted ones.
        doubt: How much doubt is too much.

    Returns:
        The comparison; ``clean`` in it means the reference where there is one.

    Raises:
        ExplorerError: As ``compare``; and where ``clean`` or ``reference`` was made for other models or pixels.
    """
    models = inputs.check_models(models)
    image = inputs.check_image(image, models[0])
    for model in models if label is not None else ():
        inputs.check_label(label, model)
    return _compare(models, image, recipe, label=label, clean=clean, reference=reference, doubt=doubt)


def _compare(
    models: Sequence[Classifier],
    image: Tensor,
    recipe: Recipe,
    *,
    label: int | None = None,
    clean: CleanPass | None = None,
    reference: CleanPass | None = None,
    doubt: Threshold | None = None,
) -> Comparison:
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
    answered = perf_counter()
    numbers = _numbers([logits for logits, _, _ in pairs])
    answers = tuple(_answer(*parts) for parts in zip(models, numbers, pairs, strict=True))
    if doubt is not None:
        judged = (doubt.judge(model, pixels, distorted, pair[0]) for model, pair in zip(models, pairs, strict=True))
        answers = tuple(replace(one, doubt=found) for one, found in zip(answers, judged, strict=True))
    distance = measures.input_distance(pixels, distorted)
    hashed = image_hash(distorted)
    seconds = {"distort": made - started, "infer": answered - made, "measure": perf_counter() - answered}
    return Comparison(hashed, recipe, pixels, distorted, distance, answers, seconds)


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
        card=model.card,
        **numbers,
    )


def _percentile(model: Classifier, distance: dict[str, FeatureDistance]) -> float | None:
    quantiles = model.card.reference.get("penultimate")
    if not quantiles or "penultimate" not in distance:
        return None
    return measures.percentile(distance["penultimate"].l2, quantiles)
