"""Lines, bars and heat maps of plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer import palette
from explorer.errors import ExplorerError
from explorer.figures.display import Figure
from explorer.figures.style import DASHES, HATCHES, TEXT, axis, colours, dash, layout

MOST_WRITTEN = 200
"""Cells of a heat map up to which each value is written into its cell."""


def lines(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], x: str, y: str, title: str | None = None,
          *, markers: bool | None = None) -> Figure:  # fmt: skip
    """Draw one line per name.

    A name that mentions a method ("standard", "Stability training", "digits/lenet/bang") gets the method's colour.

    Args:
        series: ``{"name": (xs, ys), ...}``.
        x: Name of the x axis with its unit.
        y: Name of the y axis with its unit.
        title: Title of the figure.
        markers: Whether to draw the points; by default up to 20 of them.

    Returns:
        The figure.

    Raises:
        ExplorerError: If xs and ys differ in length or there is nothing to draw.
    """
    if not series:
        raise ExplorerError('Give at least one line, for example {"standard": (xs, ys)}.')
    inks = colours(list(series))
    figure = Figure(layout=layout(xaxis=axis(x), yaxis=axis(y), title=heading(title)))
    for i, ((name, (xs, ys)), ink) in enumerate(zip(series.items(), inks, strict=True)):
        across, up = numbers(xs), numbers(ys)
        if len(across) != len(up) or not across:
            raise ExplorerError(
                f"The line {name!r} has {len(across)} x values and {len(up)} y values; give the same number of both."
            )
        dots = len(across) <= 20 if markers is None else markers
        figure.add_trace(
            go.Scatter(
                x=across,
                y=up,
                name=name,
                mode="lines+markers" if dots or i >= len(DASHES) else "lines",
                line={"color": ink, "dash": dash(i), "width": 2},
                marker={"color": ink, "size": 6},
                showlegend=True,
            )
        )
    return figure


def bars(values: Mapping[str, float | Mapping[str, float]], x: str, y: str, title: str | None = None,
         *, intervals: Mapping[str, tuple[float, float]] | None = None) -> Figure:  # fmt: skip
    """A bar per name, or with ``{"name": {"group": value}}`` a bar per name in every group, side by side.

    Args:
        values: The heights, by name or by name and group.
        x: The name of the horizontal axis, with its unit.
        y: The name of the vertical axis, with its unit.
        title: Title above the figure.
        intervals: The lower and the upper end of an interval, by name, where there is one number per name.

    Returns:
        The figure; colours as in ``lines``, with a hatching per name.

    Raises:
        ExplorerError: There is nothing to draw, or single values and groups are mixed.
    """
    if not values:
        raise ExplorerError('Give at least one bar, for example {"standard": 91.8}.')
    grouped = [isinstance(value, Mapping) for value in values.values()]
    if any(grouped) != all(grouped):
        raise ExplorerError("Give either one number per name or one dictionary of groups per name, not both.")
    figure = Figure(layout=layout(xaxis=axis(x, type="category"), yaxis=axis(y), title=heading(title)))
    for i, ((name, value), ink) in enumerate(zip(values.items(), colours(list(values)), strict=True)):
        groups = dict(value) if isinstance(value, Mapping) else {name: value}
        heights = numbers(list(groups.values()))
        figure.add_trace(
            go.Bar(
                x=[str(group) for group in groups],
                y=heights,
                error_y=None if intervals is None or name not in intervals else _reach(heights[0], intervals[name]),
                name=name,
                marker={"color": ink, "pattern": {"shape": HATCHES[i % len(HATCHES)], "size": 6, "solidity": 0.25}},
                showlegend=all(grouped),
            )
        )
    figure.update_layout(barmode="group" if all(grouped) else "overlay", bargap=0.3)
    figure.update_yaxes(rangemode="tozero")
    return figure


def _reach(value: float, interval: tuple[float, float]) -> dict[str, Any]:
    """An interval as Plotly's error bar: how far it reaches from the value."""
    low, high = interval
    return {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low], "color": TEXT}


def heatmap(matrix: Any, rows: Sequence[str], columns: Sequence[str], x: str, y: str, unit: str,
            title: str | None = None) -> Figure:  # fmt: skip
    """Draw a matrix as coloured cells, the first row on top; up to 200 values are written into their cells.

    Args:
        matrix: (len(rows), len(columns)) numbers.
        rows: Names of the rows.
        columns: Names of the columns.
        x: Name of the x axis.
        y: Name of the y axis.
        unit: What the cells hold.
        title: Title of the figure.

    Returns:
        The figure.

    Raises:
        ExplorerError: If the shape and the names do not fit.
    """
    table = np.asarray(matrix.tolist() if hasattr(matrix, "tolist") else matrix, dtype=np.float64)
    if table.shape != (len(rows), len(columns)) or not table.size:
        raise ExplorerError(
            f"The matrix has the shape {table.shape} and there are {len(rows)} row and {len(columns)} column names; "
            "they must fit."
        )
    figure = Figure(
        go.Heatmap(
            z=table.tolist(),
            x=[str(name) for name in columns],
            y=[str(name) for name in rows],
            colorscale=[list(stop) for stop in palette.SCALE],
            colorbar={"title": {"text": unit, "side": "right"}, "thickness": 14, "outlinewidth": 0},
            texttemplate="%{z:.3g}" if table.size <= MOST_WRITTEN else None,
            xgap=1,
            ygap=1,
        ),
        layout=layout(
            xaxis=axis(x, type="category", showgrid=False),
            yaxis=axis(y, type="category", showgrid=False, autorange="reversed"),
            title=heading(title),
            height=min(140 + 30 * len(rows), 720),
        ),
    )
    figure.update_layout(margin={"t": 44 if title else 20})
    return figure


def heading(title: str | None) -> dict[str, Any] | None:
    """The title of a figure.

    Args:
        title: Its text; None for no title.

    Returns:
        Plotly's title, aligned left, or None.
    """
    return (
        {"text": title, "x": 0, "xref": "paper", "font": {"size": 14}, "y": 0.97, "yanchor": "top"} if title else None
    )


def numbers(values: Any) -> list[float]:
    """Read numbers.

    Args:
        values: A list of numbers, an array (n,) or a tensor (n,).

    Returns:
        The numbers as floats.

    Raises:
        ExplorerError: If it is something else.
    """
    try:
        return [float(value) for value in (values.tolist() if hasattr(values, "tolist") else values)]
    except (TypeError, ValueError):
        raise ExplorerError("What is drawn must be a list of numbers, an array (n,) or a tensor (n,).") from None
