"""Bilinear warps and padding of any width, on any device and for sides from 1 px."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates of an image's pixels.

    Args:
        x: Images (N, C, H, W).

    Returns:
        Row numbers (H, 1) and column numbers (1, W), float32 on its device.
    """
    height, width = x.shape[-2:]
    rows = torch.arange(height, device=x.device, dtype=x.dtype)
    columns = torch.arange(width, device=x.device, dtype=x.dtype)
    return rows[:, None], columns[None, :]


def grid(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Make a sampling grid.

    Args:
        x: Images (N, C, H, W).
        rows: Rows in px, broadcastable to (M, H, W).
        columns: Columns in px, likewise.

    Returns:
        Grid (M, H, W, 2) for ``look_up``.
    """
    height, width = x.shape[-2:]
    points = torch.broadcast_tensors((columns * 2 + 1) / width - 1, (rows * 2 + 1) / height - 1)
    return torch.stack(points, dim=-1).expand(-1, height, width, 2)


def look_up(x: Tensor, points: Tensor) -> Tensor:
    """Sample bilinearly; outside, the image is reflected at its outer edge.

    Args:
        x: Images (N, C, H, W).
        points: Grid (N or 1, H, W, 2).

    Returns:
        Sampled images (N, C, H, W).
    """
    points = points.expand(len(x), -1, -1, -1)
    return F.grid_sample(x, points, mode="bilinear", padding_mode="reflection", align_corners=False)


def warp(x: Tensor, rows: Tensor, columns: Tensor, *, mirror: bool = False) -> Tensor:
    """Sample bilinearly at given coordinates, reflecting at the edges.

    Args:
        x: Images (N, C, H, W).
        rows: Rows in px, broadcastable to (N, H, W).
        columns: Columns in px, likewise.
        mirror: Whether the picture is mirrored about the centre of its edge pixels rather than reflected at its rim.

    Returns:
        Sampled images (N, C, H, W).
    """
    if rows.ndim == columns.ndim == 2:
        rows = rows[None]
    if mirror:
        rows, columns = (_mirrored(line, side) for line, side in zip((rows, columns), x.shape[2:], strict=True))
    return look_up(x, grid(x, rows, columns))


def _mirrored(line: Tensor, side: int) -> Tensor:
    """Coordinates in px brought into the picture by mirroring about the centres of its edge pixels."""
    if side == 1:
        return torch.zeros_like(line)
    turn = 2 * (side - 1)
    line = line.remainder(turn)
    return torch.minimum(line, turn - line)


def affine(x: Tensor, matrix: tuple[tuple[float, float], tuple[float, float]]) -> Tensor:
    """Apply an affine map about the centre.

    Args:
        x: Images (N, C, H, W).
        matrix: The output pixel (column, row) samples ``matrix @ (column, row)``, both relative to the centre.

    Returns:
        Transformed images (N, C, H, W).
    """
    rows, columns = pixel_grid(x)
    middle_row, middle_column = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    down, right = rows - middle_row, columns - middle_column
    (xx, xy), (yx, yy) = matrix
    return warp(x, yx * right + yy * down + middle_row, xx * right + xy * down + middle_column)


Edge = Literal["repeat", "mirror", "reflect"]
"""Beyond an edge lies its pixel again, or the picture mirrored about that pixel's centre or reflected at its rim."""


def pad(x: Tensor, margin: int, axis: int, edge: Edge = "repeat") -> Tensor:
    """Pad both ends of an axis.

    Args:
        x: Any tensor.
        margin: Pixels on each end.
        axis: The axis.
        edge: What lies beyond: a | a b c, c b | a b c, or b a | a b c.

    Returns:
        The padded tensor.
    """
    side = x.shape[axis]
    position = torch.arange(-margin, side + margin, device=x.device)
    if edge == "mirror" and side > 1:
        turn = 2 * (side - 1)
        position = position.remainder(turn)
        position = torch.minimum(position, turn - position)
    elif edge == "reflect":
        position = position.remainder(2 * side)
        position = torch.minimum(position, 2 * side - 1 - position)
    return x.index_select(axis, position.clamp(0, side - 1))


def weighted_sum(terms: Iterable[tuple[Tensor, float]]) -> Tensor:
    """Add weighted tensors in order.

    Args:
        terms: (tensor, weight) pairs of equal shape, at least one.

    Returns:
        The sum.
    """
    left = iter(terms)
    first, weight = next(left)
    out = first * weight
    for term, share in left:
        out.add_(term, alpha=share)
    return out
