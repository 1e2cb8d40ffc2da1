"""The explorer in a notebook: a widget whose state is traits, with the same live panel as the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.widgets.shown import show

if TYPE_CHECKING:
    from explorer.widgets.explorer import Explorer

__all__ = ["Explorer", "show"]


def __getattr__(name: str) -> Any:  # PEP 562: ipywidgets is loaded when a widget is wanted, not with the core's names
    if name != "Explorer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer.widgets.explorer import Explorer

    return Explorer
