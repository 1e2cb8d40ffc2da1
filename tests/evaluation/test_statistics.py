"""Intervals and tests against published values, scipy, and draws made one by one."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import ExplorerError
from explorer.evaluation.statistics import (
    bootstrap_intervals,
    difference_interval,
    mcnemar,
    mean_interval,
    wilson_interval,
)

# ---- McNemar's test --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ((0, 0), 1.0),
        ((5, 5), 1.0),
        ((0, 5), 2 / 2**5),  # two tails of five heads
        ((1, 9), 2 * (1 + 10) / 2**10),
        ((2, 10), 2 * (1 + 12 + 66) / 2**12),
    ],
)
def test_few_discordant_pairs_get_the_binomial_probability(counts: tuple[int, int], p: float) -> None:
    assert mcnemar(*counts).exact
    assert mcnemar(*counts).p == pytest.approx(p, rel=1e-12)
    assert mcnemar(*counts[::-1]).p == mcnemar(*counts).p


def test_the_exact_test_is_scipys() -> None:
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    for a, b in [(0, 1), (3, 12), (7, 18), (12, 13), (25, 0)]:
        assert mcnemar(a, b).p == pytest.approx(binomtest(a, a + b).pvalue, rel=1e-9)


def test_the_corrected_chi_square_is_edwards() -> None:
    from scipy.stats import chi2  # type: ignore[import-untyped]

    # the much-printed table 101 121 / 59 33: discordant 121 and 59, (|121 - 59| - 1)^2 / 180 = 20.67
    found = mcnemar(121, 59)
    assert found.statistic == pytest.approx(20.672, abs=1e-3)
    assert found.p == pytest.approx(chi2.sf(61**2 / 180, 1), rel=1e-9)
    assert mcnemar(13, 13).p == 1
    assert not mcnemar(13, 13).exact
    with pytest.raises(ExplorerError, match="0 or more"):
        mcnemar(-1, 3)


# ---- intervals -------------------------------------------------------------------------------------------------------


def test_intervals_are_those_of_drawing_rows_one_by_one() -> None:
    rng = np.random.default_rng(5)
    right = rng.random((400, 2)) < [0.9, 0.8]
    columns = np.column_stack([right, right[:, 1].astype(float) - right[:, 0]]).astype(float)
    patterns, counts = np.unique(columns, axis=0, return_counts=True)
    found = bootstrap_intervals(patterns, counts, resamples=4000)
    drawn = np.stack([columns[rng.integers(0, 400, 400)].mean(0) for _ in range(4000)])
    assert found == pytest.approx(np.quantile(drawn, [0.025, 0.975], axis=0).T, abs=0.006)
    assert np.array_equal(found, bootstrap_intervals(patterns, counts, resamples=4000))
    assert not np.array_equal(found, bootstrap_intervals(patterns, counts, resamples=4000, seed=1))


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    hit = 0
    for _ in range(300):
        right = rng.binomial(300, 0.7)
        ((low, high),) = bootstrap_intervals(np.array([[1.0], [0.0]]), np.array([right, 300 - right]), resamples=500)
        hit += low <= 0.7 <= high
    assert 0.91 <= hit / 300 <= 0.98


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ExplorerError, match="at least one row"):
        bootstrap_intervals(np.zeros((0, 1)), np.zeros(0, np.int64))


def test_intervals_narrow_as_the_normal_approximation_says():
    scores = np.random.default_rng(1).choice([0.0, 0.2, 0.6, 1.0], 900)
    low, high = mean_interval(scores)
    half = 1.96 * scores.std() / 30
    assert (low, high) == pytest.approx((scores.mean() - half, scores.mean() + half), abs=0.1 * half)
    assert mean_interval(np.ones(5)) == (1, 1)


# ---- shares ----------------------------------------------------------------------------------------------------------


def test_wilson_interval_by_hand():
    # Newcombe 1998, table I: 81 of 263 -> 0.2553 to 0.3662; 15 of 148 -> 0.0624 to 0.1605; 0 of 20 -> 0 to 0.1611;
    # 1 of 29 -> 0.0061 to 0.1718
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson_interval(20, 20)[1] == 1
    assert wilson_interval(0, 3)[0] == 0


def test_the_interval_of_a_difference_is_newcombes() -> None:
    low, high = difference_interval(56 / 70, 70, 48 / 80, 80)  # the example (a) of his paper
    assert [low, high] == pytest.approx([0.0524, 0.3339], abs=5e-5)
