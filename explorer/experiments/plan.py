"""What an experiment will cost, from a few real steps of every configuration and a few measured images."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from explorer.data.datasets import DATASETS, local_file
from explorer.data.downloads import megabytes
from explorer.data.published import PUBLISHED
from explorer.experiments.grid import Cell
from explorer.experiments.measure import images_of, measure
from explorer.experiments.schema import Experiment
from explorer.experiments.store import Results, rows_of
from explorer.progress import Progress, silent
from explorer.training import TrainConfig, TrainingProgress, train
from explorer.training.runs import starting_model, training_set
from explorer.training.trainer import REPORT_STEPS, build_model

TIMED_STEPS = 4
QUICK_SECONDS = 4.0  # where eighty steps take less, they are timed
TIMED_IMAGES = 32  # of each recipe
TIMED_SUITE = 4  # of each suite, whose recipes are many


@dataclass(frozen=True)
class Planned:
    """The state of one run.

    Attributes:
        cell: The run.
        state: finished, begun or open.
        epochs: Epochs that are done.
        training: Seconds of training that are left; None if not known.
        measuring: Seconds of measuring that are left; None if not known.
    """

    cell: Cell
    state: str
    epochs: int = 0
    training: float | None = None
    measuring: float | None = None

    @property
    def seconds(self) -> float | None:
        return None if self.training is None or self.measuring is None else self.training + self.measuring


@dataclass(frozen=True)
class Plan:
    """The state of all runs.

    Attributes:
        runs: The runs.
        absent: A sentence for each data set that is not on this machine.
    """

    runs: tuple[Planned, ...]
    absent: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """Of all runs that are left, one after the other; None where some are not known."""
        each = [one.seconds for one in self.runs]
        return None if any(one is None for one in each) else sum(one for one in each if one is not None)


def make_plan(
    experiment: Experiment,
    cells: Sequence[Cell],
    *,
    folder: Path,
    results: Results,
    device: torch.device,
    timed: bool = True,
    progress: Progress | None = None,
) -> Plan:
    """Find out what is done and what the rest will take; nothing is downloaded.

    A configuration is an architecture, a method, a batch size, a data set, and which parameters learn. A few steps of
    each are timed, without the cheaper steps of ``small_epochs``.

    Args:
        experiment: The experiment.
        cells: Which of its runs.
        folder: Where their folders are.
        results: Where finished runs are written.
        device: What to time.
        timed: Whether to time anything.
        progress: Counts the configurations that are timed.

    Returns:
        The plan.
    """
    done, report = rows_of(experiment, results.rows()), progress or silent
    absent = {cell.config.data: words for cell in cells if (words := missing(cell.config.data))}
    distinct = {
        _timing_key(cell.config): cell for cell in cells if cell.id not in done and cell.config.data not in absent
    }
    costs: dict[Any, tuple[float, float]] = {}
    for i, (key, cell) in enumerate(distinct.items() if timed else ()):
        report(i, len(distinct))
        costs[key] = _step_seconds(cell.config, device), _measuring_seconds(experiment, cell, device)
    planned = []
    for cell in cells:
        if cell.id in done:
            planned.append(Planned(cell, "finished", cell.config.epochs, 0.0, 0.0))
            continue
        epochs = begun(folder / cell.id)
        state = "begun" if epochs else "open"
        cost = costs.get(_timing_key(cell.config))
        if cost is None:
            planned.append(Planned(cell, state, epochs))
            continue
        steps = _images(cell.config) // cell.config.batch_size * (cell.config.epochs - epochs)
        planned.append(Planned(cell, state, epochs, steps * cost[0], cost[1]))
    return Plan(tuple(planned), tuple(absent.values()))


def missing(data: str) -> str | None:
    """Check that a data set is on this machine.

    Args:
        data: Name of a data set, or the path of a folder or file.

    Returns:
        A sentence if it is not; None if it is.
    """
    if data not in PUBLISHED or local_file(data) is not None:
        return None if data in DATASETS or Path(data).expanduser().exists() else f"There is nothing at {data}."
    wanted = PUBLISHED[data]
    return (
        f"{wanted.title} is not here: 'run' downloads it ({megabytes(wanted.size)}), or set EXPLORER_DATA to a folder "
        f"that holds {data}.npz."
    )


def begun(folder: Path) -> int:
    """Count the epochs of an unfinished run.

    Args:
        folder: Folder of the run.

    Returns:
        Whole epochs that can be resumed.
    """
    try:
        return sum(1 for _ in (folder / "metrics.jsonl").open()) if (folder / "state.pt").is_file() else 0
    except OSError:
        return 0


def _timing_key(config: TrainConfig) -> tuple[Any, ...]:
    """What decides the time of a step, and of a measured image."""
    size = config.small_side if config.small_epochs >= config.epochs else 0
    return (
        config.data, config.arch, config.method, config.batch_size, config.trained, config.precision, size,
        config.options.get("mix"), config.options.get("steps"),
    )  # fmt: skip


def _images(config: TrainConfig) -> int:
    left = len(training_set(config)) - config.holdout
    return min(left, config.train_size or left)


def _step_seconds(config: TrainConfig, device: torch.device) -> float:
    """Seconds of a training step, through the trainer itself; of quick ones more are timed."""
    data, start = training_set(config), starting_model(config)

    def timed(steps: int) -> float:
        count = min(config.batch_size * steps, len(data))
        marks: list[tuple[int, float]] = []

        def watch(report: TrainingProgress) -> None:
            marks.append(((report.epoch - 1) * report.steps + report.step, time.perf_counter()))

        # Few steps at the full rate may diverge; at rate 0 they take as long.
        short = replace(config, epochs=2, lr=0.0, train_size=0, holdout=0, small_epochs=0)
        with tempfile.TemporaryDirectory() as folder:
            train(short, data.select(slice(count)), Path(folder), device=device, init=start, watch=watch)
        # The first report is of steps that warmed up; where there are enough, no state is saved between the last two.
        (first, began), (last, ended) = marks[-2:]
        return (ended - began) / (last - first)

    seconds = timed(TIMED_STEPS)
    return timed(2 * REPORT_STEPS) if seconds * 4 * REPORT_STEPS < QUICK_SECONDS else seconds


def _measuring_seconds(experiment: Experiment, cell: Cell, device: torch.device) -> float:
    """Seconds of everything that is measured on one trained model, from a few images.

    The model is untrained; so that attacks have something to flip, its own answers are taken for the true classes.
    """
    measures, config = experiment.measures, cell.config
    whole = images_of(config, measures)
    model = build_model(config, training_set(config), None).to(device).eval()
    few = whole.select(slice(TIMED_IMAGES))
    with torch.no_grad():
        few = replace(few, labels=model(few.batch(slice(None))[0].to(device)).argmax(1).cpu().numpy())
    n = min(len(whole), measures.limit or len(whole))
    of_suites = min(len(whole), measures.suite_limit or n)
    measures = replace(measures, suite_limit=None)  # the number of images is set below
    parts = [(replace(measures, suites=(), theorem=0), TIMED_IMAGES, n)]
    each = (replace(measures, recipes=(), suites=(name,), theorem=0) for name in measures.suites)
    parts += [(one, TIMED_SUITE, of_suites) for one in each]
    if measures.theorem:
        parts.append((replace(measures, recipes=(), suites=()), TIMED_IMAGES, min(n, measures.theorem)))
    seconds = 0.0
    for wanted, count, of in parts:
        for images in (2, count):  # the first time warms up
            began = time.perf_counter()
            measure(model, few, config, replace(wanted, limit=images, theorem=min(wanted.theorem, images)))
        seconds += (time.perf_counter() - began) * of / min(count, of)
    return seconds
