"""Rounding to the 8 bits of a picture file, where an attack keeps within its size.

Rounding to the nearest value would carry pixels up to half a step out of an attack's ball, or, below half a step, undo
it. So what an attack made is brought back: in the L-infinity norm no value moves by more than floor(255 eps) whole
steps of 1/255; in the L2 norm values are rounded away from the clean picture, those nearest to the next step first, as
long as the norm stays within eps, and towards it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.data.images import quantise
from explorer.distortions.registry import Distortion

SLACK = 1e-6
"""By how much of a step an amount may miss a whole number of steps: 8/255 is 8 of them in any arithmetic."""


@dataclass(frozen=True)
class Bound:
    """The last attack on a batch: within what its pixels must stay.

    Attributes:
        attack: The attack.
        before: Images before it (N, C, H, W) or (1, C, H, W).
        amount: Its size, one for all images or one for each.
    """

    attack: Distortion
    before: Tensor
    amount: float | Tensor


def whole_steps(amount: float) -> int:
    """How many whole steps of 1/255 an amount holds.

    Args:
        amount: On [0, 1] pixels.

    Returns:
        The number, rounded down.
    """
    return int(255 * amount + SLACK)


def rounded(x: Tensor, bound: Bound | None) -> Tensor:
    """Round images to 8 bits, those of an attack within its size.

    Args:
        x: Images (N, C, H, W) in [0, 1].
        bound: The attack that made them, where it was the last step.

    Returns:
        Images with values k / 255.
    """
    if bound is None or bound.attack.norm is None:
        return quantise(x)
    exact = torch.float32 if x.device.type == "mps" else torch.float64
    clean = quantise(bound.before).mul(255).round().expand_as(x).to(exact)
    away = x.to(exact) * 255 - clean
    size = torch.as_tensor(bound.amount, dtype=torch.float64).to(away) * 255
    if bound.attack.norm == "linf":
        limit = torch.floor(size + SLACK)
        moved = away.round().clamp(-limit, limit)
    else:
        moved = _within(away.flatten(1), size.view(-1, 1)).view_as(away)
    return (clean + moved).float().div(255)


def _within(away: Tensor, size: Tensor) -> Tensor:
    """Whole numbers near ``away`` (N, values) whose L2 norm per image is at most ``size`` (N or 1, 1)."""
    norm = away.square().sum(1, keepdim=True).sqrt().clamp_min(1e-12)
    away = away * (size / norm).clamp_max(1)
    towards = away.abs().floor()
    rest = away.abs() - towards
    order = rest.argsort(dim=1, descending=True, stable=True)
    cost = torch.where(rest > 1e-3, 2 * towards + 1, torch.inf).gather(1, order)  # of one step more, squared
    budget = size.square() + SLACK - towards.square().sum(1, keepdim=True)
    further = torch.zeros_like(towards).scatter(1, order, (cost.cumsum(1) <= budget).to(towards))
    return (towards + further) * away.sign()
