"""Every colour of the project: the app's style sheets, Plotly's figures and Gradio's theme are all made from these.

Each colour has a value for light pages and one for dark pages. A training method has two: ``fill`` paints areas,
``ink`` text and thin lines (contrast with ``card`` at least 4.5:1, light and dark).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Theme = Literal["light", "dark"]


class Colour(NamedTuple):
    """One colour as "#rrggbb", for light and for dark pages."""

    light: str
    dark: str


class MethodColours(NamedTuple):
    """The colours of one training method."""

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

METHODS = {
    "standard": MethodColours(Colour("#d55e00", "#f07f2b"), Colour("#be5400", "#f58a3c")),
    "stability": MethodColours(Colour("#0072b2", "#3f9fdf"), Colour("#0072b2", "#56b0ec")),
    "stability_mix": MethodColours(Colour("#5a4fcf", "#8f88ee"), Colour("#5a4fcf", "#a39dff")),
    "lipschitz": MethodColours(Colour("#009e73", "#1fb489"), Colour("#008460", "#2cc497")),
    "bang": MethodColours(Colour("#a64d79", "#cb7fa7"), Colour("#a64d79", "#d58fb4")),
    "gaussian": MethodColours(Colour("#b58900", "#cfa22c"), Colour("#8f6c00", "#d9ad38")),
}
"""The colours of the training methods by name."""

OTHERS = ("#5b6573", "#3d5a98", "#7a4fa3", "#2f7f86", "#9a5b3c", "#6b7a1e")
"""Colours for lines of a figure that belong to no method, in this order; contrast with white at least 4.5:1."""

SCALE = ((0.0, "#f4f7fa"), (0.25, "#bcd6e8"), (0.5, "#6aa9d2"), (0.75, "#1f75ad"), (1.0, "#0b3a5c"))
"""One hue from light to dark for heat maps, as (position from 0 to 1, colour): more is darker, also in grey."""


def method_colours(name: str) -> MethodColours:
    """The colours of a training method.

    Args:
        name: The method, for example ``"stability"``.

    Returns:
        Its colours; those of secondary text where the method has none of its own.
    """
    return METHODS.get(name, MethodColours(GENERAL["soft"], GENERAL["soft"]))


def css_variables(theme: Theme, method: str | None = None) -> dict[str, str]:
    """The colours as CSS custom properties.

    Args:
        theme: ``"light"`` or ``"dark"``.
        method: A training method; None gives the general colours.

    Returns:
        Values like ``"#0072b2"`` under names like ``"--ink"``.
    """
    colours = GENERAL if method is None else method_colours(method)._asdict()
    return {f"--{name}": getattr(colour, theme) for name, colour in colours.items()}
