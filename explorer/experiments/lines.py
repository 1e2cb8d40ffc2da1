"""Finished runs put together: a line per setting, with the mean and the range over its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from explorer.experiments.grid import Cell
from explorer.experiments.measure import reusable
from explorer.experiments.schema import Experiment, Measures
from explorer.experiments.store import Row, known_rows
from explorer.training import TrainConfig

SAME = tuple(f.name for f in fields(TrainConfig) if f.name not in ("method", "options", "seed", "data", "arch"))
"""Settings of the training: what a baseline shares with a run as far as there is such a one."""


@dataclass(frozen=True)
class Line:
    """One setting: its runs in the file, one per seed, and those that are finished."""

    title: str
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]  # trained and measured
    diverged: int

    @property
    def cell(self) -> Cell:
        """The run of the first seed, for its settings."""
        return self.cells[0]

    def values(self, recipe: str) -> list[float]:
        """Accuracies in per cent, one per finished seed."""
        found = [result for row in self.rows for result in row["results"] if result["recipe"] == recipe]
        return [100 * result["accuracy"] for result in found]

    def mean(self, recipe: str) -> float | None:
        """Their mean; None where no seed is finished."""
        return mean(self.values(recipe))


def mean(values: Sequence[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


def lines_of(experiment: Experiment, rows: Sequence[Row]) -> list[Line]:
    """All settings of the file, in its order."""
    known = known_rows(experiment, rows)
    done = {cell: row for cell, old in known.items() if (row := still_true(old, experiment.measures))}
    settings: dict[str, list[Cell]] = {}
    for cell in experiment.cells:
        settings.setdefault(cell.row, []).append(cell)
    made = []
    for cells in settings.values():
        found = [done[cell.id] for cell in cells if cell.id in done]
        whole = tuple(row for row in found if not row.get("failed"))
        made.append(Line(cells[0].title, tuple(cells), whole, len(found) - len(whole)))
    return made


def still_true(row: Row, measures: Measures) -> Row | None:
    """A row with what was measured on the images that the file now names, also where more is asked for; or None."""
    if row.get("failed"):
        return row
    then = row["measures"]
    if (then["split"], then["limit"]) != (measures.split, measures.limit):
        return None
    kept = reusable(row, replace(measures, recipes=()))
    without = {key: value for key, value in row.items() if key not in ("suites", "theorem")}
    return without | {key: kept[key] for key in ("suites", "theorem") if key in kept}


def tables_of(lines: Iterable[Line]) -> dict[tuple[str, str], list[Line]]:
    """The lines by data set and network: one table for each."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.cell.config.data, line.cell.config.arch), []).append(line)
    return found


def baseline_of(line: Line, lines: Sequence[Line]) -> Line | None:
    """The standard run on as many images that a line is compared with, and that shares most of ``SAME``; or None."""
    config = line.cell.config
    standard = [
        one
        for one in lines
        if (one.cell.config.method, one.cell.config.train_size) == ("standard", config.train_size) and one is not line
    ]

    def shared(one: Line) -> int:
        return sum(one.cell.setting(key) == line.cell.setting(key) for key in SAME)

    return max(standard, key=shared, default=None)


def varied(lines: Sequence[Line]) -> dict[str, list[object]]:
    """Options and settings that differ between lines of one method, each with its values in order."""
    names = list(dict.fromkeys(key for line in lines for key in line.cell.config.options))
    names += SAME
    found = {name: list(dict.fromkeys(line.cell.setting(name) for line in lines)) for name in names}
    return {name: values for name, values in found.items() if len(values) > 1}
