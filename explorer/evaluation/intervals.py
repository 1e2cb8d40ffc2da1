"""Intervals of what is measured on a sample of images: Wilson's for shares, the percentile bootstrap for the rest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExplorerError

Interval = tuple[float, float]

LEVEL = 0.95
"""Coverage of every interval."""

RESAMPLES = 2000
"""Bootstrap draws of each interval, all with one seed: the same question gives the same interval."""

Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile


def wilson_interval(right: int, n: int) -> Interval:
    """The 95 % score interval of ``right`` successes in ``n`` > 0 trials (Wilson 1927), within [0, 1]."""
    share, z2 = right / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At 0 and n the bounds are exactly 0 and 1; rounding must not say otherwise.
    return (0.0 if right == 0 else centre - half, 1.0 if right == n else centre + half)


def intervals(
    patterns: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> NDArray[np.float64]:
    """Percentile bootstrap intervals (K, 2) of the means of K columns, over rows of which ``counts`` (P,) are as each
    of ``patterns`` (P, K).

    Each resample draws as many rows as there are with replacement, the same ones for all columns: a column that is the
    difference of two others gets the paired interval. Equal rows are drawn together, as a multinomial count, which is
    the same and takes no longer for a million rows. ExplorerError where there is no row.
    """
    total = int(counts.sum())
    if patterns.ndim != 2 or total < 1:
        raise ExplorerError("A bootstrap takes a table of at least one row.")
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    means = drawn @ patterns / total
    outside = (1 - level) / 2
    return np.quantile(means, [outside, 1 - outside], axis=0).T


def mean_interval(scores: NDArray[np.float64]) -> Interval:
    """``intervals`` of the mean of one score per image, (n,)."""
    values, counts = np.unique(scores, return_counts=True)
    low, high = intervals(values[:, None], counts)[0].tolist()
    return low, high


def resampled_sums(values: NDArray[np.float64], groups: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Sums of the values (n,) by group, 0 to ``count`` - 1, in every bootstrap resample: (RESAMPLES, count).

    As many rows are drawn each time as there are, with replacement, and the same ones whatever the values are.
    """
    generator, n = np.random.default_rng(0), len(values)
    out = np.empty((RESAMPLES, count))
    step = max(1, 2**20 // n)
    for start in range(0, RESAMPLES, step):
        some = min(step, RESAMPLES - start)
        rows = generator.integers(n, size=(some, n))
        places = groups[rows] + count * np.arange(some)[:, None]
        out[start : start + some] = np.bincount(places.ravel(), values[rows].ravel(), count * some).reshape(some, count)
    return out


def basic_interval(found: float, resampled: NDArray[np.float64]) -> Interval:
    """The basic bootstrap interval of what cannot be negative, cut at 0: for estimates that chance makes larger.

    Resampling repeats that bias, and a percentile interval would hold it twice; this one takes most of it off (Davison
    & Hinkley 1997, section 5.2) and may therefore lie below ``found``.
    """
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return max(0.0, 2 * found - high), max(0.0, 2 * found - low)
