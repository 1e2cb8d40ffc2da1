"""The live panel as a Jupyter widget: the app's ES module, to which the kernel pushes answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from explorer.web import stylesheets
from explorer.web.bundle import bundle

BYTES_PER_SECOND = 600_000
"""What one panel sends at most while something is dragged: Jupyter's server drops what exceeds 1 MB per second."""


class Panel(anywidget.AnyWidget):
    """Paints what ``push`` is given. ``seen(dark)`` is called when a page draws it, with the page's colours."""

    _esm = bundle("widget/view.js")
    _css = stylesheets.css("panel", "widget")
    answer = traitlets.Dict({"turn": 0}).tag(sync=True)
    snapshot_class = traitlets.Unicode().tag(sync=True)

    def __init__(self, seen: Callable[[bool], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot_class = f"stability-snapshot-{self.model_id[:12]}"
        self._seen = seen
        self._free = 0.0  # when the next answer may leave
        self.on_msg(self._on_message)

    def push(self, answer: dict[str, Any], *, live: bool = False) -> None:
        """Show an answer.

        Args:
            answer: As ``panel.js`` draws it, or {"error": sentence}.
            live: Whether a slider is being dragged; then answers are spaced to keep within the rate that Jupyter
                allows.
        """
        if live:  # the slider's next question waits for this one's end, so nothing piles up behind the pause
            time.sleep(max(0.0, min(self._free - time.monotonic(), 0.25)))
        self.answer = {**answer, "turn": self.answer["turn"] + 1, "live": live}
        size = 6000 + sum(map(len, answer.get("images", {}).values())) + 1500 * len(answer.get("models", ()))
        self._free = time.monotonic() + size / BYTES_PER_SECOND

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "seen":
            self.send({"event": "alive"})
            self._seen(bool(content.get("dark")))
