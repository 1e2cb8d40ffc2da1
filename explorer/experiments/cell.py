"""One run of an experiment: trained, measured, and put into a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch

from explorer.experiments.grid import Cell
from explorer.experiments.measure import images_of, measure
from explorer.experiments.schema import Measures
from explorer.experiments.store import Row
from explorer.models import save_model
from explorer.provenance import commit
from explorer.training import DivergedError, TrainingProgress
from explorer.training.runs import train_model


@dataclass(frozen=True)
class Event:
    """A change in the state of a run.

    Runs that had finished before are reported first; what is noted after the end of a run does not stop it.

    Attributes:
        cell: Id of the run.
        state: before, training, measuring, finished, diverged, stopped, failed, or noted.
        done: Steps that are done.
        total: Steps in all.
        text: More on it.
    """

    cell: str
    state: str
    done: int = 0
    total: int = 0
    text: str = ""


@dataclass(frozen=True)
class Task:
    """What a worker needs besides the run.

    Attributes:
        measures: What is measured.
        folder: Where the runs' folders are.
        device: Where to train.
        deadline: When to stop, in seconds of ``time.time``; None for never.
        known: Earlier rows by id of the run, whose measurements may be reused.
    """

    measures: Measures
    folder: Path
    device: str
    deadline: float | None = None  # seconds since the epoch
    known: dict[str, Row] = field(default_factory=dict)  # earlier rows by cell, of which something may be kept


class StoppedError(Exception):
    """The time is up."""


Listener = Callable[[Event], None]


def do_cell(cell: Cell, task: Task, listen: Listener) -> Row | None:
    """Train and measure one run.

    Args:
        cell: The run.
        task: What is measured, and where.
        listen: Called with each event.

    Returns:
        Its row, also if it diverged; None if the deadline came first.

    Raises:
        ExplorerError: If a setting, the data or an unfinished state does not fit.
    """
    folder, device = task.folder / cell.id, torch.device(task.device)
    last = 0

    def watch(report: TrainingProgress) -> None:
        nonlocal last
        total = report.steps * report.epochs
        words = f"epoch {report.epoch}/{report.epochs}, loss {report.loss:.3f}, accuracy {report.accuracy:.1%}"
        listen(Event(cell.id, "training", (report.epoch - 1) * report.steps + report.step, total, words))
        # The state is saved at an epoch's end: the first report of the next one is the moment to go.
        if last and report.epoch != last:
            raise StoppedError
        if task.deadline is not None and time.time() > task.deadline:
            last = report.epoch

    if task.deadline is not None and time.time() > task.deadline:
        return None
    row: Row = {"cell": cell.id, "title": cell.title, "seed": cell.config.seed, "settings": asdict(cell.config)}
    try:
        model = train_model(cell.config, folder, device=device, watch=watch)
    except StoppedError:
        listen(Event(cell.id, "stopped"))
        return None
    except DivergedError as error:
        listen(Event(cell.id, "diverged", text=str(error)))
        return row | {"failed": str(error)} | _circumstances()
    facts, weights = model.card.training, save_model(model, folder).sha256
    known = task.known.get(cell.id)
    if known is not None and not _same_training(known, weights, facts["seconds"]):
        known = None
    began = time.perf_counter()
    found = measure(
        model,
        images_of(cell.config, task.measures),
        cell.config,
        task.measures,
        known=known,
        progress=lambda done, total: listen(Event(cell.id, "measuring", done, total)),
    )
    before = known["seconds_measuring"] if known else 0.0
    row |= {
        "images": facts["images"],
        "steps": facts["images"] // cell.config.batch_size * cell.config.epochs,
        "measures": asdict(task.measures),
        **found,
        "seconds": facts["seconds"],
        "seconds_measuring": round(before + time.perf_counter() - began, 1),
        "hardware": facts["hardware"],
        "bf16": facts["bf16"],
        "weights": weights,
        "versions": model.card.versions,
        "command": model.card.command,
    }
    listen(Event(cell.id, "finished", text=summary(row)))
    return row | _circumstances()


def summary(row: Row) -> str:
    """Summarise a row.

    Args:
        row: The row of a run.

    Returns:
        One line.
    """
    return "  ".join(f"{result['recipe']} {result['accuracy']:.1%}" for result in row.get("results", []))


def _same_training(known: Row, weights: str, seconds: float) -> bool:
    """Whether an earlier row is of this very model; rows that do not name their weights are known by the clock."""
    known_weights = known.get("weights")
    return known_weights == weights if known_weights else abs(known.get("seconds", -10.0) - seconds) < 1


def _circumstances() -> Row:
    return {"commit": commit(), "finished": datetime.now(UTC).isoformat(timespec="seconds")}
