"""Precision and recall of pairs against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from explorer.errors import ExplorerError
from explorer.search import precision_recall


def both(near, far):
    return np.r_[np.ones(len(near)), np.zeros(len(far))], -np.r_[near, far]


@pytest.mark.parametrize("decimals", [16, 2, 1, 0], ids=["distinct", "some ties", "many ties", "few distances"])
@pytest.mark.parametrize("seed", range(3))
def test_curve_average_precision_and_roc_area_are_those_of_scikit_learn(seed, decimals):
    rng = np.random.default_rng(seed)
    near, far = rng.gamma(2, 0.4, 300).round(decimals), rng.gamma(6, 0.5, 4000).round(decimals)
    found, (y, scores) = precision_recall(near, far), both(near, far)
    assert_allclose(found.average_precision, average_precision_score(y, scores), atol=1e-9, rtol=0)
    assert_allclose(found.roc_area, roc_auc_score(y, scores), atol=1e-9, rtol=0)
    precision, recall, thresholds = precision_recall_curve(y, scores)
    at = np.searchsorted(thresholds, -found.thresholds)
    assert_allclose(found.precision, precision[at], atol=1e-9, rtol=0)
    assert_allclose(found.recall, recall[at], atol=1e-9, rtol=0)
    for bound in (0.995, 0.99, 0.9, 0.5, 0.0):
        assert_allclose(found.recall_at(bound), recall[precision >= bound].max(), atol=1e-9, rtol=0)


def test_the_threshold_at_a_precision_is_the_largest_one_that_reaches_it():
    found = precision_recall([0.1, 0.2, 0.6], [0.3, 0.4, 0.9])
    assert found.threshold_at(1) == 0.2
    assert found.threshold_at(0.6) == 0.6
    assert precision_recall([0.5], [0.1]).threshold_at(0.9) is None
    assert precision_recall([0.5], [0.1]).recall_at(0.9) == 0


def test_a_negative_as_near_as_a_positive_is_found_with_it():
    found = precision_recall([0.5], [0.5])
    assert found.precision.tolist() == [0.5]
    assert found.roc_area == 0.5


def test_precisions_for_another_prior_weigh_the_negatives():
    near, far = [0.1, 0.2, 0.4], [0.3, 0.35, 0.9, 1.2]
    found = precision_recall(near, far, prior=0.01)
    y, scores = both(near, far)
    weights = np.r_[np.ones(3), np.full(4, 3 * 99 / 4)]
    assert_allclose(found.average_precision, average_precision_score(y, scores, sample_weight=weights), atol=1e-9)
    assert "prior of 0.01" in str(found)
    assert found.roc_area == precision_recall(near, far).roc_area


def test_the_number_of_negatives_is_always_said():
    found = precision_recall([0.1, 0.2], [0.3] * 1500)
    assert "2 positive and 1,500 negative pairs" in str(found)
    assert found.to_dict()["negatives"] == 1500


@pytest.mark.parametrize(
    ("near", "far", "said"),
    [
        ([], [1], "no positive pair"),
        ([float("nan")], [1], "not a number"),
        ([1], ["far"], "array of numbers"),
    ],
)
def test_what_is_no_distance_is_refused_in_a_sentence(near, far, said):
    with pytest.raises(ExplorerError, match=said):
        precision_recall(near, far)


@pytest.mark.parametrize("prior", [0, -1, 1.5, float("nan"), "half"])
def test_no_prior_of_nothing(prior):
    with pytest.raises(ExplorerError, match="prior"):
        precision_recall([1], [2], prior=prior)


def test_without_negatives_there_is_nothing_that_a_prior_could_weigh():
    with pytest.raises(ExplorerError, match="no negative pair"):
        precision_recall([0.1], [], prior=0.5)
    assert precision_recall([0.1], [], prior=1).average_precision == 1


def test_a_precision_is_a_share():
    with pytest.raises(ExplorerError, match=r"99\.5"):
        precision_recall([1], [2]).recall_at(99.5)
