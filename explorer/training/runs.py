"""One training run from its settings to a model with a card: what ``explorer train`` and every experiment do."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.data.datasets import DATASETS, Dataset, load_dataset
from explorer.data.fitting import Takes
from explorer.data.seen import sketch
from explorer.errors import ExplorerError
from explorer.models import Classifier, find_architecture, list_models, load_model
from explorer.models.functions import is_function
from explorer.models.inference import labelled
from explorer.models.naming import split_remedies
from explorer.models.sources import find_source
from explorer.training.cards import training_card
from explorer.training.config import TrainConfig
from explorer.training.drawing import split_rows
from explorer.training.trainer import TrainingProgress, train

UNEQUAL = 5
"""How many times larger than the smallest class the largest one is before it is said."""


def train_model(
    config: TrainConfig,
    folder: Path,
    *,
    device: torch.device,
    watch: Callable[[TrainingProgress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Classifier:
    """Train to the end, or go on with what lies in ``folder``; a run that is finished there is only read.

    Args:
        config: The settings of the run.
        folder: Receives the run's log and state, see ``explorer.training.train``.
        device: Where to train.
        watch: Called with a report every few steps; what it raises ends the run.
        say: Called before the first step with each of the run's ``notes``, and where it began on other hardware.

    Returns:
        The model in eval mode; its card has no results yet.

    Raises:
        ExplorerError: As ``explorer.training.train``, and where the data or the model to start from cannot be had.
    """
    find_architecture(config.arch)  # wrong words are named before data are read
    start = starting_model(config)
    data = _training_set(config, start)
    said: list[str] = []

    def tell(note: str) -> None:
        said.append(note)
        if say is not None:
            say(note)

    for note in notes(config, data):
        tell(note)
    model, facts = train(config, data, folder, device=device, init=start, watch=watch, say=tell)
    used = data.select(torch.cat(split_rows(config, len(data))).numpy())  # validation images were looked at, too
    facts |= {"split": data.split, "notes": said, "sketch": sketch(used).to_dict()}
    chosen = replace(config, precision=facts["precision"])
    model.card = training_card(model.card, chosen, facts, command=command(chosen), device=device)
    return model


def notes(config: TrainConfig, data: Dataset) -> list[str]:
    """What a person should know of a run before it begins.

    Args:
        config: Settings of the run.
        data: Its ``training_set``.

    Returns:
        One sentence each: how the data are split and what of them is left out, classes of very different size, a run
        that is too short for its schedule, held-out images that the model it starts from was trained on.
    """
    said = list(data.notes)
    known, counts = np.unique(data.labels, return_counts=True)
    if counts.max() > UNEQUAL * counts.min():
        many, few = (f"{data.classes[known[i]]} has {counts[i]:,}" for i in (counts.argmax(), counts.argmin()))
        said.append(f"The classes have very different sizes ({many} images, {few}): accuracy speaks of the large ones.")
    steps = min(len(data) - config.holdout, config.train_size or len(data)) // config.batch_size * config.epochs
    if 0 < steps // 5 < config.warmup_steps:
        said.append(
            f"{steps:,} steps in all: the warm-up takes the first {steps // 5:,} of them, not {config.warmup_steps:,}; "
            "more --epochs or a smaller --batch-size make a longer run."
        )
    if (name := config.init) and config.holdout and (seen := _seen(config, len(data))):
        said.append(
            f"{seen:,} of the {config.holdout:,} held-out images were among those that {name} was trained on, so that "
            f"its accuracy on them is too high; start from a model trained with --holdout {config.holdout} "
            f"--seed {config.seed}."
        )
    return said


def _seen(config: TrainConfig, count: int) -> int:
    """How many held-out images the model to start from was trained on, or one that it was started from itself."""
    held, seen = split_rows(config, count)[0], torch.zeros(count, dtype=torch.bool)
    names, known = [config.init], {card.name: card for card in list_models()}
    while name := names.pop():
        card = known[name] if name in known else load_model(name, device="cpu").card
        run = card.training
        given: dict[str, Any] = {key: run.get(key) for key in ("seed", "holdout", "train_size")}
        if card.data != config.data or not all(isinstance(value, int) for value in given.values()):
            break  # of its images nothing is known
        seen[split_rows(replace(config, **given), count)[1]] = True
        names.append(run.get("init") if run.get("init") in known else None)
    return int(seen[held].sum())


def starting_model(config: TrainConfig) -> Classifier | None:
    """The model that a run starts from.

    Args:
        config: Settings of the run.

    Returns:
        The model on the CPU; None where the run starts from random weights.

    Raises:
        ExplorerError: If it cannot be loaded, or is a network of a library or of a function.
    """
    init = config.init or ""
    if find_source(init) or is_function(init) or split_remedies(init)[1]:  # a function would run code of a file
        raise ExplorerError(
            f"A run starts from a checkpoint of one of the architectures of 'explorer train', not from {config.init}."
        )
    return load_model(config.init, device="cpu") if config.init else None


def training_set(config: TrainConfig) -> Dataset:
    """The images that a run trains on and holds out, in memory.

    Args:
        config: Settings of the run.

    Returns:
        The training split. If there is a model to start from, files are brought to its input size, and the labels
        count in its classes, found by name.

    Raises:
        ExplorerError: If the data or the model to start from cannot be had.
    """
    return _training_set(config, starting_model(config))


def _training_set(config: TrainConfig, start: Classifier | None) -> Dataset:
    if start is None:
        return data_set(config.data, "train")
    return labelled(data_set(config.data, "train", start.takes), [start])


def data_set(name: str, split: str, takes: Takes | None = None) -> Dataset:
    """``load_dataset``, cached, because the runs of an experiment share their data.

    Args:
        name: Name of the data set, or its path.
        split: ``train`` or ``test``.
        takes: What the start model takes, to which files are fitted; the size of the data set by default.

    Returns:
        The data set; what is trained on is in memory.
    """
    return _data_set(name, split, None if name in DATASETS else takes)  # without files one is enough


@lru_cache(maxsize=2)
def _data_set(name: str, split: str, takes: Takes | None) -> Dataset:
    data = load_dataset(name, split)
    if split != "train":
        return data
    return (data if takes is None else data.fitted(takes)).in_memory()


def held_out(config: TrainConfig) -> Dataset:
    """The training images that a run holds out for validation.

    Args:
        config: Settings of the run.

    Returns:
        The images, chosen by the same seeded shuffle as in the trainer.
    """
    data = training_set(config)
    return replace(data.select(split_rows(config, len(data))[0].numpy()), split="validation")


def command(config: TrainConfig) -> str:
    """The command that repeats a run alone.

    Args:
        config: Settings of the run.

    Returns:
        The command line with every setting that differs from the default, and all options.
    """
    words = ["explorer", "train", "--method", config.method, "--arch", config.arch, "--data", config.data]
    for setting in fields(TrainConfig):
        value = getattr(config, setting.name)
        if setting.name in ("method", "arch", "data", "options") or value == setting.default:
            continue
        words += _words(setting.name, value)
    for name, value in config.options.items():
        words += [f"--{name.replace('_', '-')}", str(value).lower() if isinstance(value, bool) else str(value)]
    return shlex.join(words)


def _words(name: str, value: Any) -> list[str]:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", str(value)]
