"""What a number measured on a sample of images is worth: intervals and tests, each of them in this file only.

Wilson's interval for shares, the bootstrap over images for everything else, McNemar's test for two models on the same
images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExplorerError

Interval = tuple[float, float]
"""Lower and upper bound."""

LEVEL = 0.95
"""Coverage of every interval."""

RESAMPLES = 2000
"""Bootstrap resamples of each interval, all with one seed: the same data give the same interval."""

Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile

EXACT_UP_TO = 25
"""Discordant pairs up to which McNemar's test is the exact binomial one; beyond, chi-square with continuity correction
(Edwards 1948; the usual bound, as in Dietterich 1998)."""


def wilson_interval(correct: int, n: int) -> Interval:
    """Compute the 95 % score interval of a share.

    Closed form instead of ``scipy.stats``, which takes milliseconds for each: a chart asks for dozens.

    Args:
        correct: Successes, 0 to ``n``.
        n: Trials, at least 1.

    Returns:
        The bounds, within [0, 1].

    References:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    share, z2 = correct / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At 0 and n the bounds are exactly 0 and 1; rounding must not say otherwise.
    return (0.0 if correct == 0 else centre - half, 1.0 if correct == n else centre + half)


def difference_interval(share: float, n: int, other: float, m: int) -> Interval:
    """Compute the 95 % interval of the difference of two independent shares.

    For two models on the same images it is wider than the paired interval.

    Args:
        share: The first share, 0 to 1.
        n: Trials of the first.
        other: The share that is subtracted, 0 to 1.
        m: Trials of the other.

    Returns:
        The bounds of ``share - other``, within [-1, 1].

    References:
        Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
        (1998), method 10: from two Wilson intervals.
    """
    (low, high), (other_low, other_high) = wilson_interval(round(share * n), n), wilson_interval(round(other * m), m)
    gap = share - other
    return gap - math.hypot(share - low, other_high - other), gap + math.hypot(high - share, other - other_low)


def bootstrap_intervals(
    patterns: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> NDArray[np.float64]:
    """Compute percentile bootstrap intervals of the means of several columns.

    Each resample draws as many rows as there are with replacement, the same ones for all columns: a column that is the
    difference of two others gets the paired interval. Equal rows are drawn together, as a multinomial count, which is
    the same and takes no longer for a million rows.

    Args:
        patterns: The different rows, (P, K).
        counts: How many rows are as each of them, (P,).
        resamples: Number of resamples.
        seed: Of the draws.
        level: Coverage, 0 to 1.

    Returns:
        Lower and upper bound of each column's mean, (K, 2).

    Raises:
        ExplorerError: If there is no row.
    """
    total = int(counts.sum())
    if patterns.ndim != 2 or total < 1:
        raise ExplorerError("A bootstrap takes a table of at least one row.")
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    means = drawn @ patterns / total
    outside = (1 - level) / 2
    return np.quantile(means, [outside, 1 - outside], axis=0).T


def mean_interval(scores: NDArray[np.float64]) -> Interval:
    """The percentile bootstrap interval of a mean.

    Args:
        scores: One score per image (n,).

    Returns:
        The ends of the 95 % interval.
    """
    values, counts = np.unique(scores, return_counts=True)
    low, high = bootstrap_intervals(values[:, None], counts)[0].tolist()
    return low, high


def resampled_sums(values: NDArray[np.float64], groups: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Sum values by group in every bootstrap resample.

    As many rows are drawn each time as there are, with replacement, and the same ones whatever the values are.

    Args:
        values: One value per row, (n,).
        groups: The group of each row, 0 to ``count`` - 1, (n,).
        count: Number of groups.

    Returns:
        The sums, (RESAMPLES, count).
    """
    generator, n = np.random.default_rng(0), len(values)
    out = np.empty((RESAMPLES, count))
    step = max(1, 2**20 // n)
    for start in range(0, RESAMPLES, step):
        some = min(step, RESAMPLES - start)
        rows = generator.integers(n, size=(some, n))
        cells = groups[rows] + count * np.arange(some)[:, None]
        out[start : start + some] = np.bincount(cells.ravel(), values[rows].ravel(), count * some).reshape(some, count)
    return out


def basic_interval(found: float, resampled: NDArray[np.float64]) -> Interval:
    """Compute the basic bootstrap interval of an estimate that cannot be negative and that chance makes larger.

    Resampling repeats that bias, and a percentile interval would hold it twice; this one takes most of it off and may
    therefore lie below ``found``.

    Args:
        found: The estimate.
        resampled: The estimate in each resample, (R,).

    Returns:
        The bounds, cut at 0.

    References:
        Davison & Hinkley, "Bootstrap Methods and their Application" (1997), section 5.2.
    """
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return max(0.0, 2 * found - high), max(0.0, 2 * found - low)


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of whether two models fail equally often on the same cases.

    Attributes:
        baseline_only: Cases that only the baseline fails.
        other_only: Cases that only the other model fails.
        statistic: Chi-square with one degree of freedom; None where the test is the exact one.
        p: Two-sided p-value, 0 to 1.
    """

    baseline_only: int
    other_only: int
    statistic: float | None
    p: float

    @property
    def exact(self) -> bool:
        """Whether ``p`` is the binomial probability itself."""
        return self.statistic is None


def exact_mcnemar(baseline_only: int, other_only: int) -> float:
    """Compute the exact p-value: a two-sided binomial test that each discordant case was a fair coin toss.

    Args:
        baseline_only: Cases that only the first model fails.
        other_only: Cases that only the second fails.

    Returns:
        The p-value; 1 where no case tells the models apart.
    """
    from scipy.special import bdtr  # type: ignore[import-untyped]  # scipy.stats takes a second to import

    return min(1.0, 2 * float(bdtr(min(baseline_only, other_only), baseline_only + other_only, 0.5)))


def mcnemar(baseline_only: int, other_only: int) -> McNemar:
    """Test the two discordant counts: exactly up to ``EXACT_UP_TO`` cases, with chi-square beyond.

    Args:
        baseline_only: Cases that only the first model fails.
        other_only: Cases that only the second fails.

    Returns:
        The test.

    Raises:
        ExplorerError: If a count is negative.

    References:
        McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947).
    """
    if baseline_only < 0 or other_only < 0:
        raise ExplorerError("McNemar's test takes two counts of 0 or more.")
    if (n := baseline_only + other_only) <= EXACT_UP_TO:
        return McNemar(baseline_only, other_only, None, exact_mcnemar(baseline_only, other_only))
    from scipy.special import chdtrc

    statistic = max(abs(baseline_only - other_only) - 1, 0) ** 2 / n
    return McNemar(baseline_only, other_only, statistic, float(chdtrc(1, statistic)))
