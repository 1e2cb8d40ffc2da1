"""What a model gains and loses against the standard one, from the accuracies on the two cards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.evaluation.statistics import LEVEL, Interval, compare_paired, difference_interval, holm
from explorer.models import Card, right


@dataclass(frozen=True)
class Gain:
    """A model against another under one recipe.

    Attributes:
        recipe: The distortions.
        accuracy: Of the model, in [0, 1].
        n: Images.
        difference: Its accuracy minus the other's; None where the other was not measured.
        interval: Its 95 % interval: the paired one, or, ``paired`` being false, the wider one of independent shares.
        paired: Whether both cards say which images were named rightly, so that they are compared image by image.
        sign: 1 or -1 where it is a difference: where the interval leaves out 0 and, for a paired one, the exact test
            agrees; else 0.
        holm: Whether the test survives Holm's correction for all recipes of the card.
    """

    recipe: Recipe
    accuracy: float
    n: int
    difference: float | None = None
    interval: Interval | None = None
    paired: bool = False
    sign: int = 0
    holm: bool = False


def baseline_of(card: Card, cards: Sequence[Card]) -> Card | None:
    """Find the model with which a card is compared.

    Args:
        card: The card.
        cards: Cards to choose from.

    Returns:
        The standard model of the same architecture and data; None for itself and external models.
    """
    known = (card.data, card.arch)
    standard = (one for one in cards if one.method == "standard" and not one.remedies)
    found = next((one for one in standard if (one.data, one.arch) == known), None)
    return None if found is None or found.name == card.name else found


def gains(card: Card, baseline: Card | None) -> list[Gain]:
    """Compare two cards.

    Args:
        card: The model's card.
        baseline: The other one's; None if there is none.

    Returns:
        One entry per recipe of the model's card.
    """
    known = {str(recipe): row for recipe, row in read_results(baseline)} if baseline is not None else {}
    found = [_gain(recipe, row, known.get(str(recipe))) for recipe, row in read_results(card)]
    adjusted = holm([p for _, p in found])
    return [replace(gain, holm=p < 1 - LEVEL) for (gain, _), p in zip(found, adjusted, strict=True)]


def read_results(card: Card) -> Iterator[tuple[Recipe, dict[str, Any]]]:
    """Read a card's results.

    Args:
        card: The card.

    Yields:
        The recipe and the row of each; those that cannot be read, of other versions perhaps, are left out.
    """
    for row in card.results:
        try:
            yield (Recipe() if row["recipe"] == "clean" else Recipe.parse(row["recipe"])), row
        except ExplorerError:
            continue


def condition_title(recipe: Recipe) -> str:
    """Name a recipe for a table.

    Args:
        recipe: The distortions.

    Returns:
        For example "Gaussian noise, σ = 0.1".
    """
    known = ((find_distortion(name), amount) for name, amount in recipe.steps)
    return " + ".join(f"{one.title}, {one.show(amount)}" for one, amount in known) or "Clean"


def _gain(recipe: Recipe, row: dict[str, Any], other: dict[str, Any] | None) -> tuple[Gain, float]:
    """One entry of ``gains``, and the p of its test; NaN where there is none."""
    made = Gain(recipe, row["accuracy"], row["n"])
    if other is None:
        return made, math.nan
    if (both := right.pair(other, row)) is not None:
        first, second = both
        test = compare_paired(second & ~first, first & ~second, first & second)
        return replace(made, difference=test.difference, interval=test.interval, paired=True, sign=test.sign), test.p
    low, high = difference_interval(row["accuracy"], row["n"], other["accuracy"], other["n"])
    gap = row["accuracy"] - other["accuracy"]
    return replace(made, difference=gap, interval=(low, high), sign=int(low > 0) - int(high < 0)), math.nan
