"""Intervals by picture, and differences between two models on the same pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import average_precision_score, precision_recall_curve

from explorer.errors import ExplorerError
from explorer.evaluation.statistics import paired_interval, wilson_interval
from explorer.search import PRECISIONS, all_pairs, intervals
from tests.support.embeddings import bits, features


def of_pairs(pair, counts):
    """The same numbers from a list of all pairs, each with its weight."""
    (first, second), n = pair, len(counts)
    a, b = first.vectors.astype(np.float64), second.vectors.astype(np.float64)
    distances = first.distance(1 - ((a[:, None] - b[None]) ** 2).sum(2) / 2).round(6)
    weights = counts[:, None] * counts[None]
    weights *= n * (n - 1) / (n * n - (counts**2).sum())
    np.fill_diagonal(weights, counts)
    y, scores, w = np.eye(n, dtype=bool).ravel(), -distances.ravel(), weights.ravel()
    precision, recall, _ = precision_recall_curve(y, scores, sample_weight=w)
    recalls = [recall[precision >= one - 1e-12].max() for one in PRECISIONS]
    return [*recalls, average_precision_score(y, scores, sample_weight=w)]


@pytest.mark.parametrize("pair", [bits(60, 0, 30), features(60, 1, 1.5)], ids=["bits", "features"])
def test_pictures_that_count_several_times_do_so_in_all_their_pairs(pair):
    found = all_pairs(*pair, keep=60 * 59)
    counts = np.random.default_rng(2).multinomial(60, np.full(60, 1 / 60), size=4).astype(float)
    made = intervals.weighted(found, counts)
    for i, row in enumerate(counts):
        assert_allclose([made[name][i] for name in intervals.names()], of_pairs(pair, row), atol=1e-9)


def test_pictures_that_count_once_give_the_curve_itself_though_few_negatives_are_kept():
    found = all_pairs(*features(100, 3, 1.0), keep=50)
    made = intervals.weighted(found, np.ones((1, 100)))
    for name in intervals.names():
        assert_allclose(made[name][0], intervals.value_of(found, name), atol=1e-12)


def test_an_interval_holds_the_number_and_is_narrower_with_more_pictures():
    wide, narrow = (intervals.estimates(all_pairs(*features(n, 4, 3.0)))["average_precision"] for n in (40, 400))
    for one in (wide, narrow):
        assert one.interval[0] <= one.value <= one.interval[1]
    assert np.diff(narrow.interval) < np.diff(wide.interval)


def test_a_model_beside_itself_differs_by_nothing():
    found = all_pairs(*features(50, 5, 1.0))
    for name, one in intervals.differences(found, found).items():
        assert one.value == 0
        assert one.interval == ((0, 0) if name == intervals.AVERAGE else pytest.approx(paired_interval(0, 0, 50)))


def test_all_copies_of_a_few_pictures_are_not_all_copies_there_are():
    low, high = intervals.estimates(all_pairs(*features(40, 8, 0.1)))["recall_at_0.9"].interval
    assert (low, high) == pytest.approx(wilson_interval(40, 40))
    assert 0.9 < low < high == 1


def test_a_better_model_is_better_on_the_same_pictures():
    first, near = features(200, 6, 0.3)
    _, far = features(200, 6, 1.5)
    gap = intervals.differences(all_pairs(first, far), all_pairs(first, near))["average_precision"]
    assert 0 < gap.interval[0] < gap.value


def test_other_pictures_are_not_paired():
    first, second = features(20, 7, 1.0)
    other = replace(first, hashes=tuple(reversed(first.hashes)))
    with pytest.raises(ExplorerError, match="different pictures"):
        intervals.differences(all_pairs(first, second), all_pairs(other, second))
