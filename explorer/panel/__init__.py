"""What both the app and the notebook widget show: the live side-by-side view, the curves, the figure and the report.

Everything here is an ES module or a style sheet and knows neither Gradio nor Jupyter. ``panel.js`` exports
``mount(element, {ask, state}) -> {update(state, {live}), destroy()}``; ``curves.js`` exports ``mountCurves`` and
``figure.js`` exports ``figure`` and ``rasterise``. What each is handed and answers stands at the head of its file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def panel_module() -> str:
    """The source of the live view's ES module."""
    return read("panel.js")


def curves_module() -> str:
    """The source of one ES module that exports ``mountCurves``, ``drawCurves``, ``figure`` and ``rasterise``.

    A module made from a source cannot import another by a path, so the drawing that the curves and the figure share
    goes in front of both.
    """
    palette = f"const PALETTE = {json.dumps(palettes())};\n"
    return palette + "\n".join(read(name) for name in ("plot.js", "curves.js", "figure.js"))


def panel_css() -> str:
    """The style sheet; every rule stays below ``.stability-panel``, ``.stability-colours`` or ``.stability-curves``."""
    return read("panel.css") + read("curves.css")


def palettes() -> dict[str, dict[str, dict[str, str]]]:
    """The style sheet's colours, for what leaves the page: {"light" | "dark": {method or "": {"--name": "#hex"}}}.

    The entry "" holds the general ones, and the --fill and --ink of methods that have none of their own.
    """
    found: dict[str, dict[str, dict[str, str]]] = {"light": {}, "dark": {}}
    # the general colours and those of each method stand twice in the style sheet, first for light, then for dark pages
    light, dark = read("panel.css").split(":is(.dark,", 1)
    for theme, css in (("light", light), ("dark", dark.split("\n}\n", 1)[0])):
        general = found[theme].setdefault("", {})
        for selector, body in re.findall(r"([^{};]*)\{([^{}]*)", css):
            colours = dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]+)", body))
            method = re.search(r'data-method="(\w+)"', selector)
            (found[theme].setdefault(method[1], {}) if method else general).update(colours)
    return found


def read(name: str) -> str:
    """The text of a file that stands beside this one."""
    return (FOLDER / name).read_text(encoding="utf-8")
