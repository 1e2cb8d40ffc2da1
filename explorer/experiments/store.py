"""The finished runs of an experiment: one JSON line each, appended whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError
from explorer.experiments.grid import Cell
from explorer.experiments.measure import reusable
from explorer.experiments.schema import Experiment, Measures
from explorer.training import default_options

Row = dict[str, Any]


def results_folder(experiment: Experiment, folder: Path | None = None) -> Path:
    """The folder of results.

    Args:
        experiment: The experiment.
        folder: Another folder; by default ``results`` beside the file.

    Returns:
        The folder.
    """
    return folder or experiment.path.parent / "results"


class Results:
    """The file ``<stem>.jsonl``. Half a last line, left by a kill, is not read, and cut off at the next write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[Row]:
        """Read every complete line.

        Returns:
            The rows; an incomplete last line, as after a crash, is left out.

        Raises:
            ExplorerError: If a line in the middle is damaged.
        """
        lines = self._whole().split(b"\n")[:-1]
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                if not isinstance(row, dict) or "cell" not in row:
                    raise ValueError("it names no cell")
            except ValueError as error:
                raise ExplorerError(
                    f"Line {number} of {self.path} is damaged ({error}); remove that line and run the cell again."
                ) from None
            rows.append(row)
        return rows

    def append(self, row: Row) -> None:
        """Write one line and flush it to the disk.

        Args:
            row: The row.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            file.truncate(len(self._whole()))
            file.seek(0, os.SEEK_END)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _whole(self) -> bytes:
        """The file up to its last line's end."""
        data = self.path.read_bytes() if self.path.exists() else b""
        return data[: data.rfind(b"\n") + 1]


def rows_of(experiment: Experiment, rows: Sequence[Row]) -> dict[str, Row]:
    """The rows of finished runs.

    Args:
        experiment: The experiment.
        rows: All rows.

    Returns:
        By id, the row of each run that holds everything that the file now asks for.
    """
    return {key: row for key, row in known_rows(experiment, rows).items() if covers(row, experiment.measures)}


def known_rows(experiment: Experiment, rows: Sequence[Row]) -> dict[str, Row]:
    """The latest rows of the experiment's runs.

    Args:
        experiment: The experiment.
        rows: All rows.

    Returns:
        By id, the last row with the same settings, also if something remains to be measured.
    """
    cells = {cell.id: cell for cell in experiment.cells}
    return {row["cell"]: row for row in rows if row["cell"] in cells and same_settings(cells[row["cell"]], row)}


def same_settings(cell: Cell, row: Row) -> bool:
    """Whether a row is of a run with the same settings.

    Args:
        cell: The run.
        row: The row.

    Returns:
        True if they agree; settings that were added to the trainer later are ignored.
    """
    now, then = json.loads(json.dumps(asdict(cell.config))), row.get("settings", {})
    if "options" in then:
        then = then | {"options": default_options(cell.config.method) | then["options"]}
    return all(now.get(key) == value for key, value in then.items())


def covers(row: Row, measures: Measures) -> bool:
    """Whether a row holds everything that is to be measured.

    Args:
        row: The row.
        measures: What is to be measured.

    Returns:
        True if it does, or if the run diverged.
    """
    if row.get("failed"):
        return True
    found = reusable(row, measures)
    return (
        "results" in found
        and set(found["suites"]) == set(measures.suites)
        and (not measures.theorem or "theorem" in found)
    )
