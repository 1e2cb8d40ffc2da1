"""A cache of limited size for many threads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Keeps the entries used most recently. Safe for use by many threads."""

    def __init__(self, limit: int, seconds: float = float("inf"), clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache.

        Args:
            limit: Entries kept at once; the one unused for longest goes first.
            seconds: An entry unused for this long is dropped.
            clock: The time in seconds.
        """
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Look an entry up, which counts as a use of it.

        Args:
            key: Its key.

        Returns:
            The entry; None if there is none.
        """
        with self._lock:
            self._evict()
            if key not in self._entries:
                return None
            _, value = self._entries.pop(key)
            self._entries[key] = (self._clock(), value)
            return value

    def put(self, key: K, value: V) -> None:
        """Add an entry, or replace it.

        Args:
            key: Its key.
            value: The entry.
        """
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = (self._clock(), value)
            self._evict()

    def __len__(self) -> int:
        return len(self._entries)

    def _evict(self) -> None:
        oldest_allowed = self._clock() - self._seconds
        while self._entries:
            used, _ = next(iter(self._entries.values()))
            if len(self._entries) <= self._limit and used >= oldest_allowed:
                return
            self._entries.popitem(last=False)
