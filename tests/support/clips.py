"""Clips made where they are needed: a window that wanders over a photograph, coded by PyAV or Pillow."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.data.images import sample_images

if TYPE_CHECKING:
    from av.video.stream import VideoStream


@cache
def wandering(count: int = 12, side: int = 96) -> tuple[NDArray[np.uint8], ...]:
    """Frames (side, side, 3) of a window that moves by 2 px right and 1 px down each."""
    photo = sample_images()["cat"]()[0].mul(255).round().byte().permute(1, 2, 0).numpy()
    return tuple(
        np.ascontiguousarray(photo[40 + i : 40 + i + side, 60 + 2 * i : 60 + 2 * i + side]) for i in range(count)
    )


def coded(
    frames: tuple[NDArray[np.uint8], ...],
    codec: str = "libx264",
    container: str = "mp4",
    rate: int = 25,
    *,
    pixels: str = "yuv420p",
    shown: Sequence[int] = (),
    **said: object,
) -> bytes:
    """A video file of these frames, ``shown`` at these ms; ``said`` of its pixels (``color_trc``, ...)."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = cast("VideoStream", out.add_stream(codec, rate=rate))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else pixels
        for name, value in said.items():
            setattr(stream.codec_context, name, value)
        if shown:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            if shown:
                picture.pts, picture.time_base = shown[i], Fraction(1, 1000)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return file.getvalue()


def animated(frames: tuple[NDArray[np.uint8], ...], form: str) -> bytes:
    """A GIF, or a lossless WebP, that shows each frame for 50 ms."""
    file = io.BytesIO()
    first, *rest = map(Image.fromarray, frames)
    first.save(file, form, save_all=True, append_images=rest, duration=50, lossless=True)
    return file.getvalue()


def shown_by(video: bytes, matrix: tuple[float, float, float, float]) -> bytes:
    """The MP4 file with another display matrix: (x, y) is shown at (a x + c y, b x + d y)."""
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = video.index(plain, video.index(b"tkhd"))
    a, b, c, d = (round(one * 2**16) for one in matrix)
    return video[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + video[at + 36 :]
