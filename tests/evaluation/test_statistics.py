"""Intervals and tests against published values, scipy, and second computations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.errors import ExplorerError
from explorer.evaluation.statistics import (
    Paired,
    bounded_mean_interval,
    compare_paired,
    design_effect,
    difference_interval,
    holm,
    mcnemar,
    mean_interval,
    paired_interval,
    wilson_interval,
)

# ---- tests -----------------------------------------------------------------------------------------------------------


def test_mcnemars_p_is_the_binomial_probability() -> None:
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    assert mcnemar(0, 5) == 2 / 2**5  # two tails of five heads
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1
    for a, b in [(0, 1), (3, 12), (12, 13), (25, 0), (121, 59), (400, 340)]:
        assert mcnemar(a, b) == mcnemar(b, a) == pytest.approx(binomtest(a, a + b).pvalue, rel=1e-9)
    with pytest.raises(ExplorerError, match="0 or more"):
        mcnemar(-1, 3)


def test_holm_steps_down_from_the_smallest() -> None:
    # Holm's rule: compare the smallest with .05 / 4, the next with .05 / 3, ...; an adjusted p never falls again
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = holm([0.5, math.nan, 0.01])
    assert adjusted[::2] == pytest.approx([0.5, 0.02])
    assert math.isnan(adjusted[1])
    assert holm([0.9, 0.8]) == [1, 1]


# ---- paired differences ----------------------------------------------------------------------------------------------


def test_paired_interval_is_tangos() -> None:
    # airway hyper-responsiveness before and after transplantation, 1 and 7 discordant of 21 (Fagerland, Lydersen and
    # Laake, "Recommended tests and confidence intervals for paired binomial proportions", 2014): -0.517 to -0.026
    assert paired_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert paired_interval(7, 1, 21) == pytest.approx((0.026, 0.517), abs=5e-4)


def test_paired_interval_inverts_the_score_test() -> None:
    """The bounds are where twice the score reaches 1.96, the likelihood being maximised on a grid."""
    gained, lost, n = 12, 5, 80
    for gap in paired_interval(gained, lost, n):
        share = np.linspace(max(0.0, -gap), (1 - gap) / 2, 200_001)[1:-1]  # of losses; of gains it is share + gap
        rest = n - gained - lost
        likelihood = gained * np.log(share + gap) + lost * np.log(share) + rest * np.log(1 - 2 * share - gap)
        likeliest = share[likelihood.argmax()]
        score = (gained - lost - n * gap) / math.sqrt(n * (2 * likeliest + gap - gap**2))
        assert abs(score) == pytest.approx(1.96, abs=1e-3)


def test_no_disagreement_is_no_certainty() -> None:
    low, high = paired_interval(0, 0, 360)
    assert -high == pytest.approx(low) == pytest.approx(-0.0106, abs=1e-4)  # z^2 / (n + z^2)
    nothing = np.zeros(360)
    found = compare_paired(nothing, nothing, np.ones(360))
    assert found.first_interval == wilson_interval(360, 360)
    assert found.first_interval[0] == pytest.approx(0.9894, abs=1e-4)
    assert found.interval[0] < 0 < found.interval[1]
    assert found.sign == 0


def test_five_to_nothing_is_not_better() -> None:
    def one(gained: int) -> Paired:
        return compare_paired(np.arange(1000) < gained, np.zeros(1000), np.arange(1000) >= gained)

    assert one(5).interval[0] > 0
    assert one(5).p == 0.0625
    assert one(5).sign == 0
    assert one(6).sign == 1


# ---- several seeds of an image ---------------------------------------------------------------------------------------


def test_cases_that_repeat_their_image_are_worth_one() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.random((2, 300)) < [[0.8], [0.9]]
    parts = second & ~first, first & ~second, first & second
    once = compare_paired(*parts)
    gained, lost, both = (3 * part.astype(int) for part in parts)
    thrice = compare_paired(gained, lost, both, np.full(300, 3))
    assert thrice.n == 900
    assert (thrice.gained, thrice.lost) == (3 * once.gained, 3 * once.lost)
    assert thrice.p == once.p
    assert thrice.interval == pytest.approx(once.interval, rel=0.01)
    assert thrice.second_interval == pytest.approx(once.second_interval, rel=0.01)


def test_independent_cases_of_an_image_all_count() -> None:
    right = np.random.default_rng(3).binomial(4, 0.7, 5000).astype(float)
    assert design_effect(right, right, np.full(5000, 4.0), np.ones(5000, np.int64)) == pytest.approx(1, abs=0.06)


def test_a_clustered_interval_is_that_of_drawing_images() -> None:
    rng = np.random.default_rng(5)
    lean = rng.beta(1, 1, (400, 1))
    gained = (rng.random((400, 6)) < 0.3 * lean).sum(1)
    lost = ((rng.random((400, 6)) < 0.15 * (1 - lean)).sum(1)).clip(0, 6 - gained)
    found = compare_paired(gained, lost, np.zeros(400), np.full(400, 6))
    drawn = [(gained - lost)[rng.integers(0, 400, 400)].mean() / 6 for _ in range(4000)]
    assert found.interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.004)


@pytest.mark.parametrize("told_apart", [0.02, 0.1, 1])
def test_eight_seeds_of_an_image_raise_no_false_alarms(told_apart: float) -> None:
    """Images that lean to one of two equally good models, their seeds agreeing to 80 %: nominal 5 %."""
    rng, alarms = np.random.default_rng(0), np.zeros(3)
    for _ in range(500):
        lean = rng.random(300) < told_apart
        won = np.where(rng.random((8, 300)) < 0.8, rng.random(300) < 0.5, rng.random((8, 300)) < 0.5)
        found = compare_paired((won & lean).sum(0), (~won & lean).sum(0), 8 * ~lean, np.full(300, 8))
        alarms += [found.p < 0.05, not found.interval[0] <= 0 <= found.interval[1], found.sign != 0]
    assert (alarms / 500 <= [0.06, 0.07, 0.06]).all()


# ---- means -----------------------------------------------------------------------------------------------------------


def test_mean_intervals_are_those_of_drawing_scores_one_by_one() -> None:
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 4, 400) / 3
    drawn = [scores[rng.integers(0, 400, 400)].mean() for _ in range(4000)]
    assert mean_interval(scores) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.006)
    assert mean_interval(scores) == mean_interval(scores[::-1])
    with pytest.raises(ExplorerError, match="at least one score"):
        mean_interval(np.zeros(0))


def test_intervals_narrow_as_the_normal_approximation_says():
    scores = np.random.default_rng(1).choice([0.0, 0.2, 0.6, 1.0], 900)
    low, high = mean_interval(scores)
    half = 1.96 * scores.std() / 30
    assert (low, high) == pytest.approx((scores.mean() - half, scores.mean() + half), abs=0.1 * half)
    assert mean_interval(np.ones(5)) == (1, 1)


def test_the_interval_of_bounded_scores_has_a_width_where_all_are_equal() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.2])
    assert bounded_mean_interval(scores, 0.4) == mean_interval(scores)
    for some in (np.full(1, 0.4), np.full(20, 0.4)):
        low, high = wilson_interval(len(some), len(some))
        assert bounded_mean_interval(some, 0.4) == pytest.approx((0.4 * low, 0.4 * high))
    low, high = bounded_mean_interval(np.full(5, 0.2), 0.4)
    assert 0 < low < 0.2 < high < 0.4


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
