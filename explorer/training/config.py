"""Everything that decides the outcome of a training run, as one frozen dataclass."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError

WORDS = {
    "schedule": ("cosine", "linear", "step", "inverse"),
    "inputs": ("standard", "raw", "scaled"),
    "trained": ("all", "head"),
    "precision": ("auto", "bf16", "fp32"),
}
"""The words that a setting may hold."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the outcome of a training run.

    Attributes:
        method: Training method.
        arch: Architecture.
        data: Data set: a name, a folder or a file.
        options: Options of the method.
        epochs: Passes over the training images.
        batch_size: Images per step.
        lr: Largest learning rate.
        schedule: ``cosine`` or ``linear`` to 0; ``step``: divided by 10 at each of ``drops``; ``inverse``:
            lr (1 + 1e-4 t)^-0.75, as in BANG's LeNet.
        drops: Shares of all steps for ``step``: half and three quarters in the Lipschitz paper, 0.9 and 0.95 in BANG's
            CIFAR-quick.
        warmup_steps: Steps of linear warm-up.
        momentum: Momentum of SGD.
        nesterov: Whether it is Nesterov's.
        weight_decay: Weight decay.
        bias_lr: Factor of the learning rate for biases.
        pad: Padding in px for random crops.
        flip: Whether images are flipped at random.
        small_epochs: First epochs that see random crops of ``small_side`` px only, which makes early steps cheaper.
        small_side: Side of those crops in px.
        train_size: Number of training images; 0 for all.
        holdout: Number of training images held out for validation.
        seed: Seed of weights, order and draws.
        init: Model to start from, or None.
        inputs: What the network takes. ``standard``: (x - mean) / std with the data set's own numbers for each channel,
            which CIFAR-10 and STL-10 have; elsewhere they are 0 and 1 (pixels in [0, 1]). ``raw``: 0-255 minus the mean
            colour (0 where the data set has none), as BANG's CIFAR-quick; ``scaled``: 0-255 divided by 256, as its
            LeNet. A run with ``init`` keeps that model's.
        trained: ``all`` parameters, or ``head``: only the fully connected layers, as in stability training on ImageNet
            (Zheng et al. 2016).
        precision: ``bf16`` autocast, ``fp32``, or ``auto`` for what this hardware gains from; a run keeps, and its card
            states, what that was where it began.

    Raises:
        ExplorerError: If a word is not among those named here, a share is out of range, the seed is too large, or the
            head alone is to be trained without a model to start from.
    """

    method: str = "standard"
    arch: str = "resnet20"
    data: str = "cifar10"
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 30
    batch_size: int = 128
    lr: float = 0.1
    schedule: str = "cosine"
    drops: str = "0.5,0.75"
    warmup_steps: int = 200
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    bias_lr: float = 1.0  # factor on the learning rate of biases (2 in BANG)
    pad: int = 4
    flip: bool = True
    small_epochs: int = 0
    small_side: int = 24
    train_size: int = 0  # train on the first images of a seeded shuffle only; 0 = all
    holdout: int = 0  # keep this many training images for validation after each epoch
    seed: int = 0
    init: str | None = None  # a model to fine-tune from
    inputs: str = "standard"
    trained: str = "all"
    precision: str = "auto"

    def __post_init__(self) -> None:
        for setting, words in WORDS.items():
            if (given := getattr(self, setting)) not in words:
                raise ExplorerError(f"Unknown {setting} {given!r}; choose one of {', '.join(words)}.")
        self.drop_shares()
        if not 0 <= self.seed < 2**43:
            raise ExplorerError(f"The seed {self.seed} is too large or negative; choose one from 0 to {2**43 - 1}.")
        if self.trained == "head" and self.init is None:
            raise ExplorerError("Training the head alone needs a trained model to start from: give --init.")

    def drop_shares(self) -> list[float]:
        """``drops`` as numbers.

        Returns:
            Shares of all steps.

        Raises:
            ExplorerError: If ``drops`` is not a list of shares.
        """
        try:
            shares = [float(word) for word in self.drops.split(",")]
        except ValueError:
            shares = [math.nan]
        if not all(0 <= share <= 1 for share in shares):
            raise ExplorerError(f"The drops {self.drops!r} cannot be read: give shares of all steps, such as 0.5,0.75.")
        return shares

    @property
    def name(self) -> str:
        return f"{data_name(self.data)}/{self.arch}/{self.method}"


def data_name(data: str) -> str:
    """The name of a data set on a model's card.

    Args:
        data: Name of a data set, or the path of a folder or file.

    Returns:
        The name, or the last part of the path; never empty.
    """
    return Path(data).expanduser().resolve().stem or "data"


def lr_factor(config: TrainConfig, step: int, total: int) -> float:
    """The learning rate at a step, warm-up included.

    Args:
        config: The settings of the run.
        step: Counted from 0 over all epochs.
        total: The steps of the whole run.

    Returns:
        A factor of ``config.lr``, in [0, 1].
    """
    warmup = min(config.warmup_steps, total // 5)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, total - warmup)
    return {
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
        "linear": 1 - done,
        "step": 0.1 ** sum(step >= total * share for share in config.drop_shares()),
        "inverse": (1 + 1e-4 * step) ** -0.75,
    }[config.schedule]


def normalisation(config: TrainConfig, data: Dataset) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The normalisation of the network's input.

    Args:
        config: Settings of the run; ``inputs`` names the scale.
        data: The training set, whose mean and deviation may be used.

    Returns:
        (mean, std) per channel in [0, 1] pixel units, such that (x - mean) / std is what ``config.inputs`` names.
    """
    if config.inputs == "raw":
        return data.mean, (1 / 255,) * data.channels
    if config.inputs == "scaled":
        return (0.0,) * data.channels, (256 / 255,) * data.channels
    return data.mean, data.std
