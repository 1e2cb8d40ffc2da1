"""Runs the long requests of the page in threads of low priority."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from explorer.app.context import Context
from explorer.app.idle import low_priority_thread
from explorer.app.jobs.registry import HANDLERS, Handler
from explorer.app.validation import Request, Sentence
from explorer.errors import ExplorerError

WORKERS = 3
"""Jobs at once at least: a download, which takes minutes and hardly any work, must not hold up the others."""

MAX_JOBS = 200
"""Jobs remembered at once, the finished ones for ``MAX_SILENCE``; beyond that, new ones are refused."""

MAX_SILENCE = 60
"""A job whose page has not asked about it for so long is cancelled and forgotten."""

POLL = 1.0
"""Seconds after which a page that asks how far its job is gets an answer at the latest."""


class StartRequest(Request):
    """Which job.

    Attributes:
        handler: Name of the handler.
        group: Who asks: a page has one job of each group at a time.
    """

    handler: str
    group: Annotated[str, Field(min_length=16, max_length=100), Sentence("The request names no page; reload the page.")]


class StoppedError(Exception):
    """Raised inside ``progress`` of a job that was cancelled."""


@dataclass(eq=False)
class Job:
    """A long request that is being answered.

    Attributes:
        group: The page and what it asks for; a newer job of the same group ends this one.
        done: Units of work that are done.
        total: Units of work in all; 0 until they are known.
        answer: {"result"} or {"error"} once it has finished.
        stopped: Whether it is to end.
        last_polled: When the page last asked about it, in seconds of ``time.monotonic``.
    """

    group: str
    done: int = 0
    total: int = 0
    answer: dict[str, Any] | None = None
    stopped: bool = False
    last_polled: float = field(default_factory=time.monotonic)

    def to_dict(self) -> dict[str, Any]:
        """The state of the job.

        Returns:
            {"done", "total"} while it runs, {"result"} or {"error"} afterwards.
        """
        return {"done": self.done, "total": self.total} if self.answer is None else self.answer


class Jobs:
    """Runs jobs in threads of low priority; each is known by a token that goes to the page that started it alone."""

    def __init__(self, context: Context, one_sentence: Callable[..., dict[str, Any]]) -> None:
        """Start the threads.

        Args:
            context: What the handlers work on.
            one_sentence: Calls a function of no arguments and turns its errors into {"error": one sentence}.
        """
        self._context = context
        self._one_sentence = one_sentence
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        threads = max(WORKERS, os.cpu_count() or 2)
        self._pool = ThreadPoolExecutor(threads, "explorer-job", initializer=low_priority_thread)

    def start(self, question: Any) -> dict[str, str]:
        """Start a job; it ends an older job of the same group.

        Args:
            question: {"handler": name of the handler, "group": who asks, ...} from the browser.

        Returns:
            {"job": token}.

        Raises:
            ExplorerError: If there is no such handler, or too many jobs are under way.
        """
        request = StartRequest.read(question)
        if request.handler not in HANDLERS:
            raise ExplorerError(request.wrong)
        group = request.group
        token, new = secrets.token_urlsafe(24), Job(group)
        with self._lock:
            self._forget()
            if len(self._jobs) >= MAX_JOBS:
                raise ExplorerError("The explorer is busy; try again in a minute.")
            for other in self._jobs.values():
                other.stopped = other.stopped or other.group == group
            self._jobs[token] = new
        self._pool.submit(self._run, new, HANDLERS[request.handler], question)
        return {"job": token}

    def find(self, question: Any) -> Job:
        """Find a job, which counts as a sign of life of its page.

        Args:
            question: {"job": token} from the browser.

        Returns:
            The job.

        Raises:
            ExplorerError: If no job has that token (any more).
        """
        token = question.get("job") if isinstance(question, Mapping) else None
        found = self._jobs.get(token) if isinstance(token, str) else None
        if found is None or (found.answer is not None and found.last_polled < time.monotonic() - MAX_SILENCE):
            raise ExplorerError("This job has ended or expired; start it again.")
        found.last_polled = time.monotonic()
        return found

    def cancel(self, question: Any) -> dict[str, Any]:
        """End a job.

        Args:
            question: {"job": token} from the browser.

        Returns:
            An empty answer, also where there is no such job.
        """
        with contextlib.suppress(ExplorerError):
            self.find(question).stopped = True
        return {}

    def close(self) -> None:
        """End all jobs and the threads."""
        for one in self._jobs.values():
            one.stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, running: Job, handler: Handler, question: Mapping[str, Any]) -> None:
        def progress(done: int, total: int) -> None:
            running.done, running.total = done, total
            self._context.idle.wait()
            if time.monotonic() - running.last_polled > MAX_SILENCE:
                running.stopped = True  # the page was closed
            if running.stopped:
                raise StoppedError

        try:
            progress(0, 0)
            found = self._one_sentence(lambda: {"result": handler(self._context, question, progress)})
        except StoppedError:
            found = {"error": "This was cancelled.", "cancelled": True}
        running.answer = found

    def _forget(self) -> None:
        oldest = time.monotonic() - MAX_SILENCE
        self._jobs = {
            token: one
            for token, one in self._jobs.items()
            if one.answer is None or (one.last_polled > oldest and not one.stopped)
        }
