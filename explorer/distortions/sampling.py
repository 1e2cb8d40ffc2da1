"""Looking up pixels at other places: bilinear warps and edges of any width, on any device and for sides from 1 px."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Row numbers (H, 1) and column numbers (1, W) of x's pixels, float32 on its device."""
    height, width = x.shape[-2:]
    rows = torch.arange(height, device=x.device, dtype=x.dtype)
    columns = torch.arange(width, device=x.device, dtype=x.dtype)
    return rows[:, None], columns[None, :]


def grid(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Rows and columns in px, broadcastable to (M, H, W), as a sampling grid (M, H, W, 2) for x's size."""
    height, width = x.shape[-2:]
    places = torch.broadcast_tensors((columns * 2 + 1) / width - 1, (rows * 2 + 1) / height - 1)
    return torch.stack(places, dim=-1).expand(-1, height, width, 2)


def look_up(x: Tensor, places: Tensor) -> Tensor:
    """Sample x (N, C, H, W) bilinearly on a grid (N or 1, H, W, 2); outside, x is reflected at its outer edge."""
    places = places.expand(len(x), -1, -1, -1)
    return F.grid_sample(x, places, mode="bilinear", padding_mode="reflection", align_corners=False)


def warp(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Sample x (N, C, H, W) bilinearly at rows and columns in px, each broadcastable to (N, H, W), reflecting."""
    if rows.ndim == columns.ndim == 2:
        rows = rows[None]
    return look_up(x, grid(x, rows, columns))


def affine(x: Tensor, matrix: tuple[tuple[float, float], tuple[float, float]]) -> Tensor:
    """Each output place (column, row), seen from the centre, samples the place matrix @ (column, row)."""
    rows, columns = pixel_grid(x)
    middle_row, middle_column = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    down, right = rows - middle_row, columns - middle_column
    (xx, xy), (yx, yy) = matrix
    return warp(x, yx * right + yy * down + middle_row, xx * right + xy * down + middle_column)


def pad(x: Tensor, margin: int, axis: int, *, reflect: bool = False) -> Tensor:
    """X with ``margin`` more px on both ends of an axis: edge px repeated, or reflected about the edge px' centre."""
    side = x.shape[axis]
    place = torch.arange(-margin, side + margin, device=x.device)
    if reflect and side > 1:
        turn = 2 * (side - 1)
        place = place.remainder(turn)
        place = torch.minimum(place, turn - place)
    return x.index_select(axis, place.clamp(0, side - 1))


def weighted_sum(terms: Iterable[tuple[Tensor, float]]) -> Tensor:
    """The weighted sum of equally shaped tensors, added in order (at least one)."""
    left = iter(terms)
    first, weight = next(left)
    out = first * weight
    for term, share in left:
        out.add_(term, alpha=share)
    return out
