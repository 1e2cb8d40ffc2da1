"""Style of figures: the panel's colours for the methods, a dash and a hatching per line, system fonts, light grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from explorer import palette
from explorer.errors import ExplorerError
from explorer.models import METHODS

DASHES = ("solid", "7px,3.5px", "2px,3px", "9px,3px,2px,3px", "13px,4px", "5px,2px,1.5px,2px,1.5px,2px")
"""Dashes of the first, second, ... line, as in the panel's curves; then they begin again, with markers."""

HATCHES = ("", "/", "x", ".", "\\", "-")
"""Patterns of the first, second, ... set of bars."""

FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif"
TEXT, SOFT, LINE, WHITE = (palette.GENERAL[name].light for name in ("text", "soft", "line", "card"))

_AXIS = {
    "showline": True,
    "linecolor": SOFT,
    "gridcolor": LINE,
    "zeroline": False,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": SOFT,
    "automargin": True,
    "title": {"standoff": 8, "font": {"size": 12}},
}
LAYOUT: dict[str, Any] = {
    "template": "none",
    "font": {"family": FONT, "size": 12, "color": TEXT},
    "paper_bgcolor": WHITE,
    "plot_bgcolor": WHITE,
    "margin": {"l": 60, "r": 20, "t": 44, "b": 56},
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
    "height": 360,
    "hovermode": "closest",
}


def layout(**changes: object) -> go.Layout:
    """The common layout of all figures.

    Args:
        changes: Entries of Plotly's layout that replace the common ones.

    Returns:
        The layout; a title gets room above the legend.
    """
    margin = LAYOUT["margin"] | {"t": 70} if changes.get("title") else LAYOUT["margin"]
    return go.Layout({**LAYOUT, "margin": margin, **changes})


def axis(title: str, **changes: object) -> dict[str, object]:
    """The common style of an axis.

    Args:
        title: Name of the axis with its unit.
        changes: Entries of Plotly's axis that replace the common ones.

    Returns:
        The axis.

    Raises:
        ExplorerError: If the title is empty.
    """
    if not isinstance(title, str) or not title.strip():
        raise ExplorerError('An axis needs a name with its unit, for example x="noise σ (pixel units, 0–1)".')
    return {**_AXIS, "title": {"text": title, "standoff": 8, "font": {"size": 12}}, **changes}


def method_of(name: str) -> str | None:
    """Find the method that the name of a line refers to.

    Args:
        name: A method, its title, or the name of a model.

    Returns:
        The method, or None.
    """
    titles = {known.title.lower(): name for name, known in METHODS.items()}
    for part in (name, name.rpartition("/")[2], name.partition(" (")[0], name.partition(" · ")[0]):
        known = part.strip().lower()
        if known in METHODS or known in titles:
            return known if known in METHODS else titles[known]
    return None


def colours(names: Sequence[str], methods: Sequence[str | None] | None = None) -> list[str]:
    """Choose colours.

    Args:
        names: Names of the lines or bars.
        methods: Their methods; by default read from the names.

    Returns:
        "#rrggbb" per name: the colour of its method, else the next of the other colours.
    """
    methods = [method_of(name) for name in names] if methods is None else methods
    left = iter(palette.OTHERS * (1 + len(names) // len(palette.OTHERS)))
    known = [None if method is None or method not in METHODS else METHODS[method].colours for method in methods]
    return [next(left) if found is None else found.ink.light for found in known]


def dash(index: int) -> str:
    """The dash of a line.

    Args:
        index: Index of the line, from 0; the dashes repeat.

    Returns:
        Plotly's dash.
    """
    return DASHES[index % len(DASHES)]


def rgba(colour: str, opacity: float) -> str:
    """A colour with opacity.

    Args:
        colour: "#rrggbb".
        opacity: In [0, 1].

    Returns:
        Plotly's "rgba(r,g,b,a)".
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def tint(colour: str) -> str:
    """Mix a colour with the same amount of white.

    Args:
        colour: "#rrggbb".

    Returns:
        "#rrggbb".
    """
    return "#" + "".join(f"{(int(colour[i : i + 2], 16) + 255) // 2:02x}" for i in (1, 3, 5))
