"""Amounts, seeds and counts as NumPy and PyTorch hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import ExplorerError


def plain_number(value: Any) -> Any:
    """Turn a scalar of NumPy or PyTorch into a Python number.

    Args:
        value: Anything.

    Returns:
        The number as it is written, so that the 0.1 of a float32 is 0.1; other values unchanged.
    """
    if isinstance(value, Tensor) and value.ndim == 0:
        wide = value.dtype == torch.float64 or not value.is_floating_point()
        value = value.item() if wide else np.float32(value.item())
    elif isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value


def count_of(value: Any, name: str) -> int:
    """Read a number that counts something, such as images or pixels.

    Args:
        value: A whole number of Python, NumPy or PyTorch.
        name: What it is, for the error.

    Returns:
        The number.

    Raises:
        ExplorerError: If it is no whole number, or less than 1.
    """
    number = plain_number(value)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ExplorerError(f"{name} is {number!r}; it must be a whole number, 1 or more.")
    return number
