"""What a run draws from its seed: which images are held out, and the generator of each epoch."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from explorer.training.config import TrainConfig


def epoch_seed(seed: int, epoch: int) -> int:
    """The generator's seed of one epoch.

    Args:
        seed: Of the run.
        epoch: Counted from 0.

    Returns:
        A number below 2^32, of which torch's generator on the CPU keeps all. Small seeds have the epoch in their low
        bits; larger ones, which would leave these bits, are hashed.
    """
    pair = (seed << 20) + epoch
    return pair if pair < 2**32 else int.from_bytes(hashlib.sha256(f"{seed}:{epoch}".encode()).digest()[:4], "big")


def split_rows(config: TrainConfig, count: int) -> tuple[Tensor, Tensor]:
    """Split training images by a seeded shuffle.

    Args:
        config: Settings of the run; ``holdout`` and ``seed`` are used.
        count: Number of images.

    Returns:
        The indices held out for validation, and those to train on.
    """
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(config.seed))
    return shuffled[: config.holdout], shuffled[config.holdout :][: config.train_size or None]
