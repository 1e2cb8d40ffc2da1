"""Curves of a sweep: what every model answers while one distortion grows, as in the app's tab "Curves"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.analysis import Curves, Sweep
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.figures.charts import heading
from explorer.figures.display import Figure
from explorer.figures.style import DASHES, WHITE, axis, colours, dash, layout, rgba
from explorer.results import distinct_titles

CURVES = {
    "confidence": ("Confidence", "confidence (%)", 100),
    "margin": ("Margin of the answer", "margin (difference of probabilities, 0–1)", 1),
    "feature_distance": ("Feature distance", "feature distance (L2, units of the features)", 1),
}
"""What can be drawn: its title, its axis, and the factor from the core's number to the one on the axis."""


def curves(sweep: Sweep, what: str = "confidence", title: str | None = None) -> Figure:
    """Draw one curve per model of a sweep, from mild (left) to strong, with its flip point as a diamond.

    Args:
        sweep: What ``explorer.sweep`` returned; the range over several seeds is shaded.
        what: ``confidence`` in the followed class, ``margin`` of the answer, or penultimate ``feature_distance``.
        title: Title of the figure.

    Returns:
        The figure.

    Raises:
        ExplorerError: If ``what`` is unknown.
    """
    if what not in CURVES:
        raise ExplorerError(f"There is no curve of {what!r}; choose one of {', '.join(CURVES)}.")
    return Figure(
        traces(sweep, what),
        layout=layout(xaxis=across(sweep), yaxis=upward(sweep, what), title=heading(title)),
    )


def traces(sweep: Sweep, what: str, *, legend: bool = True) -> list[go.Scatter]:
    """The traces of a sweep.

    Args:
        sweep: The sweep.
        what: A key of ``CURVES``.
        legend: Whether the curves are in the legend.

    Returns:
        Per model its band (if there is one), its curve and its flip point, always equally many per model.
    """
    _, _, times = CURVES[what]
    amounts = shown(sweep, sweep.amounts)
    drawn: list[go.Scatter] = []
    inks = colours([model.name for model in sweep.models], [model.method for model in sweep.models])
    for i, (model, name, ink) in enumerate(
        zip(
            sweep.models,
            distinct_titles([m.title for m in sweep.models], [m.name for m in sweep.models]),
            inks,
            strict=True,
        )
    ):
        values = (getattr(model, what) * times).tolist()
        common: dict[str, Any] = {"legendgroup": model.name, "name": name}
        if model.band is not None:
            spread = getattr(model.band, what)
            edge = {"color": ink, "width": 0}
            quiet = {"mode": "lines", "line": edge, "hoverinfo": "skip", "showlegend": False}
            drawn.append(go.Scatter(x=amounts, y=(spread.low * times).tolist(), **common, **quiet))
            drawn.append(
                go.Scatter(
                    x=amounts,
                    y=(spread.high * times).tolist(),
                    fill="tonexty",
                    fillcolor=rgba(ink, 0.13),
                    **common,
                    **quiet,
                )
            )
        drawn.append(
            go.Scatter(
                x=amounts,
                y=values,
                mode="lines+markers" if i >= len(DASHES) else "lines",
                line={"color": ink, "dash": dash(i), "width": 2},
                marker={"size": 5},
                showlegend=legend,
                **common,
            )
        )
        drawn.append(flip(sweep, model, values, ink, common))
    return drawn


def flip(sweep: Sweep, model: Curves, values: Sequence[float], ink: str, common: dict[str, Any]) -> go.Scatter:
    """The flip point of one model.

    Args:
        sweep: The sweep.
        model: The model's curves.
        values: Values of its curve, in the axis's unit.
        ink: Its colour, "#rrggbb".
        common: Entries of the trace.

    Returns:
        A diamond where the answer changes; without a flip point, a trace without points.
    """
    point = model.flip_point
    at = [] if point is None else [point]
    distortion = find_distortion(sweep.distortion)
    return go.Scatter(
        x=shown(sweep, at),
        y=[float(np.interp(*_rising(sweep.amounts, value, values))) for value in at],
        mode="markers",
        marker={"symbol": "diamond", "size": 9, "color": ink, "line": {"color": WHITE, "width": 1}},
        hovertext=[f"flips at {distortion.show(value)}" for value in at],
        hoverinfo="text+name",
        showlegend=False,
        **common,
    )


def across(sweep: Sweep, **changes: object) -> dict[str, Any]:
    """The axis of the amounts.

    Args:
        sweep: The sweep.
        changes: Entries that replace the common ones.

    Returns:
        An axis with the distortion's title, symbol and unit, mild on the left.
    """
    first, last = shown(sweep, [sweep.amounts[0], sweep.amounts[-1]])
    return axis(find_distortion(sweep.distortion).axis, range=[first, last], **changes)


def upward(sweep: Sweep, what: str, **changes: object) -> dict[str, Any]:
    """The axis of the values.

    Args:
        sweep: The sweep.
        what: A key of ``CURVES``.
        changes: Entries that replace the common ones.

    Returns:
        An axis; that of probabilities has a fixed range.
    """
    _, name, _ = CURVES[what]
    if what == "confidence":
        followed = {model.classes[model.followed] for model in sweep.models}
        if len(followed) == 1:
            name = f"confidence in “{followed.pop()}” (%)"
        return axis(name, range=[-2, 102], **changes)
    if what == "margin":
        return axis(name, range=[-0.02, 1.02], **changes)
    return axis(name, rangemode="tozero", **changes)


def shown(sweep: Sweep, amounts: Sequence[float]) -> list[float]:
    """Convert amounts to the numbers that are written at the axis.

    Args:
        sweep: The sweep.
        amounts: Amounts in the distortion's unit.

    Returns:
        The numbers: 255 times as large where the unit is n/255.
    """
    factor = find_distortion(sweep.distortion).factor
    return [amount * factor for amount in amounts]


def _rising(amounts: Sequence[float], at: float, values: Sequence[float]) -> tuple[float, list[float], list[float]]:
    """What ``numpy.interp`` wants: it knows rising amounts only."""
    pairs = sorted(zip(amounts, values, strict=True))
    return at, [amount for amount, _ in pairs], [value for _, value in pairs]
