"""Curves of accuracy against amount: interactive (Plotly, one HTML page) and as static pictures beside it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from explorer import palette
from explorer.distortions import Recipe, find_distortion
from explorer.experiments.lines import Line
from explorer.experiments.schema import PublishedValues
from explorer.experiments.tables import recipe_title
from explorer.figures import Figure, lines, png
from explorer.files import write_whole
from explorer.training.config import data_name

MOST = 8
"""Lines up to which all are drawn; of more, two per method."""


@dataclass(frozen=True)
class Curves:
    """One chart.

    Attributes:
        name: Its name in files.
        figure: The figure.
        note: What it says of lines that were left out.
    """

    name: str
    figure: Figure
    note: str = ""


def amounts_of(recipes: Sequence[str]) -> dict[str, list[tuple[float, str]]]:
    """The amounts that were measured.

    Args:
        recipes: Texts of the recipes; ``clean`` counts as the amount that changes nothing.

    Returns:
        (amount, recipe) from mild to strong, by distortion; only where there are two or more.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    for text in recipes:
        steps = Recipe.parse(text).steps
        if len(steps) == 1:
            found.setdefault(steps[0][0], []).append((steps[0][1], text))
    several = {}
    for name, points in found.items():
        entry = find_distortion(name)
        # Where the clean picture is far from all that was measured (a quality, a side), a line to it would claim much.
        near = entry.identity != entry.high
        clean = [(entry.identity, text) for text in recipes if near and not Recipe.parse(text).steps]
        if len(points) > 1:
            several[name] = sorted([*clean, *points], key=lambda point: abs(point[0] - entry.identity))
    return several


def curves_of(
    group: tuple[str, str], group_lines: Sequence[Line], recipes: Sequence[str], published: Sequence[PublishedValues]
) -> list[Curves]:
    """The charts of one table: against each distortion's amount, and against the training images where they vary.

    Args:
        group: Data set and architecture.
        group_lines: The table's lines.
        recipes: The recipes measured.
        published: Published values to show.

    Returns:
        The charts.
    """
    data, arch = group
    name, title = f"{data_name(data)}-{arch}", f"{arch} on {data}: accuracy against"
    sizes = {line.cell.config.train_size for line in group_lines}
    most = 0 if 0 in sizes else max(sizes)
    done = [line for line in group_lines if line.rows and line.cell.config.train_size == most]
    made = []
    for distortion, points in amounts_of(recipes).items():
        measured = [line for line in done if any(line.values(recipe) for _, recipe in points)]
        shown, note = _chosen(measured, [recipe for _, recipe in points])
        if not shown:
            continue
        entry = find_distortion(distortion)
        positions = [(amount * entry.factor, recipe) for amount, recipe in points]
        series = {line.title: _points((amount, line.mean(recipe)) for amount, recipe in positions) for line in shown}
        figure = lines(series, entry.axis, "accuracy (%)", f"{title} {entry.title.lower()}")
        for known in published:
            if any(known.fits(line.cell) for line in group_lines):
                _mark(figure, known, positions)
        if entry.identity == entry.high:  # mild on the left, as everywhere
            low, high = min(amount for amount, _ in positions), max(amount for amount, _ in positions)
            figure.update_xaxes(range=[high + 0.05 * (high - low), low - 0.05 * (high - low)])
        made.append(Curves(f"{name}-{distortion}", _sized(figure), note))
    if len(sizes) > 1:
        made += _by_size(name, title, [line for line in group_lines if line.rows], recipes)
    return made


def _by_size(name: str, title: str, done: Sequence[Line], recipes: Sequence[str]) -> list[Curves]:
    """One chart per recipe: accuracy against the number of training images, a line per setting."""
    settings: dict[str, list[Line]] = {}
    for line in sorted(done, key=lambda line: int(line.rows[0]["images"])):
        settings.setdefault(re.sub(r"(, | · )train_size=\d+", "", line.title), []).append(line)
    made = []
    for recipe in recipes if settings else ():
        series = {
            words: _points((float(line.rows[0]["images"]), line.mean(recipe)) for line in of_group)
            for words, of_group in settings.items()
        }
        series = {words: points for words, points in series.items() if points[0]}
        if not series:
            continue
        figure = lines(series, "training images", "accuracy (%)", f"{title} training images, {recipe_title(recipe)}")
        figure.update_xaxes(type="log")
        slug = re.sub(r"[^a-z0-9.]+", "-", recipe)
        made.append(Curves(f"{name}-train_size-{slug}", _sized(figure)))
    return made


def _points(pairs: Iterable[tuple[float, float | None]]) -> tuple[list[float], list[float]]:
    """What can be drawn: x and y of the pairs that have a y."""
    known = [(x, y) for x, y in pairs if y is not None]
    return [x for x, _ in known], [y for _, y in known]


def _sized(figure: Figure) -> Figure:
    """Room for the legend's rows, and the whole range of accuracies."""
    figure.update_layout(height=460, margin={"t": 54 + 22 * ((len(figure.data) + 2) // 3)})
    figure.update_yaxes(range=[0, 101])
    return figure


def _chosen(done: Sequence[Line], recipes: Sequence[str]) -> tuple[list[Line], str]:
    """The lines to draw, and what to say of the others."""
    if len(done) <= MOST:
        return list(done), ""

    def score(line: Line) -> float:
        return sum(line.mean(recipe) or 0.0 for recipe in recipes)

    kept = []
    for method in dict.fromkeys(line.cell.config.method for line in done):
        of_group = [line for line in done if line.cell.config.method == method]
        ends = of_group if len(of_group) <= 2 else [max(of_group, key=score), min(of_group, key=score)]
        kept += ends
    return (
        kept,
        f"{len(kept)} of {len(done)} settings are drawn: of each method the best and the worst here.",
    )


def _mark(figure: Figure, known: PublishedValues, points: Sequence[tuple[float, str]]) -> None:
    """Published values as crosses."""
    marks = [(amount, value) for amount, recipe in points for value in known.values.get(recipe, ())]
    if marks:
        figure.add_trace(
            go.Scatter(
                x=[amount for amount, _ in marks],
                y=[value for _, value in marks],
                mode="markers",
                name=f"published: {known.title}",
                marker={"symbol": "x", "size": 9, "color": palette.GENERAL["text"].light},
                showlegend=True,
            )
        )


def write_curves(stem: str, title: str, curves: Sequence[Curves], folder: Path) -> list[str]:
    """Write ``<stem>.html`` and a PNG for each chart, whole or not at all.

    The page loads Plotly from its own address, checked by its hash; without a network it shows the static pictures.

    Args:
        stem: Name of the files.
        title: Title of the page.
        curves: The charts.
        folder: Where to write.

    Returns:
        Names of the PNG files.
    """
    names = []
    for one in curves:
        names.append(f"{stem}-{one.name}.png")
        write_whole(folder / names[-1], png(one.figure))
    for old in folder.glob(f"{stem}-*.png"):
        if old.name not in names and old.name.startswith(f"{stem}-") and not _others(old, stem, folder):
            old.unlink()
    if curves:
        write_whole(folder / f"{stem}.html", _page(title, list(zip(names, curves, strict=True))).encode())
    return names


def _others(picture: Path, stem: str, folder: Path) -> bool:
    """Whether a picture belongs to another experiment whose name begins alike."""
    return any(
        other.stem != stem and other.stem.startswith(f"{stem}-") and picture.name.startswith(f"{other.stem}-")
        for other in folder.glob("*.jsonl")
    )


def _page(title: str, named: Sequence[tuple[str, Curves]]) -> str:
    templates = Environment(
        loader=PackageLoader("explorer.experiments"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("curves.html").render(
        title=title,
        digest=base64.b64encode(hashlib.sha256(get_plotlyjs().encode()).digest()).decode(),
        address=f"https://cdn.plot.ly/plotly-{get_plotlyjs_version()}.min.js",
        charts=[{"file": name, "note": one.note, "figure": _script(one.figure.to_json() or "")} for name, one in named],
    )


def _script(json: str) -> Markup:
    """JSON that cannot end the script element that contains it."""
    return Markup(json.replace("</", "<\\/"))  # noqa: S704  # a figure of ours, its one way out closed
