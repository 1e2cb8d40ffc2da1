"""Clips that visitors brought, and frames of running cameras: each visible to its sender only, and never for long."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.app.cache import LruCache
from explorer.clips import encoded, open_clip, read_encoding
from explorer.clips.frames import fitted
from explorer.data import decoding, images
from explorer.data.fitting import Takes, as_pixels
from explorer.errors import ExplorerError
from explorer.progress import Progress

MAX_CLIPS = 4
"""Clips kept at once as they were sent, of at most ``decoding.MAX_BYTES`` each."""

MAX_FILMS = 6
"""Clips kept at once as frames of one input size: of 224 px, 600 frames are 90 MB."""

MAX_FRAMES = 600
"""Frames shown of a clip; of a longer one each second, third ... frame."""

MAX_LIVE = 320
"""Frames of cameras kept at once, of at most ``LIVE_PIXELS``."""

LIVE_PIXELS = 512 * 512
"""Pixels of a camera's frame; the page sends no more."""

MAX_UNUSED = 3600
"""Seconds after which what has not been used is deleted."""


@dataclass(frozen=True, eq=False)
class Film:
    """The frames of a clip as some models take them.

    Attributes:
        name: Name of the clip.
        times: When each frame is shown, in s.
        pixels: uint8 (F, H, W, C).
        notes: Findings, one sentence each.
    """

    name: str
    times: tuple[float, ...]
    pixels: NDArray[np.uint8]
    notes: tuple[str, ...]


class Films:
    """Clips and frames by tokens that cannot be guessed."""

    def __init__(self) -> None:
        self._decoding = threading.Lock()
        self._clips: LruCache[str, tuple[str, bytes]] = LruCache(MAX_CLIPS, MAX_UNUSED)
        self._films: LruCache[tuple[str, Takes], Film] = LruCache(MAX_FILMS, MAX_UNUSED)
        self._live: LruCache[str, NDArray[np.uint8]] = LruCache(MAX_LIVE, MAX_UNUSED)

    def bring(self, name: str, data: bytes) -> dict[str, str]:
        """Take an uploaded clip in.

        Args:
            name: Its file name.
            data: Its bytes.

        Returns:
            {"clip": token, "name"}.

        Raises:
            ExplorerError: If it is no clip, or too large.
        """
        if len(data) > decoding.MAX_BYTES:
            raise ExplorerError(f"The clip is larger than {decoding.MAX_BYTES // 2**20} MiB: choose a shorter one.")
        open_clip(data)
        token = secrets.token_urlsafe(24)
        self._clips.put(token, (name[:200], data))
        return {"clip": token, "name": name[:200]}

    def film(self, clip: str, codec: str, takes: Takes, progress: Progress) -> Film:
        """Decode a clip, once for each codec and input.

        Args:
            clip: Its token.
            codec: What it goes through first, such as ``h264=35``; "" for nothing.
            takes: What the models take.
            progress: Called with frames decoded, and with all.

        Returns:
            The film.

        Raises:
            ExplorerError: If it is not held any more, or cannot be read.
        """
        key = (f"{clip}/{codec}", takes)
        found = self._films.get(key)
        if found is not None:
            return found
        name, data = self._clips.get(clip) or (None, b"")
        if name is None:
            raise ExplorerError("This clip is no longer held here; choose it again.")
        with self._decoding:  # one at a time
            whole = open_clip(data)
            step = -(-(whole.count or 0) // MAX_FRAMES) or 1
            taken = whole.every(step)
            read = encoded(taken, read_encoding(codec)) if codec else taken
            notes = [f"The clip is long: one of {step} frames is shown."] if step > 1 else []
            frames, times = list[NDArray[np.uint8]](), list[float]()
            for frame in read:
                if len(times) == MAX_FRAMES:  # it did not say how many there are
                    notes.append(f"The clip is long: its first {MAX_FRAMES} frames are shown.")
                    break
                frames.append(images.to_uint8(fitted(frame, takes))[0])
                times.append(frame.time)
                progress(len(times), max(min(taken.expected, MAX_FRAMES), len(times)))
        film = Film(name, tuple(times), np.stack(frames), (*notes, *read.notes))
        self._films.put(key, film)
        return film

    def bring_frame(self, data: bytes) -> dict[str, str]:
        """Take a frame of a camera in.

        Args:
            data: The bytes of a picture.

        Returns:
            {"token"}.

        Raises:
            ExplorerError: If it is no picture, or too large for a frame.
        """
        pixels = images.as_colour(decoding.decode(data))
        if pixels.shape[0] * pixels.shape[1] > LIVE_PIXELS:
            raise ExplorerError("The camera's frame is too large; reload the page.")
        token = f"live:{secrets.token_urlsafe(24)}"
        self._live.put(token, pixels)
        return {"token": token}

    def find(self, token: str, takes: Takes | None) -> Tensor | None:
        """Find a frame.

        Args:
            token: ``live:...`` of a camera's frame, ``CLIP/CODEC:INDEX`` of a clip's.
            takes: What the models take; None: the frame at its own size, which is kept of cameras only.

        Returns:
            Its pixels (1, C, H, W); None if it is not held.
        """
        live = self._live.get(token)
        if live is not None:
            return as_pixels(live) if takes is None else images.load_fitted(live, [takes])[0]
        key, _, index = token.rpartition(":")
        if takes is None:
            return None
        film = self._films.get((key, takes))
        if film is None or not index.isdecimal() or len(index) > 6 or int(index) >= len(film.times):
            return None
        return as_pixels(film.pixels[int(index)])
