"""Video codecs as distortions of a clip: its frames are encoded and decoded again, by the real encoder.

VP9 and AV1 give the same pixels every time. x264 now and then chooses otherwise for the same frames (seen with the one
of PyAV 18.1, whatever its threads), so that results of H.264 are repeatable up to such choices.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.clips.reading import MAX_SECONDS, Clip, Frame
from explorer.errors import ExplorerError
from explorer.registry import Registry

SMALLEST = 64
"""Side in px below which AV1's encoder takes no frames; smaller ones are continued by their edges and cut again."""


@dataclass(frozen=True)
class VideoCodec:
    """An encoder and its quality setting.

    Attributes:
        name: Name in options.
        title: Name on screen.
        encoder: FFmpeg's name of the encoder.
        container: The container the frames are kept in.
        low: Smallest constant rate factor (crf), the best quality.
        high: Largest one, the worst quality.
        default: The encoder's own.
        options: Its other options.
    """

    name: str
    title: str
    encoder: str
    container: str
    low: int
    high: int
    default: int
    options: tuple[tuple[str, str], ...] = ()


RATE = Fraction(25)  # frames a second; the quality setting does not depend on it

VIDEO_CODECS = Registry[VideoCodec]("video codec")
"""The codecs by name."""

for _codec in (
    VideoCodec("h264", "H.264", "libx264", "mp4", 0, 51, 23),
    VideoCodec("vp9", "VP9", "libvpx-vp9", "webm", 0, 63, 31, (("b:v", "0"), ("deadline", "good"), ("cpu-used", "4"))),
    VideoCodec("av1", "AV1", "libsvtav1", "mp4", 1, 63, 35, (("preset", "8"),)),
):
    VIDEO_CODECS.add(_codec.name, _codec)


@dataclass(frozen=True)
class Encoding:
    """A codec at a quality.

    Attributes:
        codec: The codec.
        crf: Its constant rate factor: the larger, the fewer bytes.
    """

    codec: VideoCodec
    crf: int

    def __str__(self) -> str:
        return f"{self.codec.name}={self.crf}"


def read_encoding(text: str) -> Encoding:
    """Read a codec and its quality.

    Args:
        text: ``h264=35``, ``vp9=50``, ``av1=55``, or a name alone for the encoder's own quality.

    Returns:
        The encoding.

    Raises:
        ExplorerError: If there is no such codec, or the quality is not a whole number in its range.
    """
    name, equals, quality = text.partition("=")
    codec = VIDEO_CODECS.find(name.strip())
    if not equals:
        return Encoding(codec, codec.default)
    if not quality.strip().isdecimal() or not codec.low <= int(quality) <= codec.high:
        raise ExplorerError(
            f"The quality of {codec.name} is a whole number from {codec.low} (best) to {codec.high}, not {quality!r}."
        )
    return Encoding(codec, int(quality))


def encoded(clip: Clip, encoding: Encoding) -> Clip:
    """Encode a clip and decode it again.

    Args:
        clip: The clip.
        encoding: The codec and its quality.

    Returns:
        A clip of as many frames of the same size. Each reading encodes it once, for at most ``MAX_SECONDS``; the
        encoded file, not the frames, is held in memory.

    Raises:
        ExplorerError: When it is read, if PyAV is not installed, the frames differ in size, or have one that the codec
            does not take.
    """

    def frames(notes: list[str]) -> Iterator[Frame]:
        try:
            file, shape, times = _encode(clip, encoding, notes)
        except ImportError:
            raise ExplorerError("Video codecs come with PyAV: install it (pip install av).") from None
        yield from _decode(file, encoding.codec.container, shape, times)

    return Clip(clip.name, None, frames)


def _encode(clip: Clip, encoding: Encoding, notes: list[str]) -> tuple[io.BytesIO, tuple[int, int], list[float]]:
    """The encoded file, height and width of the frames, and their times."""
    import av

    os.environ.setdefault("SVT_LOG", "0")  # AV1's encoder talks on stderr otherwise
    file, times, began = io.BytesIO(), list[float](), perf_counter()
    shape: tuple[int, int] | None = None
    with av.open(file, "w", format=encoding.codec.container) as container:
        stream: Any = None
        for frame in clip:
            pixels = frame.pixels
            if shape is None:
                shape = pixels.shape[0], pixels.shape[1]
                stream = container.add_stream(encoding.codec.encoder, rate=RATE)
                padded = _padded(pixels)
                stream.height, stream.width = padded.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": str(encoding.crf), **dict(encoding.codec.options)}
            if pixels.shape[:2] != shape:
                raise ExplorerError("The frames differ in size, and a video codec takes one: leave the codec out.")
            times.append(frame.time)
            picture = av.VideoFrame.from_ndarray(_padded(pixels), format="rgb24")
            picture.pts, picture.time_base = len(times) - 1, 1 / RATE
            try:
                container.mux(stream.encode(picture))
            except av.FFmpegError:
                raise ExplorerError(
                    f"{encoding.codec.title} takes no frames of {shape[1]} x {shape[0]} px: choose another codec."
                ) from None
            if perf_counter() - began > MAX_SECONDS:
                notes.append(f"Coding took more than {MAX_SECONDS:.0f} s; the first {len(times):,} frames were coded.")
                break
        notes[:0] = clip.notes
        if shape is None:
            raise ExplorerError(f"{clip.name} holds no frame.")
        container.mux(stream.encode())
    file.seek(0)
    return file, shape, times


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Continued by its edges to even sides of at least ``SMALLEST``: colours are coded for 2 x 2 px together."""
    (height, width), least = pixels.shape[:2], SMALLEST
    extra = [(0, max(least, side + side % 2) - side) for side in (height, width)]
    return np.ascontiguousarray(np.pad(pixels, [*extra, (0, 0)], "edge"))


def _decode(file: io.BytesIO, container: str, shape: tuple[int, int], times: list[float]) -> Iterator[Frame]:
    import av

    height, width = shape
    with av.open(file, "r", format="matroska" if container == "webm" else "mov") as opened:
        for index, frame in enumerate(opened.decode(video=0)):
            pixels = np.array(
                frame.to_ndarray(format="rgb24")[:height, :width], np.uint8
            )  # a copy: PyAV uses its own again
            yield Frame(index, times[index], pixels)
