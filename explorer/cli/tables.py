"""Plain results as tables: for the terminal (rich) and for the README (Markdown). Numbers come in finished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

    from explorer.analysis import Band, Comparison, Sweep, Transfer, Weakness
    from explorer.distortions import Distortion
    from explorer.doctor import Finding
    from explorer.evaluation import Evaluation
    from explorer.models import Card

FLIPPED, HOLDS = "◆ flipped", "○ holds"


def model_rows(cards: Sequence[Card]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the table of models: a column per recipe that the cards hold, accuracies in per cent."""
    from explorer.models import method_title

    fullest_first = sorted(cards, key=lambda card: -len(card.results))  # its order of recipes is the table's
    recipes = list(dict.fromkeys(result["recipe"] for card in fullest_first for result in card.results))
    titles = [
        recipe.replace("gaussian_noise=", "σ ").replace("thumbnail", "thumb").replace("=", " ") for recipe in recipes
    ]
    rows = []
    for card in cards:
        found = {result["recipe"]: f"{100 * result['accuracy']:.1f}" for result in card.results}
        counts = sorted({result["n"] for result in card.results})
        accuracies = [found.get(recipe, "") for recipe in recipes]
        rows.append([card.name, method_title(card.method), *accuracies, ", ".join(f"{n:,}" for n in counts)])
    return ["model", "method", *titles, "n"], rows


def models_table(cards: Sequence[Card]) -> Table:
    """The shipped models with their measured accuracies; the name says the method."""
    header, rows = model_rows(cards)
    table = framed([header[0], *header[2:]], [[name, *rest] for name, _, *rest in rows], left=1)
    table.caption = "accuracy on the test set, in %"
    return table


def models_markdown(cards: Sequence[Card]) -> str:
    """The same as a Markdown table."""
    header, rows = model_rows(cards)
    rows = [[f"`{name}`", *rest] for name, *rest in rows]
    rule = ["---", "---", *["---:"] * (len(header) - 2)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def distortions_table(distortions: Sequence[Distortion]) -> Table:
    """The registry, family by family: what each does, its amounts, the one that changes nothing, ImageNet-C's five."""
    rows = []
    for d in distortions:
        facts = [f"{_short(d.low)} to {_short(d.high)} {d.unit}".rstrip(), f"off at {_short(d.identity)}"]
        if d.reach is not None:
            facts.append(f"in recipes to {_short(d.reach)}")
        if d.severities:
            facts.append("ImageNet-C 1-5: " + " ".join(_short(severity) for severity in d.severities))
        rows.append([d.family, d.name, f"{d.help}\n{'  ·  '.join(facts)}"])
    table = framed(["family", "name", "what it does  ·  amount"], rows, left=3)
    table.columns[1].no_wrap = True
    return table


def comparison_title(comparison: Comparison) -> str:
    """One line about the pixels: recipe, hash, size of the change."""
    change = comparison.input.to_dict()
    psnr = "∞" if change["psnr"] is None else f"{change['psnr']:.1f}"
    ssim = "–" if change["ssim"] is None else f"{change['ssim']:.3f}"  # pictures below 3 px have none
    return (
        f"{comparison.recipe}   pixels {comparison.image_hash}   "
        f"L2 {change['l2']:.3f}   L∞ {change['linf']:.3f}   PSNR {psnr} dB   SSIM {ssim}"
    )


def comparison_table(comparison: Comparison) -> Table:
    """One row per model: what it says of the clean and of the distorted pixels."""
    rows = []
    for answer in comparison.models:
        entry = answer.to_dict(top=1)
        before, after = entry["clean"][0], entry["distorted"][0]
        distance = answer.feature_distance["penultimate"].l2
        percentile = "" if answer.feature_percentile is None else f" ({answer.feature_percentile:.0f}%)"
        rows.append(
            [
                answer.name,
                f"{before['label']} {before['probability']:.3f}",
                f"{after['label']} {after['probability']:.3f}",
                FLIPPED if answer.flipped else HOLDS,
                f"{answer.margin:.3f}",
                f"{answer.kl:.3f}",
                f"{distance:.2f}{percentile}",
            ]
        )
    table = framed(["model", "clean", "distorted", "", "margin", "KL", "features"], rows, left=4)
    table.caption = "KL in nats; features: L2 distance at the penultimate layer, percentile among different images"
    return table


def sweep_table(sweep: Sweep) -> Table:
    """One row per amount: each model's answer and the probability of the class it is followed by."""
    header = [f"{sweep.distortion} ({sweep.unit})" if sweep.unit else sweep.distortion, *(m.name for m in sweep.models)]
    rows = []
    for i, amount in enumerate(sweep.amounts):
        cells = []
        for model in sweep.models:
            index = int(model.predictions[i])
            mark = " " if index == model.clean else "◆"
            cells.append(f"{mark} {model.classes[index]} {float(model.probabilities[i, index]):.3f}")
        rows.append([_short(amount), *cells])
    points = ("never" if model.flip_point is None else f"at {_short(model.flip_point)}" for model in sweep.models)
    rows.append(["flips", *points])
    if bands := [model.band for model in sweep.models if model.band is not None]:
        rows.append([f"{bands[0].n} seeds", *(_flips_of(band) for band in bands)])
    return framed(header, rows, left=len(header))


def _flips_of(band: Band) -> str:
    """Where the answer flips under noises of the same strength: "at 0.04 to 0.06, 7 of 8"."""
    found = sorted(point for point in band.flip_points if point is not None)
    if not found:
        return "never"
    where = _short(found[0]) if found[0] == found[-1] else f"{_short(found[0])} to {_short(found[-1])}"
    return f"at {where}" + (f", {len(found)} of {band.n}" if len(found) < band.n else "")


def weaknesses_table(weaknesses: Sequence[Weakness], models: Sequence[str]) -> Table:
    """One row per distortion, weakest spots first: how little it takes, and where each model's answer changes."""
    rows = []
    for spot in weaknesses:
        points = ("never" if (at := spot.flip_points[name]) is None else _short(at) for name in models)
        if spot.input is None:
            rows.append([spot.distortion, "none found", "", "", "", "", "", *points])
            continue
        change = spot.input.to_dict()
        rows.append(
            [
                spot.distortion,
                spot.shown or "",
                f"{spot.share:.0%}",
                "" if spot.severity is None else f"{spot.severity:.1f}",
                f"{spot.input.l2:.2f}",
                "∞" if change["psnr"] is None else f"{change['psnr']:.1f}",
                "–" if change["ssim"] is None else f"{change['ssim']:.3f}",
                *points,
            ]
        )
    header = ["distortion", "amount", "slider", "severity", "L2", "PSNR", "SSIM", *models]
    table = framed(header, rows, left=2)
    table.columns[1].no_wrap = True
    table.caption = "slider: how far along; severity: on the published scale 1-5; a column per model: where it flips"
    return table


def transfer_table(transfer: Transfer) -> Table:
    """A row per model that was attacked, a column per model that was shown the result."""
    rows = []
    for name, cells in zip(("clean", *transfer.models), (transfer.clean, *transfer.cells), strict=True):
        rows.append([name, *(f"{'◆' if cell.flipped else '○'} {cell.answer} {cell.confidence:.3f}" for cell in cells)])
    table = framed([f"{transfer.shown} crafted on", *transfer.models], rows, left=len(rows) + 1)
    table.caption = "◆ flipped, ○ holds; the number is the probability of the true class, or of the clean answer"
    return table


def transfer_notes(transfer: Transfer) -> list[str]:
    """What to know of the attack on each model before believing it: the flags that are raised."""
    notes = []
    for name, sanity in zip(transfer.models, transfer.sanity, strict=True):
        flags = (sanity.zero_gradient, sanity.falls, sanity.undone)
        notes += [f"{name}: {flag.sentence}" for flag in flags if flag.raised]
    return notes


def evaluation_table(evaluations: Sequence[Evaluation]) -> Table:
    """Accuracy with its 95 % interval, per model."""
    rows = [
        [e.name, f"{e.accuracy:.2%}", f"{e.interval[0]:.2%} to {e.interval[1]:.2%}", f"{e.n:,}"] for e in evaluations
    ]
    return framed(["model", "accuracy", "95 % interval", "n"], rows, left=1)


def plain_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Any columns, as a query gives them; numbers with three significant digits, words to the left."""
    values = [list(row) for row in rows]
    words = next((i for i, column in enumerate(zip(*values, strict=True)) if not _words(column)), len(header))
    return framed(header, [[_cell(value) for value in row] for row in values], left=max(1, words))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON objects; what is not finite or not there is null."""
    return [{key: _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _words(column: Sequence[object]) -> bool:
    return all(isinstance(value, str) for value in column)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    missing = value is None or value != value  # noqa: PLR0124  # NaN, NaT
    return None if missing or value in {float("inf"), -float("inf")} else value


def _cell(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def findings_text(findings: Sequence[Finding]) -> Text:
    """The doctor's report, one line each; below each trouble the command that mends it, in one piece."""
    marks = {"ok": ("ok", "green"), "optional": ("absent", "yellow"), "broken": ("BROKEN", "bold red")}
    text = Text()
    for finding in findings:
        word, style = marks[finding.status]
        text.append(f"{finding.area:9}").append(f"{word:8}", style).append(f"{finding.what}\n")
        if finding.fix:
            text.append(f"{'':17}{finding.fix}\n", "bold")
    text.rstrip()
    return text


def framed(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> Table:
    """A table without frame; the first ``left`` columns to the left, numbers to the right."""
    from rich import box

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for i, title in enumerate(header):
        table.add_column(title, justify="left" if i < left else "right", overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    return table


def _short(value: float) -> str:
    return f"{value:.4g}"
