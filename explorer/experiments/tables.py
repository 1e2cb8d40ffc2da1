"""The tables of an experiment's page, as Markdown. What is not yet run, diverged or lost says so in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.evaluation.results import attack_size
from explorer.evaluation.statistics import compare_paired, difference_interval
from explorer.experiments.grid import spelled
from explorer.experiments.lines import Line, baseline_of, mean, varied
from explorer.experiments.schema import PublishedValues
from explorer.models import method_title, right

ABSENT = "not yet run"
UNMEASURED = "not yet measured"
DIVERGED = "diverged"
NONE = "–"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table.

    Args:
        header: Titles of the columns.
        rows: Texts.
        left: Number of columns of words; the others are numbers.

    Returns:
        Markdown.
    """
    rule = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def recipe_title(recipe: str) -> str:
    """The title of a recipe's column.

    Args:
        recipe: Text of the recipe.

    Returns:
        Text such as "σ 0.1" or "jpeg 50".
    """
    return recipe.replace("gaussian_noise=", "σ ").replace("=", " ").replace("_", " ")


def spread(values: Sequence[float], *, absent: str = ABSENT, digits: int = 1) -> str:
    """Format the values of several seeds.

    Args:
        values: The values.
        absent: Text where there are none.
        digits: Decimals.

    Returns:
        The mean, with the range if there are several.
    """
    middle = mean(values)
    if middle is None:
        return absent
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return f"{middle:.{digits}f}" if len(values) == 1 else f"{middle:.{digits}f} ({low}–{high})"


def _absent(line: Line) -> str:
    """Why a cell has no number: nothing was run, it diverged, or this was not measured on it."""
    return DIVERGED if line.diverged and not line.rows else UNMEASURED if line.rows else ABSENT


def seeds_of(line: Line) -> str:
    """Format how many seeds are done.

    Args:
        line: The line.

    Returns:
        The text.
    """
    words = f"{len(line.rows)} of {len(line.cells)}" if len(line.rows) < len(line.cells) else str(len(line.cells))
    return f"{words}, {line.diverged} diverged" if line.diverged else words


def accuracies(lines: Sequence[Line], recipes: Sequence[str], published: Sequence[PublishedValues]) -> str:
    """Accuracy by setting and recipe.

    Args:
        lines: The lines of one table.
        recipes: Texts of the recipes.
        published: Published values, which follow the last setting that they belong to.

    Returns:
        Markdown.
    """
    rows = []
    for i, line in enumerate(lines):
        cells = [spread(line.values(recipe), absent=_absent(line)) for recipe in recipes]
        rows.append([line.title, seeds_of(line), *cells])
        rows += [
            [known_title(known), "", *(_range(known.values.get(recipe, ())) for recipe in recipes)]
            for known in beside(line, lines[i + 1 :], published)
        ]
    return table(["setting", "seeds", *map(recipe_title, recipes)], rows)


def beside(line: Line, later: Sequence[Line], published: Sequence[PublishedValues]) -> list[PublishedValues]:
    """The published values to show below a line.

    Args:
        line: The line.
        later: The lines after it.
        published: All published values.

    Returns:
        Those that fit it and none after it.
    """
    return [one for one in published if one.fits(line.cell) and not any(one.fits(other.cell) for other in later)]


def known_title(known: PublishedValues) -> str:
    """The first cell of a row of published values.

    Args:
        known: The values.

    Returns:
        Markdown.
    """
    return f"*published: {known.title}, {known.source} ({known.provenance})*"


def _range(values: Sequence[float]) -> str:
    """Published values, as far as they are known."""
    if not values:
        return NONE
    low, high = min(values), max(values)
    return f"*{low:g}*" if low == high else f"*{low:g}–{high:g}*"


def differences(lines: Sequence[Line], recipes: Sequence[str]) -> str:
    """Differences from the standard run of the same data and architecture.

    Args:
        lines: The lines of one table.
        recipes: Texts of the recipes.

    Returns:
        Markdown with gains and losses in points; "" without a standard run.
    """
    rows = []
    for line in lines:
        base = baseline_of(line, lines)
        if base is None or not line.rows or not base.rows or line.cell.config.method == "standard":
            continue
        rows.append([line.title, *(signed(line, base, recipe) for recipe in recipes)])
    return table(["setting", *map(recipe_title, recipes)], rows) if rows else ""


def signed(line: Line, base: Line, recipe: str) -> str:
    """Format a difference.

    Args:
        line: Runs of one setting.
        base: The runs that they are compared with.
        recipe: Text of the recipe.

    Returns:
        Points: ▲ for gains, ▼ for losses, ≈ for what the images do not show; a dash without both numbers.
    """
    value, other = line.mean(recipe), base.mean(recipe)
    if value is None or other is None:
        return NONE
    gap = round(value - other, 1)
    sign = _sign(line, base, recipe)
    return (
        f"{'▲' if sign > 0 else '▼'} {abs(gap):.1f}" if sign else f"≈ {gap:+.1f}".replace("-", "−") if gap else "≈ 0.0"
    )


def _sign(line: Line, base: Line, recipe: str) -> int:
    """1 or -1 where interval and exact test call it a difference, seed by seed on the same images; 0 elsewhere.

    Runs that do not say which images were right have the wider interval of independent shares, their seeds being one.
    """
    mine, theirs = ({row["seed"]: one for row in of.rows for one in row["results"] if one["recipe"] == recipe}
                    for of in (line, base))  # fmt: skip
    pairs = [right.pair(theirs[seed], mine[seed]) for seed in mine if seed in theirs]
    known = [pair for pair in pairs if pair is not None]
    if len(known) == len(pairs) == len(mine) == len(theirs):
        first, second = (np.stack(part) for part in zip(*known, strict=True))
        gained, lost, both = (part.sum(0) for part in (second & ~first, first & ~second, first & second))
        return compare_paired(gained, lost, both, np.full(len(both), len(known))).sign
    shares = [np.mean([one["accuracy"] for one in rows.values()]) for rows in (mine, theirs)]
    images = [next(iter(rows.values()))["n"] for rows in (mine, theirs)]
    low, high = difference_interval(shares[0], images[0], shares[1], images[1])
    return int(low > 0) - int(high < 0)


def sensitivity(lines: Sequence[Line], recipes: Sequence[str]) -> str:
    """Show what each varied setting changes.

    Only sets of runs with every value of a setting and no other difference count, so that other settings and missing
    runs have no influence.

    Args:
        lines: The lines of one table.
        recipes: Texts of the recipes.

    Returns:
        Markdown: for each method with two or more varied settings, the mean per value, without the settings that have
        no such set.
    """
    rows = []
    for method in dict.fromkeys(line.cell.config.method for line in lines):
        of_method = [line for line in lines if line.cell.config.method == method and line.rows]
        settings = varied(of_method)
        if len(settings) < 2:
            continue
        for name, values in settings.items():
            others = [key for key in settings if key != name]
            sets: dict[tuple[object, ...], dict[object, Line]] = {}
            for line in of_method:
                alike = tuple(line.cell.setting(key) for key in others)
                sets.setdefault(alike, {})[line.cell.setting(name)] = line
            whole = [one for one in sets.values() if len(one) == len(values)]
            for value in values if whole else ():
                chosen = [one[value] for one in whole]
                runs = sum(len(line.rows) for line in chosen)
                found = [spread([m for line in chosen if (m := line.mean(r)) is not None]) for r in recipes]
                rows.append([method_title(method), f"{name} = {spelled(value)}", str(runs), *found])
    return table(["method", "setting", "runs", *map(recipe_title, recipes)], rows, left=2) if rows else ""


def best(lines: Sequence[Line], recipes: Sequence[str]) -> str:
    """The best setting of each method.

    Args:
        lines: The lines of one table.
        recipes: Texts of the recipes.

    Returns:
        Markdown: per method the setting with the highest mean over all recipes.
    """

    def score(line: Line) -> float:
        return sum(line.mean(recipe) or 0.0 for recipe in recipes) / len(recipes)

    rows = []
    for method in dict.fromkeys(line.cell.config.method for line in lines):
        of_method = [line for line in lines if line.cell.config.method == method]
        done = [line for line in of_method if all(line.values(recipe) for recipe in recipes)]
        if len(of_method) > 1 and done:
            first = max(done, key=score)
            rows.append([method_title(method), first.title, f"{score(first):.1f}", f"{len(done)} of {len(of_method)}"])
    return table(["method", "best setting", "mean accuracy", "settings run"], rows, left=2) if rows else ""


def instability(lines: Sequence[Line]) -> str:
    """Cidon instability by distortion.

    Args:
        lines: The lines of one table.

    Returns:
        Markdown; "" if none was measured.
    """
    names = list(
        dict.fromkeys(one["distortion"] for line in lines for row in line.rows for one in row.get("instability", []))
    )

    def shares(line: Line, name: str) -> list[float]:
        found = [one for row in line.rows for one in row.get("instability", []) if one["distortion"] == name]
        return [100 * one["instability"] for one in found]

    rows = [[line.title, *(spread(shares(line, name), absent=_absent(line)) for name in names)] for line in lines]
    return table(["setting", *(name.replace("_", " ") for name in names)], rows) if names else ""


def suite(lines: Sequence[Line], name: str, published: Sequence[PublishedValues] = ()) -> str:
    """The results of a suite.

    Args:
        lines: The lines of one table.
        name: Name of the suite.
        published: Published values to show.

    Returns:
        Markdown: the mean and each distortion; for attacks also the worst by size, and the zero gradients.
    """
    columns = list(dict.fromkeys(key for line in lines for one in _found(line, name) for key in _numbers(one)))
    rows = []
    for i, line in enumerate(lines):
        numbers = [_numbers(one) for one in _found(line, name)]
        absent = NONE if numbers else _absent(line)  # measured, but there was nothing: no image that a search breaks
        cells = [spread([one[key] for one in numbers if key in one], absent=absent) for key in columns]
        rows.append([line.title, *cells])
        for known in beside(line, lines[i + 1 :], published):
            if any(key.partition(": ")[0] == name for key in known.values):
                shown = [known.values.get(name if key == "mean" else f"{name}: {key}", ()) for key in columns]
                rows.append([known_title(known), *map(_range, shown)])
    return table(["setting", *(key.replace("_", " ") for key in columns)], rows) if columns else ""


def _found(line: Line, name: str) -> list[dict[str, Any]]:
    return [row["suites"][name] for row in line.rows if name in row.get("suites", {})]


def _numbers(suite: dict[str, Any]) -> dict[str, float]:
    """The numbers of one model's suite by their column: shares in per cent, sizes in 1/255."""
    found: dict[str, float] = {}
    for one in suite.get("searches", []):
        name = one["direction"].replace("_", " ")
        found[f"{name} broken"] = 100 * one["broken"]
        if one["epsilon"] is not None:
            found[f"{name} ε/255"] = one["epsilon"]
        if one.get("median_all") is not None:
            found[f"{name} median ε/255"] = one["median_all"]
        if one.get("similarity") is not None:
            found[f"{name} PASS, %"] = 100 * one["similarity"]
        found[f"{name} zero gradients"] = 100 * one["zero_gradients"]
    if "mean_brier" in suite:
        found = {"ECE clean": 100 * suite["clean"], "ECE corrupted": 100 * suite["mean"]}
        return found | {"Brier clean": 100 * suite["clean_brier"], "Brier corrupted": 100 * suite["mean_brier"]}
    if "mean" in suite:
        found["mean"] = 100 * suite["mean"]
    for one in suite.get("worst", []):
        found[f"worst, ε {attack_size(one['amount'])}"] = 100 * one["accuracy"]
    if suite.get("zero_gradients") is not None:
        found["zero gradients"] = 100 * suite["zero_gradients"]
    if suite.get("saturated") is not None:
        found["p(true) 1"] = 100 * suite["saturated"]
    return found | {key: 100 * value for key, value in suite.get("by_distortion", {}).items()}


SUITE_WORDS = {
    "corruptions": "Accuracy in % on the fifteen corruptions of CIFAR-10-C, each the mean of its five severities.",
    "adversarial": (
        "Accuracy in % under attacks crafted on each model itself; `worst`: images that withstand all attacks of a "
        "size. Zero gradients: images in % at which the cross-entropy's gradient in float32 is exactly zero; p(true) "
        "1: at which the true class has a probability of 1 in float32, so that this gradient is rounded."
    ),
    "calibration": (
        "Expected calibration error (15 bins) and Brier score, both times 100, on clean images and as the mean over "
        "the fifteen corruptions; less is better."
    ),
    "line-search": (
        "Of the correctly classified images, the share in % that some step along one direction breaks, and the mean "
        "size of the smallest such step in 1/255; `median`: over all, those not broken as infinitely far; `PASS`: the "
        "similarity of these pictures to the originals, SSIM after alignment; `zero "
        "gradients`: images in % without a direction, counted as not broken."
    ),
}
"""The text above the table of a suite."""


THEOREM = (
    ("slope, noise: median", "sampled_median", 1),
    ("slope, attack: median", "attacked_median", 1),
    ("largest", "attacked_max", 1),
    ("above L, noise, %", "above_sampled", 100),
    ("above L, attack, %", "above_attacked", 100),
    ("√2/(2L)", "granted", 1),
    ("flipped within, %", "flipped", 100),
    ("m/(√2L): 5 %", "margin_05", 1),
    ("50 %", "margin_50", 1),
    ("95 %", "margin_95", 1),
    ("flipped within, %", "margin_flipped", 100),
)
"""Columns of the table of Theorem 1: heading, key of a row, factor."""


def theorem(lines: Sequence[Line]) -> str:
    """Local slopes beside the bound that each run was trained for.

    Args:
        lines: The lines of one table.

    Returns:
        Markdown; "" if none were measured.
    """
    if not any("theorem" in row for line in lines for row in line.rows):
        return ""
    rows = []
    for line in lines:
        found = [row["theorem"] for row in line.rows if "theorem" in row]
        bound = NONE
        if found:
            bound = f"{found[0]['bound']:g}" if found[0]["trained_for"] else f"({found[0]['bound']:g})"
        cells = [
            spread(
                [times * one[key] for one in found if key in one],
                absent=NONE if found else _absent(line),
                digits=0 if times == 100 else 3,
            )
            for _, key, times in THEOREM
        ]
        rows.append([line.title, bound, *cells])
    return table(["setting", "L", *(heading for heading, _, _ in THEOREM)], rows)
