"""Pictures that Pillow reads only with another library: HEIC, as iPhones save them, and JPEG XL.

The libraries' plugins belong to the whole process once they are registered with Pillow, and ours are used only here.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from explorer.errors import ExplorerError

SUFFIXES = frozenset({".heic", ".heif", ".hif", ".jxl"})
"""Endings of these files, in lower case."""

_HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")}
_JXL, _JXL_BOXES = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}

Check = Callable[[int, int], None]
"""Raises for a width and a height in px that are too large."""


def needs_library(head: bytes) -> bool:
    """Whether a file is HEIC or JPEG XL.

    Args:
        head: Its first 12 bytes, or more.

    Returns:
        True for these.
    """
    return head[4:12] in _HEIC or head.startswith((_JXL, _JXL_BOXES))


def open_with_library(data: bytes, check: Check) -> Image.Image:
    """Open a HEIC or JPEG XL picture.

    Args:
        data: The file.
        check: Is asked about the size before anything is decoded.

    Returns:
        The picture, upright.

    Raises:
        ExplorerError: If the library is missing, or ``check`` raises.
        Exception: Of many kinds, if the file is damaged.
    """
    return _open_heic(data, check) if data[4:12] in _HEIC else _open_jxl(data, check)


def _open_heic(data: bytes, check: Check) -> Image.Image:
    try:
        import pillow_heif
    except ImportError:
        raise ExplorerError(
            "The file is a HEIC photo: install pillow-heif (pip install pillow-heif), or save it as JPEG or PNG."
        ) from None
    file = pillow_heif.open_heif(io.BytesIO(data))  # decodes nothing yet
    check(*file.size)
    image: Image.Image = file.to_pillow()
    return image


def _open_jxl(data: bytes, check: Check) -> Image.Image:
    try:
        from pillow_jxl.JpegXLImagePlugin import JXLImageFile
    except ImportError:
        raise ExplorerError(
            "The file is JPEG XL: install pillow-jxl-plugin (pip install pillow-jxl-plugin), or save it as JPEG or PNG."
        ) from None
    check(*_jxl_size(data))  # opening decodes at once
    image: Image.Image = JXLImageFile(io.BytesIO(data))
    return image


def _jxl_size(data: bytes) -> tuple[int, int]:
    """Width and height as the codestream states them (ISO/IEC 18181-1, SizeHeader); its bits are read lowest first."""
    bits = int.from_bytes(_codestream(data)[2:14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def side() -> int:
        return 8 * take(5) + 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = side()
    ratio = take(3)
    if ratio:
        times, by = _RATIOS[ratio]
        return height * times // by, height
    return side(), height


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream: the file itself, or of the first box that holds it."""
    at = 0
    while data.startswith(_JXL_BOXES) and at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + 8
        if length == 1:  # the length proper follows
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        if kind in {b"jxlc", b"jxlp"}:
            start += 4 * (kind == b"jxlp")  # the number of the part
            return data[start : start + 64]
        if length < 8:
            break
        at += length
    return data[:64]
