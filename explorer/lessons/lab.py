"""A small laboratory for the lessons on training: a LeNet and a few hundred digits, seconds per network.

Few images on purpose: with two hundred digits networks make mistakes, which training methods can reduce.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor, nn

from explorer.data.datasets import load_dataset
from explorer.data.images import fit, sample_images
from explorer.lessons import judged
from explorer.models import Classifier
from explorer.models.architectures.convnets import LeNet
from explorer.models.classifier import Card
from explorer.training import METHODS

T = TypeVar("T")

IMAGES, BATCH = 200, 50
SIZE = 28  # px
CLASSES = tuple("0123456789")


@cache
def digits(split: str = "test") -> tuple[Tensor, Tensor]:
    """Load all digits of a split in shuffled order.

    Args:
        split: ``train`` or ``test``.

    Returns:
        Images float32 (N, 1, 28, 28) in [0, 1] and labels int64 (N,).
    """
    return load_dataset("digits", split).batch(slice(None))


def fresh(method: str, seed: int = 0, name: str | None = None) -> Classifier:
    """A LeNet with random weights, in training mode. Sets the global seed for everything drawn afterwards.

    Args:
        method: Training method written on its card.
        seed: Seed of the weights and of all later random numbers.
        name: Name of the model; by default made from the method.

    Returns:
        The model.
    """
    torch.manual_seed(seed)
    card = Card(name=name or f"mine/{method}", data="digits", arch="lenet", method=method, classes=CLASSES, size=SIZE,
                channels=1, mean=(0.0,), std=(1.0,))  # fmt: skip
    return Classifier(LeNet(classes=len(CLASSES)), card)


def train(
    method: str, *, images: int = IMAGES, epochs: int = 20, seed: int = 0, name: str | None = None, **options: float
) -> Classifier:
    """Train a LeNet by one of the explorer's methods.

    SGD with Nesterov momentum 0.9, weight decay 5e-4, learning rate 0.05 with cosine decay to 0, gradients clipped to
    norm
    1: the loop that lesson 3 writes out.

    Args:
        method: Name of the training method.
        images: Number of training digits, the first ones.
        epochs: Passes over them.
        seed: Seed of weights, order and draws.
        name: Name of the model; by default made from the method.
        **options: Options of the method's objective.

    Returns:
        The model in eval mode.
    """
    x, y = (part[:images] for part in digits("train"))
    model = fresh(method, seed, name)
    draws = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(x) // BATCH))
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=draws)[: len(x) // BATCH * BATCH].split(BATCH):
            loss = METHODS[method].objective(model, x[rows], y[rows], draws, **options)
            optimizer.zero_grad()
            loss.total.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model.eval().requires_grad_(False)


def scaled(model: Classifier, factor: float, name: str) -> Classifier:
    """Copy a LeNet and multiply its logits: every answer stays, only the confidence changes.

    Args:
        model: The network to copy.
        factor: Factor of the logits.
        name: Name of the copy.

    Returns:
        The copy.
    """
    copy = deepcopy(model)
    copy.card = replace(copy.card, name=name, sha256="")
    with torch.no_grad():
        copy.net.fc2.weight.mul_(factor)  # type: ignore[operator,union-attr]  # a LeNet has it
        copy.net.fc2.bias.mul_(factor)  # type: ignore[operator,union-attr]
    return copy


def noisy(x: Tensor, sigma: float, seed: int = 0) -> Tensor:
    """Add gaussian noise.

    Args:
        x: Images (N, C, H, W) in [0, 1].
        sigma: Standard deviation in [0, 1] pixel units.
        seed: Seed of the noise.

    Returns:
        The noisy images, clipped to [0, 1].
    """
    field = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
    return (x + sigma * field).clamp(0, 1)


@torch.inference_mode()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Measure accuracy.

    Args:
        model: The network.
        x: Images (N, C, H, W).
        y: True labels (N,).

    Returns:
        Share of correct answers in per cent.
    """
    return 100 * float((model(x).argmax(1) == y).double().mean())


def yours(number: str, answer: T, otherwise: Callable[..., object]) -> T | Callable[..., object]:
    """Use the student's function if its exercise accepts it, otherwise ours; print which.

    Args:
        number: The exercise.
        answer: The student's function.
        otherwise: Our function.

    Returns:
        One of the two.
    """
    verdict = judged(number, answer)
    if verdict is not None and verdict.correct:
        print(f"From here on the notebook uses your answer to {number}.")  # noqa: T201 - what a notebook's cell says
        return answer
    print(f"From here on the notebook uses ours, until your answer to {number} passes its check.")  # noqa: T201
    return otherwise


def photographs(model: Classifier, parts: int = 3) -> Tensor:
    """Square parts of the bundled photographs, for lessons without a folder of one's own.

    Args:
        model: The model that they are fitted to.
        parts: Parts of each photograph, side by side along its longer side.

    Returns:
        float32 (8 * parts, C, H, W) in [0, 1].
    """
    found = []
    for load in sample_images().values():
        photograph = load().expand(-1, 3, -1, -1)
        side, axis = min(photograph.shape[2:]) * 2 // 3, 2 if photograph.shape[2] > photograph.shape[3] else 3
        for i in range(parts):
            start = i * (photograph.shape[axis] - side) // max(1, parts - 1)
            part = photograph.narrow(axis, start, side)
            other = 5 - axis
            part = part.narrow(other, (part.shape[other] - side) // 2, side)
            found.append(fit(part, model.size, model.channels))
    return torch.cat(found)
