"""Sliders have priority: long work runs in threads of low priority and pauses while a visitor moves a slider."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time

import torch

IDLE = 0.08
"""Seconds without a slider's request before long work goes on."""

MAX_WAIT = 0.5
"""Seconds that one piece of work waits at most, so that it ends even if a visitor never stops dragging."""


class IdleGate:
    """Counts the requests that sliders wait for; long work waits at this gate until there is none.

    Use it as a context manager around each such request. Safe for use by many threads.
    """

    def __init__(self) -> None:
        self._active = 0
        self._last = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._active += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._active -= 1
            self._last = time.monotonic()

    def wait(self) -> None:
        """Return once no slider has moved for ``IDLE`` seconds, and after ``MAX_WAIT`` seconds in any case."""
        end = time.monotonic() + MAX_WAIT
        while (now := time.monotonic()) < end and (self._active or now - self._last < IDLE):
            time.sleep(0.01)


def low_priority_thread() -> None:
    """Give this thread one torch thread and, on Linux, where threads have priorities of their own, a lower one."""
    torch.set_num_threads(1)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
