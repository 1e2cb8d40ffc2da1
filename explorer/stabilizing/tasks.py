"""What one step is computed from: pictures, or the stored features of a network of which the head alone is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.classifier import Classifier
from explorer.progress import Meter
from explorer.stabilizing.layers import head_inputs, head_of
from explorer.stabilizing.objective import distorted, loss, stability_loss, triplets_of
from explorer.stabilizing.settings import Settings
from explorer.training.drawing import epoch_seed

VERSIONS = 8
"""Distorted versions of each picture whose features are stored where the head alone is trained."""

CHUNK = 16  # pictures a forward pass without gradients


@dataclass(frozen=True)
class Pictures:
    """Pictures at a model's input size, in memory.

    Attributes:
        x: uint8 (N, C, H, W).
        y: Their classes (N,); -1 where unknown.
    """

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, rows: list[int], device: torch.device) -> Tensor:
        """Get pictures.

        Args:
            rows: Which.
            device: Where to.

        Returns:
            float32 (n, C, H, W) in [0, 1].
        """
        return self.x[rows].to(device).float().div_(255)


class Task(Protocol):
    """Gives the loss of a step.

    Attributes:
        count: Number of pictures.
    """

    count: int

    def loss(self, rows: list[int], generator: torch.Generator) -> Tensor:
        """The loss of a batch.

        Args:
            rows: Which pictures.
            generator: Everything else is drawn from it.

        Returns:
            A scalar to differentiate.
        """
        ...


class OfPictures:
    """Steps on pictures, which every step distorts anew."""

    def __init__(self, settings: Settings, student: Classifier, teacher: Classifier, pictures: Pictures) -> None:
        self._settings, self._student, self._teacher, self._pictures = settings, student, teacher, pictures
        self.count = len(pictures)

    def loss(self, rows: list[int], generator: torch.Generator) -> Tensor:
        """The loss of a batch.

        Args:
            rows: Which pictures.
            generator: Everything else is drawn from it.

        Returns:
            A scalar to differentiate.
        """
        device = self._student.device
        rows = triplets_of(self._settings, rows, self._pictures.y, generator)
        x, y = self._pictures.batch(rows, device), self._pictures.y[rows].to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._settings.bf16):
            return loss(self._settings, self._student, self._teacher, x, y, generator)


class OfFeatures:
    """Steps on what the head is given: features of the clean pictures and of ``VERSIONS`` distorted ones of each."""

    def __init__(self, settings: Settings, student: Classifier, pictures: Pictures, meter: Meter) -> None:
        self._settings, self._y = settings, pictures.y.to(student.device)
        self._head: nn.Linear = head_of(student)[1]
        generator = torch.Generator(student.device).manual_seed(epoch_seed(settings.seed, 2**20 - 1))
        clean, noisy = [], []
        with torch.no_grad(), head_inputs(student) as seen:
            for start in range(0, len(pictures), CHUNK):
                rows = list(range(start, min(start + CHUNK, len(pictures))))
                x = pictures.batch(rows, student.device)
                for version in range(VERSIONS + 1):
                    student(distorted(settings, x, generator) if version else x)
                    meter.step(len(rows))
                clean.append(seen[0])
                noisy.append(torch.stack(seen[1:], 1))
                seen.clear()
            self._clean, self._noisy = torch.cat(clean), torch.cat(noisy)
            self._teacher = self._head(self._clean).float()
        self.count = len(pictures)

    def loss(self, rows: list[int], generator: torch.Generator) -> Tensor:
        """The loss of a batch.

        Args:
            rows: Which pictures.
            generator: Everything else is drawn from it.

        Returns:
            A scalar to differentiate.
        """
        version = int(torch.randint(VERSIONS, (1,), generator=generator, device=generator.device))
        clean, noisy = self._head(torch.cat([self._clean[rows], self._noisy[rows, version]])).float().chunk(2)
        labels = self._y[rows] if self._settings.labels else None
        if self._settings.method == "gaussian":  # noise on half of the batch, as in training
            half, known = len(rows) // 2, self._teacher[rows].argmax(1) if labels is None else labels
            return F.cross_entropy(torch.cat([noisy[:half], clean[half:]]), known)
        return stability_loss(clean, noisy, self._teacher[rows], labels, self._settings.alpha)


def rows_of(step: int, count: int, batch_size: int, seed: int) -> list[int]:
    """The pictures of a step: pass after pass over all of them, each in an order of its own.

    Args:
        step: Counted from 0.
        count: Number of pictures.
        batch_size: Pictures a step.
        seed: Of the orders.

    Returns:
        ``batch_size`` rows.
    """
    places = range(step * batch_size, (step + 1) * batch_size)
    return [_order(epoch_seed(seed, place // count), count)[place % count] for place in places]


@lru_cache(maxsize=4)
def _order(seed: int, count: int) -> tuple[int, ...]:
    return tuple(torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist())
