"""``explorer train``: train one model, measure it on the full test set and write its checkpoint and card."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.errors import ExplorerError

# What every card is measured on, beside the clean images: the paper's noise, JPEG, thumbnail and crop.
CARD_RECIPES = (
    "clean", "gaussian_noise=0.05", "gaussian_noise=0.1", "gaussian_noise=0.2", "gaussian_noise=0.5",
    "jpeg=50", "thumbnail=16", "crop=4",
)  # fmt: skip
REFERENCE_IMAGES, REFERENCE_PAIRS = 2000, 20_000


def option_texts(extra: Sequence[str]) -> dict[str, str]:
    """``--alpha 0.5 --loss=kl --detach-clean`` as {"alpha": "0.5", "loss": "kl", "detach_clean": "true"}."""
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


def reference_distances(features: Callable[[Any], Any], dataset: Any, seed: int = 0) -> list[float]:
    """101 quantiles of the L2 distance between penultimate features of different clean images (seeded random pairs)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    count = min(REFERENCE_IMAGES, len(dataset))
    rows = torch.randperm(len(dataset), generator=generator)[:count].numpy()
    with torch.inference_mode():
        parts = [features(dataset.batch(rows[i : i + 250])[0]).cpu() for i in range(0, count, 250)]
    vectors = torch.cat(parts).double()
    first = torch.randint(count, (REFERENCE_PAIRS,), generator=generator)
    other = (first + torch.randint(1, count, (REFERENCE_PAIRS,), generator=generator)) % count  # never the same image
    distances = (vectors[first] - vectors[other]).norm(dim=1)
    return [round(float(v), 6) for v in torch.quantile(distances, torch.linspace(0, 1, 101, dtype=torch.float64))]


def train(
    context: typer.Context,
    method: Annotated[
        str, typer.Option(help="standard, gaussian, stability, stability_mix, lipschitz or bang.")
    ] = "standard",
    arch: Annotated[
        str, typer.Option(help="Architecture: resnet20, preresnet20, lenet, cifar_quick, mnist_cnn, ...")
    ] = "resnet20",
    data: Annotated[
        str, typer.Option(help="Data set: digits, cifar10, mnist, stl10, a folder or an .npz.")
    ] = "cifar10",
    init: Annotated[str | None, typer.Option(help="Model to fine-tune from, by name or path.")] = None,
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
        str, typer.Option(help="standard (mean 0, deviation 1), raw (0-255 less the mean) or scaled (0-255 by 256).")
    ] = "standard",
    trained: Annotated[str, typer.Option(help="all parameters, or the fully connected ones alone: head.")] = "all",
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    restart: Annotated[bool, typer.Option(help="Forget an unfinished run instead of resuming it.")] = False,
) -> None:
    """Train a model; a method's own options follow, e.g. --method stability --alpha 1 --sigma 0.1.

    A run that was stopped resumes when the same command is given again.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from explorer.experiments.work import train_model
    from explorer.models import pick_device, save_model
    from explorer.training import Progress as Report
    from explorer.training import TrainConfig, read_options

    settings = {f.name: context.params[f.name] for f in fields(TrainConfig) if f.name != "options"}
    config = TrainConfig(**settings, options=read_options(method, option_texts(context.args)))
    where = pick_device(device)
    folder = work / config.name
    if restart and folder.is_dir():
        shutil.rmtree(folder)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.1%}"), TimeElapsedColumn(),
        TextColumn("{task.fields[left]} left"),
    )  # fmt: skip
    with Progress(*columns, disable=os.environ.get("TERM") == "dumb") as bar:
        task = bar.add_task(config.name, epoch=0, epochs=epochs, loss=0.0, accuracy=0.0, left="?")

        def watch(report: Report) -> None:
            total = report.steps * report.epochs
            done = (report.epoch - 1) * report.steps + report.step
            left = f"{int(report.eta_seconds) // 60}:{int(report.eta_seconds) % 60:02d}"
            bar.update(
                task,
                total=total,
                completed=done,
                epoch=report.epoch,
                loss=report.loss,
                accuracy=report.accuracy,
                left=left,
            )

        model = train_model(config, folder, device=where, watch=watch)
    save_model(model, out)
    measure(config.name, out, where)


def measure(name: str, out: Path, device: Any) -> None:
    """Fill in the card of a trained checkpoint: accuracies on the full test set and the reference distances.

    The weights are kept in 16 bits where none of these accuracies changes by that.
    """
    from explorer.data.datasets import load_dataset
    from explorer.distortions import Recipe
    from explorer.evaluation import evaluate
    from explorer.models import load_model, save_model
    from explorer.models.checkpoints import halved

    model = load_model(out / f"{name}.safetensors", device=device)
    dataset = load_dataset(model.card.data, "test")
    results: list[dict[str, Any]] = []
    for text in CARD_RECIPES:
        found = evaluate(model, dataset, Recipe.parse(text))
        results.append({"recipe": text, "seed": found.seed, "n": found.n, "accuracy": round(found.accuracy, 6)})
        typer.echo(f"{name}  {text:22} {found.accuracy:7.2%}  n = {found.n}")
    small = halved(model)
    # The hardest first: there rounding changes answers most easily, and the first change settles it.
    hardest = sorted(results, key=lambda row: row["accuracy"])
    half = all(
        round(evaluate(small, dataset, Recipe.parse(row["recipe"])).accuracy, 6) == row["accuracy"] for row in hardest
    )
    model = small if half else model
    typer.echo(f"{name}  stored in {'16' if half else '32'} bits")
    reference = reference_distances(lambda x: model.features(x.to(device))["penultimate"], dataset)
    model.card = replace(model.card, results=results, reference={"penultimate": reference})
    save_model(model, out, half=half)
