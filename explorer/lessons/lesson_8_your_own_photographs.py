"""Lesson 8, your own photographs: everyday steps, both directions, and how little eight pictures tell."""

from __future__ import annotations

from typing import Any

import torch

from explorer.analysis import compare
from explorer.errors import ExplorerError
from explorer.evaluation.statistics import wilson_interval
from explorer.lessons import Verdict, correct, exercise, hint, number, prediction
from explorer.models.photos import LITE0

STEPS = {
    "thumbnail": "thumbnail=64;seed=0;on=photograph",
    "messenger": "thumbnail=240,jpeg=20;seed=0;on=photograph",
    "crop": "crop=60;seed=0;on=photograph",
    "dim light": "brightness=-0.3,gaussian_noise=0.05;seed=0;on=photograph",
}
"""Everyday steps, each done to the photograph at its own size before a network fits it."""

MODELS = (LITE0, "photos/efficientnet_lite0/stability")
"""The shipped network for photographs, and its stabilized copy."""

WIDTH = 0.1  # of the interval of exercise 8.5

prediction("8.1", "Which everyday step changes most of the standard network's answers?", choices=tuple(STEPS))
prediction(
    "8.3",
    "Over all photographs and steps: which network changes its answer more often where the other one holds?",
    choices=("standard", "stability", "no difference"),
)


@exercise("8.2", "the name of the step that changes most of the standard network's answers")
def worst_step(answer: Any) -> Verdict:
    """Judged by the flips that the notebook counted, on whichever photographs."""
    name, flips = answer
    if name is None or name is ...:
        return hint("one of the names in STEPS.", words="No step is named.")
    if name not in flips:
        return hint(f"one of {', '.join(flips)}.", words=f"{name!r} is not a step.")
    counts = {step: sum(standard for standard, _ in pairs) for step, pairs in flips.items()}
    if counts[name] == max(counts.values()):
        count = len(flips[name])
        return correct(f"{name}: {counts[name]} of {count} answers changed. You would still recognise every picture.")
    return hint(
        "count the True of the first network, for every step.",
        "max(flips, key=lambda step: sum(first for first, second in flips[step]))",
        words=f"{name} changes {counts[name]} answers, another step changes more.",
    )


@exercise("8.4", "a function of two lists of flips that counts where only the first and where only the second flips")
def both_directions(answer: Any) -> Verdict | None:
    """Tried on made-up flips whose two counts differ."""
    draws = torch.Generator().manual_seed(0)
    a, b = ((torch.rand(40, generator=draws) < share).tolist() for share in (0.6, 0.3))
    found = answer(a, b)
    if found is ... or found is None:
        return None
    wanted = (sum(x and not y for x, y in zip(a, b, strict=True)), sum(y and not x for x, y in zip(a, b, strict=True)))
    if not isinstance(found, tuple | list) or len(found) != 2:
        return hint("return the two counts: (only_first, only_second).")
    counts = tuple(number(one, "a count") for one in found)
    if counts == wanted:
        return correct("Both counted. The first is what the method gained, the second what it cost.")
    if counts == wanted[::-1]:
        return hint("the first count is of pictures on which only the first network flips.", words="They are swapped.")
    if counts == (sum(a), sum(b)):
        return hint("leave out the pictures on which both flip.", words="These are all flips of each.")
    return hint("zip the lists; count x and not y, and y and not x.", words=f"Of 40 pictures you count {counts}.")


@exercise("8.5", "how many photographs make the 95 % interval of a share near one half at most 10 points wide")
def enough(answer: Any) -> Verdict:
    """Compared with Wilson's interval."""
    count = number(answer, "the number of photographs")
    if count != int(count) or count < 1:
        return hint("a whole number above zero.", words="Photographs come in whole numbers.")
    low, high = wilson_interval(round(count / 2), count)
    if high - low > WIDTH:
        return hint(
            "an interval half as wide needs four times as many.",
            "about (2 · 1.96 · 0.5 / 0.1)².",
            words=f"With {count:g} the interval is still {100 * (high - low):.0f} points wide.",
        )
    if high - low < 0.9 * WIDTH:
        return hint("fewer are enough.", words=f"With {count:g} it is {100 * (high - low):.1f} points wide.")
    low8, high8 = wilson_interval(4, 8)
    return correct(
        f"With {count:g} it is {100 * (high - low):.1f} points wide; with 8 it is {100 * (high8 - low8):.0f}."
    )


@exercise("8.6", "(photograph, recipe as text) where the standard network holds and the stabilized one flips")
def against_the_stable_one(answer: Any) -> Verdict:
    """Any picture and recipe that separate the two in the unexpected direction."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise ExplorerError("Give two things: a photograph and a recipe as text.")
    picture, recipe = answer
    if picture is None or picture is ... or recipe is None or recipe is ...:
        return hint("the lists of flips tell where: (False, True).", words="One of the two is still open.")
    standard, stable = compare(list(MODELS), picture, recipe).models
    if stable.flipped and not standard.flipped:
        return correct("Kept stable against some steps is not kept stable against everything.")
    both = "Both flip." if standard.flipped and stable.flipped else "The stabilized one holds."
    return hint(
        "look for a picture that is (False, True) in one of the lists.",
        "messenger and dim light have one each among the shipped photographs.",
        words=both,
    )
