"""Doing the runs of an experiment, one after the other or several at once; stopping at any moment loses little.

Finished runs are in the results file. A run that was stopped goes on from the trainer's last whole epoch, in the
folder of its cell. Only this process writes the results; workers send it their rows.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from explorer.errors import ExplorerError
from explorer.experiments.cell import Event, Listener, Task, do_cell
from explorer.experiments.grid import Cell
from explorer.experiments.schema import Experiment
from explorer.experiments.store import Results, Row, known_rows, rows_of
from explorer.training.runs import data_set

GPU_WORKERS = 4
"""Small networks leave a large GPU idle between their kernels: this many share one, where cores and memory allow."""

GPU_MEMORY = 4 * 2**30  # bytes for a worker: the data, a small network at a usual batch size, CUDA itself
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Outcome:
    """What became of the requested runs, by id.

    Attributes:
        finished: Runs that finished now.
        before: Runs that had finished before.
        stopped: Runs that are left.
        failed: A sentence per run that failed.
    """

    finished: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def usual_workers(device: torch.device) -> int:
    """How many runs to start at once.

    Args:
        device: Where they train.

    Returns:
        1 on a CPU, which they would only share; up to 4 on a GPU.
    """
    if device.type != "cuda":
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(GPU_WORKERS, (os.cpu_count() or 1) // 2, int(free // GPU_MEMORY)))


def run(
    experiment: Experiment,
    cells: Sequence[Cell],
    *,
    folder: Path,
    results: Results,
    device: torch.device,
    workers: int | None = None,
    restart: bool = False,
    minutes: float | None = None,
    listen: Listener | None = None,
    after: Callable[[], object] | None = None,
) -> Outcome:
    """Train and measure all cells that are not finished.

    Args:
        experiment: The file.
        cells: Which of its runs to do.
        folder: Receives a folder for each run, with its log, state and model.
        results: Where finished runs are written.
        device: Where to train and to measure.
        workers: Runs at once; None for ``usual_workers``.
        restart: Whether to forget unfinished training.
        minutes: After this nothing new is begun, and what runs stops at the end of its epoch; None for no limit.
        listen: Called with what happens to each run.
        after: Called when a row was written.

    Returns:
        What became of each run.

    Raises:
        ExplorerError: Another process works in ``folder``, or data cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ExplorerError(f"Another process runs this experiment in {folder}; wait for it, or stop it.") from None
    with lock:
        done = rows_of(experiment, results.rows())
        before = [cell.id for cell in cells if cell.id in done]
        todo = [cell for cell in cells if cell.id not in done]
        for cell in todo if restart else ():
            shutil.rmtree(folder / cell.id, ignore_errors=True)
        for data in dict.fromkeys(cell.config.data for cell in todo):
            data_set(data, "train")  # missing data are reported at once, not once per run
        deadline = None if minutes is None else time.time() + 60 * minutes
        task = Task(experiment.measures, folder, str(device), deadline, known_rows(experiment, results.rows()))
        outcome, listen = Outcome(before=before), listen or _silent
        for name in before:
            listen(Event(name, "before"))

        def note(cell: Cell, found: Row | str | None) -> None:
            if isinstance(found, str):
                outcome.failed[cell.id] = found
            elif found is None:
                outcome.stopped.append(cell.id)
            else:
                results.append(found)
                outcome.finished.append(cell.id)
                _call(after, cell, listen)

        count = min(workers or usual_workers(device), len(todo))
        if count > 1:
            _several(todo, task, count, listen, note)
        else:
            for cell in todo:
                note(cell, _attempt(cell, task, listen))
        return outcome


def _call(after: Callable[[], object] | None, cell: Cell, listen: Listener) -> None:
    try:
        if after is not None:
            after()
    except Exception as error:  # noqa: BLE001  # a chart that fails must not end a night of training
        listen(Event(cell.id, "noted", text=f"the page could not be written: {error!r}"))


def _attempt(cell: Cell, task: Task, listen: Listener) -> Row | str | None:
    """``do_cell``, with a sentence in place of what went wrong: a full disk or memory must not end the other runs."""
    try:
        return do_cell(cell, task, listen)
    except ExplorerError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001  # any error concerns this run only
        reason = f"{type(error).__name__}: {error}"
    listen(Event(cell.id, "failed", text=reason))
    return reason


def _silent(event: Event) -> None:
    pass


# ---- several at once -------------------------------------------------------------------------------------------------


class _Worker:
    """A process of its own for one run after another; whatever ends this process, or :meth:`close`, ends it.

    One process to a pool: a run that takes its process down, for want of memory perhaps, breaks no other's.
    """

    def __init__(self, task: Task, threads: int) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self._events, theirs = context.Pipe()
        self._pool = ProcessPoolExecutor(1, context, _begin, (theirs, task, threads))
        self._pool.submit(int)  # starts the process, which has its end of the pipe from then on
        theirs.close()

    def start(self, cell: Cell) -> Future[Row | str | None]:
        """Begin a run."""
        try:
            return self._pool.submit(_attempt_here, cell)
        except BrokenProcessPool as error:
            raise ExplorerError("Several runs at once cannot be started here; try --workers 1.") from error

    def report(self, listen: Listener) -> None:
        """Pass on the events of the process since the last call."""
        try:
            while self._events.poll():
                listen(self._events.recv())
        except (EOFError, OSError):  # it has died; the future says so
            pass

    def close(self) -> None:
        """End the process, at once where it is at work."""
        self._events.close()
        self._pool.shutdown(cancel_futures=True)


def _several(
    cells: Sequence[Cell], task: Task, count: int, listen: Listener, note: Callable[[Cell, Row | str | None], None]
) -> None:
    """Hand the cells to ``count`` processes."""
    threads, left = max(1, torch.get_num_threads() // count), iter(cells)
    running: dict[Future[Row | str | None], tuple[_Worker, Cell]] = {}

    def hand_out(worker: _Worker) -> None:
        cell = next(left, None)
        if cell is None:
            worker.close()
        else:
            running[worker.start(cell)] = worker, cell

    try:
        for _ in range(count):
            hand_out(_Worker(task, threads))
        while running:
            done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for worker, _ in running.values():
                worker.report(listen)
            for future in done:
                worker, cell = running.pop(future)
                try:
                    note(cell, future.result())
                except BrokenProcessPool:
                    note(cell, f"its process was ended from outside; is the memory too small for {count} at once?")
                    worker.close()
                    worker = _Worker(task, threads)
                hand_out(worker)
    finally:
        for worker, _ in running.values():
            worker.close()


_here: tuple[Connection, Task]
"""In a worker: where to report to, and what to do with cells."""


def _begin(pipe: Connection, task: Task, threads: int) -> None:
    """Prepare a worker's process."""
    global _here  # noqa: PLW0603  # the process serves one parent and one task
    _here = pipe, task
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()
    torch.set_num_threads(threads)


def _attempt_here(cell: Cell) -> Row | str | None:
    """``_attempt`` in a worker's process."""
    pipe, task = _here
    return _attempt(cell, task, pipe.send)


def _end_with_parent(pipe: Connection) -> None:
    """Nothing ever comes through the pipe but its end: the parent closed it, or was killed."""
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    os._exit(1)
