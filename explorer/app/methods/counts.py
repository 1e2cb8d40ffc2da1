"""What was measured so far for the page "Methods", so that asking for more images goes on from there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.app.cache import LruCache

KEPT = 200
"""Curves of all models of a data set that are kept in memory (a few kB each)."""


class CountCache:
    """Counts of correct answers, in memory."""

    def __init__(self) -> None:
        self._counts: LruCache[tuple[str, str, str], dict[int, NDArray[np.int64]]] = LruCache(KEPT)

    def counts(self, data: str, distortion: str, reach: str) -> dict[int, NDArray[np.int64]]:
        """Return what is known of one chart, for the caller to add to.

        Args:
            data: Name of the data set.
            distortion: Name of the distortion.
            reach: Which of its ranges of amounts.

        Returns:
            For every n measured: how many of the first n images each model classified correctly under each amount,
            (models, amounts).
        """
        key = (data, distortion, reach)
        found = self._counts.get(key)
        if found is None:
            found = {}
            self._counts.put(key, found)
        return found
