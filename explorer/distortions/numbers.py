"""Amounts and seeds as NumPy and PyTorch hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


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
