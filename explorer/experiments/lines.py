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
    """One setting.

    Attributes:
        title: What its row is called.
        cells: Its runs in the file, one per seed.
        rows: Rows of those that are finished.
        diverged: Number of those that diverged.
    """

    title: str
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]  # trained and measured
    diverged: int

    @property
    def cell(self) -> Cell:
        """The run of the first seed, for its settings."""
        return self.cells[0]

    def values(self, recipe: str) -> list[float]:
        """Accuracies under a recipe.

        Args:
            recipe: Text of the recipe.

        Returns:
            Per cent, one per finished seed.
        """
        found = [result for row in self.rows for result in row["results"] if result["recipe"] == recipe]
        return [100 * result["accuracy"] for result in found]

    def mean(self, recipe: str) -> float | None:
        """The mean accuracy under a recipe.

        Args:
            recipe: Text of the recipe.

        Returns:
            Per cent; None if no seed is finished.
        """
        return mean(self.values(recipe))


def mean(values: Sequence[float]) -> float | None:
    """The mean of numbers.

    Args:
        values: The numbers.

    Returns:
        The mean; None if there are none.
    """
    return sum(values) / len(values) if values else None


def lines_of(experiment: Experiment, rows: Sequence[Row]) -> list[Line]:
    """All settings of an experiment.

    Args:
        experiment: The experiment.
        rows: Rows that were written.

    Returns:
        One line per setting, in the order of the file.
    """
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
    """Restrict a row to what was measured as the file now asks.

    Args:
        row: The row.
        measures: What is measured now.

    Returns:
        The row with the measurements on the images that the file names; None if there are none.
    """
    if row.get("failed"):
        return row
    then = row["measures"]
    if (then["split"], then["limit"]) != (measures.split, measures.limit):
        return None
    kept = reusable(row, replace(measures, recipes=()))
    without = {key: value for key, value in row.items() if key not in ("suites", "theorem")}
    return without | {key: kept[key] for key in ("suites", "theorem") if key in kept}


def tables_of(lines: Iterable[Line]) -> dict[tuple[str, str], list[Line]]:
    """Group lines into tables.

    Args:
        lines: The lines.

    Returns:
        Lines by (data set, architecture).
    """
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.cell.config.data, line.cell.config.arch), []).append(line)
    return found


def baseline_of(line: Line, lines: Sequence[Line]) -> Line | None:
    """Find the standard run that a line is compared with.

    Args:
        line: The line.
        lines: Lines of the same table.

    Returns:
        The one on as many images that shares most of the settings in ``SAME``, or None.
    """
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
    """Find what differs between lines of one method.

    Args:
        lines: The lines.

    Returns:
        Values, in order, by option or setting.
    """
    names = list(dict.fromkeys(key for line in lines for key in line.cell.config.options))
    names += SAME
    found = {name: list(dict.fromkeys(line.cell.setting(name) for line in lines)) for name in names}
    return {name: values for name, values in found.items() if len(values) > 1}
