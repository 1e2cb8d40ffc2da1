"""Doing the runs of an experiment, one after the other or several at once; stopping at any moment loses little.

What is finished stands in the results file. A run that was stopped goes on from the trainer's last whole epoch, in the
folder of its cell. Only this process writes the results; workers send it their rows.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

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
    """What became of the runs that were asked for, by cell id; ``failed`` has a sentence each, ``stopped`` are left."""

    finished: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def usual_workers(device: torch.device) -> int:
    """How many runs at once suit a device: one on a CPU, which they would only share; up to four on a GPU."""
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
    """Train and measure all ``cells`` that are not finished; ``folder`` receives a folder for each.

    ``restart`` forgets their unfinished training. After ``minutes`` nothing new is begun, and what runs stops at its
    epoch's end. ``after`` is called when a row was written. ExplorerError where another process works here.
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
            data_set(data, "train")  # what cannot be had is said at once, not once per run
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
        said = str(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this run's alone
        said = f"{type(error).__name__}: {error}"
    listen(Event(cell.id, "failed", text=said))
    return said


def _silent(event: Event) -> None:
    pass


# ---- several at once -------------------------------------------------------------------------------------------------


def _several(
    cells: Iterable[Cell], task: Task, count: int, listen: Listener, note: Callable[[Cell, Row | str | None], None]
) -> None:
    """Hand the cells to ``count`` processes; whatever ends this one ends them."""
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    threads = max(1, torch.get_num_threads() // count)
    left = iter(cells)
    busy: dict[Any, tuple[Any, Cell]] = {}
    processes = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_worker, args=(theirs, task, threads), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            _hand_out(ours, process, left, busy)
        while busy:
            for pipe in cast("list[Any]", wait(list(busy), timeout=POLL_SECONDS)):
                process, cell = busy[pipe]
                try:
                    kind, message = pipe.recv()
                except EOFError:
                    process.join()
                    del busy[pipe]
                    note(cell, f"its process ended with {process.exitcode}; is the memory too small for {count}?")
                    continue
                if kind == "event":
                    listen(message)
                    continue
                note(cell, message)
                _hand_out(pipe, process, left, busy)
        for cell in left:  # all workers have died
            note(cell, None)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _hand_out(pipe: Any, process: Any, left: Any, busy: dict[Any, tuple[Any, Cell]]) -> None:
    """Give a worker its next cell, or send it home."""
    cell = next(left, None)
    pipe.send(cell)
    if cell is None:
        busy.pop(pipe, None)
    else:
        busy[pipe] = process, cell


def _worker(pipe: Connection, task: Task, threads: int) -> None:
    """Do cells until None comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    while (cell := pipe.recv()) is not None:
        found = _attempt(cell, task, lambda event: pipe.send(("event", event)))
        pipe.send(("row", found))


def _die_with_parent() -> None:
    """A parent that was killed cannot end its workers; they watch it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
