"""Background load while a slider is dragged: endless sweeps, from a page and from a program."""

from __future__ import annotations

import json
import secrets
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class Sweeps:
    """``done`` counts the sweeps that were finished; those of the page are its curves, with a band over seeds."""

    def __init__(self, url: str, models: Sequence[str]) -> None:
        self.done = 0
        self._url = url.rstrip("/")
        self._models = list(models)
        self._stop = threading.Event()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with self._opener.open(f"{self._url}/config", timeout=60) as response:
            parts = json.load(response)["components"]
        self._panel = next(part["id"] for part in parts if part["props"].get("elem_id") == "panel")

    def _post(self, path: str, question: Any) -> Any:
        body, headers = json.dumps(question).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/gradio_api/{path}", body, headers)  # noqa: S310  # our own server
        with self._opener.open(request, timeout=600) as response:
            return json.load(response)

    def _ask(self, function: str, question: Any) -> Any:
        call = {"data": question, "component_id": self._panel, "fn_name": function, "session_hash": "sweeps"}
        return self._post("component_server", call)

    def _of_a_page(self) -> None:
        recipe = {"steps": [["gaussian_noise", 0.1]], "seed": 0, "against": None, "quantised": True}
        state = {"picture": {"sample": "coffee"}, "models": self._models, "recipe": recipe}
        while not self._stop.is_set():
            question = {
                "handler": "curves",
                "group": secrets.token_urlsafe(24),
                "state": state,
                "step_index": 0,
                "seeds": 8,
            }
            job = self._ask("start_job", question)
            while "result" not in (found := self._ask("poll_job", job)) and not self._stop.is_set():
                if "error" in found:
                    raise RuntimeError(found["error"])
            self.done += 1

    def _of_a_program(self) -> None:
        while not self._stop.is_set():
            self._post("run/sweep", {"data": ["rocket", "gaussian_noise", self._models, "clean", None, 8]})
            self.done += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sweeps follow each other until the block ends."""
        self._stop.clear()
        threads = [threading.Thread(target=work) for work in (self._of_a_page, self._of_a_program)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
