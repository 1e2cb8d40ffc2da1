"""Vectors of pictures that were embedded before, on disk: by model, layer and recipe, and within these by content.

``$EXPLORER_CACHE/embeddings/<key>/<part>.safetensors`` holds the contents' keys and the vectors. Parts are written
whole or not at all and never changed; two programs may write at once. Where all of them pass ``LIMIT``, those that were
not asked for longest go.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.data.datasets import cache_folder
from explorer.files import WriteError, whole

LIMIT = 2 * 2**30
"""Bytes of all vectors that are kept."""

PARTS = 16
"""Files of one key; more are joined."""

FORM = 1  # another number where what is stored changes its meaning


def folder() -> Path:
    """Where vectors are kept.

    Returns:
        ``embeddings`` in the cache folder.
    """
    return cache_folder() / "embeddings"


def key_of(*parts: str) -> str:
    """The name of what vectors depend on.

    Args:
        parts: Model, layer, recipe.

    Returns:
        32 hex digits.
    """
    return hashlib.sha256("\n".join((str(FORM), *parts)).encode()).hexdigest()[:32]


class VectorCache:
    """The vectors of one model, layer and recipe.

    Attributes:
        notes: What went wrong while they were written, one sentence each.
    """

    def __init__(self, key: str) -> None:
        """Open it.

        Args:
            key: As ``key_of`` gives it.
        """
        self._folder = folder() / key
        self._found: dict[bytes, NDArray[np.float32]] | None = None
        self.notes: list[str] = []

    def get(self, contents: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """Look pictures up.

        Args:
            contents: What each is known by.

        Returns:
            The vector (D,) of each; None where there is none.
        """
        if self._found is None:
            self._found = {}
            for path in self._paths():
                self._found |= _read(path)
        return [self._found.get(_short(one)) for one in contents]

    def put(self, contents: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep vectors.

        Args:
            contents: What each picture is known by.
            vectors: (N, D).
        """
        known = dict(zip(map(_short, contents), vectors, strict=True))
        joined = self._paths()
        if len(joined) >= PARTS:
            for path in joined:
                known |= {key: value for key, value in _read(path).items() if value.shape == vectors.shape[1:]}
        else:
            joined = []
        keys = np.stack([np.frombuffer(key, np.uint8) for key in known])
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:16]
        try:
            _write(self._folder / f"{name}.safetensors", keys, np.stack(list(known.values())))
        except WriteError as error:
            self.notes.append(f"The vectors were not kept for the next time: {error}")
            return
        for path in joined:
            if path.stem != name:
                path.unlink(missing_ok=True)
        prune()

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.safetensors")) if self._folder.is_dir() else []


def _short(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()[:16]


def _write(path: Path, keys: NDArray[np.uint8], vectors: NDArray[np.float32]) -> None:
    from safetensors.numpy import save_file

    with whole(path) as part:
        save_file({"keys": keys, "vectors": np.ascontiguousarray(vectors, np.float32)}, part)


def _read(path: Path) -> dict[bytes, NDArray[np.float32]]:
    """What a part holds; nothing where it is damaged, and then it is removed."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        held = load_file(path)
        keys, vectors = held["keys"], held["vectors"]
        if keys.dtype != np.uint8 or vectors.dtype != np.float32 or keys.shape != (len(vectors), 16):
            raise ValueError
        if vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise ValueError
        with suppress(OSError):
            os.utime(path)  # used now
        return dict(zip(map(bytes, keys), vectors, strict=True))
    except FileNotFoundError:
        return {}  # another program joined it with others
    except (OSError, KeyError, ValueError, SafetensorError):
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return {}


def prune(limit: int = LIMIT) -> None:
    """Remove the parts that were used longest ago until what is kept fits.

    Args:
        limit: Bytes.
    """
    held = []
    for path in folder().glob("*/*.safetensors"):
        with suppress(OSError):
            found = path.stat()
            held.append((found.st_mtime, found.st_size, path))
    total = sum(size for _, size, _ in held)
    for _, size, path in sorted(held):
        if total <= limit:
            return
        with suppress(OSError):
            path.unlink(missing_ok=True)
            total -= size
