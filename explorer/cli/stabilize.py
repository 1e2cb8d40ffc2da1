"""``explorer stabilize``: make a network of one's own keep its answers under what its pictures go through."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.inputs import load_models
from explorer.cli.options import Arch, AsCsv, AsJson, ClassNames, Device, Mean, Side, Std, Weights
from explorer.cli.output import deliver, tell_warnings, written
from explorer.numbers import counted

if TYPE_CHECKING:
    from explorer.stabilizing import Cost, Live

STAGES = {
    "proposal": "finding out what hurts",
    "features": "storing features",
    "rate": "finding a learning rate",
    "training": "training",
    "choice": "asking the pictures that are held out",
    "control": "training the control",
    "report": "measuring",
}


@contextmanager
def _shown() -> Iterator[tuple[Callable[[Live], None], Callable[[], bool]]]:
    """A progress bar on stderr, and a first Ctrl-C that only ends the training."""
    from rich.console import Console
    from rich.progress import Progress

    asked: list[int] = []

    def interrupt(*_: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(1)
        print("The training ends after this step; what it has reached is kept.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, interrupt)
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=None)

            def watch(live: Live) -> None:
                left = f", {live.seconds_left / 60:.0f} min left" if live.seconds_left > 60 else ""
                now = f", {100 * live.curve[-1].flips:.0f} % flip" if live.curve else ""
                told = f"{STAGES[live.stage]}{now}{left}"
                bar.update(task, description=told, completed=live.done, total=live.total)

            yield watch, lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


def _tell_cost(cost: Cost) -> None:
    takes = (
        f"{cost.seconds / 60:,.0f} minutes" if cost.seconds >= 90 else counted(max(1, round(cost.seconds)), "second")
    )
    pictures = f"{cost.train:,} pictures train {cost.weights:,} weights; {cost.watched:,} others are watched"
    print(f"{pictures}, and the report is about {cost.reported:,} more. This takes about {takes}.", file=sys.stderr)


def stabilize(
    model: Annotated[str, typer.Argument(help="The network, by name or path, or package.module:function.")],
    pictures: Annotated[str, typer.Option(help="Pictures: a folder, a list, a data set. Labels are not needed.")],
    under: Annotated[
        str,
        typer.Option(help="What they go through: gaussian_noise=0:0.2,jpeg=10:60,thumbnail=64:160; auto finds out."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the weights, the card and the report.")],
    test: Annotated[str | None, typer.Option(help="Pictures to report on; else a part of the others.")] = None,
    method: Annotated[str, typer.Option(help="stability, mix, gaussian or lipschitz.")] = "stability",
    layers: Annotated[str, typer.Option(help="head, last or all.")] = "all",
    steps: Annotated[int | None, typer.Option(min=1, help="Steps; else 180, for the head 40 passes.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Minutes of training, in place of steps.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures a step.")] = 24,
    lr: Annotated[float | None, typer.Option(min=0, help="Learning rate of Adam; else a safe one is found.")] = None,
    alpha: Annotated[float, typer.Option(min=0, help="Weight of stability against the task.")] = 1.0,
    keep: Annotated[float, typer.Option(min=0, max=1, help="Share of clean answers that have to stay.")] = 0.99,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")] = 0,
    name: Annotated[str | None, typer.Option(help="Name of the result.")] = None,
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32.")] = "auto",
    *,
    labels: Annotated[bool, typer.Option("--labels", help="Their classes are the task, as in the paper.")] = False,
    features: Annotated[bool, typer.Option("--features", help="Features are to hold, for searches.")] = False,
    control: Annotated[bool, typer.Option(help="Train plain noise augmentation as long, to compare with.")] = True,
    small: Annotated[bool, typer.Option("--small", help="Store only the differences from a photos/ network.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    arch: Arch = None,
    mean: Mean = None,
    std: Std = None,
    size: Side = None,
    classes: ClassNames = None,
    weights: Weights = None,
    device: Device = "auto",
) -> None:
    """Stabilize a network on pictures without labels: train a copy, choose how far to go, report on held-out pictures.

    A run that was stopped goes on when the same command is given again. Ctrl-C during the training keeps what has been
    reached; a second one ends the command.
    """
    from explorer.stabilizing import ranks, stabilize
    from explorer.stabilizing.saving import save

    (start,) = load_models([model], arch, mean, std, device, weights=weights, size=size, classes=classes)
    tell_warnings([start])
    with _shown() as (watch, stop):
        found = stabilize(
            start, pictures, under=under, test=test, method=method, layers=layers, labels=labels, steps=steps,
            minutes=minutes, batch_size=batch_size, lr=lr, alpha=alpha, keep=keep, features=features, seed=seed,
            control=control, name=name, device=device, precision=precision, state=out / "state",
            ready=_tell_cost, watch=watch, stop=stop,
        )  # fmt: skip
    if not ranks.first():  # torchrun starts several of us; one of them writes and speaks
        return
    written(save(found.model, found.report, out, small=small))
    deliver(found.report, None, as_json=as_json, as_csv=as_csv)
