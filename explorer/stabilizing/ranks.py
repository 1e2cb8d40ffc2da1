"""Several processes, one for each GPU, as torchrun starts them; without it, everything here does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor


def join() -> torch.device | None:
    """Join the other processes if torchrun started this one.

    Returns:
        The GPU of this process, or the CPU where there is none; None without torchrun.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return None
    own = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if torch.cuda.is_available() else torch.device("cpu")
    if not dist.is_initialized():
        dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    return own


def first() -> bool:
    """Tell which process writes files and speaks.

    Returns:
        True in one of them.
    """
    return not _several() or dist.get_rank() == 0


def own_part(rows: list[int]) -> list[int]:
    """The rows of a batch that this process computes.

    Args:
        rows: All of them.

    Returns:
        Every n-th, or all.
    """
    return rows[dist.get_rank() :: dist.get_world_size()] or rows[:1] if _several() else rows


def own_generator(generator: torch.Generator) -> torch.Generator:
    """A generator whose draws are this process's own.

    Args:
        generator: That of the step.

    Returns:
        Another one; the same with one process.
    """
    if not _several():
        return generator
    return torch.Generator(generator.device).manual_seed((generator.initial_seed() + dist.get_rank() * 2**40) % 2**63)


def average(parameters: Iterable[Tensor]) -> None:
    """Replace the gradients by their mean over the processes.

    Args:
        parameters: The weights that are trained.
    """
    if _several():
        for one in parameters:
            if one.grad is not None:
                dist.all_reduce(one.grad)
                one.grad /= dist.get_world_size()


def any_of(value: bool) -> bool:  # it is the value
    """Whether it is true in any process.

    Args:
        value: This process's.

    Returns:
        The same answer in all of them.
    """
    if not _several():
        return value
    told = torch.tensor([float(value)], device="cuda" if dist.get_backend() == "nccl" else "cpu")
    dist.all_reduce(told)
    return bool(told.item())


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
