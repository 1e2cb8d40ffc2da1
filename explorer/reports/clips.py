"""A clip's result as tables."""

from __future__ import annotations

from explorer.clips import Frames
from explorer.clips.results import NEIGHBOURS, ratio
from explorer.evaluation.statistics import Interval
from explorer.reports.tables import Sheet, Table


def frames_sheet(found: Frames) -> Sheet:
    """Flips and instability of each model, and the most telling pairs.

    Args:
        found: The result.

    Returns:
        Its tables with heading and notes.
    """
    rows = []
    for i, one in enumerate(found.models):
        gap = found.compared(one.name)
        steady = one.steady()
        rows.append(
            [
                one.name,
                f"{one.flips:,}",
                _share(one.flip_rate, one.interval),
                f"{100 * gap.difference:+.1f} ({100 * gap.interval[0]:+.1f} to {100 * gap.interval[1]:+.1f})"
                if i
                else "",
                _share(steady.first, steady.first_interval),
                _mean(ratio(one.top5_distance)),
            ]
        )
    pairs = len(found.times) - 1
    caption = (
        f"n = {pairs:,} pairs of neighbours; 95 % intervals, runs of neighbours as one; difference to the first model, "
        f"paired; steady: answered alike up to {NEIGHBOURS} frames before and after"
    )
    head = ["model", "flips", "flip rate, %", "difference", "steady, %", "top-5 distance"]
    tables = [Table(head, rows, 1, caption)]
    if found.label is not None:
        right = []
        for one in found.models:
            pm = found.pm_accuracy(one.name)
            right.append([one.name, _share(pm.first, pm.first_interval), _share(pm.second, pm.second_interval)])
        name = found.models[0].classes[found.label]
        means = f"right where the answer is {name}; pm-{NEIGHBOURS}: at the frame and all its neighbours"
        tables.append(Table(["model", "accuracy, %", f"pm-{NEIGHBOURS} accuracy, %"], right, 1, means))
    if found.pairs:
        told = [
            [f"{pair.frame - 1} to {pair.frame}", pair.model, *_answers(found, pair.model, pair.frame),
             f"{pair.change:.3f}", f"{255 * pair.rms:.2f}"]
            for pair in found.pairs
        ]  # fmt: skip
        caption = "change: total variation between the two answers; pixels: root-mean-square difference, of 255"
        tables.append(Table(["frames", "model", "before", "after", "change", "pixels"], told, 4, caption))
    return Sheet(tables, str(found).partition("\n")[0], [f"Note: {warning}" for warning in found.warnings])


def _answers(found: Frames, name: str, frame: int) -> list[str]:
    one = found[name]
    return [one.classes[int(one.answers[i])] for i in (frame - 1, frame)]


def _mean(found: tuple[float, Interval] | None) -> str:
    return "" if found is None else f"{found[0]:.2f} ({found[1][0]:.2f}–{found[1][1]:.2f})"


def _share(share: float, interval: Interval) -> str:
    return f"{100 * share:.1f} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"
