"""Amounts, seeds and counts as NumPy and PyTorch hold them."""

from __future__ import annotations

from typing import Any

from explorer.errors import ExplorerError


def plain_number(value: Any) -> Any:
    """Turn a scalar of NumPy or PyTorch into a Python number.

    Args:
        value: Anything.

    Returns:
        The number as it is written, so that the 0.1 of a float32 is 0.1; other values unchanged.
    """
    if type(value) in {int, float}:
        return value
    import numpy as np  # here, so that the help of the command line, which counts with counted, comes at once
    import torch

    if isinstance(value, torch.Tensor) and value.ndim == 0 and not value.is_meta:
        wide = value.dtype == torch.float64 or not value.is_floating_point()
        value = value.item() if wide else np.float32(value.item())
    elif isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value


def count_of(value: Any, name: str, most: int | None = None) -> int:
    """Read a number that counts something, such as images or pixels.

    Args:
        value: A whole number of Python, NumPy or PyTorch.
        name: What it is, for the error.
        most: The largest that is taken.

    Returns:
        The number.

    Raises:
        ExplorerError: If it is no whole number, less than 1, or more than ``most``.
    """
    number = plain_number(value)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= (number if most is None else most):
        span = "1 or more" if most is None else f"from 1 to {most}"
        raise ExplorerError(f"{name} is {number!r}; it must be a whole number, {span}.")
    return number


def counted(count: int, noun: str) -> str:
    """Write a number of things.

    Args:
        count: How many.
        noun: What they are, in the singular; its plural ends in s or es.

    Returns:
        "1 image", "50,000 images", "2 classes".
    """
    plural = "es" if noun.endswith(("s", "ch", "sh", "x")) else "s"
    return f"{count:,} {noun}{plural if count != 1 else ''}"
