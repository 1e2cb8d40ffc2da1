"""Where all randomness of the distortions comes from: one seeded generator per image.

Numbers are drawn on the CPU whatever the device, so that a seed gives the same noise everywhere, and from one generator
per image, so that a batch gives exactly what its images give one by one. A field is drawn once and scaled by the amount
(common random numbers): a slider then moves smoothly, and the points of a curve are comparable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explorer.distortions.threads import for_each


@dataclass(frozen=True)
class Target:
    """What an attack is computed against.

    Attributes:
        logits: Maps a batch (N, C, H, W) in [0, 1] to logits (N, K), differentiable with respect to the batch. Where
            images are attacked ``alone``, several threads may call it at once.
        labels: N class indices, or None for the model's own prediction on the clean batch.
        alone: Whether every image is attacked by itself on one CPU thread, so that its pixels are the same in any batch
            and with any number of threads. Otherwise (a model on a GPU) the batch is attacked at once, and pixels are
            the same up to rounding.
    """

    logits: Callable[[Tensor], Tensor]
    labels: Tensor | None = None
    alone: bool = True

    def only(self, i: int) -> Target:
        """The same target for one image alone.

        Args:
            i: Index of the image in the batch.

        Returns:
            The target.
        """
        return replace(self, labels=None if self.labels is None else self.labels[i : i + 1])


class Draws:
    """Random numbers for a batch of N images: image i draws from a generator seeded with ``seeds[i]``.

    Where all seeds are equal, the numbers are drawn once and expanded over the batch.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds = seeds
        self.count = len(seeds)
        distinct = seeds[:1] if len(set(seeds)) <= 1 else seeds
        self._generators = [torch.Generator().manual_seed(seed) for seed in distinct]

    def only(self, i: int) -> Draws:
        """The draws of one image alone, from its first number on.

        Args:
            i: Index of the image in the batch.

        Returns:
            Draws for a batch of one.
        """
        return Draws(self._seeds[i : i + 1])

    def repeated(self, times: int) -> Draws:
        """The same draws again and again, from the first number on.

        Args:
            times: How often.

        Returns:
            Draws for a batch of ``times`` as many.
        """
        return Draws([*self._seeds] * times)

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
