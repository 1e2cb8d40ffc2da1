"""The curves of a survey's report: positions of points, bands and texts for the template."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer.distortions import find_distortion
from explorer.survey.report import Findings
from explorer.survey.statistics import CLEAN

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 230, 44, 40, 10  # px
LINES = (("baseline", ""), ("other", " dashed"))
"""Who is drawn, and the class of the line."""


def chart(found: Findings, distortion: str) -> dict[str, Any]:
    """Accuracy with its band against the amounts, evenly spaced from mild to strong, the clean pictures first.

    Where amounts lie on both sides of the one that changes nothing, the clean pictures stand between them.

    Args:
        found: What the survey found.
        distortion: One of its distortions.

    Returns:
        What ``survey_curve.html`` draws, in px.
    """
    table = found.accuracy
    clean, rows = (
        list(table[table.distortion == CLEAN].itertuples()),
        list(table[table.distortion == distortion].itertuples()),
    )
    identity = find_distortion(distortion).identity
    below = sorted((row for row in rows if row.amount < identity), key=lambda row: row.amount)
    above = [row for row in rows if row.amount >= identity]
    rows = [*below, *clean, *sorted(above, key=lambda row: row.amount)] if below and above else [*clean, *rows]
    floor = min(min(row.baseline_low, row.other_low) for row in rows)
    step = 0.1 if floor >= 0.5 else 0.2
    base = min(max(0.0, math.floor(floor / step + 1e-9) * step), 1 - step)

    def x(i: int) -> float:
        return LEFT + (WIDTH - LEFT - 22) * i / max(len(rows) - 1, 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - base) / (1 - base))

    def points(column: str) -> list[tuple[float, float]]:
        return [(x(i), y(getattr(row, column))) for i, row in enumerate(rows)]

    grid = [1 - step * i for i in range(round((1 - base) / step) + 1)]
    entry = find_distortion(distortion)
    texts = [
        "clean" if row.distortion == CLEAN else entry.show(row.amount).partition(" = ")[2] or f"{row.amount:g}"
        for row in rows
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - 8,
        "grid": [{"y": f"{y(mark):.1f}", "text_y": f"{y(mark) + 4:.1f}", "text": f"{100 * mark:.0f}"} for mark in grid],
        "lines": [
            {
                "method": found.plan.methods[found.plan.models.index(getattr(found, name))],
                "dash": dash,
                "band": _path([*points(f"{name}_low"), *reversed(points(f"{name}_high"))]),
                "path": _path(points(name)),
                "dots": [(f"{a:.1f}", f"{b:.1f}") for a, b in points(name)],
            }
            for name, dash in LINES
        ],
        "amounts": [(f"{x(i):.1f}", text) for i, text in enumerate(texts)],
        "amounts_y": HEIGHT - BOTTOM + 16,
        "middle_x": (WIDTH + LEFT) / 2,
        "middle_y": (HEIGHT - BOTTOM + TOP) / 2,
        "axis": f"{entry.title}: {entry.symbol} ({entry.unit})",
        "label": f"Accuracy of both models against the amount of {entry.title}; the numbers are in the table below",
    }


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
