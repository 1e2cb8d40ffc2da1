"""When a widget in a notebook ends: once every cell that showed it has been run again.

ipywidgets keeps every widget until it is closed, so that a cell run thirty times would leave thirty explorers.
"""

from __future__ import annotations

from typing import Any, Protocol

import ipywidgets as widgets


class Closable(Protocol):
    """What is shown in cells."""

    def close(self) -> None:
        """End it."""


_shown: dict[str, tuple[str, list[Closable]]] = {}
"""By cell: the request that ran it last, and what it showed then."""


def shown_here(widget: Closable) -> str | None:
    """Note that the cell that runs shows a widget, and close what only its earlier runs showed.

    Nothing is noted where the notebook does not name its cells.

    Args:
        widget: The widget.

    Returns:
        The name of the cell, if it has one.
    """
    from IPython import get_ipython

    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    cell, run = parent.get("metadata", {}).get("cellId"), parent.get("header", {}).get("msg_id")
    if not cell or not run:
        return None
    before, old = _shown.get(cell, (run, []))
    _shown[cell] = (run, [*(old if before == run else ()), widget])
    kept = [one for _, some in _shown.values() for one in some]
    for one in old:
        if not any(one is other for other in kept):
            one.close()
    return str(cell)


def close_whole(widget: Any) -> None:
    """Close a widget with all that it is made of.

    Args:
        widget: A widget of ipywidgets.
    """
    for part in (*getattr(widget, "children", ()), getattr(widget, "style", None), widget.layout):
        if isinstance(part, widgets.DOMWidget):
            close_whole(part)
        elif isinstance(part, widgets.Widget):
            part.close()
    widget.close()
