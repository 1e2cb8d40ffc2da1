"""``explorer experiment``: grids of runs from a TOML file, from the terminal."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import AsCsv, AsJson, Device
from explorer.cli.output import deliver_records, print_csv, print_json, print_parts, progress_bar
from explorer.errors import ExplorerError
from explorer.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from explorer.experiments.cell import Event
    from explorer.experiments.grid import Cell
    from explorer.experiments.plan import Planned
    from explorer.experiments.runs import Outcome
    from explorer.experiments.schema import Experiment

experiment = typer.Typer(
    help="Train and measure a grid of settings, written in a TOML file: plan, run, page.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="The experiment, a TOML file; experiments/README.md says what it holds.")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Only runs whose name holds this text, or with this setting: sigma=0.1. May be repeated."),
]
Work = Annotated[Path, typer.Option(help="Folder for logs and states; each experiment has a folder in it.")]
ResultsFolder = Annotated[
    Path | None, typer.Option("--results", help="Folder for results and page; else results beside the file.")
]


def chosen(found: Experiment, only: list[str] | None) -> list[Cell]:
    """Choose runs of an experiment.

    Args:
        found: The experiment.
        only: Texts of ``--only``; None for all runs.

    Returns:
        The runs that match any of the texts.

    Raises:
        ExplorerError: If none matches.
    """
    cells = [cell for cell in found.cells if not only or any(cell.answers(text) for text in only)]
    if not cells:
        names = ", ".join(list(dict.fromkeys(cell.title for cell in found.cells))[:6])
        raise ExplorerError(f"No run is named {' or '.join(only or [])}; there are {names}, ...")
    return cells


@experiment.command()
def run(
    file: File,
    only: Only = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs at once; else 1 on a CPU, up to 4 on a GPU.")] = None,
    limit_minutes: Annotated[
        float | None, typer.Option(min=0, help="After this, begin nothing new; what runs stops at its epoch's end.")
    ] = None,
    work: Work = Path("runs/experiments"),
    results: ResultsFolder = None,
    device: Device = "auto",
    *,
    restart: Annotated[
        bool, typer.Option("--restart/--resume", help="Forget unfinished runs instead of going on with them.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Do all runs that are not finished; stop it as you like, the same command goes on."""
    from explorer.experiments import runs
    from explorer.experiments.page import write_page
    from explorer.experiments.schema import read_experiment
    from explorer.experiments.store import Results, results_folder
    from explorer.models import pick_device

    found = read_experiment(file)
    cells = chosen(found, only)
    folder = results_folder(found, results)
    kept = Results(folder / f"{found.stem}.jsonl")
    where = pick_device(device)
    given: dict[str, object] = {"--work": str(work) if work != Path("runs/experiments") else None, "--results": results}
    given |= {"--workers": workers, "--device": device if device != "auto" else None}
    options = [f"--only={text}" for text in only or []]
    options += [f"{name}={value}" for name, value in given.items() if value is not None]
    again = shlex.join(["explorer", "experiment", "run", str(file), *options])
    with _shown(cells) as listen:
        try:
            outcome = runs.run(
                found, cells, folder=work / found.stem, results=kept, device=where, workers=workers,
                restart=restart, minutes=limit_minutes, listen=listen, after=lambda: write_page(found, folder),
            )  # fmt: skip
        except KeyboardInterrupt:
            print(f"Stopped; what is finished is kept. Go on with: {again}", file=sys.stderr)
            raise
    write_page(found, folder)
    if as_json:
        print_json(vars(outcome))
    elif as_csv:
        done = [{"run": cell, "state": "finished"} for cell in (*outcome.before, *outcome.finished)]
        left = [{"run": cell, "state": "stopped"} for cell in outcome.stopped]
        print_csv(
            [*done, *left, *({"run": cell, "state": "failed", "why": why} for cell, why in outcome.failed.items())]
        )
    else:
        print_parts(*_lines(outcome, again, folder / f"{found.stem}.md"))
    if outcome.failed:
        raise typer.Exit(1)


@experiment.command()
def plan(
    file: File,
    only: Only = None,
    work: Work = Path("runs/experiments"),
    results: ResultsFolder = None,
    device: Device = "auto",
    *,
    timed: Annotated[
        bool, typer.Option("--time/--no-time", help="Time a few real steps of each configuration.")
    ] = True,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the runs, what is done of them, and what the rest will take on this device; nothing is downloaded."""
    from explorer.cli.tables import plain_table
    from explorer.experiments.plan import make_plan
    from explorer.experiments.schema import read_experiment
    from explorer.experiments.store import Results, results_folder
    from explorer.models import pick_device
    from explorer.provenance import hardware

    found = read_experiment(file)
    cells = chosen(found, only)
    where = pick_device(device)
    kept = Results(results_folder(found, results) / f"{found.stem}.jsonl")
    with progress_bar("timing a few steps of each configuration") as progress:
        made = make_plan(
            found, cells, folder=work / found.stem, results=kept, device=where, timed=timed, progress=progress
        )  # fmt: skip
    listed = [
        {"cell": one.cell.id, "title": one.cell.title, "seed": one.cell.config.seed, "state": one.state,
         "epochs": one.epochs, "seconds": one.seconds}
        for one in made.runs
    ]  # fmt: skip
    if as_csv:
        print_csv(listed)
        return
    if as_json:
        print_json({"runs": listed, "seconds": made.seconds, "absent": made.absent, "hardware": hardware(where)})
        return
    settings: dict[str, list[Planned]] = {}
    for one in made.runs:
        settings.setdefault(one.cell.row, []).append(one)
    several = len({cell.config.arch for cell in cells}) > 1
    lines = [
        [runs[0].cell.title + (f", {runs[0].cell.config.arch}" if several else ""), ", ".join(map(_state, runs)),
         *map(_duration, _left(runs))]
        for runs in settings.values()
    ]  # fmt: skip
    header = ["setting", "seeds", "training", "measuring"]
    left = sum(one.state != "finished" for one in made.runs)
    whole = f"{left} of {counted(len(cells), 'run')} {'is' if left == 1 else 'are'} left"
    if made.seconds is not None and left:
        whole += f": about {_duration(made.seconds)} one after the other on {hardware(where)}"
    print_parts(f"{found.title}", plain_table(header, lines), *made.absent, f"{whole}.")


def _state(one: Planned) -> str:
    """A seed and how far it is: 0 ✓, 1 (3 of 15 epochs), 2."""
    seed = str(one.cell.config.seed)
    if one.state == "begun":
        return f"{seed} ({one.epochs} of {one.cell.config.epochs} epochs)"
    return f"{seed} ✓" if one.state == "finished" else seed


def _left(runs: list[Planned]) -> tuple[float | None, float | None]:
    """Seconds of training and of measuring that a setting's seeds still take."""
    if any(one.seconds is None for one in runs):
        return None, None
    return sum(one.training or 0.0 for one in runs), sum(one.measuring or 0.0 for one in runs)


def _duration(seconds: float | None) -> str:
    """Seconds as people say them; a dash where they are not known."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@experiment.command()
def page(file: File, results: ResultsFolder = None, *, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Write the page of what is there: tables, curves, published values beside ours; without training anything."""
    from explorer.experiments.page import write_page
    from explorer.experiments.schema import read_experiment
    from explorer.experiments.store import results_folder

    found = read_experiment(file)
    path = str(write_page(found, results_folder(found, results)))
    deliver_records([{"file": path}], lambda: [f"Written: {path}"], as_json=as_json, as_csv=as_csv)


def _lines(outcome: Outcome, again: str, page: Path) -> Iterator[str]:
    for cell, why in outcome.failed.items():
        yield f"Not done: {cell}: {why}"
    if stopped := len(outcome.stopped):
        yield f"{counted(stopped, 'run')} {'is' if stopped == 1 else 'are'} left. Go on with: {again}"
    yield f"{counted(len(outcome.finished), 'run')} done now, {len(outcome.before)} before. Results: {page}"


@contextmanager
def _shown(cells: list[Cell]) -> Iterator[Callable[[Event], None]]:
    """Bars on stderr, one for each run under way and one for all; lines where that is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
    titles = {cell.id: f"{cell.title}, seed {cell.config.seed}" for cell in cells}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        whole = bar.add_task("all runs", total=len(cells), text="")
        tasks: dict[str, TaskID] = {}

        def listen(event: Event) -> None:
            if event.state in ("training", "measuring"):
                if event.cell not in tasks:
                    tasks[event.cell] = bar.add_task(titles[event.cell], text="")
                text = event.text if event.state == "training" else f"measuring {event.done + 1}/{event.total}"
                bar.update(tasks[event.cell], completed=event.done, total=event.total or None, text=text)
                return
            if event.cell in tasks:
                bar.remove_task(tasks.pop(event.cell))
            if event.state != "noted":
                bar.advance(whole)
                bar.update(whole, text=f"{bar.tasks[0].completed:.0f} of {len(cells)}")
            if event.state == "before":
                return
            console.print(f"{titles[event.cell]}: {event.state}  {event.text}".rstrip(), markup=False, soft_wrap=True)

        yield listen
