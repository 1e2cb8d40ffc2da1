"""What people hand to ``compare``: networks of their own beside loaded ones, and images in whatever form they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from explorer.data import batches
from explorer.distortions import Recipe, image_seed
from explorer.errors import ExplorerError
from explorer.models import Classifier, ExternalClassifier, load_model, wrap
from explorer.models.external import check_module
from explorer.models.inference import check_models

DEFAULT_RECIPE = Recipe((("gaussian_noise", 0.06),))
"""What happens to the images where nobody says: the app's first screen."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question, understood: ``recipes`` and ``labels`` hold one entry for each of the images (N, C, H, W)."""

    models: tuple[Classifier, ...]
    images: Tensor
    several: bool
    recipe: Recipe
    recipes: tuple[Recipe, ...]
    labels: tuple[int | None, ...]
    warnings: tuple[str, ...]


def read(
    given: Sequence[Any],
    recipe: Recipe | str | None,
    *,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    classes: Sequence[str] | None,
    names: Sequence[str] | None,
    size: int | None,
    label: int | Sequence[int] | Tensor | None,
) -> Asked:
    """The question in ``compare``'s arguments; what they mean and what is refused stands there."""
    items = list(given)
    if recipe is None and items and (isinstance(items[-1], Recipe) or _is_recipe(items[-1])):
        recipe = items.pop()
    recipe = DEFAULT_RECIPE if recipe is None else Recipe.parse(recipe) if isinstance(recipe, str) else recipe
    if not isinstance(recipe, Recipe):
        kind = type(recipe).__name__
        raise ExplorerError(f"A {kind!r} is no recipe; write one such as 'gaussian_noise=0.1,jpeg=30;seed=7'.")
    if len(items) < 2 or isinstance(items[-1], nn.Module):
        raise ExplorerError("Give the networks first and the images last: explorer.compare(my_net, other_net, images).")
    nets, called = _nets(items[:-1], names)
    first = next((net for net in nets if isinstance(net, Classifier)), None)
    if first is None and size is None and batches.is_picture(items[-1]):
        first = wrap(nets[0], name=called[0], classes=classes)  # what its pictures are to be brought to
    side, channels = (first.size, first.channels) if first is not None and size is None else (size, None)
    batch = batches.read_images(items[-1], side, channels)
    takes: dict[str, Any] = {"size": batches.check_square(batch.pixels), "channels": batch.pixels.shape[1]}
    like = first if isinstance(first, Classifier) and not isinstance(first, ExternalClassifier) else None
    models = tuple(
        wrap(net, mean=mean, std=std, classes=classes, name=name, like=like, **takes)
        for net, name in zip(nets, called, strict=True)
    )
    if (mean is not None or std is not None or classes is not None) and not any(
        isinstance(m, ExternalClassifier) for m in models
    ):
        raise ExplorerError("mean, std and classes describe a network of your own; loaded models know theirs already.")
    check_models(models)
    n = len(batch.pixels)
    alone = not batch.several
    recipes = (recipe,) if alone else tuple(replace(recipe, seed=image_seed(recipe.seed, i)) for i in range(n))
    noticed = [warning for model in models if isinstance(model, ExternalClassifier) for warning in model.warnings]
    said = (*batch.warnings, *noticed, *_class_warnings(models))
    return Asked(models, batch.pixels, batch.several, recipe, recipes, _labels(label, n), said)


def _is_recipe(text: Any) -> bool:
    return isinstance(text, str) and "=" in text and "\n" not in text


def _nets(given: Sequence[Any], names: Sequence[str] | None) -> tuple[list[nn.Module], list[str | None]]:
    """The networks in the leading arguments, models named by text loaded, and the names of those that have none."""
    if len(given) == 1 and isinstance(given[0], Mapping) and all(isinstance(v, nn.Module) for v in given[0].values()):
        given, names = list(given[0].values()), names or list(given[0])
    elif len(given) == 1 and isinstance(given[0], (list, tuple)):
        given = given[0]
    if not given:
        raise ExplorerError("No network was given; give at least one, for example explorer.compare(my_net, images).")
    nets = [load_model(net) if isinstance(net, str) else net for net in given]
    for net in nets:
        if not isinstance(net, Classifier):
            check_module(net)
    own = [net for net in nets if not isinstance(net, Classifier)]
    if names is not None and (isinstance(names, str) or len(names) not in (len(nets), len(own))):
        raise ExplorerError(f"names is a list of as many names as there are networks of your own ({len(own)}).")
    if names is not None and len(names) == len(nets):
        return nets, list(names)
    called = iter(names if names is not None else _called(own))
    return nets, [None if isinstance(net, Classifier) else next(called) for net in nets]


def _called(nets: Sequence[nn.Module]) -> list[str]:
    """By their classes; a second one of a class is "Net 2"."""
    kinds = [type(net).__name__ for net in nets]
    counts = [kinds[: i + 1].count(kind) for i, kind in enumerate(kinds)]
    return [kind if count == 1 else f"{kind} {count}" for kind, count in zip(kinds, counts, strict=True)]


def _labels(label: int | Sequence[int] | Tensor | None, n: int) -> tuple[int | None, ...]:
    if label is None:
        return (None,) * n
    listed = [label] if isinstance(label, int) else [int(item) for item in label]
    if len(listed) != n:
        raise ExplorerError(f"label is one class index per image: {len(listed)} given for {n} images.")
    return tuple(listed)


def _class_warnings(models: Sequence[Classifier]) -> list[str]:
    """What there is to say where models do not answer with the same classes."""
    first, said = models[0], []
    for model in models[1:]:
        ours, theirs = first.classes, model.classes
        if len(ours) != len(theirs):
            said.append(
                f"{first.name} answers with {len(ours)} classes and {model.name} with {len(theirs)}: whether each one "
                "changes its answer can be compared, but not the answers themselves."
            )
        elif ours != theirs and sorted(ours) == sorted(theirs):
            said.append(
                f"{first.name} and {model.name} know the same classes in a different order: compare them by name."
            )
        elif ours != theirs:
            own, other = next((a, b) for a, b in zip(ours, theirs, strict=True) if a != b)
            said.append(
                f"{first.name} and {model.name} name different classes ({own!r} here, {other!r} there): whether each "
                "one changes its answer can be compared, but not the answers themselves."
            )
    return said
