"""Every result as a sheet: its tables and sentences for the terminal, a notebook and a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from explorer.analysis import Comparison, Comparisons, FlipPoints, Sweep, Transfer, Weakness, Weaknesses
from explorer.analysis.answers import ranking
from explorer.analysis.sweep import flips_of
from explorer.clips import Frames
from explorer.distortions import find_distortion
from explorer.evaluation import (
    AutoAttack,
    Calibration,
    CertifiedAccuracy,
    Doubts,
    Evaluation,
    Evaluations,
    Everyday,
    LineSearch,
    Perturbations,
    Suite,
    Verdicts,
)
from explorer.reports.clips import frames_sheet
from explorer.reports.doubt_tables import doubts_sheet, verdicts_sheet
from explorer.reports.searching import curve_sheet, duplicates_sheet, pairs_sheet, relatives_sheet, triplets_sheet
from explorer.reports.stabilizing import stabilization_sheet
from explorer.reports.suite_tables import (
    autoattack_sheet,
    calibration_sheet,
    certified_sheet,
    everyday_sheet,
    line_search_sheet,
    perturbations_sheet,
    suite_sheet,
)
from explorer.reports.tables import Sheet, Table, measured, plain_table, short
from explorer.results import Result, plain_records
from explorer.search import Copies, Duplicates, PairStudy, PrecisionRecall, Relatives, TripletResult
from explorer.stabilizing.report import StabilizationReport
from explorer.survey.report import Findings
from explorer.survey.view import SurveyView

FLIPPED, HOLDS = "◆ flipped", "○ holds"
MOST_ROWS = 50
"""Rows of a survey's table on a page."""


@singledispatch
def sheet(result: Result) -> Sheet:
    """The tables of a result.

    Args:
        result: Any result; one without its own table is shown by its records.

    Returns:
        The tables with heading and notes.
    """
    records = result.records()
    head = list(records[0]) if records else []
    return Sheet([plain_table(head, [list(record.values()) for record in records])])


@sheet.register
def _(found: Comparison) -> Sheet:
    """One row per model: what it answers to the clean and to the distorted pixels."""
    change = measured(found.input.to_dict())
    heading = f"{found.recipe}   pixels {found.image_hash}   " + "   ".join(
        [
            f"L2 {found.input.l2:.3f}",
            f"L∞ {found.input.linf:.3f}",
            f"PSNR {change['psnr']} dB",
            f"SSIM {change['ssim']}",
        ]
    )
    rows = []
    for answer in found.models:
        before, after = (ranking(p, answer.classes, 1)[0] for p in (answer.clean, answer.distorted))
        moved = answer.feature_distance.get("penultimate")
        percentile = "" if answer.feature_percentile is None else f" ({answer.feature_percentile:.0f}%)"
        rows.append(
            [
                answer.name,
                f"{before['label']} {before['probability']:.3f}",
                f"{after['label']} {after['probability']:.3f}",
                FLIPPED if answer.flipped else HOLDS,
                f"{answer.margin:.3f}",
                f"{answer.kl:.3f}",
                "–" if moved is None else f"{moved.l2:.2f}{percentile}",
            ]
        )
    caption = "KL in nats; features: L2 distance at the penultimate layer, percentile among different images"
    table = Table(["model", "clean", "distorted", "", "margin", "KL", "features"], rows, 4, caption)
    return Sheet([table], heading, [f"Note: {warning}" for warning in found.warnings])


@sheet.register
def _(found: Comparisons) -> Sheet:
    """One row per model: how many answers flipped."""
    flips = {name: int(found.flipped(name).sum()) for name in found.names}
    rows = [[name, f"{count:,}", f"{100 * count / len(found):.1f}"] for name, count in flips.items()]
    table = Table(["model", "flipped", "%"], rows, 1, f"answers flipped, of {len(found):,} images under {found.recipe}")
    return Sheet([table], notes=[f"Note: {warning}" for warning in found.warnings])


@sheet.register
def _(found: Sweep) -> Sheet:
    """One row per amount: each model's answer and the probability of the class it answers."""
    head = [f"{found.distortion} ({found.unit})" if found.unit else found.distortion, *(m.name for m in found.models)]
    rows = []
    for i, amount in enumerate(found.amounts):
        cells = []
        for model in found.models:
            index = int(model.predictions[i])
            mark = " " if index == model.clean else "◆"
            cells.append(f"{mark} {model.classes[index]} {float(model.probabilities[i, index]):.3f}")
        rows.append([short(amount), *cells])
    rows.append(["flips", *(_point(model.flip_point, "at ") for model in found.models)])
    if bands := [model.band for model in found.models if model.band is not None]:
        rows.append([f"{bands[0].n} seeds", *(flips_of(band) for band in bands)])
    return Sheet([Table(head, rows, len(head))])


@sheet.register
def _(found: FlipPoints) -> Sheet:
    """One row per model."""
    distortion = find_distortion(found.distortion)
    rows = [[name, "never" if at is None else distortion.show(at)] for name, at in found.items()]
    return Sheet([Table(["model", f"flips, {distortion.title.lower()}"], rows, 2)])


@sheet.register
def _(found: Weaknesses) -> Sheet:
    """One row per distortion, weakest spots first: how little it takes, and where each model's answer changes."""
    return Sheet([_weak_spots(found, found.models)])


@sheet.register
def _(found: Weakness) -> Sheet:
    return Sheet([_weak_spots([found], list(found.flip_points))])


def _weak_spots(spots: Iterable[Weakness], models: Sequence[str]) -> Table:
    rows = []
    for spot in spots:
        points = [_point(spot.flip_points[name]) for name in models]
        if spot.input is None:
            rows.append([spot.distortion, "none found", "", "", "", "", "", *points])
            continue
        change = measured(spot.input.to_dict())
        severity = "" if spot.severity is None else f"{spot.severity:.1f}"
        share = "" if spot.share is None else f"{spot.share:.0%}"
        cells = [spot.distortion, spot.shown or "", share, severity, f"{spot.input.l2:.2f}"]
        rows.append([*cells, change["psnr"], change["ssim"], *points])
    return Table(
        ["distortion", "amount", "slider", "severity", "L2", "PSNR", "SSIM", *models],
        rows,
        left=2,
        caption="slider: how far along; severity: CIFAR-10-C's, above 64 px ImageNet-C's; by model: where it flips",
        unbroken=(0, 1),
    )


@sheet.register
def _(found: Transfer) -> Sheet:
    """A row per model that was attacked, a column per model that was shown the result."""
    rows = [
        [name, *(f"{'◆' if cell.flipped else '○'} {cell.answer} {cell.confidence:.3f}" for cell in cells)]
        for name, cells in zip(("clean", *found.models), (found.clean, *found.cells), strict=True)
    ]
    caption = "◆ flipped, ○ holds; the number is the probability of the true class, or of the clean answer"
    table = Table([f"{found.shown} crafted on", *found.models], rows, len(rows) + 1, caption)
    return Sheet([table], notes=found.notes())


@sheet.register
def _(found: Evaluations) -> Sheet:
    """Accuracy with its 95 % interval, per model."""
    return Sheet([_accuracies(found)], found.heading, list(found.warnings))


@sheet.register
def _(found: Evaluation) -> Sheet:
    return Sheet([_accuracies([found])], str(found.recipe))


def _accuracies(found: Iterable[Evaluation]) -> Table:
    """With the share of true classes among the first five answers where a model has more than ten."""
    rows = [
        [e.name, f"{e.accuracy:.2%}", f"{e.interval[0]:.2%} to {e.interval[1]:.2%}", f"{e.n:,}", _five(e)]
        for e in found
    ]
    last = 5 if any(row[-1] for row in rows) else 4
    return Table(["model", "accuracy", "95 % interval", "n", "top 5"][:last], [row[:last] for row in rows], 1)


def _five(found: Evaluation) -> str:
    return "" if found.top5 is None else f"{found.top5:.2%}"


sheet.register(Suite, suite_sheet)
sheet.register(Calibration, calibration_sheet)
sheet.register(LineSearch, line_search_sheet)
sheet.register(AutoAttack, autoattack_sheet)
sheet.register(Everyday, everyday_sheet)
sheet.register(Perturbations, perturbations_sheet)
sheet.register(PairStudy, pairs_sheet)
sheet.register(Copies, curve_sheet)
sheet.register(PrecisionRecall, curve_sheet)
sheet.register(TripletResult, triplets_sheet)
sheet.register(Duplicates, duplicates_sheet)
sheet.register(Relatives, relatives_sheet)
sheet.register(CertifiedAccuracy, certified_sheet)
sheet.register(Frames, frames_sheet)
sheet.register(Doubts, doubts_sheet)
sheet.register(Verdicts, verdicts_sheet)


def _point(amount: float | None, before: str = "") -> str:
    return "never" if amount is None else f"{before}{short(amount)}"


@sheet.register
def _(found: Findings) -> Sheet:
    """How many cases lie in each quadrant, and the accuracy under every condition."""
    counts = [[name.replace("_", " "), f"{count:,}"] for name, count in found.quadrants.items()]
    rows = [list(row.values()) for row in plain_records(found.accuracy)]
    return Sheet([Table(["cases", "n"], counts), plain_table([str(name) for name in found.accuracy.columns], rows)])


@sheet.register
def _(found: SurveyView) -> Sheet:
    """The first rows."""
    frame = found.to_frame()
    shown, rest = frame.iloc[:MOST_ROWS], len(frame) - MOST_ROWS
    notes = [f"{rest:,} more rows; a file .csv or .json holds all."] if rest > 0 else []
    return Sheet([plain_table(list(map(str, shown.columns)), shown.itertuples(index=False, name=None))], notes=notes)


@sheet.register
def _(found: StabilizationReport) -> Sheet:
    """One row per condition: what holds before and after, and what the control does."""
    return stabilization_sheet(found)
