"""What a number measured on a sample of images is worth: intervals and tests, each of them in this file only.

The unit is the image: several seeds or versions of one image are one cluster, never several observations. Shares have
score intervals, so that 360 right of 360 or 0 differences of 360 still have a width; tests are exact; the bootstrap
over images is for means of anything else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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


def wilson_interval(correct: float, n: float) -> Interval:
    """Compute the 95 % score interval of a share.

    Closed form instead of ``scipy.stats``, which takes milliseconds for each: a chart asks for dozens.

    Args:
        correct: Successes, 0 to ``n``; both may be divided by a ``design_effect``.
        n: Trials, above 0.

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

    Two models on the same images are compared with ``paired_interval``, which is narrower.

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


def paired_interval(gained: float, lost: float, n: float) -> Interval:
    """Compute the 95 % score interval of the difference of two shares of the same trials.

    It excludes 0 where McNemar's chi-square exceeds 3.84, and has a width where no trial tells the two apart.

    Args:
        gained: Trials that only the second succeeds in.
        lost: Trials that only the first succeeds in.
        n: All trials, above 0; the three may be divided by a ``design_effect``.

    Returns:
        The bounds of ``(gained - lost) / n``, within [-1, 1].

    References:
        Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
        design", Statistics in Medicine 17 (1998).
    """
    found = (gained - lost) / n

    def score(gap: float) -> float:
        """The standardised distance of the counts from a true difference, with the likeliest share of losses there."""
        b = (2 * n - gained + lost) * gap - gained - lost
        share = (math.sqrt(max(0.0, b * b + 8 * n * lost * gap * (1 - gap))) - b) / (4 * n)
        variance = n * (2 * share + gap * (1 - gap))
        return (gained - lost - n * gap) / math.sqrt(variance) if variance > 0 else math.inf * (found - gap)

    def bound(outside: float) -> float:
        inside = found
        for _ in range(60):  # bisection down to the last bit
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if abs(score(middle)) < Z95 else (inside, middle)
        return inside

    return bound(-1.0), bound(1.0)


def design_effect(
    sums: NDArray[np.float64], squares: NDArray[np.float64], sizes: NDArray[np.float64], counts: NDArray[np.int64]
) -> float:
    """Compute how many cases of clustered data are worth one independent case.

    Divided by it, the counts of a share go into ``wilson_interval`` or ``paired_interval``.

    Args:
        sums: Sum of the cases' values in a cluster (an image), (P,), one for each kind of cluster.
        squares: Sum of their squares, (P,).
        sizes: Cases of such a cluster, (P,).
        counts: Clusters of each kind, (P,).

    Returns:
        The variance of the mean with whole clusters as the sample over its variance with cases as the sample, from 1
        (the cases of an image are independent) to the cluster size (they are all the same; also where nothing varies).

    References:
        Rao & Scott, "A simple method for the analysis of clustered binary data", Biometrics 48 (1992).
    """
    cases, clusters = float(sizes @ counts), int(counts.sum())
    most = float(sizes**2 @ counts) / cases
    mean = float(sums @ counts) / cases
    alone = (float(squares @ counts) / cases - mean**2) / cases
    if clusters < 2 or alone <= 0:
        return most
    together = clusters / (clusters - 1) * float((sums - mean * sizes) ** 2 @ counts) / cases**2
    return min(max(1.0, together / alone), most)


def mean_interval(scores: NDArray[np.float64]) -> Interval:
    """Compute the percentile bootstrap interval of a mean.

    Args:
        scores: One score per image (n,).

    Returns:
        The ends of the 95 % interval.

    Raises:
        ExplorerError: If there is no score.
    """
    if not len(scores):
        raise ExplorerError("A bootstrap takes at least one score.")
    values, counts = np.unique(scores, return_counts=True)
    # Equal scores are drawn together, as a multinomial count: the same, and no slower for a million.
    drawn = np.random.default_rng(0).multinomial(len(scores), counts / len(scores), size=RESAMPLES)
    low, high = np.quantile(drawn @ values / len(scores), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


def bounded_mean_interval(scores: NDArray[np.float64], most: float) -> Interval:
    """Compute the 95 % interval of a mean of scores between 0 and a bound.

    The percentile bootstrap; of equal scores, which it cannot judge, that of a share: no scores vary more.

    Args:
        scores: One score per image (n,), each from 0 to ``most``.
        most: The bound, above 0.

    Returns:
        The ends of the interval, within [0, most].
    """
    if len(set(scores.tolist())) != 1:
        return mean_interval(scores)
    low, high = wilson_interval(float(scores.sum()) / most, len(scores))
    return low * most, high * most


def ratio_interval(scores: NDArray[np.float64], base: NDArray[np.float64]) -> Interval | None:
    """Compute the percentile bootstrap interval of a mean of ratios of means.

    Args:
        scores: One score per condition and image, (P, n).
        base: Those that each condition's mean is divided by, of the same images, (P, n).

    Returns:
        The ends of the 95 % interval of the mean over conditions; None where some mean of ``base`` is 0.
    """
    n = scores.shape[1]
    if not base.any(1).all():
        return None
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    above, below = drawn @ scores.T, drawn @ base.T
    ratios = (above / np.where(below > 0, below, np.nan)).mean(1)
    low, high = np.nanquantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
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


def resampled_counts(count: int) -> Iterator[NDArray[np.float64]]:
    """How often each unit is drawn in every bootstrap resample, for statistics that are no sums.

    As many are drawn each time as there are, with replacement, and the same ones for every statistic of as many units:
    what is subtracted is paired.

    Args:
        count: Number of units.

    Yields:
        Counts (r, count), RESAMPLES rows in all.
    """
    generator = np.random.default_rng(0)
    step = max(1, 2**20 // count)
    for start in range(0, RESAMPLES, step):
        some = min(step, RESAMPLES - start)
        cells = generator.integers(count, size=(some, count)) + count * np.arange(some)[:, None]
        yield np.bincount(cells.ravel(), minlength=count * some).reshape(some, count).astype(np.float64)


def percentile_interval(resampled: NDArray[np.float64]) -> Interval:
    """The percentile bootstrap interval.

    Args:
        resampled: The estimate in each resample, (R,).

    Returns:
        The ends of the 95 % interval.
    """
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


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


def mcnemar(gained: int, lost: int) -> float:
    """Test whether two models fail equally often: a fair coin for each image that tells them apart.

    For one case per image this is McNemar's exact test, for images with several cases the sign test on the images.

    Args:
        gained: Images on which the second model is better.
        lost: Images on which the first one is.

    Returns:
        The two-sided binomial p-value; 1 where no image tells the models apart.

    Raises:
        ExplorerError: If a count is negative.

    References:
        McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947).
    """
    from scipy.special import bdtr  # type: ignore[import-untyped]  # scipy.stats takes a second to import

    if gained < 0 or lost < 0:
        raise ExplorerError("McNemar's test takes two counts of 0 or more.")
    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so that one false alarm among all is as rare as their level says.

    Args:
        p_values: One p-value per comparison; NaN where there was no test, which does not count.

    Returns:
        The adjusted p-values in the same order; NaN stays NaN.

    References:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    tested = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted, reached = [math.nan] * len(p_values), 0.0
    for rank, (p, i) in enumerate(tested):
        reached = max(reached, min(1.0, (len(tested) - rank) * p))
        adjusted[i] = reached
    return adjusted


@dataclass(frozen=True)
class Paired:
    """Two models on the same cases, the second against the first.

    Attributes:
        n: Cases.
        images: Images they are of.
        first: Share of cases that the first model gets right.
        first_interval: Its 95 % interval (Wilson).
        second: Share of the second model.
        second_interval: Its 95 % interval (Wilson).
        difference: ``second - first``.
        interval: Its 95 % interval (Tango).
        gained: Cases that only the second gets right.
        lost: Cases that only the first gets right.
        p: Of ``mcnemar`` on the images.
    """

    n: int
    images: int
    first: float
    first_interval: Interval
    second: float
    second_interval: Interval
    difference: float
    interval: Interval
    gained: int
    lost: int
    p: float

    @property
    def sign(self) -> int:
        """1 where the second model is better, -1 where it is worse, 0 where interval and test do not both say so."""
        low, high = self.interval
        return 0 if self.p >= 1 - LEVEL else int(low > 0) - int(high < 0)


def compare_paired(
    gained: NDArray[Any],
    lost: NDArray[Any],
    both: NDArray[Any],
    sizes: NDArray[Any] | None = None,
    counts: NDArray[Any] | None = None,
) -> Paired:
    """Compare two models, image by image.

    Args:
        gained: Cases of an image that only the second model gets right, (P,), one for each kind of image.
        lost: Cases that only the first gets right, (P,).
        both: Cases that both get right, (P,).
        sizes: Cases of such an image, (P,); by default one.
        counts: Images of each kind, (P,); by default one.

    Returns:
        Shares, difference, intervals and test, with all cases of an image kept together.
    """
    gained, lost, both = (np.asarray(part, np.float64) for part in (gained, lost, both))
    sizes = np.ones_like(gained) if sizes is None else np.asarray(sizes, np.float64)
    counts = np.ones(len(gained), np.int64) if counts is None else np.asarray(counts, np.int64)
    n, more, fewer = (float(part @ counts) for part in (sizes, gained, lost))

    def share(right: NDArray[np.float64]) -> tuple[float, Interval]:
        effect, total = design_effect(right, right, sizes, counts), float(right @ counts)
        return total / n, wilson_interval(total / effect, n / effect)

    effect = design_effect(gained - lost, gained + lost, sizes, counts)
    return Paired(
        int(n),
        int(counts.sum()),
        *share(both + lost),
        *share(both + gained),
        (more - fewer) / n,
        paired_interval(more / effect, fewer / effect, n / effect),
        int(more),
        int(fewer),
        mcnemar(int(counts[gained > lost].sum()), int(counts[lost > gained].sum())),
    )
