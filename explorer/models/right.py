"""Which images of a test set a model names rightly, as a short text, so that two cards compare image by image."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(correct: NDArray[np.bool_]) -> str:
    """Write booleans as text.

    Args:
        correct: One per image, (n,).

    Returns:
        Their bits, compressed, in base64.
    """
    return base64.b64encode(zlib.compress(np.packbits(correct).tobytes(), 9)).decode()


def unpack(text: str, n: int) -> NDArray[np.bool_] | None:
    """Read them back.

    Args:
        text: What ``pack`` returned; it may come from elsewhere.
        n: How many there are.

    Returns:
        The booleans, (n,); None where the text does not hold that many.
    """
    size = -(-n // 8)
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), size + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    return np.unpackbits(np.frombuffer(data, np.uint8), count=n).astype(bool) if len(data) == size else None


def pair(first: dict[str, Any], second: dict[str, Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Find what two models named rightly of the very same pictures.

    Args:
        first: A row of a card's results.
        second: A row of another card's results.

    Returns:
        Booleans of both, (n,) each; None where a row does not hold them, or is of other images or another seed.
    """
    same = all(first.get(key) == second.get(key) for key in ("recipe", "seed", "n", "images"))
    if not same or not all(isinstance(row.get("right"), str) for row in (first, second)):
        return None
    a, b = (unpack(row["right"], row["n"]) for row in (first, second))
    return None if a is None or b is None else (a, b)
