"""Checks of models, images and labels, the attacked model, and forward passes in pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from explorer.data.dataset import Dataset
from explorer.data.fitting import CENTRE
from explorer.data.inputs import as_batch
from explorer.data.published import CIFAR10_CLASSES
from explorer.distortions import Recipe, Target, find_distortion
from explorer.errors import ExplorerError
from explorer.models import Classifier, folding
from explorer.models.classifier import EXTERNAL
from explorer.models.gradients import check_gradients
from explorer.models.views import of_photographs, of_window
from explorer.numbers import counted

T = TypeVar("T")

BATCH_VALUES = 2**22  # pixel values in one batch where a whole data set is cut into batches

# What is asked about one image is cut into pieces of about 30 ms for a CIFAR-size network on one core, between which a
# caller may pause or cancel. The sizes depend on the image alone, never on the clock or on whether progress is asked
# for: the same question gives the same numbers everywhere.
PIECE_VALUES = 2**16  # pixel values in one piece of forward passes
DRAWN_VALUES = 2**15  # the same where pixels are distorted or attacked


def check_models(models: Sequence[Classifier]) -> tuple[Classifier, ...]:
    """Check models that are to see the same pixels.

    Args:
        models: Loaded models.

    Returns:
        The models.

    Raises:
        ExplorerError: If there are none, if one is not a loaded model or is in training mode, if two share a name, or
            if their inputs differ.
    """
    checked = _each_checked(models)
    _check_inputs(checked)
    return checked


def check_together(
    models: Sequence[Classifier], *, photographs: bool = False, window: tuple[float, float] = CENTRE
) -> tuple[Classifier, ...]:
    """Check models that are to see the same pictures, also those of different input sizes.

    Args:
        models: Loaded models.
        photographs: Whether they are given photographs of any size; otherwise what the first one takes.
        window: Which part of a photograph each is given, as shares in [0, 1] of the free room across and down.

    Returns:
        The models, or views of them that bring what they are given to their own input.

    Raises:
        ExplorerError: As ``check_models``, but for inputs of other sizes.
    """
    checked = _each_checked(models)
    for model in checked:
        folding.reread(model)
    if photographs:
        return tuple(of_photographs(model, window) for model in checked)
    checked = (checked[0], *(of_window(model, checked[0]) for model in checked[1:]))
    _check_inputs(checked)
    return checked


def _each_checked(models: Sequence[Classifier]) -> tuple[Classifier, ...]:
    """The models, each of them loaded, in eval mode and with a name of its own."""
    if isinstance(models, nn.Module):
        raise ExplorerError("Models must be a list, even if there is only one: [model].")
    models = tuple(models)
    if not models:
        raise ExplorerError(
            "No model was given; give at least one, for example explorer.load_model('digits/lenet/standard')."
        )
    for model in models:
        if not hasattr(model, "answer"):
            raise ExplorerError(f"{model!r} is not a loaded model; load it with explorer.load_model.")
        if _in_training(model):
            raise ExplorerError(
                f"{model.name} is in training mode, so its answers depend on the batch; call model.eval() first."
            )
    names = [model.name for model in models]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ExplorerError(f"{', '.join(twice)} was given more than once; each model needs a name of its own.")
    return models


def _check_inputs(models: Sequence[Classifier]) -> None:
    first = models[0]
    for model in models[1:]:
        if not model.any_size and (model.size, model.channels) != (first.size, first.channels):
            raise ExplorerError(
                f"{first.name} takes {_input(first)} and {model.name} takes {_input(model)}; "
                "models that are compared must take the same pixels."
            )


def labelled(data: Dataset, models: Sequence[Classifier]) -> Dataset:
    """A data set with the classes of models, found by name: wherever labelled images meet a model.

    Args:
        data: The labelled images.
        models: The models.

    Returns:
        The data set, its labels counting in the first model's classes, which mean the same to every other model.

    Raises:
        ExplorerError: If a class of the data set is not among a model's, or two models count theirs differently.
    """
    found = [data.matched(model.classes, model.name, guessed=_guessed(model)) for model in models]
    for model, one in zip(models, found, strict=True):
        if not np.array_equal(one.labels, found[0].labels):
            raise ExplorerError(
                f"{models[0].name} and {model.name} know the classes of {data.name} in different orders; measure one "
                "after the other."
            )
    return found[0]


def _guessed(model: Classifier) -> bool:
    """Whether the model's classes were never named: ten answers to colour images are taken for CIFAR-10's."""
    return model.card.data == EXTERNAL and model.classes == CIFAR10_CLASSES


def _in_training(module: nn.Module) -> bool:
    parts: list[nn.Module | None] = [module]
    while parts:  # modules() does the same in five times the time, which would show in a live view
        part = parts.pop()
        if part is not None:
            if part.training:
                return True
            parts += part._modules.values()  # noqa: SLF001
    return False


def _input(model: Classifier) -> str:
    return f"{model.size} x {model.size} px with {counted(model.channels, 'channel')}"


def check_image(image: Tensor, model: Classifier) -> Tensor:
    """Check one image.

    Args:
        image: Pixels (1, C, H, W) in [0, 1].
        model: A model that is to take it as it is.

    Returns:
        The image as float32 on the CPU.

    Raises:
        ExplorerError: If its shape, its size or the range of its values does not fit.
    """
    pixels = as_batch(image)
    if len(pixels) != 1:
        raise ExplorerError(f"Expected one image, (1, C, H, W), got shape {tuple(image.shape)}.")
    check_size(pixels, model)
    return pixels


def check_size(pixels: Tensor, model: Classifier) -> None:
    """Check the size of images.

    Args:
        pixels: Images (N, C, H, W).
        model: A model that is to take them as they are.

    Raises:
        ExplorerError: If the size or the number of channels is not that of the model's input.
    """
    if not model.any_size and tuple(pixels.shape[1:]) != (model.channels, model.size, model.size):
        _, channels, height, width = pixels.shape
        raise ExplorerError(
            f"The image is {width} x {height} px with {counted(channels, 'channel')} but "
            f"{model.name} takes {_input(model)}; fit it with explorer.fit(image, {model.size}, {model.channels})."
        )


def check_label(label: int | None, model: Classifier) -> None:
    """Refuse a label that is not a class of a model.

    Args:
        label: Index of a class, or None.
        model: The model.

    Raises:
        ExplorerError: If the model has no such class.
    """
    if label is not None and not 0 <= label < len(model.classes):
        raise ExplorerError(
            f"The label {label} is not a class of {model.name}; expected 0 to {len(model.classes) - 1}."
        )


def attack_target(recipe: Recipe, models: Sequence[Classifier], clean: Tensor, labels: Tensor | None) -> Target | None:
    """Find what a recipe's attacks are computed against.

    Args:
        recipe: The recipe; ``recipe.against`` names the attacked model.
        models: The models it may name.
        clean: Undistorted images (N, C, H, W).
        labels: True classes (N,); None attacks the model's own answers to ``clean``.

    Returns:
        The target; None if the recipe has no attack.

    Raises:
        ExplorerError: If ``recipe.against`` names none of the models.
    """
    adversarial = [name for name, _ in recipe.steps if find_distortion(name).adversarial]
    if not adversarial:
        return None
    by_name = {model.name: model for model in models}
    model = by_name.get(recipe.against or "")
    if model is None:
        given = f"names {recipe.against!r}" if recipe.against else "names none"
        raise ExplorerError(
            f"{adversarial[0]} is computed against one of the models shown, but the recipe {given}; "
            f"set against={'|'.join(by_name)} in it."
        )
    if model.any_size:
        raise ExplorerError(
            f"{adversarial[0]} is computed against {model.name}, which is shown another model's input; name the first "
            f"model, or {model.name} alone."
        )
    return target_of(model, predictions(model, clean) if labels is None else labels)


def target_of(model: Classifier, labels: Tensor) -> Target:
    """Make a model the target of an attack.

    Args:
        model: The model.
        labels: Classes (N,) to move away from.

    Returns:
        The target.

    Raises:
        ExplorerError: If the model has no gradients.
    """
    check_gradients(model, "attacked")

    def logits(x: Tensor) -> Tensor:
        found: Tensor = model(x.to(model.device))
        return found.to(x.device)

    return Target(logits, labels, alone=model.device.type == "cpu")


def check_logits(model: Classifier, logits: Tensor) -> Tensor:
    """Check a model's logits.

    Args:
        model: The model, for the error.
        logits: Logits (N, K).

    Returns:
        The logits as float64 on the CPU.

    Raises:
        ExplorerError: If one is not finite.
    """
    logits = logits.cpu().double()
    if not bool(torch.isfinite(logits).all()):
        raise ExplorerError(
            f"{model.name} gave logits that are not finite numbers; its weights are damaged or it overflowed."
        )
    return logits


def answer(model: Classifier, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Run one forward pass.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        Logits (N, K), float64 on the CPU, and features by layer on the model's device.
    """
    with torch.inference_mode():
        logits, features = folding.answer(model, x.to(model.device))
    return check_logits(model, logits), features


def logits(model: Classifier, x: Tensor) -> Tensor:
    """Logits of any number of images; large batches are cut into pieces.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        Logits (N, K), float64 on the CPU.
    """
    parts = []
    for part in x.split(batch_size(x.shape[1:], model.device)):
        with torch.inference_mode():
            found = folding.logits(model, part.to(model.device))
        parts.append(check_logits(model, found))
    return torch.cat(parts)


def predictions(model: Classifier, x: Tensor) -> Tensor:
    """Predicted classes.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        Index of the likeliest class, int64 (N,) on the CPU.
    """
    return logits(model, x).argmax(dim=1)


def ranks(model: Classifier, x: Tensor, labels: Tensor) -> Tensor:
    """Where the true classes stand among a model's answers.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].
        labels: True classes (N,).

    Returns:
        How many classes are likelier than the true one, int64 (N,) on the CPU: 0 where the model is right. Of equals
        the first counts as likelier, as for ``predictions``.
    """
    found = logits(model, x)
    true = found.gather(1, labels[:, None])
    earlier = torch.arange(found.shape[1]) < labels[:, None]
    return ((found > true) | ((found == true) & earlier)).sum(1)


def batch_size(shape: Sequence[int], device: torch.device) -> int:
    """How many images to process at once.

    On a CPU at most 64: the activations of more are memory that the system hands out and takes back with every layer,
    which costs a ResNet-20 a third of its time.

    Args:
        shape: Shape (C, H, W) of one image.
        device: Device of the model.

    Returns:
        Number of images; fewer for large images.
    """
    most = 64 if device.type == "cpu" else 256
    return max(1, min(most, BATCH_VALUES // math.prod(shape)))


def piece_size(shape: Sequence[int], values: int = PIECE_VALUES) -> int:
    """How many images make one piece of work.

    Args:
        shape: Shape (C, H, W) of one image.
        values: Pixel values in one piece.

    Returns:
        Number of images, at least 1.
    """
    return max(1, values // math.prod(shape))


def pieces(values: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut a sequence into pieces.

    Args:
        values: The sequence.
        size: Length of a piece.

    Returns:
        Pieces in order, each at most ``size`` long.
    """
    return [values[start : start + size] for start in range(0, len(values), size)]
