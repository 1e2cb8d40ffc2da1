"""Batched augmentation on the device: pad, random crop and flip, one gather for the whole batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def crop_and_flip(x: Tensor, generator: torch.Generator, *, pad: int, flip: bool, side: int) -> Tensor:
    """A random window of each image, half of them mirrored.

    Args:
        x: Images (N, C, H, W).
        generator: Draws windows and mirrors, on the device of x.
        pad: Pixels of reflection added on each side first.
        flip: Whether half of the images are mirrored.
        side: The side of the windows in px.

    Returns:
        (N, C, side, side).
    """
    n, _, height, width = x.shape
    if pad:
        x = F.pad(x, (pad, pad, pad, pad), mode="reflect")
    device = x.device
    top = torch.randint(height + 2 * pad - side + 1, (n, 1), generator=generator, device=device)
    left = torch.randint(width + 2 * pad - side + 1, (n, 1), generator=generator, device=device)
    steps = torch.arange(side, device=device)
    rows, columns = top + steps, left + steps
    if flip:
        mirrored = torch.rand((n, 1), generator=generator, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    # (N, side, side, C) by advanced indexing, seen as (N, C, side, side).
    window = x.permute(0, 2, 3, 1)[torch.arange(n, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return window.permute(0, 3, 1, 2)
