"""What is typed on the command line, as objects of the core: recipes, numbers, models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from explorer.data.inputs import Picture
    from explorer.distortions import Recipe
    from explorer.models import Classifier


def read_recipe(text: str, seed: int | None) -> Recipe:
    """The recipe of a text, with ``seed`` in place of its own where one was given."""
    from explorer.distortions import Recipe

    recipe = Recipe.parse(text)
    return recipe if seed is None else replace(recipe, seed=seed)


def read_names(texts: Sequence[str]) -> list[str]:
    """Names separated by commas, or given one by one."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def read_numbers(option: str, text: str | None) -> list[float] | None:
    """Numbers separated by commas; ``option`` is the one to name where they are none."""
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise ExplorerError(f"{option} takes numbers separated by commas, not {text!r}.") from None


def read_amount(distortion: str, text: str | None) -> float:
    """An amount of that distortion, a number or a fraction such as 8/255; its default where none was given."""
    from explorer.distortions import Recipe, find_distortion

    if text is None:
        return find_distortion(distortion).default
    if not set(text) <= set("0123456789.eE+-/ "):
        raise ExplorerError(f"--amount takes one number or a fraction such as 8/255, not {text!r}.")
    return Recipe.parse(f"{find_distortion(distortion).name}={text}").steps[0][1]


def load_models(
    names: Sequence[str], arch: str | None, mean: str | None, std: str | None, device: str
) -> list[Classifier]:
    """The models; architecture and normalisation apply to those that are given by path."""
    from explorer.models import load_model

    described: dict[str, Any] = {"arch": arch, "mean": read_numbers("--mean", mean), "std": read_numbers("--std", std)}
    listed = read_names(names)
    if not listed:
        raise ExplorerError("No model is named; give names or paths separated by commas, see 'explorer models'.")
    paths = [name for name in listed if Path(name).suffix]
    if any(value is not None for value in described.values()) and not paths:
        raise ExplorerError("--arch, --mean and --std describe a checkpoint opened by path, but none was given.")
    return [load_model(name, device=device, **(described if name in paths else {})) for name in listed]


def open_picture(text: str, models: Sequence[Classifier]) -> Picture:
    """The picture as the models take it; that a photograph is fitted goes without saying here."""
    from explorer.data.inputs import read_picture

    return replace(read_picture(text, (models[0].size, models[0].channels)), notes=())
