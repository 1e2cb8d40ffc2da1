"""The live panel and its curves as a Jupyter widget: the app's ES modules, to which the kernel pushes answers."""

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
    """Paints what ``push`` is given, and the ``curves``.

    Attributes:
        answer: What ``panel.js`` paints, with ``turn``, a number that grows; ``live``, whether something is dragged;
            ``curve``, the key of the curves that belong to it; ``at``, the amount of their step; ``frame``, the token
            of the camera's frame that is answered.
        curves: What ``curves.js`` draws, with their ``key``, or an ``error`` instead; empty at first.
    """

    _esm = bundle("widget/view.js")
    _css = stylesheets.css(*stylesheets.PANEL, "ribbons", "widget")
    answer = traitlets.Dict({"turn": 0}).tag(sync=True)
    curves = traitlets.Dict({}).tag(sync=True)
    snapshot_class = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        seen: Callable[[], None],
        pick: Callable[[float], None],
        move: Callable[[Any, bool], None],
        take: Callable[[str, bytes, bool], None],
        **kwargs: Any,
    ) -> None:
        """Begin empty.

        Args:
            seen: Called when a page has drawn the panel.
            pick: Called with an amount when somebody points into the curves.
            move: Called with a window, and whether it is still dragged, when the models' part of a photograph is moved.
            take: Called with the token of a camera's frame, its file, and whether more are to come.
            kwargs: As for any widget.
        """
        super().__init__(**kwargs)
        self.snapshot_class = f"stability-snapshot-{self.model_id[:12]}"
        self._seen, self._pick, self._move, self._take = seen, pick, move, take
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

    def _on_message(self, _: Any, content: dict[str, Any], buffers: Any) -> None:
        if content.get("event") == "seen":
            self.send({"event": "alive"})
            self._seen()
        elif content.get("event") == "pick" and isinstance(amount := content.get("amount"), int | float):
            self._pick(float(amount))
            self.send({"event": "taken"})  # the page may send the next one
        elif content.get("event") == "move":
            self._move(content.get("window"), bool(content.get("live")))
            self.send({"event": "taken"})
        elif content.get("event") == "frame" and buffers:
            self._take(str(content.get("token")), bytes(buffers[0]), bool(content.get("live")))
            self.send({"event": "taken"})
