"""Pictures as people bring them: files of one colour, of noise, inside a text."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png_of(pixels: np.ndarray) -> bytes:
    """A PNG of these bytes (H, W, C)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def png(colour: tuple[int, int, int] = (200, 30, 30), side: int = 48) -> bytes:
    """A PNG of one colour."""
    return png_of(np.full((side, side, 3), colour, np.uint8))


def data_url(data: bytes) -> str:
    """A PNG inside the text."""
    return "data:image/png;base64," + base64.b64encode(data).decode()
