"""What is to be compared, read from names and objects: the same for Python, command line, app, API and notebook."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from explorer import defaults
from explorer.data.fitting import Takes
from explorer.data.inputs import (
    Batch,
    ImagesLike,
    Picture,
    PictureLike,
    check_square,
    needs_fit,
    read_images,
)
from explorer.data.photographs import read_photographs
from explorer.distortions import Recipe, find_distortion, image_seed
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.distortions.rounding import whole_steps
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.models import Classifier
from explorer.models.inference import check_label, check_size, check_together
from explorer.models.reading import ModelsLike, Opened, class_notes, open_models, wrap_opened
from explorer.numbers import plain_number

Labels = int | Sequence[int] | Tensor
"""Indices of true classes, one per image."""


@dataclass(frozen=True, eq=False)
class ComparisonRequest:
    """One question: these models about this picture, distorted by this recipe.

    Attributes:
        picture: The picture, (1, C, H, W) in [0, 1]: as the first model takes it, or with ``on=photograph`` at its own
            size.
        models: The models in their order, the baseline first; all are given the same pixels.
        recipe: The distortions and the seed.
        label: Index of the true class, where it is known: attacks lead away from it, curves follow it.
        reference: A state whose distorted pixels are compared with, in place of the clean ones.
        notes: Findings, one sentence each.
    """

    picture: Picture
    models: tuple[Classifier, ...]
    recipe: Recipe
    label: int | None = None
    reference: ComparisonRequest | None = None
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> Tensor:
        """The picture's pixels (1, C, H, W)."""
        return self.picture.pixels


def read_request(
    models: ModelsLike | None,
    picture: PictureLike | None,
    recipe: Recipe | str | None,
    *,
    label: int | None = None,
    reference: str | None = None,
) -> ComparisonRequest:
    """One picture with the models and the recipe to compare.

    Args:
        models: What ``read_models`` reads; None for the first models.
        picture: What ``read_picture`` reads; None for the first picture of these models.
        recipe: A recipe or its text; None for the first recipe.
        label: Index of the true class; by default the one that the picture brings, where the first model knows it.
        reference: A state to compare with, ``picture|recipe``, such as ``cat|jpeg=30;seed=0``.

    Returns:
        The question, its models loaded and its picture as they take it.

    Raises:
        ExplorerError: Where something of it makes no sense or does not go together.
    """
    requests = read_requests(models, picture, recipe, label=label, reference=reference)
    if len(requests.items) != 1:
        raise ExplorerError(f"Expected one image, got {len(requests.items)}.")
    return requests.items[0]


@dataclass(frozen=True, eq=False)
class Requests:
    """Comparisons to make, one per image.

    Attributes:
        items: One request per image.
        several: Whether the images came as a batch; then each has its own noise.
        recipe: The recipe as it was given, with its own seed.
        notes: Findings, one sentence each.
    """

    items: tuple[ComparisonRequest, ...]
    several: bool
    recipe: Recipe
    notes: tuple[str, ...]


def read_requests(
    models: ModelsLike | None,
    images: ImagesLike | None,
    recipe: Recipe | str | None,
    *,
    label: Labels | None = None,
    reference: str | None = None,
) -> Requests:
    """Read a request for one image or for many.

    Args:
        models: As in ``compare``.
        images: As in ``compare``.
        recipe: The recipe or its text. Image i of several gets the seed ``image_seed(recipe.seed, i)``.
        label: Class index, or one per image.
        reference: ``"picture|recipe"`` to compare with in place of the clean image; only with one image.

    Returns:
        The requests.

    Raises:
        ExplorerError: If something cannot be read, if the number of labels differs from that of the images, or if a
            reference is given with several images.
    """
    chain, opened = read_recipe(recipe), open_models(models)
    if chain.on == PHOTOGRAPH:
        batch = read_photographs(defaults.PICTURE if images is None else images)
        chosen = check_together(wrap_opened(opened, None, None), photographs=True, window=chain.window)
    else:
        batch, chosen = _fitted(opened, images)
    noticed = [note for model in chosen for note in model.warnings]
    notes = (*batch.notes, *noticed, *class_notes(chosen), *small_attacks(chain))
    labels = _labels(label, batch.pictures, chosen)
    pinned = None if reference is None else _pinned(reference, chosen, chain)
    if pinned is not None and batch.several:
        raise ExplorerError("A reference is compared with one image; compare the images one by one.")
    items = tuple(
        ComparisonRequest(
            picture,
            chosen,
            replace(chain, seed=image_seed(chain.seed, i)) if batch.several else chain,
            true,
            pinned,
            notes,
        )
        for i, (picture, true) in enumerate(zip(batch.pictures, labels, strict=True))
    )
    return Requests(items, batch.several, chain, notes)


def small_attacks(recipe: Recipe) -> list[str]:
    """Tell which attacks of a recipe are too small for 8-bit pixels.

    Args:
        recipe: The recipe.

    Returns:
        One sentence if its last step is an L-infinity attack below 1/255 and pixels are rounded.
    """
    steps = [(find_distortion(name), amount) for name, amount in recipe.steps]
    active = [(attack, amount) for attack, amount in steps if amount != attack.identity]
    if not recipe.quantised or not active:
        return []
    attack, amount = active[-1]
    if attack.norm != "linf" or whole_steps(amount) > 0:
        return []
    size = f"{attack.title} of {attack.show(amount)}"
    return [f"{size} changes nothing: 8-bit pixels move by whole steps of 1/255; take 1/255 or more, or pixels=float."]


def read_recipe(recipe: Recipe | str | None, otherwise: str = defaults.RECIPE) -> Recipe:
    """Read a recipe.

    Args:
        recipe: A recipe, its text, or None.
        otherwise: Text of the recipe to use for None.

    Returns:
        The recipe.

    Raises:
        ExplorerError: If it is of another type, or if its text cannot be parsed.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is not None and not isinstance(recipe, str):
        raise ExplorerError(
            f"Expected a recipe such as 'gaussian_noise=0.1,jpeg=30;seed=7', got {type(recipe).__name__}."
        )
    return Recipe.parse(otherwise if recipe is None else recipe)


def _fitted(opened: list[Opened], images: ImagesLike | None) -> tuple[Batch, tuple[Classifier, ...]]:
    """Images as the first model takes them, and the models; one with another input is shown the first one's."""
    takes = _takes(opened, images)
    if images is None:
        images = defaults.PICTURE if takes is None else defaults.first_picture(takes.channels, takes.size)
    batch = read_images(images, takes)
    shape = batch.pictures[0].pixels.shape
    if not all(isinstance(model, Classifier) for model in opened):
        check_square(batch.pictures[0].pixels)
    chosen = check_together(wrap_opened(opened, shape[-1], shape[1]))
    first = chosen[0]
    check_size(batch.pictures[0].pixels, first)
    shown = f"{first.size} x {first.size} px of {first.name}"
    told = [f"{one.name} takes {one.size} px: it is shown the {shown}, resized." for one in chosen if one.any_size]
    return replace(batch, notes=(*batch.notes, *told)), chosen


def _takes(opened: list[Opened], images: ImagesLike | None) -> Takes | None:
    """The size and channels that photographs are fitted to; a network is wrapped where only that can tell."""
    first = next((model for model in opened if isinstance(model, Classifier)), None)
    if first is None and (images is None or needs_fit(images)):
        (first,) = wrap_opened(opened[:1], None, None)
        opened[0] = first
    return None if first is None else first.takes


def _labels(label: Labels | None, pictures: Sequence[Picture], models: Sequence[Classifier]) -> tuple[int | None, ...]:
    if label is None:  # what a picture brings counts where every model has such a class
        known = [picture.index_in(models[0].classes) for picture in pictures]
        fewest = min(len(model.classes) for model in models)
        return tuple(one if one is not None and one < fewest else None for one in known)
    several = getattr(label, "ndim", 0) > 0 or (isinstance(label, Sequence) and not isinstance(label, str))
    listed = [plain_number(item) for item in cast("Sequence[Any]", label if several else [label])]
    if wrong := [item for item in listed if not (isinstance(item, int | float) and float(item).is_integer())]:
        raise ExplorerError(f"label is one class index per image, a whole number, not {wrong[0]!r}.")
    listed = [int(item) for item in listed]
    if len(listed) != len(pictures):
        raise ExplorerError(f"label is one class index per image: {len(listed)} given for {len(pictures)} images.")
    for model in models:
        for one in set(listed):
            check_label(one, model)
    return tuple(listed)


def _pinned(text: str, models: tuple[Classifier, ...], recipe: Recipe) -> ComparisonRequest:
    """The state ``picture|recipe`` for these models."""
    image, bar, chain = text.partition("|") if isinstance(text, str) else ("", "", "")
    if not bar:
        raise ExplorerError(
            "A reference is an image and a recipe with a bar between them, such as 'cat|jpeg=30;seed=0'."
        )
    pinned = Recipe.parse(chain)
    if pinned.window != recipe.window:
        raise ExplorerError("The reference takes another part of its photograph; give both recipes the same window=.")
    return read_request(models, image, pinned)


def issue(notes: Sequence[str], stacklevel: int = 2) -> None:
    """Issue each note as an ``ExplorerWarning``.

    Args:
        notes: One sentence each.
        stacklevel: As in ``warnings.warn``, counted from the caller.
    """
    for note in notes:
        warnings.warn(note, ExplorerWarning, stacklevel=stacklevel + 1)
