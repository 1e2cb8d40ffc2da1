"""What a browser sends is not trusted: its limits, and how it is read into the core's objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from explorer.defaults import MAX_STEPS
from explorer.distortions import Recipe
from explorer.errors import ExplorerError

MAX_TEXT = 1000
"""Characters of a recipe or a name that are read."""


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, if it is a JSON object."""
    if not isinstance(value, Mapping):
        raise ExplorerError("The page sent something that is not a question; reload it.")
    return value


def read_recipe(value: Any) -> Recipe:
    """The recipe of a JSON form from an untrusted sender: its size is checked before its meaning."""
    steps = mapping(value).get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, list) and len(step) == 2 for step in steps):
        raise ExplorerError("The steps of a recipe must be a list of pairs of a distortion's name and an amount.")
    check_length(steps)
    if any(
        isinstance(text, str) and len(text) > MAX_TEXT for text in (value.get("against"), *(name for name, _ in steps))
    ):
        raise ExplorerError("A name in this recipe is too long.")
    return Recipe.from_dict(value)


def check_length(steps: Sequence[Any]) -> None:
    """ExplorerError for more steps than the page shows."""
    if len(steps) > MAX_STEPS:
        raise ExplorerError(f"The page shows at most {MAX_STEPS} distortions in a chain; this one has {len(steps)}.")


def parse_recipe(text: Any) -> Recipe:
    """Read a recipe written as text, as long as the page can show it.

    Raises:
        ExplorerError: If it is not a recipe, or has more steps than the page shows.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ExplorerError("A recipe is one line of text such as gaussian_noise=0.1,jpeg=30;seed=7.")
    recipe = Recipe.parse(text)
    check_length(recipe.steps)
    return recipe
