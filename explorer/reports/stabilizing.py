"""The tables of a stabilization's report: what it bought, what it cost, and what plain noise would have done."""

from __future__ import annotations

from explorer.data.images import data_url
from explorer.reports.tables import Sheet, Table
from explorer.results import percent
from explorer.stabilizing.measure import Example, Row
from explorer.stabilizing.report import StabilizationReport

KINDS = {
    "gained": "flipped before, holds now",
    "lost": "held before, flips now",
    "changed": "another answer to the clean picture",
}


def stabilization_sheet(found: StabilizationReport) -> Sheet:
    """The report as text.

    Args:
        found: The report.

    Returns:
        A table of the conditions, one of accuracies where labels are known, and one of telling pictures.
    """
    start, new, control = (found.of(role) for role in ("start", "stabilized", "control"))
    head = ["condition", "in training", "before", "stabilized", "difference (95 %)"]
    head += ["control", "difference (95 %)"] if control else []
    rows = []
    for i, row in enumerate(new):
        kept = (lambda one: one.holds) if i else (lambda one: one.agreement)
        cells = [row.recipe, "yes" if row.trained else "no", _share(kept(start[i])), _share(kept(row)), _gap(row)]
        rows.append(cells + ([_share(kept(control[i])), _gap(control[i])] if control else []))
    caption = (
        f"share of answers that hold, in %, n = {new[0].n:,} held-out pictures; clean: as the start network answered. "
        "Differences to it in points, paired; * survives Holm's correction over all conditions"
    )
    tables = [Table(head, rows, 2, caption)]
    if new[0].accuracy is not None:
        tables.append(_accuracies(start, new, control))
    if found.examples:
        lines = [[KINDS[one.kind], one.source.name, one.recipe or "clean", *_answers(one)] for one in found.examples]
        tables.append(Table(["", "picture", "recipe", "before", "stabilized"], lines, 5, "telling pictures"))
    return Sheet(tables, _heading(found), _notes(found))


def telling_pictures(found: StabilizationReport) -> list[dict[str, str]]:
    """The telling pictures for a page.

    Args:
        found: The report.

    Returns:
        Of each one its distorted pixels as a data URL, its name and kind, the answers before and after, and the command
        that opens it in the explorer, "" for training images, which it cannot name.
    """
    stem = found.model.rpartition("/")[2]
    return [
        {
            "picture": data_url(one.pixels.float().div(255)),
            "name": one.source.name,
            "kind": KINDS[one.kind],
            **dict(zip(("before", "after"), _answers(one), strict=True)),
            "command": ""
            if one.source.address is None
            else f"explorer compare '{one.source.address}' --models {found.start},{stem}.safetensors"
            + (f" --recipe '{one.recipe}'" if one.recipe else ""),
        }
        for one in found.examples
    ]


def _answers(one: Example) -> tuple[str, str]:
    """What it answers to the clean and to the distorted picture, before and after; only the first where it is clean."""
    before, after = (" → ".join(pair if one.recipe else pair[:1]) for pair in (one.before, one.after))
    return before, after


def _heading(found: StabilizationReport) -> str:
    clean = found.of("stabilized")[0]
    return (
        f"{found.model}   of {found.start}   {percent(clean.agreement)} of clean answers as before   "
        f"{found.facts['steps_done']:,} steps in {found.facts['seconds'] / 60:.1f} min"
    )


def _notes(found: StabilizationReport) -> list[str]:
    train, watched, reported = found.counts
    chosen, facts = found.settings, found.facts
    how = (
        f"Method {chosen.method}, layers {chosen.layers}, {'with' if chosen.labels else 'without'} labels, batches of "
        f"{chosen.batch_size}, learning rate {chosen.lr:g}, alpha {chosen.alpha:g}, seed {chosen.seed}; "
        f"{percent(facts['share'])} of the way from the old weights to the new ones was taken."
    )
    where = (
        f"{train:,} pictures of {found.data} were trained on, {watched:,} chosen by, and this report is about "
        f"{reported:,} others. On {facts['hardware']}."
    )
    lines = [how, where]
    for word, row in zip(("gain", "loss"), found.extremes(), strict=True):
        told = "none" if row is None else f"{row.recipe}, {_gap(row)} points"
        lines.append(f"Largest {word}: {told}.")
    return [*lines, *(f"Note: {warning}" for warning in found.warnings)]


def _accuracies(start: tuple[Row, ...], new: tuple[Row, ...], control: tuple[Row, ...]) -> Table:
    head = ["accuracy under", "before", "stabilized", "difference (95 %)", "instability before", "stabilized"]
    head += ["control"] if control else []
    rows = []
    for i, row in enumerate(new):
        cells = [row.recipe, _share(start[i].accuracy), _share(row.accuracy)]
        cells += [_points(row.accuracy_difference, row.accuracy_interval)]
        cells += [_share(start[i].instability), _share(row.instability)]
        rows.append(cells + ([_share(control[i].accuracy)] if control else []))
    caption = "in %; instability: right in the clean or in the distorted version, but not in both (Cidon et al. 2020)"
    return Table(head, rows, 1, caption)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _gap(row: Row) -> str:
    return _points(row.difference, row.interval) + (" *" if row.holm is not None and row.holm < 0.05 else "")


def _points(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None or interval is None:
        return "–"
    low, high = interval
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "−")
