"""Scores of doubt and masking verdicts as tables."""

from __future__ import annotations

from explorer.analysis.doubt import DOUBTS
from explorer.evaluation import Doubts, Verdicts
from explorer.evaluation.doubts import QUESTIONS
from explorer.evaluation.masking import ATTACKS
from explorer.reports.tables import Sheet, Table


def doubts_sheet(found: Doubts) -> Sheet:
    """How well scores of doubt tell what should not be relied on.

    Args:
        found: What ``doubts`` returned.

    Returns:
        A table per question: areas under the ROC curve, a row per model and score.
    """
    tables = []
    for question in dict.fromkeys(one.question for one in found.rows):
        rows = [
            [
                one.model,
                DOUBTS[one.score].title,
                f"{one.auc:.3f} ({one.interval[0]:.3f} to {one.interval[1]:.3f})",
                *([f"{100 * (one.risk[80] or 0):.1f}"] if one.risk else []),
                f"{one.doubtful:,} / {one.others:,}",
            ]
            for one in found.rows
            if one.question == question
        ]
        risk = ["wrong among the 80 % kept (%)"] if question == "wrong" else []
        caption = f"{QUESTIONS[question]}; area under the ROC curve with its 95 % interval; n: doubtful / others"
        tables.append(Table(["model", "score", "area", *risk, "n"], rows, 2, caption))
    return Sheet(tables, found.heading, list(found.notes))


def verdicts_sheet(found: Verdicts) -> Sheet:
    """Masking verdicts.

    Args:
        found: What ``masking`` returned.

    Returns:
        What withstands each attack, a column per model, and the signs of masking as notes.
    """
    names = [one.model for one in found.verdicts]
    rows = []
    for attack, title in ATTACKS.items():
        cells = []
        for one in found.verdicts:
            at = next((at for at in one.attacks if at.attack == attack), None)
            low, high = at.interval if at else (0, 0)
            cells.append(f"{100 * at.accuracy:.1f} ({100 * low:.1f} to {100 * high:.1f})" if at else "–")
        rows.append([title, *cells])
    rows.append(["all but the unbounded one", *(f"{100 * one.worst:.1f}" for one in found.verdicts)])
    rows.append(["verdict", *("masked" if one.masked else "no sign of masking" for one in found.verdicts)])
    counts = ", ".join(dict.fromkeys(f"{one.n:,}" for one in found.verdicts))
    caption = f"withstand, in %, with 95 % intervals; n = {counts} images that are answered rightly"
    notes = [f"{one.model}: {sign}" for one in found.verdicts for sign in one.signs]
    heading = f"{found.data}, attacks of {found.size:.3g} (L-infinity), seed {found.seed}"
    return Sheet([Table(["attack", *names], rows, 1, caption)], heading, notes)
