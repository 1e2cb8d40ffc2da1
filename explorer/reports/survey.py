"""One self-contained HTML page of a survey: plan, results in both directions, and how to reproduce them.

It opens from a file, without a network and without the explorer.
"""

from __future__ import annotations

import math
from typing import Any

from pandas import isna

from explorer.data.images import data_url
from explorer.distortions import find_distortion
from explorer.evaluation.statistics import LEVEL
from explorer.numbers import counted
from explorer.reports.document import document, model_card
from explorer.reports.survey_curves import LINES, chart
from explorer.reports.tables import Table
from explorer.results import short_names
from explorer.survey.annotations import Annotation
from explorer.survey.plan import Plan
from explorer.survey.query import QUADRANTS
from explorer.survey.report import ONCE, RULES, SHOWN, Findings
from explorer.survey.statistics import CLEAN


def survey_report(found: Findings, made: str) -> str:
    """The page of a survey, as HTML.

    Args:
        found: What the survey found.
        made: When, as text. Whatever names and notes hold is shown as text.

    Returns:
        HTML that opens from a file and asks no host for anything.
    """
    plan, cases = found.plan, sum(found.quadrants.values())
    return document(
        "survey.html",
        styles=["report", "survey_report"],
        title=f"{_short(found, found.baseline)} and {_short(found, found.other)} on {plan.data}",
        plan=plan,
        baseline=found.baseline,
        other=found.other,
        cases=cases,
        same_pixels=not any(map(plan.crafted_on_each, plan.conditions)),
        finished=found.finished,
        unfinished=found.finished + len(found.unread) < plan.rows,
        distortions=", ".join(find_distortion(name).title.lower() for name in _distortions(found)),
        quadrants=found.quadrants,
        sides=[
            _side(found, "only_baseline_fails", found.baseline, found.other),
            _side(found, "only_other_fails", found.other, found.baseline),
        ],
        verdict=_verdict(found),
        keys=[
            {"name": getattr(found, who), "method": _method(found, getattr(found, who)), "dash": dash}
            for who, dash in LINES
        ],
        charts=[chart(found, name) for name in _distortions(found)],
        numbers=_numbers(found),
        unstable=_unstable(found),
        standing=_standing(found),
        groups=[_quadrant(found, name) for name in QUADRANTS],
        missing=found.missing,
        about_data=_data(found),
        models=[_model(found, name) for name in plan.models],
        command=found.command,
        python=(
            "from explorer.survey import Survey\n"
            f'Survey("DIR").view("quadrants", baseline={found.baseline!r}, other={found.other!r})'
        ),
        weights=[f"{digest}  {name}" for name, digest in zip(plan.models, plan.weights, strict=True)],
        versions=[f"{name} {version}" for name, version in plan.versions.items()],
        made=made,
    )


# ---- what it says ---------------------------------------------------------------------------------------------------


def _side(found: Findings, quadrant: str, failing: str, holding: str) -> dict[str, Any]:
    """The losses of one model against the other; both sides are shown in the same words and size."""
    count, cases = found.quadrants[quadrant], max(sum(found.quadrants.values()), 1)
    share = f"{100 * count / cases:.2f}"
    method = _method(found, failing)
    return {"method": method, "count": count, "share": share, "failing": failing, "holding": holding}


def _verdict(found: Findings) -> str:
    """In how many conditions either model is better, by interval and test, and in how many neither is."""
    rows = found.accuracy[(found.accuracy.distortion != CLEAN) & found.accuracy.p.notna()]
    sure = rows[rows.p_holm < 1 - LEVEL]
    better, worse = ((rows.verdict == word).sum() for word in ("better", "worse"))
    certain = ((sure.verdict == word).sum() for word in ("better", "worse"))
    return (
        f"Of {len(rows)} conditions, interval and exact test agree that {found.other} is better in {better} and "
        f"{found.baseline} in {worse}; in {len(rows) - better - worse} they do not tell the two apart. Corrected for "
        "the number of conditions (Holm), it is {} and {}.".format(*certain)
    )


def _numbers(found: Findings) -> tuple[Table, str]:
    first, second = _short(found, found.baseline), _short(found, found.other)
    head = ["condition", "cases", first, second, "difference", f"only one fails: {first} / {second}", "p (exact)"]
    rows = []
    for row in found.accuracy.itertuples():
        sign = {"better": "▲ ", "worse": "▼ ", "": ""}[row.verdict]
        rows.append(
            [
                _condition(row.distortion, row.amount),
                f"{row.n:,}",
                _between(row.baseline, row.baseline_low, row.baseline_high),
                _between(row.other, row.other_low, row.other_high),
                sign + _between(row.difference, row.difference_low, row.difference_high, signed=True),
                f"{row.only_baseline_fails:,} / {row.only_other_fails:,}",
                _p(row.p) + (" *" if row.p_holm < 1 - LEVEL else ""),
            ]
        )
    tests = int(found.accuracy.p.notna().sum())
    notes = (
        f"Accuracy in % with {100 * LEVEL:.0f} % intervals (Wilson; Tango for the paired difference; the seeds of an "
        "image are one cluster). p: McNemar's exact test, with the image as the unit. ▲ and ▼ mark differences whose "
        f"interval leaves out 0 and whose p is below {1 - LEVEL:.2f}. {tests} rows are tested: chance alone marks up "
        f"to {(1 - LEVEL) * tests:.1f} of them. * marks p that survive Holm's correction for all {tests}."
    )
    return Table(head, rows), notes


def _unstable(found: Findings) -> tuple[Table, str] | None:
    if found.instability.empty:
        return None
    head = ["instability (Cidon et al., 2021), %", "images", _short(found, found.baseline), _short(found, found.other),
            "difference"]  # fmt: skip
    rows = [
        [
            find_distortion(row.distortion).title,
            f"{row.images:,}",
            _between(row.baseline, row.baseline_low, row.baseline_high),
            _between(row.other, row.other_low, row.other_high),
            _between(row.difference, row.difference_low, row.difference_high, signed=True),
        ]
        for row in found.instability.itertuples()
    ]
    note = "The share of images answered correctly under some conditions and wrongly under others; less is better."
    return Table(head, rows), note


def _standing(found: Findings) -> tuple[Table, str]:
    head = [
        "model",
        "clean",
        "distorted",
        "difference from the first",
        "cases gained",
        "cases lost",
        "largest gain",
        "largest loss",
    ]
    rows = [
        [
            str(row.model),
            _between(row.clean, row.clean_low, row.clean_high),
            _between(row.distorted, row.distorted_low, row.distorted_high),
            "–" if row.model == found.baseline
            else _between(row.difference, row.difference_low, row.difference_high, signed=True),
            "–" if row.model == found.baseline else f"{row.gained:,}",
            "–" if row.model == found.baseline else f"{row.lost:,}",
            _extreme(found, row.model, "gain"),
            _extreme(found, row.model, "loss"),
        ]
        for row in found.standing.itertuples()
    ]  # fmt: skip
    note = (
        f"Accuracy in % over all conditions. Gained are cases that {found.baseline} fails and the model does not, lost "
        "are cases the other way round. The largest gain and the largest loss are in points, with intervals, among the "
        "conditions in which interval and exact test agree; * survives Holm's correction for all conditions."
    )
    return Table(head, rows), note


def _extreme(found: Findings, model: str, what: str) -> str:
    """The condition in which a model gains or loses most, such as "Fog, 1.5: −9.90 (−12.30 to −7.52) *"."""
    for row in found.extremes.itertuples():
        if (row.model, row.what) == (model, what):
            size = _between(row.difference, row.difference_low, row.difference_high, signed=True)
            return f"{_condition(row.distortion, row.amount)}: {size}{' *' if row.p_holm < 1 - LEVEL else ''}"
    return "–"


def _quadrant(found: Findings, name: str) -> dict[str, Any]:
    titles = {
        "only_baseline_fails": f"Only {found.baseline} fails",
        "only_other_fails": f"Only {found.other} fails",
        "both_fail": "Both fail",
        "neither_fails": "Neither fails",
    }
    frame = found.telling[name]
    return {
        "title": titles[name],
        "count": found.quadrants[name],
        "rule": f"The {len(frame)} most telling ones (at most {SHOWN}). {RULES[name][0]} {ONCE}",
        "cases": [_case(found, row) for row in frame.itertuples()],
    }


def _case(found: Findings, row: Any) -> dict[str, Any]:
    plan, number = found.plan, int(row.case)
    picture = found.pictures.get(number)
    annotation = found.annotations.get(number, Annotation())
    condition = plan.conditions[number // plan.rows]
    return {
        "image": int(row.image),
        "pictures": []
        if picture is None
        else [("clean", data_url(picture.clean)), ("distorted", data_url(picture.distorted))],
        "condition": _condition(row.distortion, row.amount),
        "label": "not known" if isna(row.label) else plan.classes[int(row.label)],
        "answers": [
            _answer(found, found.baseline, row.prediction, row.confidence, row.correct, row.flipped),
            _answer(found, found.other, row.other_prediction, row.other_confidence, row.other_correct,
                    row.other_flipped),
        ],
        "recipe": str(plan.recipe(condition, int(row.image), found.baseline)),
        "hash": row.hash,
        "noted": " ".join(["★"] * annotation.star + [*annotation.tags, annotation.note]).strip(),
    }  # fmt: skip


def _answer(
    found: Findings, model: str, prediction: int, confidence: float, correct: Any, flipped: bool
) -> dict[str, str]:
    holds = not flipped if isna(correct) else bool(correct)
    return {
        "method": _method(found, model),
        "name": _short(found, model),
        "answer": found.plan.classes[int(prediction)],
        "confidence": f"{confidence:.3f}",
        "sign": "○ holds" if holds else "✕ fails",
    }


def _data(found: Findings) -> list[str]:
    plan = found.plan
    classes = ", ".join(plan.classes[:20]) + (" ..." if len(plan.classes) > 20 else "")
    images, known = counted(plan.rows, "image"), counted(len(plan.classes), "class")
    return [
        f"{plan.data}, split {plan.split}: its first {images}, {known} ({classes}).",
        f"Left out: {counted(len(found.unread), 'image')} that could not be read."
        if found.unread
        else "All images could be read.",
        "Distorted pixels are rounded to 8 bits, as a file would hold them."
        if plan.quantised
        else "Pixels are floats.",
        *_photographs(plan),
        *_attacks(plan),
        *(f"Image {row}: {why}" for row, why in list(found.unread.items())[:20]),
    ]


def _photographs(plan: Plan) -> list[str]:
    """What was distorted, where it is not the networks' input."""
    if plan.working_side is None:
        return []
    side = f"{plan.working_side:,} px"
    return [
        "Photographs were distorted at their own size and then fitted by each model's own transform.",
        f"Photographs of more than {side} were distorted as a copy of that long side.",
    ]


def _attacks(plan: Plan) -> list[str]:
    """One sentence about whom the attacks were crafted on, if there are any."""
    if not any(find_distortion(condition.distortion).adversarial for condition in plan.conditions):
        return []
    if plan.against is None:
        return ["Every attack was crafted on each model itself."]
    return [f"Attacks were crafted on {plan.against}; the other models saw a transferred attack."]


def _model(found: Findings, name: str) -> dict[str, Any]:
    card = found.cards[name]
    return {"name": name, "method": _method(found, name), "card": None if card is None else model_card(card)}


# ---- words ----------------------------------------------------------------------------------------------------------


def _distortions(found: Findings) -> list[str]:
    return list(dict.fromkeys(condition.distortion for condition in found.plan.conditions))


def _condition(distortion: str, amount: float) -> str:
    if distortion == CLEAN:
        return "clean"
    entry = find_distortion(distortion)
    return f"{entry.title}, {entry.show(amount)}"


def _method(found: Findings, model: str) -> str:
    return found.plan.methods[found.plan.models.index(model)]


def _short(found: Findings, model: str) -> str:
    """The last part of a model's name, where it tells it from the others."""
    return short_names(found.plan.models)[found.plan.models.index(model)]


def _between(value: float, low: float, high: float, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    shown = [f"{100 * number:{sign}.2f}".replace("-", "−") for number in (value, low, high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def _p(value: float) -> str:
    if math.isnan(value):
        return "none: transferred"
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"
