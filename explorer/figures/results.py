"""The figure of every result. A result type of another package registers its own: ``@draw.register``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import singledispatch

from explorer.analysis import Comparison, Comparisons, FlipPoints, Sweep, Transfer, Weakness, Weaknesses
from explorer.analysis.certify import Certificate, Certificates
from explorer.analysis.doubt import DOUBTS
from explorer.clips import Frames
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
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
from explorer.evaluation.doubts import GRID, QUESTIONS
from explorer.evaluation.masking import ATTACKS
from explorer.evaluation.slopes import Slopes
from explorer.figures.charts import bars, heatmap, lines
from explorer.figures.comparison import comparison
from explorer.figures.display import Figure
from explorer.figures.style import SOFT
from explorer.figures.surveys import findings_figure, view_figure
from explorer.figures.sweeps import curves
from explorer.numbers import counted
from explorer.results import Result, distinct_titles, short_names
from explorer.search import Copies, Duplicates, PairStudy, PrecisionRecall, Relatives, TripletResult
from explorer.stabilizing.report import StabilizationReport
from explorer.survey.report import Findings
from explorer.survey.view import SurveyView


@singledispatch
def draw(result: Result) -> Figure:
    """The figure of a result.

    Args:
        result: What an analysis, an evaluation or a survey returned.

    Returns:
        A Plotly figure that brings a static picture of itself along.

    Raises:
        ExplorerError: Results of this type have no figure, or this one holds nothing to draw.
    """
    raise ExplorerError(f"A {type(result).__name__} has no figure; save it as .json or .csv.")


@draw.register
def _(found: Comparison) -> Figure:
    return comparison(found)


@draw.register
def _(found: Sweep) -> Figure:
    return curves(found)


@draw.register
def _(found: Comparisons) -> Figure:
    shares = [100 * float(found.flipped(name).float().mean()) for name in found.names]
    values = dict(zip(short_names(found.names), shares, strict=True))
    return _to_100(bars(values, "model", "answers flipped (%)", f"{counted(len(found), 'image')} under {found.recipe}"))


@draw.register
def _(found: FlipPoints) -> Figure:
    distortion = find_distortion(found.distortion)
    names = distinct_titles(found.titles, list(found))
    reached = {name: distortion.factor * at for name, at in zip(names, found.values(), strict=True) if at is not None}
    if not reached:
        raise ExplorerError(f"No amount of {found.distortion} changes an answer, so there is no flip point to draw.")
    never = ", ".join(name for name in names if name not in reached)
    who = f"model (never flips: {never})" if never else "model"
    figure = bars(reached, who, f"flip point, {distortion.title} ({distortion.readable_unit})")
    mild, strong = (distortion.factor * end for end in found.span)
    figure.update_yaxes(range=[mild, strong])
    return figure


@draw.register
def _(found: Weaknesses) -> Figure:
    sizes = {spot.title: spot.input.l2 for spot in found if spot.input is not None}
    if not sizes:
        raise ExplorerError("No distortion reached the goal of the search, so there is nothing to draw.")
    figure = bars(sizes, "distortion", "distance from the clean picture (L2)", _goal(found))
    figure.update_traces(marker={"color": SOFT, "pattern": {"shape": ""}})
    return figure


def _goal(found: Weaknesses) -> str:
    if found.goal == "break":
        return f"The least that flips {found.models[0]}"
    return f"The least that separates {', '.join(short_names(found.models))}"


@draw.register
def _(found: Weakness) -> Figure:
    return draw(Weaknesses((found,), "break", tuple(found.flip_points)))


@draw.register
def _(found: Transfer) -> Figure:
    names = short_names(found.models)
    table = [[round(100 * cell.confidence, 1) for cell in row] for row in (found.clean, *found.cells)]
    title = f"{found.title}, {found.shown}: confidence in the true class, or in the clean answer"
    return heatmap(table, ["clean", *names], names, "shown to", "crafted on", "confidence (%)", title)


@draw.register
def _(found: Evaluations) -> Figure:
    names = short_names([one.name for one in found])
    values = {name: 100 * one.accuracy for name, one in zip(names, found, strict=True)}
    ends = {name: _percents(one.interval) for name, one in zip(names, found, strict=True)}
    title = f"{found.data}, {found.recipe}, n = {found[0].n:,}"
    return _to_100(bars(values, "model", "accuracy (%), 95 % interval", title, intervals=ends))


def _to_100(figure: Figure) -> Figure:
    figure.update_yaxes(range=[0, 101])
    return figure


def _percents(interval: tuple[float, float]) -> tuple[float, float]:
    return 100 * interval[0], 100 * interval[1]


@draw.register
def _(found: Evaluation) -> Figure:
    return draw(Evaluations((found,), found.name, found.recipe))


@draw.register
def _(found: Suite) -> Figure:
    names = short_names([one.model for one in found.summaries])
    values = {
        name: {"clean": 100 * one.clean, "mean": 100 * one.mean}
        | {f"worst {worst.amount:.3g}": 100 * worst.accuracy for worst in one.worst}
        | {key: 100 * share for key, share in one.by_distortion.items()}
        for name, one in zip(names, found.summaries, strict=True)
    }
    return _to_100(bars(values, "distortion", "accuracy (%)", f"{found.heading}, n = {found.n:,}"))


@draw.register
def _(found: Calibration) -> Figure:
    clean = [row for row in found.rows if not row.severity]
    series = {}
    for name, row in zip(short_names([row.model for row in clean]), clean, strict=True):
        full = [one for one in row.bins if one.confidence is not None and one.accuracy is not None]
        series[name] = ([100 * (one.confidence or 0) for one in full], [100 * (one.accuracy or 0) for one in full])
    title = f"{found.heading}: clean images, n = {found.n:,}"
    figure = lines(series, "confidence (%)", "accuracy (%)", title, markers=True)
    figure.add_shape(type="line", x0=0, y0=0, x1=100, y1=100, line={"color": SOFT, "width": 1, "dash": "dot"})
    figure.update_xaxes(range=[0, 101])
    figure.update_yaxes(range=[0, 101])
    return figure


@draw.register
def _(found: LineSearch) -> Figure:
    names = short_names([one.model for one in found.summaries])
    values = {
        name: {search.direction: 100 * search.broken for search in one.searches}
        for name, one in zip(names, found.summaries, strict=True)
    }
    title = f"{found.heading}, n = {found.n:,}"
    return _to_100(bars(values, "direction of the search", "answers that some step changes (%)", title))


@draw.register
def _(found: AutoAttack) -> Figure:
    names = short_names([one.model for one in found.summaries])
    values = {
        name: {"clean": 100 * one.clean, "AutoAttack": 100 * one.accuracy}
        for name, one in zip(names, found.summaries, strict=True)
    }
    return _to_100(bars(values, "images", "right answers (%)", f"{found.heading}, n = {found.n:,}"))


@draw.register
def _(found: Everyday) -> Figure:
    models = list(dict.fromkeys(row.model for row in found.rows))
    values = {
        name: {row.condition: 100 * row.accuracy for row in found.rows if row.model == model}
        for name, model in zip(short_names(models), models, strict=True)
    }
    return _to_100(bars(values, "photograph", "right answers (%)", f"{found.heading}, n = {found.n:,}"))


@draw.register
def _(found: CertifiedAccuracy) -> Figure:
    series = {}
    for one, name in zip(found.summaries, short_names([one.model for one in found.summaries]), strict=True):
        radii, shares = found.curve(one.model)
        series[name] = (radii, [100 * share for share in shares])
    title = f"{found.heading}, n = {found.n:,}"
    figure = _to_100(lines(series, "L2 radius on [0, 1] pixels", "certified accuracy (%)", title, markers=False))
    figure.update_traces(line_shape="vh")  # beyond one image's radius the next one's share holds, up to its own
    return figure


@draw.register
def _(found: Doubts) -> Figure:
    """Risk at every coverage for wrong answers; the ROC curves of any other question alone (``of``)."""
    if not found.rows:
        raise ExplorerError("Nothing was measured, so there is nothing to draw.")
    first = found.rows[0]
    rows = [one for one in found.rows if (one.model, one.question) == (first.model, first.question)]
    places, names = [100 * at for at in GRID], {one.score: DOUBTS[one.score].title for one in rows}
    title = f"{first.model}, {found.data}, n = {found.n:,}"
    if first.question == "wrong":
        shares = {names[one.score]: [100 * (at or 0) for at in one.risk[1:]] for one in rows}
        series = {name: (places[1:], share) for name, share in shares.items()}
        return lines(series, "answers kept (%)", "wrong among them (%)", title, markers=False)
    series = {f"{names[one.score]}: {100 * one.auc:.0f} %": (places, [100 * at for at in one.roc]) for one in rows}
    return lines(series, "false alarms (%)", "found (%)", f"{title}: {QUESTIONS[first.question]}", markers=False)


@draw.register
def _(found: Verdicts) -> Figure:
    names = short_names([one.model for one in found.verdicts])
    values = {
        name: {ATTACKS[at.attack]: 100 * at.accuracy for at in one.attacks}
        for name, one in zip(names, found.verdicts, strict=True)
    }
    return _to_100(bars(values, "attack", "withstand (%)", f"{found.data}, size {found.size:.3g}"))


@draw.register
def _(found: Certificates) -> Figure:
    names = short_names([one.model for one in found])
    values = {name: one.radius for name, one in zip(names, found, strict=True)}
    return bars(values, "model", "certified L2 radius on [0, 1] pixels", f"alpha = {found[0].alpha:g}")


@draw.register
def _(found: Certificate) -> Figure:
    return draw(Certificates((found,)))


@draw.register
def _(found: Perturbations) -> Figure:
    names = short_names([one.model for one in found.summaries])
    values = {
        name: {row.sequence: 100 * row.flip_probability for row in found.rows if row.model == one.model}
        for name, one in zip(names, found.summaries, strict=True)
    }
    return bars(values, "sequence", "flip probability (%)", f"{found.heading}, n = {found.n:,}")


@draw.register
def _(found: Frames) -> Figure:
    names = short_names([one.name for one in found.models])
    times = found.times.tolist()
    series = {name: (times, (100 * one.confidence).tolist()) for name, one in zip(names, found.models, strict=True)}
    title = f"{found.clip}, {found.recipe}: marks are frames that are answered otherwise than the one before"
    figure = lines(series, "time (s)", "confidence in the answer (%)", title, markers=False)
    for i, one in enumerate(found.models):  # marks: the flips, on their line
        at = (one.flipped.nonzero()[0] + 1).tolist()
        figure.add_scatter(
            x=[times[j] for j in at],
            y=[100 * float(one.confidence[j]) for j in at],
            mode="markers",
            marker={"symbol": "diamond", "size": 8, "color": figure.data[i].line.color},
            hovertext=[one.classes[int(one.answers[j])] for j in at],
            showlegend=False,
        )
    figure.update_yaxes(range=[0, 101])
    return figure


@draw.register
def _(found: Slopes) -> Figure:
    values = {
        "sampled: median": found.sampled_median,
        "sampled: largest": found.sampled_max,
        "attacked: median": found.attacked_median,
        "attacked: largest": found.attacked_max,
        "bound": found.bound,
    }
    figure = bars(values, "how it was found", "slope (answer per normalised input, L2)", f"n = {found.n:,}")
    figure.update_traces(marker={"color": SOFT, "pattern": {"shape": ""}})
    return figure


draw.register(Findings, findings_figure)
draw.register(SurveyView, view_figure)


@draw.register
def _(found: StabilizationReport) -> Figure:
    names = {"start": "before", "stabilized": "stabilized", "control": "noise augmentation"}
    values = {
        names[role]: {row.recipe: 100 * row.holds for row in found.of(role)[1:]} for role in names if found.of(role)
    }
    title = f"{found.model}: answers that hold under distortion, n = {found.rows[0].n:,} held-out pictures"
    return _to_100(bars(values, "distortion", "answers that hold (%)", title))


@draw.register
def _(found: PrecisionRecall) -> Figure:
    return _precision({found.name or "pairs": found}, found.prior_words)


@draw.register
def _(found: Copies) -> Figure:
    return _precision({found.curve.name: found.curve}, found.curve.prior_words)


@draw.register
def _(found: PairStudy) -> Figure:
    return of_copies(found, found.rows[0].distortion)


def of_copies(found: PairStudy, distortion: str) -> Figure:
    """The curves of all models for one kind of copy.

    Args:
        found: The study.
        distortion: The kind, as the study names it.

    Returns:
        Precision over recall.
    """
    rows = [row for row in found.rows if row.distortion == distortion]
    names = distinct_titles([row.title for row in rows], [row.model for row in rows])
    curves_of = {name: row.copies.curve for name, row in zip(names, rows, strict=True)}
    return _precision(curves_of, f"Copies by {distortion}: {rows[0].copies.curve.prior_words}")


def _precision(named: Mapping[str, PrecisionRecall], title: str) -> Figure:
    """Precision over recall, in per cent, from the first pair that is found."""
    series = {
        name: ([100 * float(x) for x in one.recall], [100 * float(y) for y in one.precision])
        for name, one in named.items()
    }
    figure = lines(series, "recall (%)", "precision (%)", title, markers=False)
    low = min(min(ys) for _, ys in series.values())
    figure.update_yaxes(range=[max(0.0, low - 2) if low > 50 else 0, 100.5])
    figure.update_xaxes(range=[0, 100.5])
    return figure


@draw.register
def _(found: TripletResult) -> Figure:
    models = list(dict.fromkeys(row.model for row in found.rows))
    values = {
        name: {row.distortion: float(row.score) for row in found.rows if row.model == model}
        for name, model in zip(short_names(models), models, strict=True)
    }
    return bars(values, "pictures", f"score@{found.k}", f"{found.rows[0].n:,} triplets of {found.data}")


@draw.register
def _(found: Relatives) -> Figure:
    """Distance over rank: where the nearest ones end and the rest begins."""
    series = {found.model: ([one.rank for one in found.rows], [one.distance for one in found.rows])}
    title = f"The nearest of {found.n:,} pictures of {found.data} to {found.query}, {found.recipe}"
    figure = lines(series, "rank", "distance to the query", title, markers=True)
    figure.update_traces(hovertext=[one.name for one in found.rows])
    return figure


@draw.register
def _(found: Duplicates) -> Figure:
    """How many groups there are of each size."""
    if not found.groups:
        raise ExplorerError("No pictures are that near, so there are no groups to draw.")
    sizes = Counter(map(len, found.groups))
    title = f"{found.data}, {found.model}, distance up to {found.threshold:.4g}"
    figure = bars({str(size): float(sizes[size]) for size in sorted(sizes)}, "pictures in a group", "groups", title)
    figure.update_traces(marker={"color": SOFT, "pattern": {"shape": ""}})
    return figure
