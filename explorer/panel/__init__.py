"""The live side-by-side view: one ES module and its style sheet, for the app and for the notebook widget alike.

``panel.js`` exports ``mount(element, {ask, state}) -> {update(state, {live}), destroy()}``; it knows neither Gradio nor
Jupyter. What ``ask(state)`` has to answer is written at the head of that file.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def panel_module() -> str:
    """The source of the ES module."""
    return (FOLDER / "panel.js").read_text(encoding="utf-8")


def panel_css() -> str:
    """The style sheet; every rule stays below ``.stability-panel``."""
    return (FOLDER / "panel.css").read_text(encoding="utf-8")
