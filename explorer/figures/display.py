"""Showing a figure in a notebook: live where Plotly runs, as a static picture everywhere else, with nothing fetched."""

from __future__ import annotations

import base64
from typing import Any

import plotly.graph_objects as go

from explorer.figures.static import png, static

PLOTLY = "application/vnd.plotly.v1+json"
"""JupyterLab, Notebook 7 and VS Code draw this with their own Plotly; GitHub and exports take the PNG."""


class Figure(go.Figure):
    """A Plotly figure whose stored output is small and holds a static picture: no script, no address outside."""

    def _ipython_display_(self) -> None:
        show(self)

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, Any]:
        return bundle(self)

    def static(self, form: str) -> bytes:
        """A static picture of it.

        Args:
            form: "png" or "svg".

        Returns:
            The file's bytes; no browser and no network is needed for them.
        """
        return static(self, form)

    def show(self, *args: Any, **kwargs: Any) -> None:
        """Show the figure here; with a renderer's name, as Plotly does.

        Args:
            *args: As in Plotly.
            **kwargs: As in Plotly.
        """
        if args or kwargs:
            super().show(*args, **kwargs)
        else:
            show(self)


def show(figure: go.Figure) -> None:
    """Show a figure as the output of a cell: live in JupyterLab, Notebook 7 and VS Code, otherwise as a picture.

    Args:
        figure: The figure.
    """
    from IPython.display import display

    display(bundle(figure), raw=True)


def bundle(figure: go.Figure) -> dict[str, Any]:
    """The representations of a figure for a notebook.

    Args:
        figure: The figure.

    Returns:
        Plotly's JSON, a PNG and a line of text, by MIME type.
    """
    drawn = figure.to_plotly_json()
    names = [axis.title.text for axis in (*figure.select_yaxes(), *figure.select_xaxes()) if axis.title.text]
    title = figure.layout.title.text or " against ".join(dict.fromkeys(names)) or "figure"
    return {
        PLOTLY: {**_plain(drawn), "config": {"displaylogo": False, "responsive": True}},
        "image/png": base64.b64encode(png(figure)).decode("ascii"),
        "text/plain": title,
    }


def _plain(value: Any) -> Any:
    """JSON of what Plotly hands out: arrays become lists, rounded to seven digits, which no screen can tell apart."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items() if one is not None}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if value == value and abs(value) != float("inf") else None  # noqa: PLR0124
    return value
