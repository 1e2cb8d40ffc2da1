"""Where all randomness of the distortions comes from: one seeded generator per image.

Numbers are drawn on the CPU whatever the device, so that a seed gives the same noise everywhere, and from one generator
per image, so that a batch gives exactly what its images give one by one. A field is drawn once and scaled by the amount
(common random numbers): a slider then moves smoothly, and the points of a curve are comparable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

PARALLEL_FROM = 64
"""Batches of at least this many images are drawn and coded by a thread pool."""


@dataclass(frozen=True)
class Target:
    """What an attack is computed against.

    ``logits`` maps a batch (N, C, H, W) in [0, 1] to logits (N, K) and must be differentiable with respect to it;
    ``labels`` are N class indices, or None for the model's own prediction on the clean batch.
    """

    logits: Callable[[Tensor], Tensor]
    labels: Tensor | None = None


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="explorer")


def for_each(function: Callable[[int], None], count: int) -> None:
    """Call ``function(i)`` for i < count, in threads where the batch is large; the order is not defined."""
    workers = torch.get_num_threads()
    if count < PARALLEL_FROM or workers == 1:
        for i in range(count):
            function(i)
        return
    block = -(-count // (4 * workers))

    def run(start: int) -> None:
        for i in range(start, min(start + block, count)):
            function(i)

    list(_pool(workers).map(run, range(0, count, block)))


class Draws:
    """Random numbers for a batch of N images: image i draws from a generator seeded with ``seeds[i]``.

    Where all seeds are equal, the numbers are drawn once and expanded over the batch.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.count = len(seeds)
        distinct = seeds[:1] if len(set(seeds)) <= 1 else seeds
        self._generators = [torch.Generator().manual_seed(seed) for seed in distinct]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers.

        Args:
            shape: The shape of one image's numbers.

        Returns:
            float32 (N, ``shape``), on the CPU.
        """
        return self._draw(torch.randn, shape)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1).

        Args:
            shape: The shape of one image's numbers.

        Returns:
            float32 (N, ``shape``), on the CPU.
        """
        return self._draw(torch.rand, shape)

    def _draw(self, source: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        if len(self._generators) == 1:
            numbers: Tensor = source(*shape, generator=self._generators[0], dtype=torch.float32)
            return numbers.expand(self.count, *shape)
        out = torch.empty(self.count, *shape)

        def fill(i: int) -> None:
            source(*shape, generator=self._generators[i], out=out[i])

        for_each(fill, len(self._generators))
        return out
