"""Lesson 2, distortions as dials: PSNR, SSIM, amounts found by bisection, and the answers these numbers miss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from explorer.analysis import Comparison, compare_image, flip_point
from explorer.analysis.measures import input_distance
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.lessons import Verdict, correct, exercise, hint, number, prediction
from explorer.lessons.material import network, photograph

prediction(
    "2.3",
    "All at 25 dB: which of these changes makes the standard network leave cat?",
    choices=("noise", "blur", "JPEG", "brightness", "rotation"),
)
prediction(
    "2.4", "Blur and noise, both at 22 dB: which has the lower, that is the worse, SSIM?", choices=("blur", "noise")
)
prediction(
    "2.6", "Of eight kinds of distortion at 28 dB: under how many does the stabilized network change more answers?"
)


def find_amount(quality: Callable[[float], float], low: float, high: float, target: float, steps: int = 30) -> float:
    """Find by bisection the amount at which a falling quality reaches a target.

    Args:
        quality: Quality as a function of the amount; falls from ``low`` to ``high``.
        low: Amount of the best quality; may be the larger number, as for JPEG.
        high: Amount of the worst quality.
        target: The quality to reach.
        steps: Halvings of the interval.

    Returns:
        The end of the last interval at which the quality is at or below the target.

    Raises:
        ExplorerError: If the target is not reached between the two amounts.
    """
    if not quality(high) <= target <= quality(low):
        raise ExplorerError(
            f"The quality runs from {quality(low):.3g} to {quality(high):.3g} and never reaches {target:g}."
        )
    for _ in range(steps):
        middle = (low + high) / 2
        if quality(middle) > target:
            low = middle
        else:
            high = middle
    return high


@exercise("2.1", "a function psnr(a, b) of two pictures with values in [0, 1], in dB")
def psnr(answer: Any) -> Verdict | None:
    """Held to the explorer's own on pictures of several sizes, with the usual slips recognised."""
    if answer(torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)) in {None, ...}:
        return None
    generator = torch.Generator().manual_seed(0)
    for shape, spread in (((1, 3, 32, 32), 0.05), ((1, 1, 28, 28), 0.2), ((1, 3, 8, 20), 0.5)):
        a = torch.rand(shape, generator=generator)
        b = (a + spread * torch.randn(shape, generator=generator)).clamp(0, 1)
        given, wanted = number(answer(a, b), "the PSNR"), input_distance(a, b).psnr
        if abs(given - wanted) > 0.01:
            return hint(
                _psnr_slip(given, wanted, a.numel()),
                "-10 * log10 of the mean of the squared differences, over all values.",
                words=f"For two pictures of shape {tuple(shape)} it gives {given:.2f}, the PSNR is {wanted:.2f} dB.",
            )
    return correct("The same as the explorer's, to a hundredth of a decibel.")


def _psnr_slip(given: float, wanted: float, values: int) -> str:
    """The probable mistake."""
    slips = {
        -wanted: "a small error means a high PSNR: mind the sign.",
        wanted / 10: "decibels are tenths: multiply the logarithm by 10.",
        wanted * math.log(10): "take the logarithm to base 10, not the natural one.",
        wanted - 10 * math.log10(values): "take the mean of the squared differences, not their sum.",
        wanted
        / 2: "square the differences first, or take 20 instead of 10 times the logarithm of their root mean square.",
        wanted + 20 * math.log10(255): "values run from 0 to 1 here, so the peak is 1 and not 255.",
    }
    close = (advice for value, advice in slips.items() if abs(given - value) < 0.05)
    return next(close, "first the differences, then their squares, then the mean of these, then the logarithm.")


@exercise("2.2", "a function find_amount(quality, low, high, target) that returns the amount")
def bisection(answer: Any) -> Verdict | None:
    """Functions that fall, upwards and downwards, smooth and in steps; and how often each was asked."""
    tests: Sequence[tuple[str, Callable[[float], float], float, float, float]] = (
        ("a straight line", lambda a: 40 - 20 * a, 0.0, 1.0, 31.0),
        ("a curve", lambda a: -20 * math.log10(a + 0.001), 0.0, 0.5, 22.0),
        ("a dial that counts down, as JPEG quality does", lambda a: 10 + a / 4, 101.0, 1.0, 25.0),
    )
    for what, quality, low, high, target in tests:
        calls: list[float] = []

        def counted(
            amount: float, quality: Callable[[float], float] = quality, calls: list[float] = calls
        ) -> float:  # fmt: skip
            calls.append(amount)
            if len(calls) > 5000:
                raise ExplorerError(
                    "Your function asked for the quality more than 5000 times; bisection needs about 20."
                )
            return quality(amount)

        result = answer(counted, low, high, target)
        if result is None or result is Ellipsis:
            return None
        amount, wanted = number(result, "the amount"), find_amount(quality, low, high, target)
        if abs(amount - wanted) > abs(high - low) / 1000:
            return hint(
                "quality falls from low to high: where it is still above the target in the middle, look beyond it.",
                "repeat 20 times: middle = (low + high) / 2; then move low or high there.",
                "move low to the middle where quality(middle) > target, else move high; return high.",
                words=f"For {what} it returns {amount:.4g}, but the quality is {target:g} at {wanted:.4g}.",
            )
    return correct(f"Found each time; the last one took {len(calls)} questions instead of one for every amount.")


@exercise("2.5", "two recipes (nicer, uglier): nicer has the higher PSNR and SSIM, and flips; uglier does not flip")
def numbers_that_mislead(answer: Any) -> Verdict:
    """Any pair in which both measures point the wrong way."""
    if isinstance(answer, str) or len(answer) != 2:
        return hint('write nicer, uglier = "...;seed=0", "...;seed=0".', words="Expected two recipes.")
    nicer, uglier = (_seen(recipe) for recipe in answer)
    one, two = nicer.models[0], uglier.models[0]
    if not one.flipped or two.flipped:
        answers = one.classes[int(one.distorted.argmax())], two.classes[int(two.distorted.argmax())]
        return hint(
            "noise flips it early; brightness, rotation, shift and blur hardly ever do.",
            words=f"The network must leave cat under the first only; it says {answers[0]} and {answers[1]}.",
        )
    a, b = nicer.input, uglier.input
    seen = f"PSNR {a.psnr:.1f} against {b.psnr:.1f} dB, SSIM {a.ssim or 0:.3f} against {b.ssim or 0:.3f}"
    if not (a.psnr > b.psnr and (a.ssim or 0) > (b.ssim or 0)):
        return hint(
            "let the noise be just beyond its flip point, and make the other one much stronger.",
            words=f"The first must be better by both measures: {seen}.",
        )
    return correct(f"{seen}: better by both, and yet it is the first that the network no longer takes for a cat.")


@exercise("2.7", "by how many dB the PSNR at the attack's flip point is above that at the noise's flip point")
def gap(answer: Any) -> Verdict:
    """PSNR at the two flip points of the standard network."""
    given = number(answer, "the gap")
    at = {}
    for name in ("gaussian_noise", "pgd_linf"):
        recipe = Recipe(against=network().name)
        amount = flip_point([network()], photograph(), name, recipe=recipe)[network().name]
        if amount is None:
            raise ExplorerError(f"{name} never flips the cat here; the checkpoint is not the shipped one.")
        at[name] = _seen(recipe.with_amount(name, amount)).input.psnr
    wanted = at["pgd_linf"] - at["gaussian_noise"]
    if abs(given - wanted) <= 1:
        return correct(
            f"{wanted:.0f} dB: the attack does with {10 ** (wanted / 10):.0f} times less squared error what noise does."
        )
    if abs(given + wanted) <= 1:
        return hint("the attack changes the picture less, so its PSNR is the larger.", words="Mind the sign.")
    return hint(
        'flip_point(models, cat, "pgd_linf", recipe=explorer.Recipe(against=standard.name)) finds one of them.',
        "explorer.compare(models, cat, recipe).input.psnr is the PSNR at that amount.",
        words=f"Not {given:.1f} dB.",
    )


def _seen(recipe: str | Recipe) -> Comparison:
    """The standard network's comparison of the cat under a recipe."""
    return compare_image([network()], photograph(), recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe))
