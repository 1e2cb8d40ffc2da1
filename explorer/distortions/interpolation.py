"""Published settings of several numbers as a function of one amount."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

Settings = tuple[float, ...]


def between(amount: float, amounts: Sequence[float], settings: Sequence[Settings]) -> Settings:
    """Interpolate settings: exact at the given amounts, linear between them, constant outside.

    Args:
        amount: Where to interpolate.
        amounts: Amounts of the published settings, ascending.
        settings: The published settings, one per amount.

    Returns:
        The settings at ``amount``.
    """
    if amount <= amounts[0]:
        return settings[0]
    if amount >= amounts[-1]:
        return settings[-1]
    above = bisect.bisect_right(amounts, amount)
    low, high = amounts[above - 1], amounts[above]
    pairs = zip(settings[above - 1], settings[above], strict=True)
    return tuple(start + (end - start) * (amount - low) / (high - low) for start, end in pairs)
