"""Reading clips frame by frame: MP4, WebM and MOV by PyAV, GIF and WebP by Pillow, and folders of frames.

A file's own beginning says what it is, and only these few containers and codecs are opened: FFmpeg knows formats that
name other files or addresses. Frames are decoded one after another and are never in memory together.
"""

from __future__ import annotations

import io
import itertools
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.data.decoding import decode, suffixes
from explorer.data.images import as_colour
from explorer.errors import ExplorerError
from explorer.files import user_path

if TYPE_CHECKING:
    import av

MAX_BYTES = 512 * 2**20
"""Files above this size are refused unread."""

MAX_PIXELS = 4096 * 2304
"""Clips whose frames have more pixels than this are refused."""

MAX_FRAMES = 3000
"""Frames that are read of a clip; what follows is left out, which is said."""

MAX_SECONDS = 300.0
"""Seconds that decoding may take; what is not decoded by then is left out, which is said."""

CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores"}
)
"""Video codecs that are decoded, as FFmpeg calls them."""

HDR = frozenset({16, 18})
"""FFmpeg's transfer curves of high dynamic range: PQ and HLG."""

UNSAID = 2
"""FFmpeg's colour space of a clip that does not say how its colours are coded."""

SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".gif", ".webp"})
"""Endings of clips, in lower case."""

WANTED = "choose MP4, WebM, MOV, GIF, animated WebP or a folder of frames."

ClipLike = str | Path | bytes
"""The path of a clip or of a folder of frames, or the bytes of a clip."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes:
        index: Its place in the clip, from 0.
        time: When it is shown, in seconds from the first frame; of a folder its place.
        pixels: uint8 (H, W, 3), RGB, upright.
    """

    index: int
    time: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip that can be read again and again.

    Attributes:
        name: Its file name.
        count: How many frames there are, where the file says so; at most ``MAX_FRAMES`` are read.
        notes: Findings, one sentence each; complete when the frames have been read.
        step: Each one of so many frames of the file is taken.
    """

    name: str
    count: int | None
    open: Callable[[list[str]], Iterator[Frame]]
    notes: list[str] = field(default_factory=list)
    step: int = 1

    @property
    def expected(self) -> int:
        """How many frames are to come; 0 where the file does not say."""
        return min(self.count or 0, MAX_FRAMES)

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames.

        Yields:
            Frames in order; reading ends at the limits, and where the file is damaged after two frames or more.
        """
        self.notes.clear()
        spent, index = 0.0, 0
        frames = self.open(self.notes)
        for place in itertools.count():
            began = perf_counter()
            try:
                frame = next(frames, None)
            except ExplorerError:
                raise
            except Exception as error:  # decoders raise many kinds on damaged files
                if index < 2:
                    raise ExplorerError(f"{self.name} is damaged or incomplete: choose another clip.") from error
                self.notes.append(f"{self.name} is damaged after frame {index}; the frames before it were read.")
                return
            spent += perf_counter() - began
            if frame is None:
                return self._ended(index)
            if index >= MAX_FRAMES:
                self.notes.append(
                    f"{self.name} has more than {MAX_FRAMES:,} frames; the first {MAX_FRAMES:,} were read."
                )
                return
            if spent > MAX_SECONDS:
                self.notes.append(f"Decoding took more than {MAX_SECONDS:.0f} s; the first {index:,} frames were read.")
                return
            if place % self.step == 0:
                yield replace(frame, index=index)
                index += 1

    def _ended(self, index: int) -> None:
        if index == 0:
            raise ExplorerError(f"{self.name} holds no frame: {WANTED}")
        if self.count and index < 0.9 * self.count:  # the number is often an estimate
            self.notes.append(f"{self.name} is incomplete: {index:,} of {self.count:,} frames could be read.")

    def every(self, step: int) -> Clip:
        """Leave out frames.

        Args:
            step: Take the first frame, and then each one of so many; 1 takes all.

        Returns:
            The clip; its frames are numbered anew.

        Raises:
            ExplorerError: If ``step`` is below 1.
        """
        if step < 1:
            raise ExplorerError(f"Take every frame (1) or each of so many (2, 3, ...), not {step}.")

        return replace(self, count=self.count and -(-self.count // step), step=self.step * step)


def open_clip(source: ClipLike | Clip) -> Clip:
    """Open a clip; nothing is decoded yet.

    Args:
        source: The path of an MP4, WebM, MOV, GIF or animated WebP file or of a folder of pictures, in the order of
            their names; or the bytes of such a file.

    Returns:
        The clip.

    Raises:
        ExplorerError: If there is no such file, if it is too large, damaged or of another kind.
    """
    if isinstance(source, Clip):
        return source
    if isinstance(source, bytes):
        return _of_file("the clip", lambda: io.BytesIO(source), source[:64], len(source))
    path = user_path(source)
    try:
        if path.is_dir():
            return _of_folder(path)
        with path.open("rb") as file:
            head = file.read(64)
        return _of_file(path.name, lambda: path.open("rb"), head, path.stat().st_size)
    except OSError:
        raise ExplorerError(f"The clip {str(source)[:200]!r} cannot be opened: check its path.") from None


def _of_file(name: str, file: Callable[[], IO[bytes]], head: bytes, size: int) -> Clip:
    if size == 0:
        raise ExplorerError(f"{name} is empty (0 bytes): {WANTED}")
    if size > MAX_BYTES:
        raise ExplorerError(f"{name} is larger than {MAX_BYTES // 2**20} MiB: choose a shorter clip.")
    if head.startswith((b"GIF87a", b"GIF89a")) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP"):
        return Clip(name, None, lambda _: _animation(name, file()))
    container = _container(head)
    if container is None:
        raise ExplorerError(f"{name} is not a clip that can be read: {WANTED}")
    return Clip(name, _check_video(name, file, container), lambda notes: _video(file(), container, notes))


def _container(head: bytes) -> str | None:
    """FFmpeg's name of the container; None for every other kind of file."""
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    return "mov" if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"} else None


def _open_video(file: IO[bytes], container: str) -> tuple[av.container.InputContainer, av.VideoStream]:
    import av

    opened = av.open(file, "r", format=container)
    stream = next((one for one in opened.streams.video if one.codec_context is not None), None)
    if stream is None:
        raise ExplorerError(f"The file holds no video: {WANTED}")
    if stream.codec_context.name not in CODECS:
        raise ExplorerError(
            f"The clip is coded as {stream.codec_context.name}: save it as H.264, H.265, VP8, VP9, AV1 or MPEG-4."
        )
    if stream.width * stream.height > MAX_PIXELS:
        raise _too_many_pixels(stream.width, stream.height)
    return opened, stream


def _check_video(name: str, file: Callable[[], IO[bytes]], container: str) -> int | None:
    """How many frames the file says it holds."""
    try:
        with file() as source:
            opened, stream = _open_video(source, container)
            with opened:
                said = int(stream.frames)
                if not said and opened.duration and stream.average_rate:
                    said = round(opened.duration / 1e6 * float(stream.average_rate))
                return said or None
    except ExplorerError:
        raise
    except ImportError:
        raise ExplorerError(
            "Clips are decoded by PyAV: install it (pip install av), or give a GIF or a folder of frames."
        ) from None
    except Exception as error:  # a demuxer raises many kinds on damaged files
        raise ExplorerError(f"{name} is damaged or incomplete: choose another clip.") from error


def _video(file: IO[bytes], container: str, notes: list[str]) -> Iterator[Frame]:
    with file:
        opened, stream = _open_video(file, container)
        with opened:
            stream.thread_type = "AUTO"
            first: float | None = None
            damaged = 0
            notes += _peculiar(stream)
            for index, frame in enumerate(opened.decode(stream)):
                if frame.width * frame.height > MAX_PIXELS:  # it may change on the way
                    raise _too_many_pixels(frame.width, frame.height)
                if frame.is_corrupt:
                    damaged += 1
                time = float(index if frame.time is None else frame.time)
                first = time if first is None else first
                if index == 0 and not _turns(frame):
                    notes.append("The clip asks to be shown aslant; its frames are read as they were taken.")
                yield Frame(index, time - first, np.array(_upright(frame), np.uint8))  # a copy: PyAV uses its own again
            if damaged:
                notes.append(f"{damaged:,} frames are damaged and were decoded as far as they can be.")


def _peculiar(stream: av.VideoStream) -> list[str]:
    """What a player would show otherwise, one sentence each."""
    context, found = stream.codec_context, list[str]()
    if context.color_trc in HDR:
        found.append(
            "The clip is in high dynamic range (HDR); its frames are read without tone mapping, and look flat."
        )
    shape = context.sample_aspect_ratio or 1
    if shape != 1:
        found.append(f"The clip's pixels are not square ({shape}); its frames are read pixel by pixel, not stretched.")
    return found


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """How the frame is to be shown: (x, y) goes to (a x + c y, b x + d y)."""
    said: Any = frame.side_data.get("DISPLAYMATRIX")
    a, b, _, c, d = (1, 0, 0, 0, 1) if said is None else struct.unpack_from("=5i", said)
    return a, b, c, d


def _turns(frame: av.VideoFrame) -> bool:
    """Whether it is shown upright, turned by right angles or mirrored."""
    a, b, c, d = _matrix(frame)
    return (a == d == 0) != (b == c == 0)


def _upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The frame's pixels as it is to be shown."""
    # colours of HD are coded by BT.709 where nothing is said, as players take it; FFmpeg takes BT.601 at every size
    hd = frame.colorspace == UNSAID and frame.height >= 720
    pixels: NDArray[Any] = frame.to_ndarray(format="rgb24", src_colorspace="ITU709" if hd else None)
    if not _turns(frame):
        return pixels
    a, b, c, d = _matrix(frame)
    if a == 0:
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _animation(name: str, file: IO[bytes]) -> Iterator[Frame]:
    with file, _open_animation(file) as image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_many_pixels(image.width, image.height)
        if getattr(image, "n_frames", 1) < 2:
            raise ExplorerError(f"{name} holds a single picture, not a clip: {WANTED}")
        time = 0.0
        for index in itertools.count():
            try:
                image.seek(index)
            except EOFError:
                return
            image.load()
            yield Frame(index, time, as_colour(decode(image.copy())))
            time += (image.info.get("duration") or 100) / 1000  # 0: as fast as can be, which players take so


def _open_animation(file: IO[bytes]) -> Image.Image:
    try:
        return Image.open(file, formats=("GIF", "WEBP"))
    except Image.DecompressionBombError:
        raise ExplorerError(
            f"The frames have far more than {MAX_PIXELS / 1e6:.0f} million px: choose a smaller clip."
        ) from None


def _of_folder(folder: Path) -> Clip:
    paths = sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in suffixes() and not path.name.startswith(".")),
        key=lambda path: [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", path.name)],
    )
    if not paths:
        raise ExplorerError(f"The folder {folder.name} holds no pictures: {WANTED}")

    def frames(_: list[str]) -> Iterator[Frame]:
        for index, path in enumerate(paths):
            try:
                yield Frame(index, float(index), as_colour(decode(path)))
            except ExplorerError as error:
                raise ExplorerError(f"{path.name}: {error}") from error

    return Clip(folder.name, len(paths), frames)


def _too_many_pixels(width: int, height: int) -> Any:
    most = MAX_PIXELS / 1e6
    return ExplorerError(f"The frames have {width} x {height} px, more than {most:.0f} million: choose a smaller clip.")
