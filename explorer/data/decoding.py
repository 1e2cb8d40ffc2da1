"""Decoding image files and arrays safely: limits on size, and one sentence for what cannot be read."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from explorer.data import codecs
from explorer.errors import ExplorerError
from explorer.files import user_path

MAX_BYTES = 50 * 2**20
"""Files above this size are refused unread."""

MAX_PIXELS = 64_000_000
"""Images with more pixels than this are refused before they are decoded; JPEGs are decoded smaller instead."""

MAX_JPEG_PIXELS = 210_000_000
"""Baseline JPEGs with more pixels than this are refused. Decoding at half the size is part of their format."""

Source = str | Path | bytes | BinaryIO | Image.Image | np.ndarray
"""What :func:`decode` reads."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_COMMON = ("PNG", "JPEG", "GIF", "BMP", "PPM")
# Others, whose plugins are slow to import. Not included are those that run other programs, hold no still image, hide a
# picture of another size inside, or are so rare that their decoders see little care.
_RARE = ("WEBP", "TIFF", "AVIF", "JPEG2000", "DIB", "PCX", "PSD", "QOI", "SGI", "TGA")


@cache
def suffixes() -> frozenset[str]:
    """The endings of the image files that can be read, in lower case: those of every format that ``decode`` opens.

    Returns:
        Endings with their dot, such as ``.png``.
    """
    known = (*_COMMON, *_RARE, "MPO")  # an MPO begins as a JPEG
    return codecs.SUFFIXES | {ending for ending, name in Image.registered_extensions().items() if name in known}


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
    except ExplorerError as error:
        raise ExplorerError(f"{source.name}: {error}") from error
    except Exception as error:
        raise ExplorerError(f"{source.name} is not a readable image: take it out of the folder.") from error


def decode(source: Source, *, frame: int | None = None, notes: list[str] | None = None) -> np.ndarray:
    """Decode an image within the limits on its size.

    EXIF orientation is applied, colours are converted to sRGB, transparency is laid over white.

    Args:
        source: A path, the bytes of a file, an open binary file, a Pillow image, or an array.
        frame: Which page or frame of the file, from 1; the first one by default.
        notes: A list to which one sentence is added for each thing about the picture that a user should know.

    Returns:
        (H, W, 1, 3 or 4): uint8, uint16 or floats in [0, 1].

    Raises:
        ExplorerError: If there is no readable image or no such frame, or if it exceeds ``MAX_BYTES`` or ``MAX_PIXELS``.
    """
    notes = [] if notes is None else notes
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        return _from_pillow(source, notes)
    data = _read_bytes(source)
    try:
        image = _open(io.BytesIO(without_texts(data)))
    except ExplorerError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise ExplorerError(_what_it_is(data)) from None
    except Exception as error:  # decoders raise many kinds on damaged files
        raise _damaged() from error
    with image:
        _choose_frame(image, frame, notes)
        if isinstance(image, JpegImageFile):
            _shrink(image, notes)
        return _from_pillow(image, notes)


def _choose_frame(image: Image.Image, frame: int | None, notes: list[str]) -> None:
    try:
        count = getattr(image, "n_frames", 1)
    except Exception as error:  # counting reads the whole file
        raise _damaged() from error
    if frame is not None:
        if not 1 <= frame <= count:
            there = f"has the frames 1 to {count}" if count > 1 else "holds one picture"
            raise ExplorerError(f"The file {there}, not a frame {frame}.")
        try:
            image.seek(frame - 1)
        except Exception as error:
            raise _damaged() from error
    elif count > 1:
        notes.append(f"The file holds {count} pictures; this is the first one. Write file#2 for the second.")


def _shrink(image: JpegImageFile, notes: list[str]) -> None:
    """Let a JPEG above ``MAX_PIXELS`` be decoded at half its size; a progressive one would fill memory all the same."""
    width, height = image.size
    most = MAX_PIXELS if "progressive" in image.info else MAX_JPEG_PIXELS
    if width * height > most:
        raise _too_many_pixels(most)
    if width * height > MAX_PIXELS:
        image.draft(None, (width // 2, height // 2))
        notes.append(f"The picture has {width * height / 1e6:.0f} million pixels and was decoded at half its size.")


def without_texts(data: bytes) -> bytes:
    """Leave out the texts of a PNG file: Pillow refuses a picture for a long one, such as a stored workflow.

    Args:
        data: Bytes of a file.

    Returns:
        The bytes without text chunks, except XMP, which may say which way is up; other files unchanged.
    """
    if not data.startswith(_PNG):
        return data
    kept, at = [_PNG], len(_PNG)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")  # length, type, content, checksum
        name = data[at + 4 : at + 8]
        if name not in {b"tEXt", b"zTXt", b"iTXt"} or data[at + 8 : at + 25] == b"XML:com.adobe.xmp":
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _open(file: BinaryIO) -> Image.Image:
    """The undecoded Pillow image; the rarer plugins, slow to import, are loaded only where the common ones pass."""
    head = file.read(12)
    if codecs.needs_library(head):
        return codecs.open_with_library(head + file.read(), _check_pixels)
    if head.startswith(_JPEG):
        file.seek(0)
        return JpegImageFile(file)  # Image.open has a limit of its own, below a phone's 200 million pixels
    file.seek(0)
    with contextlib.suppress(UnidentifiedImageError):
        return Image.open(file, formats=_COMMON)
    Image.init()
    file.seek(0)
    return Image.open(file, formats=[name for name in _RARE if name in Image.OPEN])


def _read_bytes(source: Any) -> bytes:
    if isinstance(source, (str, Path)):
        try:
            path = user_path(source)
            if path.stat().st_size > MAX_BYTES:
                raise _too_many_bytes()
            data = path.read_bytes()
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


def _too_many_pixels(most: int | None = None) -> ExplorerError:
    most = MAX_PIXELS if most is None else most
    return ExplorerError(f"The image has more than {most // 10**6} million pixels: choose a smaller one.")


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()


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
    if head.startswith(b"\x93numpy") or (data.startswith(b"PK") and b".npy" in data[:1024]):
        return "The file holds arrays of NumPy, not an image: in Python hand over the array, or save it as a PNG."
    return f"The file is not a readable image: {wanted}"


def _from_pillow(image: Image.Image, notes: list[str]) -> np.ndarray:
    """Decode and convert a Pillow image."""
    width, height = image.size
    _check_pixels(width, height)
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
            return _check_array(_wide_grey(np.asarray(image), image.mode, notes))
        image = _to_srgb(image, notes)
        if image.has_transparency_data:
            layer = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", layer.size, (255, 255, 255, 255)), layer)
        return _check_array(np.asarray(image if image.mode == "RGB" else image.convert("RGB")))
    except ExplorerError:
        raise
    except Exception as error:
        raise ExplorerError(f"The image's colour mode {image.mode} cannot be read: save it as RGB.") from error


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """The picture in the colours that networks are trained on; cameras also write Display P3 and Adobe RGB."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK"}:
        return image
    from PIL import ImageCms

    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(theirs).strip()
        if "srgb" in name.lower():
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        found = ImageCms.profileToProfile(image, theirs, ImageCms.createProfile("sRGB"), outputMode=mode)
    except Exception:  # noqa: BLE001  # a damaged profile is no reason to refuse the picture
        return image
    notes.append(f"The colours were converted from {name[:80] or 'another profile'} to sRGB.")
    return image if found is None else found


def _wide_grey(values: np.ndarray, mode: str, notes: list[str]) -> np.ndarray:
    """Grey values of more than 8 bit: 16-bit ones scaled by 65535, floats as they are."""
    if mode == "F":
        return values
    if values.min() < 0 or values.max() > 65535:
        raise ExplorerError("The image holds grey values beyond 16 bit: save it with 8 or 16 bit.")
    brightest = int(values.max())
    if 0 < brightest < 2**13:
        notes.append(
            f"The brightest of the picture's 16-bit values is {brightest:,} of 65,535, so it is nearly black; if it "
            f"was recorded with {brightest.bit_length()} bits, multiply it by {65536 >> brightest.bit_length()}."
        )
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
