"""One self-contained HTML page of a survey: what was asked, what came out in both directions, and how to get it again.

It opens from a file, without a network and without the explorer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from pandas import isna

from explorer.data.images import data_url
from explorer.distortions import find_distortion
from explorer.evaluation.statistics import EXACT_UP_TO, LEVEL, RESAMPLES
from explorer.reports.document import document, model_card, table
from explorer.survey.annotations import Annotation
from explorer.survey.query import QUADRANTS
from explorer.survey.report import ONCE, RULES, SHOWN, Findings
from explorer.survey.statistics import CLEAN


def survey_report(found: Findings, made: str) -> str:
    """The page, as HTML. ``made``: when, as text. Whatever names and notes hold is shown as text."""
    title = f"{_short(found, found.baseline)} and {_short(found, found.other)} on {found.plan.data}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{_question(found)}</p>',
        _both_sides(found),
        "<h2>Accuracy against the amount</h2>",
        _curves(found),
        "<h2>The numbers</h2>",
        _numbers(found),
        _unstable(found),
        "<h2>All models of the survey</h2>",
        _standing(found),
        *(_quadrant(found, name) for name in QUADRANTS),
        "<h2>The data</h2>",
        _data(found),
        "<h2>The models</h2>",
        *(_model(found, name) for name in found.plan.models),
        "<h2>How to get the same again</h2>",
        _again(found, made),
    ]
    return document(title, parts, styles=["report.css", "survey_report.css"], kind="survey-report")


# ---- what it says ---------------------------------------------------------------------------------------------------


def _question(found: Findings) -> str:
    plan = found.plan
    kinds = ", ".join(find_distortion(name).title.lower() for name in _distortions(found))
    cases = sum(found.quadrants.values())
    part = (
        "" if found.finished + len(found.unread) >= plan.rows else f" The survey is not finished: {plan.rows} wanted."
    )
    return (
        f"Where does <b>{escape(found.baseline)}</b> fail, where does <b>{escape(found.other)}</b>, when pictures "
        f"change a little? Both saw the very same {cases:,} distorted pictures: {found.finished:,} images of "
        f"{escape(plan.data)} under {len(plan.conditions)} conditions ({escape(kinds)}).{part} A model fails a "
        "case where its answer is wrong, or, where nobody knows the true class, where it is not its answer to the "
        "clean image."
    )


def _both_sides(found: Findings) -> str:
    """What the other model gains and what it loses, side by side, in the same words and size."""
    cases = max(sum(found.quadrants.values()), 1)
    boxes = []
    for quadrant, failing, holding in (
        ("only_baseline_fails", found.baseline, found.other),
        ("only_other_fails", found.other, found.baseline),
    ):
        count = found.quadrants[quadrant]
        boxes.append(
            f'<div class="box" data-method="{_method(found, failing)}"><p class="count">{count:,}</p>'
            f"<p>cases ({100 * count / cases:.2f} %) that only {escape(failing)} fails and {escape(holding)} does not."
            "</p></div>"
        )
    rest = (
        f"Both fail {found.quadrants['both_fail']:,} cases, neither fails {found.quadrants['neither_fails']:,}. "
        f"{_verdict(found)}"
    )
    return f'<div class="sides">{"".join(boxes)}</div><p>{rest}</p>'


def _verdict(found: Findings) -> str:
    """How many conditions speak for either model, with intervals that leave 0 out, and how many for none."""
    rows = found.accuracy[found.accuracy.distortion != CLEAN]
    gained = int((rows.difference_low > 0).sum())
    lost = int((rows.difference_high < 0).sum())
    return escape(
        f"Of {len(rows)} conditions, the interval of the difference lies above 0 in {gained} ({found.other} is "
        f"better), below 0 in {lost} ({found.baseline} is better), and holds 0 in {len(rows) - gained - lost}."
    )


def _numbers(found: Findings) -> str:
    first, second = _short(found, found.baseline), _short(found, found.other)
    head = ["condition", "cases", first, second, "difference", f"only one fails: {first} / {second}", "p (McNemar)"]
    rows = []
    for row in found.accuracy.itertuples():
        sign = "▲ " if row.difference_low > 0 else "▼ " if row.difference_high < 0 else ""
        rows.append(
            [
                _condition(row.distortion, row.amount),
                f"{row.n:,}",
                _between(row.baseline, row.baseline_low, row.baseline_high),
                _between(row.other, row.other_low, row.other_high),
                sign + _between(row.difference, row.difference_low, row.difference_high, signed=True),
                f"{row.only_baseline_fails:,} / {row.only_other_fails:,}",
                _p(row.p) + (" exact" if row.exact else ""),
            ]
        )
    seeds = len({condition.seed for condition in found.plan.conditions})
    many = " Several seeds of one image count as several cases in it." if seeds > 1 else ""
    notes = (
        f"Accuracy in % with {100 * LEVEL:.0f} % intervals (percentile bootstrap over images, paired, {RESAMPLES:,} "
        "resamples with seed 0). ▲ and ▼ mark differences whose interval leaves out 0, of either sign; none is "
        f"corrected for the number of rows. McNemar's test: the exact binomial one up to {EXACT_UP_TO} discordant "
        f"cases, beyond them chi-square with continuity correction.{many}"
    )
    return f'<div class="box wide">{table(head, rows)}<p class="soft">{escape(notes)}</p></div>'


def _unstable(found: Findings) -> str:
    if found.instability.empty:
        return ""
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
    note = (
        "The share of images that are answered rightly under some conditions and wrongly under others; less is better."
    )
    return f'<div class="box wide">{table(head, rows)}<p class="soft">{note}</p></div>'


def _standing(found: Findings) -> str:
    head = ["model", "clean", "distorted", "difference from the first", "cases gained", "cases lost"]
    rows = [
        [
            str(row.model),
            _between(row.clean, row.clean_low, row.clean_high),
            _between(row.distorted, row.distorted_low, row.distorted_high),
            "–" if row.model == found.baseline
            else _between(row.difference, row.difference_low, row.difference_high, signed=True),
            "–" if row.model == found.baseline else f"{row.gained:,}",
            "–" if row.model == found.baseline else f"{row.lost:,}",
        ]
        for row in found.standing.itertuples()
    ]  # fmt: skip
    note = (
        f"Accuracy in % over all conditions. Gained are cases that {found.baseline} fails and the model does not, lost "
        "are cases the other way round."
    )
    return f'<div class="box wide">{table(head, rows)}<p class="soft">{escape(note)}</p></div>'


def _quadrant(found: Findings, name: str) -> str:
    titles = {
        "only_baseline_fails": f"Only {found.baseline} fails",
        "only_other_fails": f"Only {found.other} fails",
        "both_fail": "Both fail",
        "neither_fails": "Neither fails",
    }
    frame, count = found.telling[name], found.quadrants[name]
    head = f"<h2>{escape(titles[name])}: {count:,} cases</h2>"
    if frame.empty:
        return f'{head}<p class="soft">There is none.</p>'
    rule = escape(f"The {len(frame)} most telling ones (at most {SHOWN}). {RULES[name][0]} {ONCE}")
    missing = f'<p class="soft">{escape(found.missing)}</p>' if found.missing else ""
    cases = "".join(_case(found, row) for row in frame.itertuples())
    return f'{head}<p class="soft">{rule}</p>{missing}<div class="cases">{cases}</div>'


def _case(found: Findings, row: Any) -> str:
    plan, number = found.plan, int(row.case)
    picture = found.pictures.get(number)
    shown = ""
    if picture is not None:
        shown = "".join(
            f'<img src="{data_url(x)}" alt="{word} picture of image {picture.image}">'
            for x, word in ((picture.clean, "clean"), (picture.distorted, "distorted"))
        )
    label = "not known" if isna(row.label) else plan.classes[int(row.label)]
    own = found.marks.get(number, Annotation())
    marked = " ".join(["★"] * own.star + [*own.tags, own.note]).strip()
    condition = plan.conditions[number // plan.rows]
    lines = [
        f"<b>{escape(_condition(row.distortion, row.amount))}</b>, image {int(row.image)}, true class {escape(label)}",
        _answer(found, found.baseline, row.prediction, row.confidence, row.correct, row.flipped),
        _answer(found, found.other, row.other_prediction, row.other_confidence, row.other_correct, row.other_flipped),
        f'<span class="hash">{escape(str(plan.recipe(condition, int(row.image))))} #{escape(row.hash)}</span>',
        *([escape(marked)] if marked else []),
    ]
    return f'<div class="case">{shown}{"".join(f"<p>{line}</p>" for line in lines)}</div>'


def _answer(found: Findings, model: str, prediction: int, confidence: float, correct: Any, flipped: bool) -> str:
    right = not flipped if isna(correct) else bool(correct)
    sign = "○ holds" if right else "✕ fails"
    return (
        f'<span class="bar" data-method="{_method(found, model)}"></span>{escape(_short(found, model))}: '
        f"<b>{escape(found.plan.classes[int(prediction)])}</b> {confidence:.3f} {sign}"
    )


def _data(found: Findings) -> str:
    plan = found.plan
    classes = ", ".join(plan.classes[:20]) + (" ..." if len(plan.classes) > 20 else "")
    lines = [
        f"{plan.data}, split {plan.split}: its first {plan.rows:,} images, {len(plan.classes)} classes ({classes}).",
        f"{len(found.unread)} images could not be read and are left out."
        if found.unread
        else "All images could be read.",
        "Distorted pixels are rounded to 8 bits, as a file would hold them."
        if plan.quantised
        else "Pixels are floats.",
    ]
    lines += [f"Image {row}: {why}" for row, why in list(found.unread.items())[:20]]
    return f'<div class="box">{"".join(f"<p>{escape(line)}</p>" for line in lines)}</div>'


def _model(found: Findings, name: str) -> str:
    card = found.cards[name]
    if card is not None:
        return model_card(card)
    return (
        f'<div class="box card-of" data-method="{_method(found, name)}"><h3><i></i>{escape(name)}</h3>'
        '<p class="soft">The card of these weights is not here.</p></div>'
    )


def _again(found: Findings, made: str) -> str:
    plan = found.plan
    versions = ", ".join(f"{name} {version}" for name, version in plan.versions.items())
    weights = "\n".join(f"{digest}  {name}" for name, digest in zip(plan.models, plan.weights, strict=True))
    asked = f"baseline={found.baseline!r}, other={found.other!r}"
    python = f'from explorer.survey import Survey\nSurvey("DIR").view("quadrants", {asked})'
    prints = f"{plan.key}  the plan\n{plan.pixels}  images and classes\n{escape(weights)}"
    report = f"explorer survey report DIR --baseline {found.baseline} --other {found.other}"
    return (
        f"<h3>Command line</h3><pre>{escape(found.command)}\n{escape(report)}</pre>"
        f"<h3>Python</h3><pre>{escape(python)}</pre>"
        f"<h3>Fingerprints (SHA-256)</h3><pre>{prints}</pre>"
        f"<p>Versions: {escape(versions)}. Made {escape(made)} with Stability Explorer.</p>"
    )


# ---- the curves -----------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 360, 230, 44, 40, 10


def _curves(found: Findings) -> str:
    key = "".join(
        f'<span class="key" data-method="{_method(found, name)}"><svg viewBox="0 0 30 10"><path class="line{dash}" '
        f'd="M0 5H30"/></svg>{escape(name)}</span>'
        for name, dash in ((found.baseline, ""), (found.other, " dashed"))
    )
    charts = "".join(_curve(found, name) for name in _distortions(found))
    return f'<div class="box"><p>{key}</p><div class="curves">{charts}</div></div>'


def _curve(found: Findings, distortion: str) -> str:
    """Accuracy with its band against the amounts, evenly spaced from mild to strong, the clean pictures first."""
    table = found.accuracy
    rows = [*table[table.distortion == CLEAN].itertuples(), *table[table.distortion == distortion].itertuples()]
    floor = min(min(row.baseline_low, row.other_low) for row in rows)
    step = 0.1 if floor >= 0.5 else 0.2
    base = min(max(0.0, math.floor(floor / step + 1e-9) * step), 1 - step)

    def x(i: int) -> float:
        return LEFT + (WIDTH - LEFT - 22) * i / max(len(rows) - 1, 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - base) / (1 - base))

    marks = [1 - step * i for i in range(round((1 - base) / step) + 1)]
    drawn = [
        f'<path class="grid" d="M{LEFT} {y(mark):.1f}H{WIDTH - 8}"/><text x="{LEFT - 6}" y="{y(mark) + 4:.1f}" '
        f'text-anchor="end">{100 * mark:.0f}</text>'
        for mark in marks
    ]
    for model, name, dash in ((found.baseline, "baseline", ""), (found.other, "other", " dashed")):
        middle = [(x(i), y(getattr(row, name))) for i, row in enumerate(rows)]
        low = [(x(i), y(getattr(row, f"{name}_low"))) for i, row in enumerate(rows)]
        high = [(x(i), y(getattr(row, f"{name}_high"))) for i, row in enumerate(rows)]
        dots = "".join(f'<circle class="dot" cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in middle)
        drawn.append(
            f'<g data-method="{_method(found, model)}"><path class="band" d="{_path([*low, *reversed(high)])}Z"/>'
            f'<path class="line{dash}" d="{_path(middle)}"/>{dots}</g>'
        )
    kind = find_distortion(distortion)
    for i, row in enumerate(rows):
        text = "clean" if row.distortion == CLEAN else kind.show(row.amount).partition(" = ")[2] or f"{row.amount:g}"
        drawn.append(f'<text x="{x(i):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{text}</text>')
    axis = f"{kind.title}: {kind.symbol} ({kind.unit})"
    drawn.append(f'<text x="{(WIDTH + LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(axis)}</text>')
    middle_y = (HEIGHT - BOTTOM + TOP) / 2
    drawn.append(
        f'<text x="10" y="{middle_y}" text-anchor="middle" transform="rotate(-90 10 {middle_y})">accuracy (%)</text>'
    )
    name = escape(f"Accuracy of both models against the amount of {kind.title}; the numbers stand in the table below")
    return f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{"".join(drawn)}</svg></figure>'


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)


# ---- words ----------------------------------------------------------------------------------------------------------


def _distortions(found: Findings) -> list[str]:
    return list(dict.fromkeys(condition.distortion for condition in found.plan.conditions))


def _condition(distortion: str, amount: float) -> str:
    if distortion == CLEAN:
        return "clean"
    kind = find_distortion(distortion)
    return f"{kind.title}, {kind.show(amount)}"


def _method(found: Findings, model: str) -> str:
    return escape(found.plan.methods[found.plan.models.index(model)])


def _short(found: Findings, model: str) -> str:
    """The last part of a model's name, where it tells it from the others."""
    last = [name.rpartition("/")[2] for name in found.plan.models]
    own = model.rpartition("/")[2]
    return own if last.count(own) == 1 else model


def _between(value: float, low: float, high: float, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    shown = [f"{100 * number:{sign}.2f}".replace("-", "−") for number in (value, low, high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"
