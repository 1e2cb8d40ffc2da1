"""A static picture of a figure, PNG or SVG: its traces drawn by matplotlib, which needs no browser."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from explorer.figures.style import LINE, SOFT, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

WIDTH, HEIGHT = 760, 360  # px, where the figure says nothing
INCH = 100  # px
MOST_SIGNS = 80  # in the names under bars that lie flat


def png(figure: go.Figure) -> bytes:
    """Draw a figure as PNG.

    Args:
        figure: The figure.

    Returns:
        The bytes of the file.
    """
    return static(figure, "png")


def static(figure: go.Figure, form: str) -> bytes:
    """A static picture of a figure of lines, bars, heat maps and images, with its axes, legend and titles.

    Args:
        figure: The figure. Traces of other types stay empty.
        form: "png" or "svg".

    Returns:
        The file's bytes. The same figure gives the same bytes.
    """
    from matplotlib import rc_context

    exact = any(trace.type == "image" for trace in figure.data)
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "explorer"}):  # ids in an SVG are drawn by chance without one
        canvas = _drawn(figure)
        stamp = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
        cut = None if exact else "tight"
        canvas.savefig(out, format=form, bbox_inches=cut, pad_inches=0.1, metadata=stamp)
    return out.getvalue() if exact or form == "svg" else _small(out.getvalue())


def _drawn(figure: go.Figure) -> Canvas:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    width, height = figure.layout.width or WIDTH, figure.layout.height or HEIGHT
    canvas = Canvas(figsize=(width / INCH, height / INCH), dpi=INCH, facecolor="white")
    FigureCanvasAgg(canvas)
    margin = figure.layout.margin
    left, right = (margin.l or 0) / width, 1 - (margin.r or 0) / width
    low, high = (margin.b or 0) / height, 1 - (margin.t or 0) / height
    panels: dict[str, Axes] = {}
    for trace in figure.data:
        key = (trace.xaxis or "x") if hasattr(trace, "xaxis") else "x"
        if key not in panels:
            across, up = _axes_of(figure, key)
            x, y = across.domain or (0, 1), up.domain or (0, 1)
            box = (
                left + x[0] * (right - left),
                low + y[0] * (high - low),
                (x[1] - x[0]) * (right - left),
                (y[1] - y[0]) * (high - low),
            )
            panels[key] = canvas.add_axes(box)
        draw = DRAWN.get(trace.type)
        if draw is not None:
            draw(panels[key], trace, figure)
    for key, axes in panels.items():
        _dress(axes, *_axes_of(figure, key))
    _write(canvas, figure, panels, (left, right, low, high))
    return canvas


def _axes_of(figure: go.Figure, key: str) -> tuple[Any, Any]:
    number = key[1:]
    return figure.layout[f"xaxis{number}"], figure.layout[f"yaxis{number}"]


def _small(data: bytes) -> bytes:
    """The same picture in fewer bytes: few colours need no more than a palette of 256."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    out = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return min(data, out.getvalue(), key=len)


# ---- one trace each -------------------------------------------------------------------------------------------------


def _scatter(axes: Axes, trace: Any, _: go.Figure) -> None:
    xs, ys = _values(trace.x), _values(trace.y)
    colour = trace.line.color or trace.marker.color or SOFT
    if trace.fill == "tonexty" and axes.lines:
        below = axes.lines[-1]
        axes.fill_between(xs, below.get_ydata(), ys, color=colour, alpha=0.13, linewidth=0)
    mode = trace.mode or "lines"
    marker = {"diamond": "D", "circle": "o", "square": "s", "x": "x"}.get(trace.marker.symbol or "circle", "o")
    dash: Any = _dash(trace.line.dash) if "lines" in mode else "none"
    (drawn,) = axes.plot(
        xs,
        ys,
        color=colour,
        linewidth=trace.line.width if trace.line.width is not None else 2,
        linestyle=dash,
        marker=marker if "markers" in mode else None,
        markersize=0.75 * float(trace.marker.size or 6),
        clip_on="lines" in mode,
    )
    drawn.set_label(trace.name if trace.showlegend is not False and trace.name else "_")


def _bar(axes: Axes, trace: Any, figure: go.Figure) -> None:
    bars = [one for one in figure.data if one.type == "bar"]
    side_by_side = figure.layout.barmode == "group"
    names = list(dict.fromkeys(str(x) for one in bars for x in one.x))
    count = len(bars) if side_by_side else 1
    width = 0.7 / count
    shift = (bars.index(trace) - (count - 1) / 2) * width if side_by_side else 0
    positions = [names.index(str(x)) + shift for x in trace.x]
    hatch = {"": None, ".": ".."}.get(trace.marker.pattern.shape or "", (trace.marker.pattern.shape or "") * 3)
    label = trace.name if trace.showlegend is not False and trace.name else "_"
    style = {"color": trace.marker.color, "hatch": hatch, "edgecolor": "white", "label": label}
    axes.bar(positions, _values(trace.y), 0.92 * width, **style)
    if trace.error_y.array is not None:
        below = trace.error_y.array if trace.error_y.arrayminus is None else trace.error_y.arrayminus
        ends = (_values(below), _values(trace.error_y.array))
        axes.errorbar(positions, _values(trace.y), ends, fmt="none", ecolor=TEXT, elinewidth=1.2, capsize=3)
    steep = sum(map(len, names)) > MOST_SIGNS
    axes.set_xticks(range(len(names)), names, rotation=30 * steep, ha="right" if steep else "center")


def _heatmap(axes: Axes, trace: Any, _: go.Figure) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    table = np.asarray([_values(row) for row in trace.z])
    stops = [(float(at), str(colour)) for at, colour in trace.colorscale]
    shown = axes.imshow(table, cmap=LinearSegmentedColormap.from_list("scale", stops), aspect="auto")
    bar = axes.figure.colorbar(shown, ax=axes, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(trace.colorbar.title.text or "", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    if trace.texttemplate:
        for (row, column), value in np.ndenumerate(table):
            dark = float(shown.norm(float(value))) > 0.55  # type: ignore[arg-type]
            ink = "white" if dark else TEXT
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(table.shape[1]), trace.x, rotation=30 if max(map(len, trace.x)) > 8 else 0)
    axes.set_yticks(range(table.shape[0]), trace.y)


def _image(axes: Axes, trace: Any, _: go.Figure) -> None:
    if trace.source:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(trace.source.partition(",")[2]))).convert("RGB"))
    else:
        pixels = np.asarray(trace.z, dtype=np.uint8)
    axes.imshow(pixels, interpolation="nearest")


DRAWN: dict[str, Callable[[Any, Any, go.Figure], None]] = {
    "scatter": _scatter,
    "bar": _bar,
    "heatmap": _heatmap,
    "image": _image,
}


# ---- around them ----------------------------------------------------------------------------------------------------


def _dress(axes: Axes, across: Any, up: Any) -> None:
    """Names, ranges and grid lines of one pair of axes."""
    bare = across.showticklabels is False and up.showticklabels is False
    axes.set_axisbelow(True)
    for side in ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(side in {"left", "bottom"} and not bare)
        axes.spines[side].set_color(SOFT)
    axes.tick_params(colors=SOFT, labelcolor=TEXT, labelsize=9)
    if bare:
        axes.set_xticks([])
        axes.set_yticks([])
    if up.showgrid is not False:
        axes.grid(color=LINE, linewidth=0.8, axis="y" if across.type == "category" else "both")
    label_style: dict[str, Any] = {"fontsize": 8, "color": SOFT} if bare else {"fontsize": 10, "color": TEXT}
    axes.set_xlabel(_text(across.title.text), **label_style)
    axes.set_ylabel(_text(up.title.text), **label_style)
    for axis, scale, limit in ((across, axes.set_xscale, axes.set_xlim), (up, axes.set_yscale, axes.set_ylim)):
        if axis.type == "log":
            scale("log")
        elif axis.range:
            limit(axis.range[0], axis.range[1])
        elif axis.rangemode == "tozero":
            low, high = axes.get_ylim()
            limit(low if low < 0 and _is_negative(axes) else 0, high)


def _is_negative(axes: Axes) -> bool:
    """Whether anything drawn lies below zero, more than the room that is left around it."""
    return bool(axes.dataLim.y0 < 0)


def _write(canvas: Canvas, figure: go.Figure, panels: dict[str, Axes], edges: Sequence[float]) -> None:
    """The legend, the lines that stand upright or lie flat, the notes, and the title."""
    left, right, low, high = edges
    _legend(figure, panels)
    for shape in figure.layout.shapes or ():
        axes = panels.get(str(shape.xref or "x").partition(" ")[0])
        if axes is None or shape.type != "line":
            continue
        style: dict[str, Any] = {"color": shape.line.color or SOFT, "linewidth": shape.line.width or 1.5}
        style["linestyle"] = _dash(shape.line.dash)
        if shape.x0 == shape.x1:
            axes.axvline(shape.x0, **style)
        elif shape.y0 == shape.y1:
            axes.axhline(shape.y0, **style)
        else:
            axes.plot([shape.x0, shape.x1], [shape.y0, shape.y1], **style)
    for note in figure.layout.annotations or ():
        style = {"fontsize": 9, "color": TEXT, "ha": {"left": "left", "right": "right"}.get(note.xanchor, "center")}
        style["va"] = {"bottom": "bottom", "top": "top"}.get(note.yanchor, "center")
        here = panels.get(str(note.xref or "x"))
        if note.xref == "paper":
            canvas.text(left + note.x * (right - left), low + note.y * (high - low), _text(note.text), **style)
        elif here is not None:
            here.annotate(_text(note.text), (note.x, note.y), **style)
    title = figure.layout.title.text
    if title:
        canvas.text(left, 1 - 4 / canvas.bbox.height, _text(title), fontsize=12, color=TEXT, va="top")


def _legend(figure: go.Figure, panels: Mapping[str, Axes]) -> None:
    """One entry per name, above the first pair of axes that has any."""
    labels: dict[str, Any] = {}
    for axes in panels.values():
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            labels.setdefault(label, handle)
    if labels and figure.layout.showlegend is not False:
        layout: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 3, "frameon": False}
        first = next(axes for axes in panels.values() if axes.get_legend_handles_labels()[1])
        first.legend(list(labels.values()), list(labels), fontsize=9, handlelength=3, **layout)


def _dash(dash: str | None) -> Any:
    """Plotly's dash as matplotlib's."""
    named = {None: "-", "solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
    if dash in named:
        return named[dash]
    parts = [float(part) for part in re.findall(r"[\d.]+", str(dash))]
    return (0, [part / 2 for part in parts]) if parts and len(parts) % 2 == 0 else "-"


def _values(values: Any) -> list[float]:
    return [float("nan") if value is None else float(value) for value in (() if values is None else values)]


def _text(text: str | None) -> str:
    """Plotly's few tags as plain text; a dollar sign is no formula."""
    return re.sub(r"<[^>]+>", "", (text or "").replace("<br>", "\n")).replace("$", r"\$")
