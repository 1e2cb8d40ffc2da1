"""The one trainer of all methods: data on the device, seeded epoch by epoch, resumable, logged to JSONL.

Everything random in epoch k comes from generators seeded with (seed, k), so a run that was killed and resumed at an
epoch's end draws the same numbers as one that never stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.inference import labelled
from explorer.models.methods import METHODS
from explorer.models.registry import find_architecture
from explorer.numbers import counted
from explorer.training.augment import crop_and_flip
from explorer.training.cards import new_card
from explorer.training.config import TrainConfig, lr_factor
from explorer.training.drawing import epoch_seed, split_rows
from explorer.training.objective import default_options
from explorer.training.state import resume, save_state

REPORT_STEPS = 20


class DivergedError(ExplorerError):
    """The loss or a weight is not finite; the same settings would diverge again."""


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of a run, reported every ``REPORT_STEPS`` steps and at the end of an epoch.

    Attributes:
        epoch: Current epoch, from 1.
        epochs: Number of epochs.
        step: Steps done in this epoch.
        steps: Steps per epoch.
        loss: Mean loss.
        accuracy: Accuracy in [0, 1] on the training batches.
        eta_seconds: Estimated time to the end, in seconds.
    """

    epoch: int
    epochs: int
    step: int
    steps: int  # per epoch
    loss: float
    accuracy: float  # running, on the training batches of this epoch
    eta_seconds: float


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware.

    Returns:
        False if it does not; bf16 is then several times slower than float32.
    """
    try:
        return "amx_bf16" in (flags := Path("/proc/cpuinfo").read_text()) or "avx512_bf16" in flags
    except OSError:
        return False


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Decide whether to train under bfloat16 autocast.

    Args:
        precision: ``bf16``, ``fp32``, or ``auto`` for bf16 where the hardware gains from it.
        device: Device of the run.

    Returns:
        The decision.
    """
    if precision != "auto":
        return precision == "bf16"
    return device.type == "cuda" or (device.type == "cpu" and cpu_has_bf16())


def build_model(config: TrainConfig, data: Dataset, init: Classifier | None) -> Classifier:
    """Make the classifier that a run trains.

    Args:
        config: Settings of the run.
        data: The training set, which determines classes and channels.
        init: Model whose weights to start from; ``data`` has its classes.

    Returns:
        A new classifier.

    Raises:
        ExplorerError: If there is no such architecture, or if ``init`` has another one or other colour channels.
    """
    architecture = find_architecture(config.arch)
    torch.manual_seed(config.seed)
    net = architecture.build(classes=len(data.classes), in_channels=data.channels)
    card = new_card(config, data, None if init is None else init.card)
    if init is not None:
        if init.card.arch != config.arch:
            raise ExplorerError(
                f"Cannot start from {init.name}: it is a {init.card.arch}, and this run needs a {config.arch}; give "
                f"--arch {init.card.arch}."
            )
        if init.channels != data.channels:
            raise ExplorerError(
                f"Cannot start from {init.name}: it takes images of {init.channels} channel(s), and those of "
                f"{data.name} have {data.channels}."
            )
        net.load_state_dict(init.net.state_dict())
    return Classifier(net, card)


def _batches(
    config: TrainConfig, x: Tensor, y: Tensor, epoch: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(x), generator=generator, device=x.device)
    side = min(config.small_side, x.shape[-1]) if epoch < config.small_epochs else x.shape[-1]
    pad = config.pad if side == x.shape[-1] else 0
    for start in range(0, len(x) - config.batch_size + 1, config.batch_size):
        rows = order[start : start + config.batch_size]
        batch = x[rows].float().div_(255)
        if pad or config.flip or side < x.shape[-1]:
            batch = crop_and_flip(batch, generator, pad=pad, flip=config.flip, side=side)
        yield batch, y[rows]


@torch.inference_mode()
def accuracy(model: Classifier, x: Tensor, y: Tensor, batch_size: int = 500) -> float:
    """Share of correct answers; the model is put in eval mode.

    Args:
        model: The model.
        x: Images, uint8 (N, C, H, W).
        y: Their classes (N,).
        batch_size: Images a forward pass.

    Returns:
        The accuracy in [0, 1].
    """
    model.eval()
    correct = sum(
        int((model(a.float().div(255)).argmax(1) == b).sum())
        for a, b in zip(x.split(batch_size), y.split(batch_size), strict=True)
    )
    return correct / len(y)


def train(
    config: TrainConfig,
    data: Dataset,
    folder: Path,
    *,
    device: torch.device,
    init: Classifier | None = None,
    watch: Callable[[TrainingProgress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[Classifier, dict[str, Any]]:
    """Train to the end, or continue from the last finished epoch.

    Args:
        config: All settings.
        data: The training images.
        folder: Receives ``metrics.jsonl`` (one line per epoch) and ``state.pt`` (plain tensors to resume from).
        device: Where to train.
        init: Model whose weights to start from.
        watch: Called with the progress.
        say: Called with a sentence where the run began on other hardware.

    Returns:
        The model in eval mode and facts about the run.

    Raises:
        ExplorerError: If the folder holds the state of another configuration; it is never overwritten.
    """
    run = prepare(config, data, device=device, init=init)
    folder.mkdir(parents=True, exist_ok=True)
    keep = config.precision == "auto"
    model = run.model
    config, first, seconds = resume(folder, run.config, model, run.optimizer, keep_precision=keep, say=say or _silent)
    run = replace(run, config=config, bf16=config.precision == "bf16")
    began = time.perf_counter()

    def report(epoch: int, step: int, means: dict[str, float]) -> None:
        done = run.work(epoch, step) - run.work(first, 0)
        eta = (time.perf_counter() - began) * (run.work(config.epochs, 0) - run.work(epoch, step)) / done
        if watch:
            watch(TrainingProgress(epoch + 1, config.epochs, step, run.steps, means["loss"], means["accuracy"], eta))

    for epoch in range(first, config.epochs):
        row: dict[str, Any] = {"epoch": epoch + 1} | {k: round(v, 6) for k, v in run.epoch(epoch, report).items()}
        if config.holdout:
            row["validation_accuracy"] = accuracy(model, run.holdout_x, run.holdout_y)
        row["seconds"] = round(seconds + time.perf_counter() - began, 1)
        with (folder / "metrics.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        save_state(folder, config, model, run.optimizer, epoch + 1, row["seconds"])
    spent = round(seconds + time.perf_counter() - began, 1)
    facts = {"seconds": spent, "bf16": run.bf16, "precision": config.precision, "images": len(run.x)}
    return model.eval(), facts


def _silent(_: str) -> None:
    pass


def prepare(config: TrainConfig, data: Dataset, *, device: torch.device, init: Classifier | None = None) -> Run:
    """Prepare a run up to its first step.

    Args:
        config: Settings of the run.
        data: The training set.
        device: Where to train.
        init: Model whose weights to start from.

    Returns:
        Network, optimizer and images on the device.

    Raises:
        ExplorerError: If a setting does not fit the data, or a class of it is not among those of ``init``.
    """
    if init is not None:
        data = labelled(data, [init])
    bf16 = uses_bf16(config.precision, device)
    options = default_options(config.method) | config.options
    config = replace(config, options=options, precision="bf16" if bf16 else "fp32")
    model = build_model(config, data, init).to(device)
    if not (bf16 and device.type == "cpu"):  # measured: bf16 convolutions on CPUs are far slower in channels_last
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    _freeze(config, model)
    x, y, holdout_x, holdout_y = (part.to(device) for part in _split(config, data))
    if config.pad >= (side := min(x.shape[-2:])):
        raise ExplorerError(f"A padding of {config.pad} px needs larger images than these; choose less than {side}.")
    return Run(config, model, _optimizer(config, model), x, y, holdout_x, holdout_y, bf16=bf16)


@dataclass(frozen=True)
class Run:
    """One training run: what stays the same from epoch to epoch.

    Attributes:
        config: Settings, every option at its value, the precision as it was chosen.
        model: The model that is trained.
        optimizer: Its optimizer.
        x: Training images, uint8 (N, C, H, W).
        y: Their labels (N,).
        holdout_x: Images held out for validation, possibly none.
        holdout_y: Their labels.
        bf16: Whether steps run under bfloat16 autocast.
    """

    config: TrainConfig
    model: Classifier
    optimizer: torch.optim.Optimizer
    x: Tensor  # uint8 (N, C, H, W), on the device
    y: Tensor
    holdout_x: Tensor  # held out for validation, possibly none
    holdout_y: Tensor
    bf16: bool

    @property
    def steps(self) -> int:
        """Steps per epoch; the last, incomplete batch is left out."""
        return len(self.x) // self.config.batch_size

    def work(self, epoch: int, step: int) -> float:
        """How much of the run is done at a step, in steps on whole images; those on small crops cost less.

        Args:
            epoch: Counted from 0.
            step: Steps done in this epoch.

        Returns:
            The work done before.
        """
        small = self.config.small_epochs
        cost = min(1.0, (self.config.small_side / self.x.shape[-1]) ** 2)
        before = min(epoch, small) * cost + max(0, epoch - small)
        return before * self.steps + step * (cost if epoch < small else 1.0)

    def epoch(self, epoch: int, report: Callable[[int, int, dict[str, float]], None]) -> dict[str, float]:
        """Train one epoch.

        Args:
            epoch: Counted from 0.
            report: Called with the epoch, the step and the means so far, every few steps and at the end.

        Returns:
            The means of the loss, its parts and the accuracy over the epoch's batches.

        Raises:
            DivergedError: The loss or a weight is not finite any more.
        """
        config, device = self.config, self.x.device
        objective = METHODS[config.method].objective
        generator = torch.Generator(device).manual_seed(draws := epoch_seed(config.seed, epoch))
        torch.manual_seed(draws)  # dropout draws from the global generator
        self.model.train()
        if config.trained == "head":  # the body is as it was: its running statistics too
            for module in self.model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        sums: dict[str, Tensor] = {}
        means: dict[str, float] = {}
        for step, (batch, target) in enumerate(_batches(config, self.x, self.y, epoch, generator), 1):
            factor = lr_factor(config, epoch * self.steps + step - 1, self.steps * config.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = config.lr * group["factor"] * factor
            with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
                loss = objective(self.model, batch, target, generator, **config.options)
            self.optimizer.zero_grad(set_to_none=True)
            loss.total.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self.optimizer.step()
            correct = (loss.logits.argmax(1) == target).float().mean()
            for key, value in {"loss": loss.total, "accuracy": correct, **loss.parts}.items():
                sums[key] = sums.get(key, 0) + value.detach()
            if step % REPORT_STEPS == 0 or step == self.steps:
                means = {key: float(value) / step for key, value in sums.items()}
                lost = step == self.steps and not all(p.isfinite().all() for p in self.model.parameters())
                if lost or not math.isfinite(means["loss"]):
                    what = "a weight" if lost else "the loss"
                    raise DivergedError(f"Training diverged in epoch {epoch + 1} ({what} is not finite); lower --lr.")
                report(epoch, step, means)
        return means


def _freeze(config: TrainConfig, model: Classifier) -> None:
    """Leave only what ``config.trained`` names to the optimizer: all, or the fully connected layers."""
    if config.trained == "all":
        return
    model.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.requires_grad_(True)


def _optimizer(config: TrainConfig, model: Classifier) -> torch.optim.Optimizer:
    named = [(name, p) for name, p in model.net.named_parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for name, p in named if not name.endswith("bias")], "factor": 1.0},
        {"params": [p for name, p in named if name.endswith("bias")], "factor": config.bias_lr},
    ]
    return torch.optim.SGD(
        groups,
        lr=config.lr,
        momentum=config.momentum,
        nesterov=config.nesterov and config.momentum > 0,
        weight_decay=config.weight_decay,
    )


def _split(config: TrainConfig, data: Dataset) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images (uint8, N, C, H, W) and labels to train on, then those held out, by a seeded shuffle."""
    data = data.in_memory()
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(data.labels)
    holdout, kept = split_rows(config, len(labels))
    if len(kept) < config.batch_size:
        raise ExplorerError(
            f"The batch size exceeds the {counted(len(kept), 'image')} left to train on; choose a smaller one."
        )
    return pixels[kept], labels[kept], pixels[holdout], labels[holdout]
