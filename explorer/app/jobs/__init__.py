"""Long questions, such as a sweep: started, asked how far they are, and cancelled; one file per kind.

A kind is a function ``(live, question, progress) -> JSON object`` registered by ``@job(name)``. ``question`` comes from
a browser and is not to be believed. ``progress(done, total)`` has to be called between pieces of at most 50 ms: there
the job waits while somebody moves a slider, and there it ends when it was cancelled.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from explorer.errors import ExplorerError
from explorer.models.inference import Progress

if TYPE_CHECKING:
    from explorer.app.live import Live

Kind = Callable[["Live", Mapping[str, Any], Progress], dict[str, Any]]

KINDS: dict[str, Kind] = {}
"""Every kind of long question by its name."""

WORKERS = 3
"""Jobs at once at least: a download, which takes minutes and hardly any work, must not hold up the others."""

HELD = 200
"""Jobs remembered at once, the finished ones for ``HELD_SECONDS``; beyond that, new ones are refused."""

HELD_SECONDS = 60
"""A job whose page has not asked about it for so long is cancelled and forgotten."""

QUIET = 0.08
"""Seconds without a slider's question before a job goes on."""

PATIENCE = 0.5
"""Seconds that one piece of a job waits for quiet at most, so that jobs end although somebody always drags."""

POLL = 1.0
"""Seconds after which a page that asks how far its job is gets an answer at the latest."""


def job(name: str) -> Callable[[Kind], Kind]:
    """Decorator that registers a kind of job under the name by which the page asks for it."""

    def register(kind: Kind) -> Kind:
        if name in KINDS:
            raise ValueError(f"two kinds of jobs are named {name}")
        KINDS[name] = kind
        return kind

    return register


class StoppedError(Exception):
    """Raised inside ``progress`` of a job that was cancelled."""


@dataclass(eq=False)
class Job:
    """One long question under way: how far it is, or what came of it."""

    group: str
    done: int = 0
    total: int = 0
    answer: dict[str, Any] | None = None
    stopped: bool = False
    asked: float = field(default_factory=time.monotonic)

    def to_dict(self) -> dict[str, Any]:
        """{"done", "total"} of a running job, {"result"} or {"error"} of a finished one."""
        return {"done": self.done, "total": self.total} if self.answer is None else self.answer


class Quiet:
    """Knows when sliders are being moved: jobs wait for it."""

    def __init__(self) -> None:
        self._asking = 0
        self._last = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._asking += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._asking -= 1
            self._last = time.monotonic()

    def wait(self) -> None:
        """Return once no slider has moved for ``QUIET`` seconds, after ``PATIENCE`` seconds in any case."""
        end = time.monotonic() + PATIENCE
        while (now := time.monotonic()) < end and (self._asking or now - self._last < QUIET):
            time.sleep(0.01)


class Jobs:
    """Runs jobs in threads of low priority; each is known by a token that goes to its asker alone."""

    def __init__(self, plainly: Callable[..., dict[str, Any]], quiet: Quiet) -> None:
        """``plainly(function, *arguments)`` calls the function and turns its errors into {"error": one sentence}."""
        self._plainly = plainly
        self._quiet = quiet
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max(WORKERS, os.cpu_count() or 2), "explorer-job", initializer=humble_thread)

    def start(self, live: Live, question: Any) -> dict[str, str]:
        """Start what {"kind", "group", ...} asks for: {"job": token}. It ends an older job of the same group."""
        if not isinstance(question, Mapping) or not isinstance(kind := question.get("kind"), str) or kind not in KINDS:
            raise ExplorerError("The page asked for something unknown; reload it.")
        group = question.get("group")
        if not isinstance(group, str) or not 16 <= len(group) <= 100:
            raise ExplorerError("The page did not say who asks; reload it.")
        token, new = secrets.token_urlsafe(24), Job(group)
        with self._lock:
            self._forget()
            if len(self._jobs) >= HELD:
                raise ExplorerError("The explorer has too much to do just now; try again in a minute.")
            for other in self._jobs.values():
                other.stopped = other.stopped or other.group == group
            self._jobs[token] = new
        self._pool.submit(self._run, new, KINDS[kind], live, question)
        return {"job": token}

    def find(self, question: Any) -> Job:
        """The job that {"job": token} means; ExplorerError where it is not held (any more)."""
        token = question.get("job") if isinstance(question, Mapping) else None
        found = self._jobs.get(token) if isinstance(token, str) else None
        if found is None or (found.answer is not None and found.asked < time.monotonic() - HELD_SECONDS):
            raise ExplorerError("This is no longer being worked on; ask again.")
        found.asked = time.monotonic()
        return found

    def cancel(self, question: Any) -> dict[str, Any]:
        """End the job that {"job": token} means; nothing where there is none."""
        with contextlib.suppress(ExplorerError):
            self.find(question).stopped = True
        return {}

    def close(self) -> None:
        """End all jobs and the threads."""
        for one in self._jobs.values():
            one.stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, running: Job, kind: Kind, live: Live, question: Mapping[str, Any]) -> None:
        def progress(done: int, total: int) -> None:
            running.done, running.total = done, total
            self._quiet.wait()
            if time.monotonic() - running.asked > HELD_SECONDS:
                running.stopped = True  # the page was closed
            if running.stopped:
                raise StoppedError

        try:
            progress(0, 0)
            found = self._plainly(lambda: {"result": kind(live, question, progress)})
        except StoppedError:
            found = {"error": "This was cancelled.", "cancelled": True}
        running.answer = found

    def _forget(self) -> None:
        oldest = time.monotonic() - HELD_SECONDS
        self._jobs = {
            token: one
            for token, one in self._jobs.items()
            if one.answer is None or (one.asked > oldest and not one.stopped)
        }


def humble_thread() -> None:
    """One torch thread, and on Linux, where threads have priorities of their own, a lower one than the sliders'."""
    torch.set_num_threads(1)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


for _module in pkgutil.iter_modules(__path__, __name__ + "."):
    importlib.import_module(_module.name)
