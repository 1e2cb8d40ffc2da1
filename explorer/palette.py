"""Every colour of the project: the app's style sheets, Plotly's figures and Gradio's theme are all made from these.

Each colour has a value for light pages and one for dark pages. A training method has two: ``fill`` paints areas,
``ink`` text and thin lines (contrast with ``card`` at least 4.5:1, light and dark).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Theme = Literal["light", "dark"]


class Colour(NamedTuple):
    """One colour in two themes.

    Attributes:
        light: "#rrggbb" on light pages.
        dark: "#rrggbb" on dark pages.
    """

    light: str
    dark: str


class MethodColours(NamedTuple):
    """The colours of one training method; each method's file names its own.

    Attributes:
        fill: Paints areas.
        ink: Text and thin lines; its contrast with ``card`` is at least 4.5:1, light and dark.
    """

    fill: Colour
    ink: Colour


GENERAL = {
    "bg": Colour("#f6f7f9", "#0f1216"),
    "card": Colour("#ffffff", "#171b21"),
    "text": Colour("#14181f", "#e8ebef"),
    "soft": Colour("#5b6573", "#98a2b0"),
    "line": Colour("#e3e6ea", "#262c34"),
    "edge": Colour("#8b95a3", "#6b7583"),
    "track": Colour("#eceff2", "#232a32"),
    "on-ink": Colour("#ffffff", "#0f1216"),
    "paper": Colour("#ffffff", "#ffffff"),
}
"""The colours of pages: their background, cards on it, text, secondary text, lines between things, stronger edges, the
tracks of bars, text on a method's ``ink``, and the ground of figures, which are light everywhere."""

CONTROL_BORDER = Colour("#e3e6ea", "#323a44")
"""The border of text fields and buttons."""

PLAIN = MethodColours(GENERAL["soft"], GENERAL["soft"])
"""The colours of a method that brings none of its own: those of secondary text."""

OTHERS = ("#5b6573", "#3d5a98", "#7a4fa3", "#2f7f86", "#9a5b3c", "#6b7a1e")
"""Colours for lines of a figure that belong to no method, in this order; contrast with white at least 4.5:1."""

SCALE = ((0.0, "#f4f7fa"), (0.25, "#bcd6e8"), (0.5, "#6aa9d2"), (0.75, "#1f75ad"), (1.0, "#0b3a5c"))
"""One hue from light to dark for heat maps, as (position from 0 to 1, colour): more is darker, also in grey."""


def css_variables(theme: Theme, colours: Mapping[str, Colour] = GENERAL) -> dict[str, str]:
    """Colours as CSS custom properties.

    Args:
        theme: ``"light"`` or ``"dark"``.
        colours: By name; the general ones if left out.

    Returns:
        Values like ``"#0072b2"`` under names like ``"--ink"``.
    """
    return {f"--{name}": getattr(colour, theme) for name, colour in colours.items()}
