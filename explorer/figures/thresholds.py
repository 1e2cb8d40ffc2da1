"""Precision against recall with one threshold for all curves, on a slider of the figure's own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from explorer.errors import ExplorerError
from explorer.figures.charts import lines
from explorer.figures.display import Figure
from explorer.figures.style import colours
from explorer.search import PrecisionRecall

STEPS = 48
"""Thresholds on the slider at most."""

LEFT, RIGHT = "bottom left", "bottom right"
HALF = 50  # per cent of recall, from which on there is room for words on the left of a point


def thresholds(curves: Mapping[str, PrecisionRecall], title: str | None = None) -> Figure:
    """Draw precision against recall, and a slider that moves one threshold along all curves.

    The slider needs no kernel: it also works in a stored notebook where Plotly runs. Distances have to mean the same
    for all curves, as those of unit vectors do.

    Args:
        curves: Curves by name; a name that mentions a method gets its colour.
        title: Title of the figure.

    Returns:
        The figure. A point on each curve is where the threshold stands: at the farthest positive pair within it, with
        the numbers of positive and negative pairs that are found.

    Raises:
        ExplorerError: If there is no curve.

    Examples:
        >>> from explorer.figures import thresholds
        >>> from explorer.search import precision_recall
        >>> figure = thresholds({"pixels": precision_recall([0.1, 0.2, 0.4], [0.3, 0.9])})
        >>> len(figure.layout.sliders[0].steps)
        3
    """
    if not curves:
        raise ExplorerError('Give at least one curve, for example {"pixels": precision_recall(same, different)}.')
    drawn = {name: ((100 * curve.recall).tolist(), (100 * curve.precision).tolist()) for name, curve in curves.items()}
    figure = lines(
        drawn, "copies found (recall, %)", "found pairs that are copies (precision, %)", title, markers=False
    )
    every = np.unique(np.concatenate([curve.thresholds for curve in curves.values()]))
    chosen = every[np.unique(np.linspace(0, len(every) - 1, min(STEPS, len(every))).round().astype(int))]
    first = len(chosen) // 2
    for name, ink in zip(curves, colours(list(curves)), strict=True):
        x, y, text, side = _point(curves[name], float(chosen[first]))
        figure.add_trace(
            go.Scatter(
                x=x, y=y, text=text, name=name, mode="markers+text", textposition=side, showlegend=False,
                marker={"color": ink, "size": 11, "line": {"color": "#ffffff", "width": 1.5}}, textfont={"color": ink},
            )
        )  # fmt: skip
    points = list(range(len(curves), 2 * len(curves)))
    steps = [_step(curves, float(at), points) for at in chosen]
    slider = {"active": first, "steps": steps, "pad": {"t": 52}, "ticklen": 3, "font": {"size": 9}}
    before = {"prefix": "threshold: distance up to ", "font": {"size": 12}}
    figure.update_layout(
        sliders=[slider | {"currentvalue": before}],
        xaxis={"range": [-2, 102]}, yaxis={"range": [-4, 104]}, height=500,
    )  # fmt: skip
    return figure


def _step(curves: Mapping[str, PrecisionRecall], at: float, points: list[int]) -> dict[str, object]:
    """Where the points go at a threshold."""
    columns = zip(*(_point(curve, at) for curve in curves.values()), strict=True)
    told = dict(zip(("x", "y", "text", "textposition"), map(list, columns), strict=True))
    return {"method": "restyle", "label": f"{at:.3g}", "args": [told, points]}


def _point(curve: PrecisionRecall, at: float) -> tuple[list[float], list[float], list[str], str]:
    """The point of a curve at a threshold; nothing where no positive pair is within it."""
    place = int(np.searchsorted(curve.thresholds, at, "right")) - 1
    if place < 0:
        return [], [], [], RIGHT
    found = f"{curve.true[place]:,} copies, {curve.false[place]:,} others"
    x, y = (round(100 * float(values[place]), 3) for values in (curve.recall, curve.precision))
    return [x], [y], [found], RIGHT if x < HALF else LEFT
