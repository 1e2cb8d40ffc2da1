"""``explorer train``: train one model, measure it on the full test set and write its checkpoint and card."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.inputs import read_names
from explorer.cli.options import AsCsv, AsJson, Device, Models
from explorer.cli.output import deliver_records
from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from explorer.models import Card


def option_texts(extra: Sequence[str]) -> dict[str, str]:
    """Read the options of a training method.

    Args:
        extra: Words such as ``--alpha 0.5 --loss=kl --detach-clean``.

    Returns:
        Text by name: {"alpha": "0.5", "loss": "kl", "detach_clean": "true"}.

    Raises:
        ExplorerError: If a word is not an option.
    """
    texts: dict[str, str] = {}
    words = list(extra)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise ExplorerError(f"Unexpected argument {word!r}; a method's options look like --alpha 1.")
        name, _, value = word[2:].partition("=")
        if not value:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        texts[name.replace("-", "_")] = value
    return texts


def train(
    context: typer.Context,
    method: Annotated[str, typer.Option(help="Training method: {methods}.")] = "standard",
    arch: Annotated[str, typer.Option(help="Architecture: {architectures}.")] = "resnet20",
    data: Annotated[str, typer.Option(help="Data set: {datasets}, a folder, a list or an .npz.")] = "cifar10",
    init: Annotated[str | None, typer.Option(help="Model to fine-tune from, by name or path.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the result; else DATA/ARCHITECTURE/METHOD.")] = None,
    out: Annotated[Path, typer.Option(help="Folder that receives the checkpoint and its card.")] = Path("runs"),
    work: Annotated[Path, typer.Option(help="Folder for the run's log and the state to resume from.")] = Path("runs"),
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 30,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = 128,
    lr: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 0.1,
    schedule: Annotated[str, typer.Option(help="cosine, linear, step or inverse.")] = "cosine",
    drops: Annotated[
        str, typer.Option(help="Shares of all steps at which the schedule step divides by 10.")
    ] = "0.5,0.75",
    warmup_steps: Annotated[int, typer.Option(min=0, help="Steps of linear warm-up.")] = 200,
    momentum: Annotated[float, typer.Option(min=0, max=1, help="SGD momentum.")] = 0.9,
    nesterov: Annotated[bool, typer.Option(help="Nesterov momentum.")] = True,
    weight_decay: Annotated[float, typer.Option(min=0, help="L2 penalty on all parameters.")] = 5e-4,
    bias_lr: Annotated[float, typer.Option(min=0, help="Factor on the learning rate of biases.")] = 1.0,
    pad: Annotated[int, typer.Option(min=0, help="Reflect padding in px before the random crop; 0 = no crop.")] = 4,
    flip: Annotated[bool, typer.Option(help="Mirror half of the images.")] = True,
    small_epochs: Annotated[int, typer.Option(min=0, help="First epochs on random crops of --small-side px only.")] = 0,
    small_side: Annotated[int, typer.Option(min=8, help="Side in px of those crops.")] = 24,
    train_size: Annotated[int, typer.Option(min=0, help="Train on this many images only; 0 = all.")] = 0,
    holdout: Annotated[int, typer.Option(min=0, help="Training images kept for validation after each epoch.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order, augmentation and noise.")] = 0,
    inputs: Annotated[
        str,
        typer.Option(
            help="standard (CIFAR-10, STL-10: mean 0, deviation 1 per channel; else pixels in 0 to 1), raw (0-255 less "
            "the mean) or scaled (0-255 by 256)."
        ),
    ] = "standard",
    trained: Annotated[str, typer.Option(help="all parameters, or the fully connected ones alone: head.")] = "all",
    precision: Annotated[
        str, typer.Option(help="auto, bf16 or fp32; a resumed run keeps what auto chose first.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    restart: Annotated[bool, typer.Option(help="Forget an unfinished run instead of resuming it.")] = False,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Train a model; a method's own options follow, e.g. --method stability --alpha 1 --sigma 0.1.

    A run that was stopped resumes when the same command is given again.
    """
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from explorer.data.datasets import load_dataset
    from explorer.evaluation.evaluate import correct
    from explorer.models import pick_device, save_model
    from explorer.models.checkpoints import checkpoint_name
    from explorer.training import TrainConfig, TrainingProgress, read_options
    from explorer.training.cards import measured
    from explorer.training.runs import train_model

    settings = {f.name: context.params[f.name] for f in fields(TrainConfig) if f.name != "options"}
    config = TrainConfig(**settings, options=read_options(method, option_texts(context.args)))
    where = pick_device(device)
    called = checkpoint_name(name) if name else config.name
    folder = work / called
    if restart and folder.is_dir():
        shutil.rmtree(folder)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.1%}"), TimeElapsedColumn(),
        TextColumn("{task.fields[left]} left"),
    )  # fmt: skip
    read_by_programs = as_json or as_csv
    console = Console(stderr=read_by_programs)
    with Progress(*columns, console=console, disable=os.environ.get("TERM") == "dumb") as bar:
        task = bar.add_task(called, epoch=0, epochs=epochs, loss=0.0, accuracy=0.0, left="?")

        def watch(report: TrainingProgress) -> None:
            total = report.steps * report.epochs
            done = (report.epoch - 1) * report.steps + report.step
            left = f"{int(report.eta_seconds) // 60}:{int(report.eta_seconds) % 60:02d}"
            if report.epoch == 1 and report.step == report.steps and epochs > 1:
                ends = datetime.now().astimezone() + timedelta(seconds=report.eta_seconds)
                bar.console.print(f"One epoch of {epochs} is done; at this pace the last one ends at {ends:%H:%M:%S}.")
            bar.update(
                task,
                total=total,
                completed=done,
                epoch=report.epoch,
                loss=report.loss,
                accuracy=report.accuracy,
                left=left,
            )

        say = partial(bar.console.print, style="dim", soft_wrap=True, markup=False, highlight=False)
        model = train_model(config, folder, device=where, watch=watch, say=say)
    if called != config.name:
        model.card = replace(model.card, name=called, command=f"{model.card.command} --name {called}")
    # As it will be loaded: other memory formats round otherwise.
    model = model.requires_grad_(False).to(memory_format=torch.contiguous_format)
    report = partial(typer.echo, err=read_by_programs)
    model, half = measured(model, load_dataset(config.data, "test"), correct, lambda line: report(f"{called}  {line}"))
    card = save_model(model, out, half=half)
    deliver_records(_accuracies(card, out), list, as_json=as_json, as_csv=as_csv)


def _accuracies(card: Card, folder: Path) -> list[dict[str, Any]]:
    """A record for each accuracy of a card, which says where the checkpoint is."""
    where = {"model": card.name, "checkpoint": str(folder / f"{card.name}.safetensors")}
    return [where | {key: row[key] for key in ("recipe", "seed", "n", "accuracy")} for row in card.results]


def measure(
    models: Models,
    recipes: Annotated[
        str | None, typer.Option(help="What to measure, separated by commas; else all that a card states.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="Instead: how far apart the features of these pictures lie; a folder or a data set."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of checkpoints whose cards are written.")] = Path("checkpoints"),
    device: Device = "auto",
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Measure models on their own test sets again and put the accuracies into their cards; weights stay as they are.

    A card also says which images were named rightly, so that two cards can be compared image by image. The distances
    between different pictures are the scale of the feature distance; for them, pictures need no classes.
    """
    from explorer.data.datasets import load_dataset
    from explorer.evaluation.evaluate import correct
    from explorer.models import load_model
    from explorer.models.checkpoints import write_card
    from explorer.training.cards import CARD_RECIPES, card_rows

    if reference is not None:
        _measure_reference(models, reference, out, device, as_json=as_json, as_csv=as_csv)
        return
    wanted = CARD_RECIPES if recipes is None else tuple(recipes.split(","))
    report, records = partial(typer.echo, err=as_json or as_csv), list[dict[str, Any]]()
    for name in read_names(models):
        model = load_model(name, device=device)
        dataset = load_dataset(model.card.data, "test")
        report(name)
        for row in card_rows(model, dataset, correct, report, wanted):
            rows = {one["recipe"]: one for one in model.card.results} | {row["recipe"]: row}
            model.card = replace(model.card, results=list(rows.values()))
            write_card(model.card, out)
        records += [row for row in _accuracies(model.card, out) if row["recipe"] in wanted]
    deliver_records(records, list, as_json=as_json, as_csv=as_csv)


def _measure_reference(
    models: list[str], pictures: str, out: Path, device: str, *, as_json: bool, as_csv: bool
) -> None:
    """Put the distances between the features of different pictures into cards."""
    from explorer.data.datasets import open_dataset
    from explorer.models import load_model
    from explorer.models.checkpoints import write_card
    from explorer.training.cards import with_reference

    dataset, records = open_dataset(pictures), list[dict[str, Any]]()
    for name in read_names(models):
        command = f"explorer measure --models {name} --reference {Path(pictures).name}"
        card = with_reference(load_model(name, device=device), dataset, command)
        write_card(card, out)
        median, images = card.reference["penultimate"][50], card.reference_source["images"]
        typer.echo(f"{name}  median distance {median:.3g} between {images} pictures", err=as_json or as_csv)
        records.append({"model": name, "card": str(out / f"{name}.json"), "n": images, "median": median})
    deliver_records(records, list, as_json=as_json, as_csv=as_csv)
