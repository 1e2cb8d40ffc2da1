"""Work that may follow the answer: in its own thread, after dragging has ended, and only the newest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

IDLE = 20.0  # s without work after which the thread ends


class SupersededError(Exception):
    """Raised inside work that has become pointless."""


class Debouncer:
    """Runs ``work(stop)`` after each ``nudge``, never twice at once; what was nudged meanwhile is done once more.

    ``work`` gets a function to call between its pieces, which ends it by SupersededError when there was another nudge.
    """

    def __init__(self, work: Callable[[Callable[[], None]], None]) -> None:
        self._work = work
        self._news = threading.Condition()
        self._wanted = self._done = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self.last = 0.0  # time.monotonic() of the last nudge

    def nudge(self) -> None:
        """There is something to do."""
        with self._news:
            self._wanted += 1
            self.last = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="explorer-afterwards", daemon=True)
                self._thread.start()
            self._news.notify()

    def close(self) -> None:
        """End the work and its thread, for good."""
        with self._news:
            self._closed = True
            self._news.notify()

    def quiet(self, seconds: float, stop: Callable[[], None]) -> None:
        """Wait until there was no nudge for some time.

        Args:
            seconds: Length of that time.
            stop: Called meanwhile; it raises to end the work after a new nudge.
        """
        while time.monotonic() - self.last < seconds:
            stop()
            time.sleep(0.03)
        stop()

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait until all work is done, for tests and before printing.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether it was done in that time.
        """
        end = time.monotonic() + seconds
        while self._done != self._wanted and time.monotonic() < end:
            time.sleep(0.01)
        return self._done == self._wanted

    def _run(self) -> None:
        while True:
            with self._news:
                if self._done == self._wanted and not self._closed:
                    self._news.wait(IDLE)
                if self._done == self._wanted or self._closed:
                    self._thread = None
                    return
                now = self._wanted

            def stop(now: int = now) -> None:
                if self._wanted != now or self._closed:
                    raise SupersededError

            try:
                self._work(stop)
            except SupersededError:
                continue
            except Exception:
                if not self._closed:  # else the work lost what it works on
                    log.exception("the curves could not be drawn")
            self._done = now
