"""Arguments of the command line as objects of the core: recipes, numbers, models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from explorer.errors import ExplorerError
from explorer.numbers import counted

if TYPE_CHECKING:
    from explorer.data.inputs import Picture
    from explorer.distortions import Recipe
    from explorer.models import Classifier


def read_recipe(text: str, seed: int | None) -> Recipe:
    """Read a recipe.

    Args:
        text: The recipe.
        seed: Seed in place of the recipe's; None keeps it.

    Returns:
        The recipe.
    """
    from explorer.distortions import Recipe

    recipe = Recipe.parse(text)
    return recipe if seed is None else replace(recipe, seed=seed)


def read_names(texts: Sequence[str]) -> list[str]:
    """Read names.

    Args:
        texts: Names, or several separated by commas.

    Returns:
        The names, without spaces around them.
    """
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def read_model_names(texts: Sequence[str]) -> list[str]:
    """Read names and paths of models; a path may contain commas.

    Args:
        texts: Names or paths, or several separated by commas.

    Returns:
        The names and paths. Where a file exists whose path contains commas, it is that file.
    """
    from explorer.models.naming import split_names

    names = []
    for text in texts:
        parts = split_names(text)
        while parts:
            joined = {end: os.path.expanduser(",".join(parts[:end]).strip()) for end in range(len(parts), 0, -1)}  # noqa: PTH111
            end = next((end for end, path in joined.items() if end == 1 or Path(path).is_file()), 1)
            names.append(joined[end])
            parts = parts[end:]
    return [name for name in names if name]


def read_numbers(option: str, text: str | None) -> list[float] | None:
    """Read numbers.

    Args:
        option: Name of the option, for the error.
        text: Numbers separated by commas, or None.

    Returns:
        The numbers; None if there is no text.

    Raises:
        ExplorerError: If one is not a number.
    """
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise ExplorerError(f"{option} takes numbers separated by commas, not {text!r}.") from None


def read_classes(text: str | None) -> list[str] | None:
    """Read names of classes.

    Args:
        text: Names separated by commas, a text file with a name a line, ``imagenet`` for its 1,000 names, or None.

    Returns:
        The names; None if there is no text.

    Raises:
        ExplorerError: If the file cannot be read, or if one name occurs twice.
    """
    from explorer.data.imagenet import imagenet_classes
    from explorer.files import user_path

    if text is None:
        return None
    if text == "imagenet":
        return [*imagenet_classes()]
    names, path = text.split(","), user_path(text)
    if path.is_file():
        try:
            names = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            raise ExplorerError(f"{text} cannot be read as text; --classes takes a file with a name a line.") from None
    elif len(names) == 1:
        raise ExplorerError(f"There is no file {text}; --classes takes names by commas, a file of them, or imagenet.")
    found = [name.strip() for name in names if name.strip()]
    if twice := [name for name in found if found.count(name) > 1]:
        raise ExplorerError(f"--classes names {twice[0]!r} more than once; each class needs a name of its own.")
    return found


def read_amount(distortion: str, text: str | None, option: str = "--amount") -> float:
    """Read the amount of a distortion.

    Args:
        distortion: Name of the distortion.
        text: A number or a fraction such as 8/255; None for the default.
        option: Where it was given, for the error.

    Returns:
        The amount, in the distortion's unit.

    Raises:
        ExplorerError: If it is not a number, or out of range.
    """
    from explorer.distortions import Recipe, find_distortion

    if text is None:
        return find_distortion(distortion).default
    if not set(text) <= set("0123456789.eE+-/ "):
        raise ExplorerError(f"{option} takes one number or a fraction such as 8/255, not {text!r}.")
    return Recipe.parse(f"{find_distortion(distortion).name}={text}").steps[0][1]


def load_models(
    names: Sequence[str],
    arch: str | None,
    mean: str | None,
    std: str | None,
    device: str,
    called: Sequence[str] | None = None,
    weights: Sequence[str] | None = None,
    size: int | None = None,
    classes: str | None = None,
) -> list[Classifier]:
    """Load the models of a command.

    Args:
        names: Names or paths, or several separated by commas; remedies may stand around each.
        arch: Architecture of models that are given by path.
        mean: Their normalisation mean, numbers separated by commas.
        std: Their normalisation standard deviation.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        called: Names for the models that are given by path or function, in their order.
        weights: Files of weights for networks of libraries and functions, in their order; several separated by commas.
        size: Side of the input in px of networks of one's own.
        classes: What their classes are called, as for ``read_classes``.

    Returns:
        The models.

    Raises:
        ExplorerError: If none is named, if one cannot be loaded, or if ``arch``, ``mean``, ``std``, ``size`` or
            ``classes`` is given without a network of one's own.
    """
    from explorer.models import load_model
    from explorer.models.functions import is_function
    from explorer.models.reading import distinct_names, renamed
    from explorer.models.sources import takes_path

    normalised = {"mean": read_numbers("--mean", mean), "std": read_numbers("--std", std)}
    described: dict[str, Any] = {"arch": arch, "size": size, "classes": read_classes(classes), **normalised}
    listed = read_model_names(names)
    if not listed:
        raise ExplorerError("No model is named; give names or paths separated by commas, see 'explorer models'.")
    if weights:
        listed = _with_weights(listed, read_model_names(weights))
    own = [name for name in listed if takes_path(name) or is_function(name)]
    if any(value is not None for value in described.values()) and not own:
        raise ExplorerError(
            "--arch, --mean, --std, --size and --classes describe a network of your own; none was given."
        )
    models = [load_model(name, device=device, **(described if name in own else {})) for name in listed]
    if not called:
        return cast("list[Classifier]", distinct_names(models, listed))
    if len(new := read_names(called)) != len(own):
        raise ExplorerError(
            f"--name names the {counted(len(own), 'network')} of your own, not {counted(len(new), 'name')}."
        )
    given = iter(new)
    return [renamed(model, next(given)) if name in own else model for model, name in zip(models, listed, strict=True)]


def _with_weights(names: Sequence[str], files: Sequence[str]) -> list[str]:
    from explorer.models.functions import is_function
    from explorer.models.naming import split_remedies
    from explorer.models.sources import find_source

    def takes_weights(name: str) -> bool:
        name, _ = split_remedies(name)
        source = find_source(name)
        return is_function(name) if source is None else source.takes_weights

    bare = [name for name in names if "@" not in name and takes_weights(name)]
    if len(files) != len(bare):
        raise ExplorerError(
            "--weights names a file for each network such as timm:resnet50 or package.module:function: there are "
            f"{len(bare)}, but {len(files)} files were given."
        )
    given = iter(files)
    split = [(name in bare, *split_remedies(name)) for name in names]
    return [f"{name}@{next(given)}{around}" if takes else name + around for takes, name, around in split]


def open_picture(text: str, models: Sequence[Classifier], recipe: Recipe) -> Picture:
    """Read the picture of a command.

    Args:
        text: A sample, a row of a data set or the path of a file.
        models: The models, whose input size photographs are fitted to.
        recipe: The recipe: with ``on=photograph`` the picture keeps its own size.

    Returns:
        The picture, without the note that it was fitted.
    """
    from explorer.data.inputs import read_picture
    from explorer.data.photographs import read_photograph
    from explorer.distortions.recipe import PHOTOGRAPH

    if recipe.on == PHOTOGRAPH:
        return read_photograph(text)
    return replace(read_picture(text, models[0].takes), notes=())
