"""One training run from its settings to a model with a card: what ``explorer train`` and every experiment do."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from explorer.data.datasets import Dataset, load_dataset
from explorer.models import Classifier, find_architecture, load_model
from explorer.training.cards import training_card
from explorer.training.config import TrainConfig
from explorer.training.trainer import TrainingProgress, split_rows, train


def train_model(
    config: TrainConfig,
    folder: Path,
    *,
    device: torch.device,
    watch: Callable[[TrainingProgress], None] | None = None,
) -> Classifier:
    """Train to the end, or go on with what lies in ``folder``; a run that is finished there is only read.

    Args:
        config: The settings of the run.
        folder: Receives the run's log and state, see ``explorer.training.train``.
        device: Where to train.
        watch: Called with a report every few steps; what it raises ends the run.

    Returns:
        The model in eval mode; its card has no results yet.

    Raises:
        ExplorerError: As ``explorer.training.train``, and where the data or the model to start from cannot be had.
    """
    find_architecture(config.arch)  # wrong words are named before data are read
    start = load_model(config.init, device="cpu") if config.init else None
    model, facts = train(config, data_set(config.data, "train"), folder, device=device, init=start, watch=watch)
    model.card = training_card(model.card, config, facts, command=command(config), device=device)
    return model


@lru_cache(maxsize=2)
def data_set(name: str, split: str) -> Dataset:
    """``load_dataset``, cached, because the runs of an experiment share their data.

    Args:
        name: Name of the data set, or its path.
        split: ``train`` or ``test``.

    Returns:
        The data set; what is trained on is in memory.
    """
    data = load_dataset(name, split)
    return data.in_memory() if split == "train" else data


def held_out(config: TrainConfig) -> Dataset:
    """The training images that a run holds out for validation.

    Args:
        config: Settings of the run.

    Returns:
        The images, chosen by the same seeded shuffle as in the trainer.
    """
    data = data_set(config.data, "train")
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
