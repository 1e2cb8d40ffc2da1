"""One training run from its settings to a measured card: what ``explorer train`` and every run of an experiment do."""

from __future__ import annotations

import platform
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from explorer.data.datasets import Dataset
    from explorer.models import Classifier
    from explorer.training import Progress, TrainConfig


def train_model(
    config: TrainConfig,
    folder: Path,
    *,
    device: torch.device,
    watch: Callable[[Progress], None] | None = None,
) -> Classifier:
    """Train to the end, or go on with what lies in ``folder``: the model in eval mode, its card without results.

    A run that is finished there is only read. ExplorerError as in ``explorer.training.train``, and where the data or
    the model to start from cannot be had.
    """
    from explorer.models import find_architecture, load_model
    from explorer.training import train

    find_architecture(config.arch)  # wrong words are named before data are read
    start = load_model(config.init, device="cpu") if config.init else None
    model, facts = train(config, data_set(config.data, "train"), folder, device=device, init=start, watch=watch)
    training = {key: value for key, value in asdict(config).items() if key not in ("method", "arch", "data")} | facts
    training["hardware"] = hardware(device)
    model.card = replace(model.card, training=training, command=command(config), versions=versions())
    return model


@lru_cache(maxsize=2)
def data_set(name: str, split: str) -> Dataset:
    """``load_dataset``, kept: the runs of an experiment share their data."""
    from explorer.data.datasets import load_dataset

    return load_dataset(name, split)


def held_out(config: TrainConfig) -> Dataset:
    """The training images that this run did not train on and kept for validation, as the trainer splits them."""
    from explorer.training.trainer import split_rows

    data = data_set(config.data, "train")
    return replace(data.select(split_rows(config, len(data))[0].numpy()), split="validation")


def command(config: TrainConfig) -> str:
    """The command that repeats this run alone: every setting that is not the default, and all options."""
    from explorer.training import TrainConfig

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


def versions() -> dict[str, str]:
    """What the numbers were made with."""
    import numpy as np
    import PIL
    import torch
    import torchvision

    import explorer

    return {
        "explorer": explorer.__version__, "python": platform.python_version(), "torch": torch.__version__,
        "torchvision": torchvision.__version__, "numpy": np.__version__, "pillow": PIL.__version__,
    }  # fmt: skip


def hardware(device: torch.device) -> str:
    """The device's name: the GPU's, or the processor's with its thread count."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"{platform.machine()} (MPS)"
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {torch.get_num_threads()} threads"


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the code that runs, "with changes" where the package's files differ from it; empty outside git."""
    home = Path(__file__).resolve().parents[1]

    def git(*words: str) -> str:
        asked = ["git", "-C", str(home), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout.strip()  # noqa: S603

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(home))
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""
