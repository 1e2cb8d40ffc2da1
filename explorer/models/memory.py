"""Memory between the layers of networks: glibc gives large blocks back and asks for them again with every layer."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BLOCK, TOTAL = 256 * 2**20, 2**30
"""Blocks up to this size, and freed memory up to this one, stay with the process, in bytes."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_USUAL = 128 * 2**10, 32 * 2**20  # glibc's own
_lock, _holders = threading.Lock(), list[object]()


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep freed memory in this process for the next layer, and give it back at the end.

    Fresh pages are slow: a batch of 27 photographs at 224 px takes EfficientNet-Lite0 three times as long with them.
    Outside Linux with glibc this does nothing.

    Yields:
        None.
    """
    glibc, holder = _glibc(), object()
    with _lock:
        _holders.append(holder)
        if glibc:
            glibc.mallopt(_M_MMAP_THRESHOLD, BLOCK)
            glibc.mallopt(_M_TRIM_THRESHOLD, TOTAL)
    try:
        yield
    finally:
        with _lock:
            _holders.remove(holder)
            if glibc and not _holders:
                trim, block = _USUAL
                glibc.mallopt(_M_TRIM_THRESHOLD, trim)
                glibc.mallopt(_M_MMAP_THRESHOLD, block)
                glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
    except OSError:
        return None
