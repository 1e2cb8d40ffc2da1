"""What is watched on the pictures that are held out: clean answers that stayed, and answers that flip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.distortions.ranges import AmountRange, drawn
from explorer.models.classifier import Classifier
from explorer.progress import Meter
from explorer.stabilizing.tasks import CHUNK, Pictures

VERSIONS = 3
"""Distorted versions of each picture that is watched."""

PASSES = 1 + VERSIONS
"""Forward passes for each of them."""


@dataclass(frozen=True)
class Score:
    """What a network does on the pictures that are watched; shares in [0, 1].

    Attributes:
        agreement: Share of clean pictures that it answers as the network before training did.
        flips: Share of distorted pictures that it answers otherwise than the clean one.
    """

    agreement: float
    flips: float


class Watched:
    """Pictures that are held out from training, each with its distorted versions, always the same ones.

    Args:
        pictures: The pictures.
        start: The network before training.
        under: What the pictures go through.
        seed: Of the versions.
        meter: Counts forward passes.
    """

    def __init__(
        self, pictures: Pictures, start: Classifier, under: Sequence[AmountRange], seed: int, meter: Meter
    ) -> None:
        self._pictures = pictures
        generator = torch.Generator().manual_seed(seed)
        self._versions: list[Tensor] = []  # uint8 (n, C, H, W), VERSIONS for each part
        for rows in self._parts():
            x = pictures.batch(rows, torch.device("cpu"))
            self._versions += [drawn(x, under, generator).mul(255).round().byte() for _ in range(VERSIONS)]
        self._start = self._answers(start, meter)[0]
        self.passes = len(pictures) * PASSES

    def score(self, model: Classifier, meter: Meter) -> Score:
        """Ask a model.

        Args:
            model: The model.
            meter: Counts forward passes.

        Returns:
            Its score.
        """
        clean, versions = self._answers(model, meter)
        agreement = (clean == self._start).double().mean()
        return Score(float(agreement), float((versions != clean[:, None]).double().mean()))

    def probe(self) -> Tensor:
        """The first clean pictures, for the range test.

        Returns:
            float32 (n, C, H, W) in [0, 1].
        """
        return self._pictures.batch(list(range(min(32, len(self._pictures)))), torch.device("cpu"))

    def _parts(self) -> list[list[int]]:
        return [list(range(i, min(i + CHUNK, len(self._pictures)))) for i in range(0, len(self._pictures), CHUNK)]

    @torch.no_grad()
    def _answers(self, model: Classifier, meter: Meter) -> tuple[Tensor, Tensor]:
        """The likeliest class of each picture (n,) and of its versions (n, VERSIONS)."""
        clean, versions = [], []
        for i, rows in enumerate(self._parts()):
            clean.append(model(self._pictures.batch(rows, model.device)).argmax(1).cpu())
            own = []
            for stored in self._versions[i * VERSIONS : (i + 1) * VERSIONS]:
                own.append(model(stored.to(model.device).float().div_(255)).argmax(1).cpu())
                meter.step(len(rows))
            versions.append(torch.stack(own, 1))
            meter.step(len(rows))
        return torch.cat(clean), torch.cat(versions)
