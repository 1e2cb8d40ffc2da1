"""The curves under the panel: one Plotly figure, made once and then updated in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from explorer.analysis import Sweep, sweep
from explorer.analysis.request import ComparisonRequest
from explorer.analysis.slider import curve_amounts as amounts_of
from explorer.distortions import Distortion, find_distortion
from explorer.errors import ExplorerError
from explorer.models.methods import METHODS
from explorer.palette import GENERAL, Theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

WHAT = {"confidence": "confidence (%)", "margin": "margin (0–1)", "feature_distance": "feature distance (L2)"}
"""What is drawn, with the name and unit of its axis: shorter than in a figure alone, since three are in a row."""

HEIGHT = 290  # px


class Charts:
    """Draws a question's curves into one ``plotly.graph_objects.FigureWidget``."""

    def __init__(self) -> None:
        self.dark = False
        """Whether the page that shows them is dark; what is drawn already keeps its colours."""
        self.figure: go.FigureWidget | None = None
        self.drawn: tuple[Any, ...] | None = None  # the question whose curves are on screen
        self.sweep: Sweep | None = None

    def paint(self, request: ComparisonRequest, step_index: int, stop: Callable[[], None]) -> None:
        """Compute and draw the curves of one step, unless they are on screen.

        Args:
            request: The models, the picture and the recipe.
            step_index: Index of the step in the recipe.
            stop: Called between pieces of work; it raises to end the work.
        """
        key = key_of(request, step_index)
        if key != self.drawn:
            self.sweep = swept(request, step_index, stop)
            self._draw(self.sweep)
            self.drawn = key
        self.at(request.recipe.steps[step_index][1])

    def at(self, amount: float) -> None:
        """Move the line of the present amount.

        Args:
            amount: Amount in the distortion's unit.
        """
        if self.figure is None or self.sweep is None:
            return
        distortion = find_distortion(self.sweep.distortion)
        x = amount * factor(distortion)
        if all(shape.x0 == x for shape in self.figure.layout.shapes):
            return
        with self.figure.batch_update():
            for shape in self.figure.layout.shapes:
                shape.x0 = shape.x1 = x
        _remember(self.figure)

    def _draw(self, along: Sweep) -> None:
        """New numbers into the traces that are there; other traces only where there are more or fewer models."""
        from explorer.figures import sweeps

        if self.figure is None:
            self.figure = _figure("dark" if self.dark else "light")
        figure = self.figure
        traces = [
            trace.update(xaxis=f"x{i + 1 if i else ''}", yaxis=f"y{i + 1 if i else ''}")
            for i, what in enumerate(WHAT)
            for trace in sweeps.traces(along, what, legend=i == 0)
        ]
        if self.dark:
            _darken(traces)
        with figure.batch_update():
            if len(figure.data) == len(traces):
                for old, new in zip(figure.data, traces, strict=True):
                    old.update(new.to_plotly_json(), overwrite=False)
                    old.x, old.y = new.x, new.y  # also where there is nothing any more
            for i, what in enumerate(WHAT):
                number = str(i + 1) if i else ""
                figure.layout[f"xaxis{number}"].update(_moving(sweeps.across(along)))
                figure.layout[f"yaxis{number}"].update(
                    _moving(sweeps.upward(along, what)) | {"title": {"text": WHAT[what]}}
                )
        if len(figure.data) != len(traces):
            figure.data = []
            figure.add_traces(traces)
        _remember(figure)


def _remember(figure: go.FigureWidget) -> None:
    """What a reloaded page gets: Plotly keeps the state its widget was made with, and sends changes only."""
    state = {"_widget_data": deepcopy(figure._data), "_widget_layout": deepcopy(figure._layout)}  # noqa: SLF001
    figure._trait_values.update(state)  # noqa: SLF001  # without sending it to the pages that have it


def key_of(request: ComparisonRequest, step_index: int) -> tuple[Any, ...]:
    """What the curves depend on.

    Args:
        request: The models, the picture and the recipe.
        step_index: Index of the varied step.

    Returns:
        A hashable key; it holds everything but the step's amount, of which only the side of a two-sided slider counts.
    """
    name, at = request.recipe.steps[step_index]
    distortion = find_distortion(name)
    mild, _ = distortion.span(request.pixels.shape[-1])
    others = [step for i, step in enumerate(request.recipe.steps) if i != step_index]
    recipe = (tuple(others), request.recipe.seed, request.recipe.against, request.recipe.quantised)
    return (
        id(request.pixels),
        tuple(map(id, request.models)),
        recipe,
        step_index,
        name,
        distortion.two_sided and at < mild,
    )


def swept(request: ComparisonRequest, step_index: int, stop: Callable[[], None] | None = None) -> Sweep:
    """Sweep one step of the recipe on the slider's own steps.

    Args:
        request: The models, the picture and the recipe.
        step_index: Index of the step.
        stop: Called between pieces of work; it raises to end the work.

    Returns:
        The sweep.

    Raises:
        ExplorerError: If the recipe has no such step.
    """
    if not 0 <= step_index < len(request.recipe.steps):
        raise ExplorerError("Add a distortion to see what happens while it grows.")
    name, at = request.recipe.steps[step_index]
    return sweep(
        request.models,
        request.pixels,
        name,
        amounts=amounts_of(find_distortion(name), request.pixels.shape[-1], at),
        recipe=request.recipe,
        label=request.label,
        step_index=step_index,
        progress=None if stop is None else lambda _done, _total: stop(),
    )


def factor(distortion: Distortion) -> int:
    """The factor from an amount to the number that is shown.

    Args:
        distortion: The distortion.

    Returns:
        255 for amounts that are written as 8/255, else 1.
    """
    return 255 if distortion.unit == "n/255" else 1


def _moving(axis: dict[str, Any]) -> dict[str, Any]:
    """The entries of an axis that differ from sweep to sweep."""
    return {key: axis[key] for key in ("title", "range", "rangemode") if key in axis}


def _darken(traces: Sequence[go.Scatter]) -> None:
    """The methods' colours as the panel has them on dark pages."""
    inks = {one.colours.ink.light: one.colours.ink.dark for one in METHODS.values() if one.colours}
    for trace in traces:
        for part in (trace.line, trace.marker):
            if part.color is not None:
                part.color = inks.get(part.color, GENERAL["soft"].dark)


def _figure(theme: Theme) -> go.FigureWidget:
    """An empty figure in the colours of light or dark pages, without a ground of its own."""
    import plotly.graph_objects as go

    from explorer.figures.style import LAYOUT, axis

    text, soft, line = (getattr(GENERAL[name], theme) for name in ("text", "soft", "line"))
    layout = {
        **LAYOUT,
        "height": HEIGHT,
        "autosize": True,
        "margin": {"l": 56, "r": 16, "t": 34, "b": 52},
        "legend": {**LAYOUT["legend"], "y": 1.04},
        "uirevision": "same",
        "font": LAYOUT["font"] | {"color": text},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "shapes": [],
    }
    gap, wide = 0.075, (1 - 2 * 0.075) / 3
    grid = {"gridcolor": line, "linecolor": soft, "tickcolor": soft}
    for i, what in enumerate(WHAT):
        number = str(i + 1) if i else ""
        low = i * (wide + gap)
        layout[f"xaxis{number}"] = axis("amount", domain=[low, low + wide], anchor=f"y{number}", **grid)
        layout[f"yaxis{number}"] = axis(what, anchor=f"x{number}", **grid)
        now = {"color": text, "width": 1.5, "dash": "3px,2.5px"}
        where = {"x0": 0, "x1": 0, "y0": 0, "y1": 1, "xref": f"x{number}", "yref": f"y{number} domain"}
        layout["shapes"].append({"type": "line", "line": now, **where})
    figure = go.FigureWidget(layout=layout)
    figure._config = {"displayModeBar": False, "responsive": True, "displaylogo": False}  # noqa: SLF001  # Plotly's own way
    return figure
