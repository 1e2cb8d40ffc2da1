"""Progress reports of long work, through which the caller can pause or cancel it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, between pieces of work; it may block, or raise to cancel."""


def silent(done: int, total: int) -> None:
    """A ``Progress`` that does nothing.

    Args:
        done: Units of work that are done.
        total: Units of work in all.
    """


class Meter:
    """Counts what is done of ``total`` and reports it to a ``Progress``, at the start and at each step.

    Args:
        progress: Called with the progress; None for no reports.
        total: How much there is to do, in any unit.
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._done, self._total = progress or silent, 0, total
        self.step(0)

    def step(self, count: int = 1) -> None:
        """Add to the work that is done and report it.

        Args:
            count: Units of work; 0 only lets the caller pause or cancel.
        """
        self._done = min(self._done + count, self._total)
        self._progress(self._done, self._total)
