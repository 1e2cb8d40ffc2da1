"""The page of an experiment."""

from __future__ import annotations

from pathlib import Path

from explorer.experiments.schema import Experiment


def write_page(experiment: Experiment, folder: Path) -> Path:
    """Write it."""
    return folder / f"{experiment.stem}.md"
