"""The notebooks, run and stored: ``python -m tests.support.notebook_run`` (all), or with the names or paths of some.

A notebook is stored with its outputs, and with a mark of the sources they came from, so that a forgotten run is noticed
without running anything. Running goes through nbmake, in a kernel of its own that cannot reach the network.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
TIMEOUT = 300  # s for one cell
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
NOWHERE = "http://127.0.0.1:9"  # nothing answers there: a download fails at once instead of hanging
OFFLINE = {name: NOWHERE for low in ("http_proxy", "https_proxy") for name in (low, low.upper())}
QUIET = {"JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # Jupyter's warnings about itself
ENVIRONMENT = {**OFFLINE, **QUIET, "OMP_NUM_THREADS": "1"}  # one thread: the same rounding everywhere
MARK = "explorer_sources"


def paths() -> list[Path]:
    """The notebooks, in their order."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """The notebook in a file."""
    return nbformat.read(path, 4)  # type: ignore[no-untyped-call]  # nbformat leaves it untyped


def sources(notebook: NotebookNode) -> str:
    """16 hex digits that name what its code cells say, in order."""
    said = "\0".join(cell.source.strip() for cell in code_cells(notebook))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that are run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(path: Path) -> NotebookNode:
    """The notebook after a run from top to bottom; AssertionError with the traceback where it fails."""
    from nbmake.nb_run import NotebookRun  # type: ignore[import-untyped]  # it ships no types

    result = NotebookRun(path, TIMEOUT).execute()
    assert result.error is None, f"{path.name}: {result.error.trace}"
    return result.nb


def text(cell: NotebookNode) -> str:
    """What a cell printed and said in words."""
    parts = (output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)
    return "".join("".join(part) for part in parts)


def joined(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The outputs, with what one stream said in one piece: how it was cut on its way is chance."""
    kept: list[NotebookNode] = []
    for output in outputs:
        if kept and output.output_type == "stream" == kept[-1].output_type and output.name == kept[-1].name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def shape(cell: NotebookNode) -> tuple[list[str], str]:
    """What must be the same whenever a cell is run: the kinds of its outputs, and its words with numbers left out."""
    kinds = [
        output.get("name") or "+".join(sorted(output.get("data", {}))) or output.output_type
        for output in joined(cell.outputs)
    ]
    return kinds, re.sub(r"[-−]?\d[\d.,]*(e[-+]?\d+)?", "#", text(cell))


def store(path: Path) -> float:
    """Run a notebook and write it back with its outputs and the mark of its sources; seconds it took."""
    started = time.perf_counter()
    notebook = run(path)
    seconds = time.perf_counter() - started
    widgets: Any = notebook.metadata.get("widgets")
    notebook.metadata.clear()
    notebook.metadata.update({"kernelspec": KERNEL, "language_info": {"name": "python"}, MARK: sources(notebook)})
    if widgets:
        notebook.metadata["widgets"] = widgets
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times would change with every run
    for cell in code_cells(notebook):
        cell.outputs = joined(cell.outputs)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    return seconds


def main(names: Sequence[str]) -> None:
    """Store those notebooks whose file name contains one of ``names``, or that lie there; all without one."""
    os.environ.update(ENVIRONMENT)
    chosen = [path for path in paths() if not names or any(name in path.name for name in names)]
    for path in [Path(name) for name in names if Path(name).is_file()] or chosen:
        seconds = store(path)
        print(f"{path.name}: {seconds:.0f} s, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
