"""Files that mean harm, and unusual ones that do not: built here, byte by byte where no encoder would."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

MEGA = 2**20


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zeros(size: int) -> bytes:
    """``size`` zeros, deflated a thousandfold without holding them."""
    squeeze = zlib.compressobj(9)
    return b"".join([squeeze.compress(bytes(MEGA)) for _ in range(size // MEGA)]) + squeeze.flush()


def png(width: int, height: int, idat: bytes, *before: bytes) -> bytes:
    """An RGB PNG of these parts, whether they fit together or not."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def rows(side: int) -> bytes:
    """The pixel data of a black square."""
    return zlib.compress((b"\x00" + bytes(3 * side)) * side)


def saved(image: Image.Image, codec: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, codec, **options)
    return buffer.getvalue()


def noise(side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


def rotated() -> bytes:
    """A JPEG whose EXIF says: turn me by 90 degrees; upright, its left half is red and its right half blue."""
    upright = Image.new("RGB", (64, 64), (0, 0, 250))
    upright.paste((250, 0, 0), (0, 0, 32, 64))
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


def tiff_of_one_huge_tile() -> bytes:
    """A TIFF of 16 x 16 px whose single tile claims 60000 x 60000."""
    tags = [
        (256, 4, 16),
        (257, 4, 16),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (277, 3, 1),
        (322, 4, 60_000),
        (323, 4, 60_000),
        (324, 4, 8),
        (325, 4, 8),
    ]
    directory = struct.pack("<H", len(tags))
    for tag, kind, value in tags:
        directory += struct.pack("<HHI", tag, kind, 1) + (
            struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value)
        )
    return b"II*\x00" + struct.pack("<I", 16) + bytes(8) + directory + struct.pack("<I", 0)


def webp_of_a_huge_canvas() -> bytes:
    small = saved(noise(16), "WEBP")
    canvas = struct.pack("<I", 0)[:4] + (16_382).to_bytes(3, "little") * 2
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(canvas)) + canvas + small[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _array(save: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, np.zeros((8, 8, 3), np.uint8))
    return buffer.getvalue()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"these are no pixels", "not a readable image"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
    "svg-with-doctype": (lambda: b"<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg></svg>", "SVG"),
    "html": (lambda: b"<!doctype html><script>alert(1)</script>", "web page"),
    "pdf": (lambda: b"%PDF-1.7\n" + bytes(100), "PDF"),
    "postscript": (
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "not a readable image",
    ),
    "zip": (lambda: b"PK\x03\x04" + bytes(100), "not a readable image"),
    "npy": (lambda: _array(np.save), "arrays of NumPy"),
    "npz": (lambda: _array(np.savez), "arrays of NumPy"),
    "truncated-png": (lambda: saved(noise(), "PNG")[:6000], "damaged"),
    "truncated-jpeg": (lambda: saved(noise(), "JPEG")[:1500], "damaged"),
    "truncated-header": (lambda: saved(noise(), "PNG")[:20], "damaged|not a readable image"),
    "100-megapixel-png": (lambda: saved(Image.new("1", (10_000, 10_000)), "PNG"), "million pixels"),
    "225-megapixel-jpeg": (lambda: saved(Image.new("L", (15_000, 15_000)), "JPEG"), "million pixels"),
    "100-megapixel-progressive-jpeg": (
        lambda: saved(Image.new("L", (10_000, 10_000)), "JPEG", progressive=True),
        "million pixels",
    ),
    "4-gigapixel-gif": (
        lambda: b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + saved(noise(16), "GIF")[10:],
        "million pixels",
    ),
    "4-gigapixel-ppm": (lambda: b"P6 60000 60000 255\n" + bytes(100), "million pixels"),
    "4-gigapixel-tga": (
        lambda: bytes((0, 0, 2)) + bytes(9) + struct.pack("<HH", 65_535, 65_535) + bytes((24, 0)) + bytes(100),
        "million pixels",
    ),
    "4-gigapixel-qoi": (lambda: b"qoif" + struct.pack(">IIBB", 65_535, 65_535, 3, 0) + bytes(100), "million pixels"),
    "huge-bmp": (
        lambda: (
            b"BM"
            + struct.pack("<IHHI", 200, 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0)
        ),
        "million pixels",
    ),
    "huge-webp": (webp_of_a_huge_canvas, "million pixels|damaged"),
    "huge-tile-tiff": (tiff_of_one_huge_tile, "damaged|not a readable image"),
    "profile-bomb": (lambda: png(16, 16, rows(16), chunk(b"iCCP", b"p\x00\x00" + zeros(500 * MEGA))), "damaged"),
    "chunk-without-end": (
        lambda: b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**31 - 1) + b"IHDR" + bytes(40),
        "damaged|not a readable image",
    ),
}
"""Name -> the file's maker and the word that the sentence about it must hold."""


def _animation() -> bytes:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("#c80a14", "#0a14c8")]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


HARMLESS: dict[str, tuple[Callable[[], bytes], list[tuple[float, float, tuple[int, int, int]]]]] = {
    "pixels-bomb": (lambda: png(16, 16, rows(16)[:0] + zeros(500 * MEGA)), [(0.5, 0.5, (0, 0, 0))]),
    "text-bomb": (
        lambda: png(16, 16, rows(16), chunk(b"zTXt", b"t\x00\x00" + zeros(500 * MEGA))),
        [(0.5, 0.5, (0, 0, 0))],
    ),
    "many-texts-bomb": (
        lambda: png(16, 16, rows(16), *[chunk(b"zTXt", b"t\x00\x00" + zeros(MEGA))] * 500),
        [(0.5, 0.5, (0, 0, 0))],
    ),
    "animated-gif": (_animation, [(0.5, 0.5, (200, 10, 20))]),
    "cmyk-jpeg": (lambda: saved(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG"), [(0.5, 0.5, (254, 0, 0))]),
    "16-bit-png": (
        lambda: saved(Image.fromarray(np.full((40, 40), 32_896, np.uint16)), "PNG"),
        [(0.5, 0.5, (128, 128, 128))],
    ),
    "rotated-jpeg": (rotated, [(0.2, 0.5, (250, 0, 0)), (0.8, 0.5, (0, 0, 250))]),
    "one-pixel": (lambda: saved(Image.new("RGB", (1, 1), (1, 200, 3)), "PNG"), [(0.0, 0.0, (1, 200, 3))]),
    "one-line": (lambda: saved(Image.new("RGB", (3000, 1), (1, 200, 3)), "PNG"), [(0.5, 0.0, (1, 200, 3))]),
    "page-behind-the-picture": (
        lambda: saved(Image.new("RGB", (40, 40), (9, 8, 7)), "PNG") + b"<script>alert(1)</script>",
        [(0.5, 0.5, (9, 8, 7))],
    ),
    "transparent": (lambda: saved(Image.new("RGBA", (40, 40), (255, 0, 0, 0)), "PNG"), [(0.5, 0.5, (255, 255, 255))]),
}
"""Name -> the file's maker and, at relative places (x, y), the colours of the right picture."""
