"""The nine lessons: they run offline, what is stored is what they give, and every one has what a lesson needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from explorer import lessons
from tests.support.notebook_run import FOLDER, KERNEL, MARK, code_cells, paths, read, shape, sources, text

NAMES = (
    "1_a_first_look", "2_distortions_as_dials", "3_stability_training", "4_the_lipschitz_loss",
    "5_bang_and_adversarial_directions", "6_feature_distance", "7_failure_cases", "8_your_own_photographs",
    "9_hold_still",
)  # fmt: skip
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
SOLUTION = re.compile(r"<details>\s*<summary>Solution.*?</summary>\s*```python\n(.*?)```\s*.*?</details>", re.DOTALL)
CALLED = re.compile(r"^\s*(?:[\w.]+ = )?(check|predict|reveal)\(\s*\"(\d\.\d+)\"", re.MULTILINE)
SAYS = re.compile(r"^(print|check|predict|reveal|show|explorer\.figures\.show|.*explorer\.show)\(", re.MULTILINE)
PLACES = re.compile(
    r"(?<![\w.:/])(/(home|Users|work|tmp|root|usr|opt|var|mnt|private)/|[A-Z]:\\)|<[\w. ]+ object at 0x"
)
UNIT = re.compile(r"\(.+\)")

each = pytest.mark.parametrize("name", NAMES)


def notebook(name: str) -> NotebookNode:
    return read(FOLDER / f"{name}.ipynb")


def prose(of: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in of.cells if cell.cell_type == "markdown")


def calls(of: NotebookNode) -> list[tuple[str, str]]:
    """(function, number) of every check, predict and reveal, in order."""
    return [pair for cell in code_cells(of) for pair in CALLED.findall(cell.source)]


def test_there_are_nine_and_nothing_else_in_the_folder() -> None:
    assert [path.stem for path in paths()] == sorted(NAMES)
    others = {path.name for path in FOLDER.iterdir()} - {path.name for path in paths()}
    assert others <= {"README.md", ".ipynb_checkpoints", ".jupyter"}  # settings of `make notebooks`


# --- what is stored ---------------------------------------------------------------------------------------------------


@each
def test_outputs_are_stored_in_order_and_belong_to_these_sources(name: str) -> None:
    found = notebook(name)
    nbformat.validate(found)  # type: ignore[no-untyped-call]
    assert found.metadata.kernelspec == KERNEL
    assert found.metadata.language_info.name == "python"
    cells = code_cells(found)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run it: make refresh-notebooks"
    assert found.metadata.get(MARK) == sources(found), "its cells have changed since it was run: make refresh-notebooks"
    silent = [cell.source for cell in cells if SAYS.search(cell.source) and not cell.outputs]
    assert silent == []


@each
def test_it_is_small(name: str) -> None:
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 1_000_000


@each
def test_cells_are_short(name: str) -> None:
    long = [cell.source for cell in code_cells(notebook(name)) if len(cell.source.splitlines()) > 15]
    assert long == []


@each
def test_nothing_went_wrong_and_nothing_tells_where_it_was_run(name: str) -> None:
    found = notebook(name)
    for cell in code_cells(found):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", output.text
        said = cell.source + text(cell) + "".join(o.get("data", {}).get("text/html", "") for o in cell.outputs)
        assert not PLACES.search(re.sub(r"base64,[\w+/=]*", "", said)), cell.source
    assert not PLACES.search(prose(found))


@each
def test_figures_have_named_axes_with_units_and_a_still_picture(name: str) -> None:
    bundles = [output.get("data", {}) for cell in code_cells(notebook(name)) for output in cell.outputs]
    figures = [data for data in bundles if PLOTLY in data]
    assert figures
    assert not any("image/png" in data for data in bundles if PLOTLY not in data), "draw with explorer.figures"
    for data in figures:
        assert data["image/png"]
        drawn = data[PLOTLY]
        axes = {key: axis for key, axis in drawn["layout"].items() if re.fullmatch(r"[xy]axis\d*", key)}
        assert {key[0] for key in axes} == {"x", "y"}
        titled = {key: axis["title"]["text"] for key, axis in axes.items() if axis.get("title", {}).get("text")}
        assert {key[0] for key in titled} == {"x", "y"}  # rows of pictures share the name of what runs down
        # kinds of things, such as methods, have names and no unit
        scales = [title for key, title in titled.items() if axes[key].get("type") != "category"]
        assert all(UNIT.search(title) for title in scales), scales
        for trace in drawn["data"]:
            if trace["type"] == "heatmap":
                assert UNIT.search(json.dumps(trace.get("colorbar", {})) + str(data["text/plain"]))


@each
def test_the_live_widget_is_there_with_its_last_state_for_readers_without_a_kernel(name: str) -> None:
    shown = [cell for cell in code_cells(notebook(name)) if any(WIDGET in o.get("data", {}) for o in cell.outputs)]
    assert len(shown) >= 2
    for cell in shown:
        said = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
        assert "data:image/" in said
        assert re.search(r"\d", re.sub(r"<[^>]*>", "", said)), "the numbers, too"


# --- what a lesson needs ----------------------------------------------------------------------------------------------


@each
def test_it_has_the_parts_of_a_lesson(name: str) -> None:
    found = notebook(name)
    first, said = found.cells[0].source, prose(found)
    assert first.startswith(f"# {name[0]} · ")
    assert "?" in first, "a lesson opens with its question"
    goals = re.search(r"\*\*Goals\.\*\*.*?\n\n((?:- .*(?:\n(?!\n).*)*\n?)+)", said)
    assert goals, "**Goals.**, then a list"
    assert len(re.findall(r"^- ", goals[1], re.MULTILINE)) == 3
    minutes = re.search(r"\*\*Time and needs\.\*\* (\d+)", said)
    assert minutes
    assert 10 <= int(minutes[1]) <= 25
    assert "Colab" in said
    assert "## What you saw" in said
    references = said.split("## References")[1]
    assert len(re.findall(r"^- .*(?:19|20)\d\d", references, re.MULTILINE)) >= 2


@each
def test_every_task_of_the_lesson_is_in_it_once_and_predictions_come_before_what_they_predict(name: str) -> None:
    import_module(f"explorer.lessons.{lessons.MODULES[name[0]]}")
    found = calls(notebook(name))
    for function, tasks in (("check", lessons.EXERCISES), ("predict", lessons.PREDICTIONS)):
        own = sorted(number for number in tasks if number.startswith(f"{name[0]}."))
        assert sorted(number for called, number in found if called == function) == own
        assert len(own) >= (3 if function == "check" else 2)
    for i, (function, number) in enumerate(found):
        if function == "reveal":
            assert ("predict", number) in found[:i]


@each
def test_exercises_are_left_to_the_student(name: str) -> None:
    for cell in code_cells(notebook(name)):
        for function, number in CALLED.findall(cell.source):
            if function == "check":
                assert f"{number} is not answered yet" in text(cell)
            if function == "predict":
                assert "No prediction yet" in text(cell)


@each
def test_every_exercise_has_a_folded_solution(name: str) -> None:
    assert len(solutions(notebook(name))) == sum(function == "check" for function, _ in calls(notebook(name)))


def solutions(of: NotebookNode) -> dict[int, str]:
    """By the index of the cell with the check: the Python of the folded solution between it and the next check."""
    found: dict[int, str] = {}
    asked: int | None = None
    for i, cell in enumerate(of.cells):
        if cell.cell_type == "code" and any(function == "check" for function, _ in CALLED.findall(cell.source)):
            asked = i
        elif cell.cell_type == "markdown" and asked is not None and (solved := SOLUTION.search(cell.source)):
            found[asked], asked = solved[1], None
    return found


# --- what they do -----------------------------------------------------------------------------------------------------

SOLVED = """
_kept, _draws = dict(globals()), __import__("torch").get_rng_state()
{solution}
{check}
for _name in set(globals()) - set(_kept) - {{"_kept", "_draws"}}:
    del globals()[_name]
globals().update(_kept)
__import__("torch").set_rng_state(_draws)
"""


def with_solutions(of: NotebookNode) -> NotebookNode:
    """The notebook with a cell after each exercise that tries the solution and then forgets it."""
    cells = []
    solved = solutions(of)
    for i, cell in enumerate(of.cells):
        cells.append(cell)
        if i in solved:
            check = cell.source[CALLED.search(cell.source).start() :]  # type: ignore[union-attr]
            inserted = new_code_cell(SOLVED.format(solution=solved[i], check=check))  # type: ignore[no-untyped-call]
            inserted.metadata["solution"] = True
            cells.append(inserted)
    of.cells = cells
    return of


def run_copy(name: str, folder: Path) -> NotebookNode:
    """The notebook and its solutions after a run in a folder where nothing of the project lies; in a process apart,
    whose sockets and loops are none of pytest's business.
    """
    path = folder / f"{name}.ipynb"
    nbformat.write(with_solutions(notebook(name)), path)  # type: ignore[no-untyped-call]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    command = [sys.executable, "-m", "tests.support.notebook_run", str(path)]
    done = subprocess.run(command, cwd=FOLDER.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    return read(path)


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[NotebookNode]]]:
    """Every notebook that was asked for, two at a time."""
    folder = tmp_path_factory.mktemp("lessons")
    items: Any = [item for item in request.session.items if "runs" in getattr(item, "fixturenames", ())]
    names = sorted((item.callspec.params["name"] for item in items), key=lambda name: not name.startswith("3"))
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(run_copy, name, folder) for name in names}  # the longest first
        pool.shutdown(wait=False, cancel_futures=True)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1200)
@each
def test_it_runs_offline_gives_what_is_stored_and_its_solutions_are_right(
    name: str, runs: dict[str, Future[NotebookNode]]
) -> None:
    again = code_cells(runs[name].result())
    tried = [cell for cell in again if cell.metadata.get("solution")]
    assert tried
    for cell in tried:
        assert "✓" in text(cell), f"{cell.source}\n{text(cell)}"
        assert "✗" not in text(cell), f"{cell.source}\n{text(cell)}"
    again = [cell for cell in again if not cell.metadata.get("solution")]
    for now, stored in zip(again, code_cells(notebook(name)), strict=True):
        assert shape(now) == shape(stored), f"what is stored is out of date, make refresh-notebooks:\n{now.source}"
