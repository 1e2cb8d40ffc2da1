"""Decoding image files and arrays safely: limits on size, and one sentence for what cannot be read."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from explorer.errors import ExplorerError

MAX_BYTES = 50 * 2**20
"""Files above this size are refused unread."""

MAX_PIXELS = 50_000_000
"""Images with more pixels than this are refused before they are decoded."""

Source = str | Path | bytes | BinaryIO | Image.Image | np.ndarray
"""What :func:`decode` reads."""

_COMMON = ("PNG", "JPEG", "GIF", "BMP", "PPM")
# Others, whose plugins are slow to import. Not included are those that run other programs, hold no still image, hide a
# picture of another size inside, or are so rare that their decoders see little care.
_RARE = ("WEBP", "TIFF", "AVIF", "JPEG2000", "DIB", "PCX", "PSD", "QOI", "SGI", "TGA")


def image_size(source: Path) -> tuple[int, int]:
    """Read an image's size from its header.

    Args:
        source: The image file.

    Returns:
        Height and width in px.

    Raises:
        ExplorerError: If the file is not a readable image.
    """
    try:
        with source.open("rb") as file, _open(file) as image:
            return image.size[1], image.size[0]
    except Exception as error:
        raise ExplorerError(f"{source.name} is not a readable image: take it out of the folder.") from error


def decode(source: Source) -> np.ndarray:
    """Decode an image within the limits on its size.

    Args:
        source: A path, the bytes of a file, an open binary file, a Pillow image, or an array.

    Returns:
        (H, W, 1, 3 or 4): uint8, uint16 or floats in [0, 1].

    Raises:
        ExplorerError: If there is no readable image, or if it exceeds ``MAX_BYTES`` or ``MAX_PIXELS``.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        return _from_pillow(source)
    data = _read_bytes(source)
    try:
        image = _open(io.BytesIO(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise ExplorerError(_what_it_is(data)) from None
    except Exception as error:  # decoders raise many kinds on damaged files
        raise _damaged() from error
    with image:
        return _from_pillow(image)


def _open(file: BinaryIO) -> Image.Image:
    """The undecoded Pillow image; the rarer plugins, slow to import, are loaded only where the common ones pass."""
    with contextlib.suppress(UnidentifiedImageError):
        return Image.open(file, formats=_COMMON)
    Image.init()
    file.seek(0)
    return Image.open(file, formats=[name for name in _RARE if name in Image.OPEN])


def _read_bytes(source: Any) -> bytes:
    if isinstance(source, (str, Path)):
        try:
            size = Path(source).stat().st_size
            if size > MAX_BYTES:
                raise _too_many_bytes()
            data = Path(source).read_bytes()
        except (OSError, ValueError) as error:
            if isinstance(error, ExplorerError):
                raise
            raise ExplorerError(f"The file {str(source)[:200]!r} cannot be opened: check its path.") from None
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
        if not isinstance(data, bytes):
            raise ExplorerError("The image file was opened as text: open it in binary mode.")
    else:
        raise ExplorerError(
            f"Expected an image (path, bytes, open file, PIL image or array), got {type(source).__name__}."
        )
    if len(data) > MAX_BYTES:
        raise _too_many_bytes()
    if not data:
        raise ExplorerError("The file is empty (0 bytes): choose an image file such as PNG or JPEG.")
    return data


def _too_many_bytes() -> ExplorerError:
    return ExplorerError(f"The file is larger than {MAX_BYTES // 2**20} MiB: choose a smaller one.")


def _too_many_pixels() -> ExplorerError:
    return ExplorerError(f"The image has more than {MAX_PIXELS // 10**6} million pixels: choose a smaller one.")


def _damaged() -> ExplorerError:
    return ExplorerError("The image file is damaged or incomplete: choose another one.")


def _what_it_is(data: bytes) -> str:
    """One sentence on data that no decoder knows."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    wanted = "choose an image file such as PNG, JPEG or WebP."
    if b"<svg" in head:
        return f"The file is an SVG drawing, which has no pixels: {wanted}"
    if head.startswith((b"<!doctype html", b"<html")) or b"<html" in head:
        return f"The file is a web page, not an image: {wanted}"
    if head.startswith(b"%pdf"):
        return f"The file is a PDF document, not an image: {wanted}"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "The file is a HEIC photo, which cannot be read here: save it as JPEG or PNG."
    return f"The file is not a readable image: {wanted}"


def _from_pillow(image: Image.Image) -> np.ndarray:
    """Decode and convert a Pillow image."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if width == 0 or height == 0:
        raise ExplorerError("The image has no pixels: its width or height is 0.")
    try:
        image.load()
    except Exception as error:  # decoders raise many kinds on damaged files
        raise _damaged() from error
    with contextlib.suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
        ImageOps.exif_transpose(image, in_place=True)  # else even an upright one is copied
    try:
        if image.mode.startswith("I") or image.mode == "F":
            return _check_array(_wide_grey(np.asarray(image), image.mode))
        if image.has_transparency_data:
            layer = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", layer.size, (255, 255, 255, 255)), layer)
        return _check_array(np.asarray(image if image.mode == "RGB" else image.convert("RGB")))
    except ExplorerError:
        raise
    except Exception as error:
        raise ExplorerError(f"The image's colour mode {image.mode} cannot be read: save it as RGB.") from error


def _wide_grey(values: np.ndarray, mode: str) -> np.ndarray:
    """Grey values of more than 8 bit: 16-bit ones scaled by 65535, floats as they are."""
    if mode == "F":
        return values
    if values.min() < 0 or values.max() > 65535:
        raise ExplorerError("The image holds grey values beyond 16 bit: save it with 8 or 16 bit.")
    return values.astype(np.uint16)


def _check_array(array: np.ndarray) -> np.ndarray:
    """The array as (H, W, C) if it is an image, else an ExplorerError."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ExplorerError(f"An image array must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}.")
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ExplorerError(f"An image array must have pixels, and its shape is {array.shape}.")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise _too_many_pixels()
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ExplorerError("The image array holds values that are not finite (NaN or infinite).")
        if array.min() < 0 or array.max() > 1:
            raise ExplorerError("A float image array must have values from 0 to 1: divide 8-bit values by 255.")
    elif array.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ExplorerError(f"An image array must be uint8, uint16 or float, not {array.dtype}.")
    return array
