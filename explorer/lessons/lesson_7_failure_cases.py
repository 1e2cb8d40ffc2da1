"""Lesson 7, failure cases of your own model: quadrants, a paired test, confusion, and a case that opens again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from explorer.analysis import Comparison, compare_image
from explorer.data.datasets import Dataset, load_dataset
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.evaluation.statistics import mcnemar
from explorer.lessons import Verdict, correct, exercise, hint, number, prediction
from explorer.models import Classifier, load_model

QUADRANTS = ("both right", "only A fails", "only B fails", "both fail")
"""The four things that can happen to two networks on one picture."""

LEVEL = 0.05  # how often a difference may be called real although there is none
PAIRS = ((0, 0), (1, 0), (0, 5), (5, 0), (3, 3), (2, 9), (16, 3), (40, 40), (98, 0), (400, 340))
"""Counts on which a paired test is tried: none, few, many, equal, all on one side."""

prediction("7.1", "Noise of σ = 0.3 on 360 digits: how many does only the shipped network (B) get wrong?")
prediction(
    "7.3",
    "Over six distortions: which network fails alone more often?",
    choices=("mine", "shipped", "neither throughout"),
)
prediction("7.6", "Under how many of the six distortions do standard and stability differ by more than chance?")


def quadrants(a_right: Tensor, b_right: Tensor) -> dict[str, int]:
    """Count the pictures in each of QUADRANTS.

    Args:
        a_right: Whether network a is correct, booleans (N,).
        b_right: Whether network b is correct, booleans (N,).

    Returns:
        Count by quadrant.
    """
    counts = (a_right & b_right, ~a_right & b_right, a_right & ~b_right, ~a_right & ~b_right)
    return {name: int(count.sum()) for name, count in zip(QUADRANTS, counts, strict=True)}


@exercise("7.2", "a function that turns two boolean tensors into a dictionary of four counts")
def four_counts(answer: Any) -> Verdict | None:
    """Tried on made-up tensors, in which all four counts differ."""
    draws = torch.Generator().manual_seed(0)
    for n in (40, 360):
        a, b = (torch.rand(n, generator=draws) < share for share in (0.6, 0.8))
        found = answer(a, b)
        if found is ... or found is None:
            return None
        wanted = quadrants(a, b)
        if not isinstance(found, Mapping) or set(found) != set(wanted):
            return hint(f"return a dictionary with the keys {', '.join(map(repr, QUADRANTS))}.")
        counts = {key: number(value, f"the count {key!r}") for key, value in found.items()}
        if counts == wanted:
            continue
        if sum(counts.values()) != n:
            return hint(
                "every picture belongs to exactly one of the four.",
                words=f"Your counts of {n} pictures add up to {sum(counts.values()):g}.",
            )
        if counts["only A fails"] == wanted["only B fails"]:
            return hint("~a_right & b_right is where A fails and B does not.", words="The two directions are swapped.")
        return hint("for tensors of booleans, & is and, ~ is not.", "(~a_right & b_right).sum() is one of the four.")
    return correct("All four counted. The two in the middle are what a paired comparison is about.")


@exercise("7.4", "a function of the two counts of lonely failures that gives the exact two-sided p-value")
def paired_test(answer: Any) -> Verdict | None:
    """Compared with the exact test on counts of all kinds."""
    for only_a, only_b in PAIRS:
        given = answer(only_a, only_b)
        if given is ... or given is None:
            return None
        found, wanted = number(given, "the p-value"), mcnemar(only_a, only_b)
        if abs(found - wanted) <= 1e-6 + 1e-4 * wanted:
            continue
        values = f"For {only_a} and {only_b} you get {found:.3g}; it is {wanted:.3g}."
        if abs(2 * found - wanted) <= 1e-6 + 1e-4 * wanted:
            return hint("either network could have been the lucky one: count both ends.", words=values)
        if only_a + only_b == 0:
            return hint("where the networks never differ, there is no evidence against equality: p = 1.", words=values)
        return hint(
            "only the pictures that one network fails alone count: n of them, and a fair coin for each.",
            "scipy.stats.binomtest(k, n, 0.5).pvalue is the exact two-sided test.",
            words=values,
        )
    return correct("That is the exact McNemar test. Pictures that both get right or both get wrong do not count.")


@exercise("7.5", "the names of the distortions whose difference survives the correction for six tests, as a list")
def survivors(answer: Any) -> Verdict:
    """``answer``: (names, {name: p}); what is right follows from the p-values that were found."""
    names, p_values = _two(answer, "check('7.5', (my_list, p_values))")
    if isinstance(names, str) or not isinstance(names, (Sequence, set)) or not isinstance(p_values, Mapping):
        raise ExplorerError("Expected a list of names, such as ['rotate=-25'], and the dictionary p_values.")
    if unknown := [name for name in names if name not in p_values]:
        raise ExplorerError(f"{unknown[0]!r} is none of the distortions; they are {', '.join(p_values)}.")
    bound = LEVEL / len(p_values)
    wanted = {name for name, p in p_values.items() if p < bound}
    if set(names) == wanted:
        return correct(f"{len(wanted)} of {len(p_values)} stay below {LEVEL:g} / {len(p_values)} = {bound:.2g}.")
    if set(names) == {name for name, p in p_values.items() if p < LEVEL}:
        return hint(
            "the more tests, the stricter each: Bonferroni divides the level by their number.",
            words=f"Those are below {LEVEL:g}, but six chances of a false alarm are more than one.",
        )
    return hint(
        "compare every p-value with 0.05 / 6.",
        "[name for name, p in p_values.items() if p < 0.05 / len(p_values)]",
        words="Not these.",
    )


@exercise("7.7", "the pair (true digit, answered digit) that is most often mixed up")
def mixed_up(answer: Any) -> Verdict:
    """``answer``: (pair, matrix of counts, rows true and columns answered)."""
    pair, matrix = _two(answer, "check('7.7', (my_pair, confusion))")
    counts = torch.as_tensor(matrix).double().clone()
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ExplorerError("Expected two digits, (true, answered).")
    true, answered = (int(number(digit, "a digit")) for digit in pair)
    if not (0 <= true < len(counts) and 0 <= answered < len(counts)):
        raise ExplorerError(f"The digits go from 0 to {len(counts) - 1}.")
    if true == answered:
        return hint("look beside the diagonal.", words="On the diagonal nothing is mixed up.")
    counts.fill_diagonal_(0)
    most = int(counts.max())
    if counts[true, answered] == most:
        return correct(
            f"{most} times a {true} was called a {answered}, and a {answered} was called a {true} "
            f"{int(counts[answered, true])} times."
        )
    if counts[answered, true] == most:
        return hint("rows are the true digits, columns the answers.", words="The other way round.")
    return hint(
        "set the diagonal to zero, then look for the largest count.",
        "divmod(int(matrix.argmax()), 10) gives row and column.",
        words=f"That happened {int(counts[true, answered])} times; something else happened more often.",
    )


@exercise("7.8", "(row, recipe, hash): a digit that only the stabilized network gets wrong, and the pixels' hash")
def filed_case(answer: Any) -> Verdict:
    """Opens the case from what was written down, and from nothing else."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        raise ExplorerError("Expected three things: (row, recipe as text, image_hash).")
    row, text, pixels = int(number(answer[0], "the row")), str(answer[1]), str(answer[2])
    data = _digits()
    if not 0 <= row < len(data):
        raise ExplorerError(f"The rows of the test set go from 0 to {len(data) - 1}.")
    found = opened(row, text)
    if found.image_hash != pixels:
        return hint(
            "take recipe and hash of the same comparison: found[row].recipe, found[row].image_hash.",
            "every picture has a seed of its own, which the recipe you asked for does not show.",
            words=f"Row {row} under {text} gives the pixels {found.image_hash}, not {pixels[:20]}.",
        )
    label = int(data.labels[row])
    standard, stable = (int(answer.distorted.argmax()) for answer in found.models)
    answers = f"standard says {standard}, stability says {stable}, it is a {label}"
    if standard == label != stable:
        return correct(f"Opened again: row {row}, {found.recipe}, pixels {pixels}; {answers}.")
    return hint(
        "look for rows where the standard network is right and the stabilized one is not: a_right & ~b_right.",
        words=f"The pixels are the same, but {answers}.",
    )


def opened(row: int, recipe: str) -> Comparison:
    """Compare the shipped standard and stabilized networks on one digit.

    Args:
        row: Row of the digits' test set.
        recipe: The exact recipe.

    Returns:
        The comparison.
    """
    pixels, _ = _digits().batch([row])
    return compare_image(list(_pair()), pixels, Recipe.parse(recipe))


@cache
def _digits() -> Dataset:
    return load_dataset("digits")


@cache
def _pair() -> tuple[Classifier, Classifier]:
    return load_model("digits/lenet/standard"), load_model("digits/lenet/stability")


def _two(answer: Any, how: str) -> tuple[Any, Any]:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise ExplorerError(f"This check wants two things: {how}.")
    return answer[0], answer[1]
