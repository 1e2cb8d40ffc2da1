"""What the widget is about, checked and loaded: a picture, models and a recipe, and the answers to them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.analysis import Comparison, compare
from explorer.data import images
from explorer.data.datasets import SOURCES, load_dataset
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.models import Classifier, list_models, load_model
from explorer.models.checkpoints import checkpoint_folder
from explorer.models.families import Family, family_of, group
from explorer.web.answers import answer_to_paint

MAX_STEPS = 8
"""Distortions in one chain: as many sliders as the app has."""

MAX_MODELS = 12
"""Models side by side."""

RECIPE = "gaussian_noise=0.06;seed=0"
"""The first state, as in the app: about where a standard network begins to call the cat a frog."""

_loaded: dict[tuple[str, str], Classifier] = {}


@dataclass(frozen=True, eq=False)
class Scene:
    """``pixels``: (1, C, H, W) in [0, 1] as the models take them; ``label``: index of the true class, where known.

    ``image`` and ``given``, the picture and the models, are as they were named; ``families``: all that could be shown
    instead, by key.
    """

    image: Any
    given: tuple[Any, ...]
    models: tuple[Classifier, ...]
    recipe: Recipe
    family: Family
    families: Mapping[str, Family]
    pixels: Tensor
    label: int | None

    def compare(self) -> Comparison:
        """``explorer.compare`` of it, to the last bit: the clean picture is asked about each time; its errors."""
        return compare(self.models, self.pixels, self.recipe, label=self.label)

    def paint(self, comparison: Comparison) -> dict[str, Any]:
        """A comparison of it as the panel paints it; ExplorerError where a number in it cannot be shown."""
        shown = images.data_url(comparison.clean)
        answer = answer_to_paint(comparison, self.models, self.family, shown=shown, label=self.label)
        try:
            json.dumps(answer, allow_nan=False)
        except ValueError:  # features so large that their distance overflows, say
            raise ExplorerError(
                "A model's numbers for this picture are not finite; is its normalisation right?"
            ) from None
        return answer

    @property
    def place(self) -> str:
        """What the picture is called."""
        return self.image if isinstance(self.image, str) else "own picture"


def make_scene(image: Any, models: Any, recipe: Any, before: Scene | None = None) -> Scene:
    """The scene of what somebody named; what is the same as ``before`` is taken from there.

    ExplorerError, one sentence, where something of it makes no sense or does not go together.
    """
    chain = read_recipe(recipe)
    chosen = read_models(models)
    same_models = before is not None and chosen == before.models
    families = before.families if before is not None and same_models else _families(chosen)
    family = before.family if before is not None and same_models else family_of([m.name for m in chosen], families)
    if family is None:
        first, other = chosen[0], next(m for m in chosen if _takes(m) != _takes(chosen[0]))
        raise ExplorerError(
            f"{first.name} and {other.name} do not stand side by side: they take other pixels or know other classes; "
            "choose models of one family."
        )
    image = first_image(family) if image is None else image
    same_image = before is not None and image is before.image
    if before is not None and same_image and before.family.key == family.key:
        pixels, label = before.pixels, before.label
    else:
        pixels, label = read_image(image, family)
    given = tuple(model.name for model in chosen) if models is None else tuple(models)
    return Scene(image, given, chosen, chain, family, families, pixels, label)


def read_recipe(recipe: Any) -> Recipe:
    """A recipe of a text or a Recipe, with at most eight steps."""
    if not isinstance(recipe, Recipe):
        if not isinstance(recipe, str):
            raise ExplorerError(
                f"The recipe is a {type(recipe).__name__}; write a text such as 'jpeg=20;seed=0', or a Recipe."
            )
        recipe = Recipe.parse(recipe)
    if len(recipe.steps) > MAX_STEPS:
        raise ExplorerError(f"The widget shows at most {MAX_STEPS} distortions in a chain, not {len(recipe.steps)}.")
    return recipe


def read_models(models: Any) -> tuple[Classifier, ...]:
    """The loaded models of a list of names and Classifiers; None gives the first family's first two."""
    if models is None:
        cards = list_models()
        if not cards:
            raise ExplorerError("There are no checkpoints here; give models of your own: models=[model].")
        models = next(iter(group(cards).values())).defaults
    if isinstance(models, str | Classifier) or not isinstance(models, Sequence):
        raise ExplorerError("The models come as a list of names or loaded models, also where it is one: [model].")
    if not models:
        raise ExplorerError("Name at least one model, for example 'cifar10/resnet20/standard'.")
    if len(models) > MAX_MODELS:
        raise ExplorerError(f"At most {MAX_MODELS} models stand side by side, not {len(models)}.")
    chosen = tuple(_model(model) for model in models)
    names = [model.name for model in chosen]
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ExplorerError(f"{twice[0]} was named twice; each model stands there once.")
    return chosen


def _model(model: Any) -> Classifier:
    if isinstance(model, Classifier):
        return model
    if not isinstance(model, str | Path):
        raise ExplorerError(
            f"A {type(model).__name__} is no model here; give a name from 'explorer models', what explorer.load_model "
            "returns, or a network of your own as explorer.models.wrap(net, mean=..., std=...)."
        )
    key = (str(checkpoint_folder()), str(model))
    if key not in _loaded:
        loaded = load_model(model)
        if Path(model).suffix:
            return loaded  # a file may change
        _loaded[key] = loaded
    return _loaded[key]


def _families(models: Sequence[Classifier]) -> dict[str, Family]:
    """The shipped families, with these models in the ones they belong to."""
    own = {model.name: model.card for model in models}
    shipped = {card.name: card for card in list_models()}
    return group(list((shipped | own).values()))


def _takes(model: Classifier) -> tuple[Any, ...]:
    return (model.size, model.channels, model.classes)


def first_image(family: Family) -> str:
    """What a family opens on: the cat, or for grey digits the first of them."""
    here = [name for name in family.data if name in SOURCES]
    return f"{here[0]}:0" if family.channels == 1 and "digits" in here else next(iter(images.sample_images()))


def read_image(image: Any, family: Family) -> tuple[Tensor, int | None]:
    """The pixels (1, C, H, W) as a family takes them, and the index of the true class where it is known.

    ``image``: the name of a bundled photograph, a row of a data set such as ``digits:7``, a path, a Pillow picture, an
    array as ``explorer.load_image`` takes it, or a tensor or array (3, H, W), (1, H, W) or (1, C, H, W) in [0, 1].
    """
    label = None
    if isinstance(image, str):
        source, colon, row = image.rpartition(":")
        if colon and row.isdecimal() and source in SOURCES:
            data = load_dataset(source)
            if int(row) >= len(data):
                raise ExplorerError(f"{source} has the rows 0 to {len(data) - 1}, not {row}.")
            pixels, true = data.batch([int(row)])[0], data.class_of(int(row))
            label = family.classes.index(true) if true in family.classes else None
        elif image in (samples := images.sample_images()) and not Path(image).exists():
            pixels = samples[image]()
        else:
            pixels = images.load_image(image)
    elif isinstance(image, Tensor) or (isinstance(image, np.ndarray) and _is_channels_first(image)):
        pixels = _batch(torch.as_tensor(image))
    elif isinstance(image, np.ndarray | Image.Image | bytes | os.PathLike):
        pixels = images.load_image(image)  # type: ignore[arg-type]
    else:
        raise ExplorerError(
            f"A {type(image).__name__} is no image: give a name such as 'cat' or 'digits:7', a path, a Pillow picture, "
            "an array or a tensor."
        )
    return images.fit(pixels, family.size, family.channels), label


def _is_channels_first(image: np.ndarray) -> bool:
    return image.ndim == 4 or (image.ndim == 3 and image.shape[0] in {1, 3} and image.shape[2] not in {1, 3, 4})


def _batch(image: Tensor) -> Tensor:
    """(1, C, H, W) float32 of a tensor (C, H, W) or (1, C, H, W)."""
    if image.ndim == 3:
        image = image[None]
    if image.ndim != 4 or len(image) != 1 or image.shape[1] not in {1, 3}:
        raise ExplorerError(
            f"The image has the shape {tuple(image.shape)}; one image is (3, H, W), (1, H, W) or (1, C, H, W)."
        )
    if not image.is_floating_point():
        raise ExplorerError(f"The image holds {image.dtype} values; give floats from 0 to 1, for example x / 255.")
    return images.check_batch(image.detach().float().cpu())
