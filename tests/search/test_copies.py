"""All pairs of originals and copies, in blocks, against scikit-learn on the whole matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import average_precision_score, roc_auc_score

from explorer.errors import ExplorerError
from explorer.search import all_pairs, copies
from tests.support.embeddings import bits, embeddings, features


def whole(first, second):
    a, b = first.vectors.astype(np.float64), second.vectors.astype(np.float64)
    return first.distance(1 - ((a[:, None] - b[None]) ** 2).sum(2) / 2)


@pytest.fixture(params=[2**22, 700], ids=["one block", "many blocks"])
def _block(request, monkeypatch):
    monkeypatch.setattr(copies, "BLOCK", request.param)


@pytest.mark.usefixtures("_block")
def test_counted_in_blocks_bits_give_what_scikit_learn_gives_of_all_distances():
    first, second = bits(150, 0, 30)
    found, distances, same = all_pairs(first, second), whole(first, second), np.eye(150, dtype=bool)
    assert_allclose(distances, distances.round(), atol=1e-9)
    y, scores = same.ravel(), -distances.round().ravel()
    assert_allclose(found.curve.average_precision, average_precision_score(y, scores), atol=1e-9, rtol=0)
    assert_allclose(found.curve.roc_area, roc_auc_score(y, scores), atol=1e-9, rtol=0)
    assert found.curve.negatives == 150 * 149
    assert found.distances.tolist() == distances.round().diagonal().tolist()


@pytest.mark.usefixtures("_block")
def test_counted_in_blocks_features_give_what_scikit_learn_gives():
    first, second = features(200, 1, 0.8)
    found, distances, same = all_pairs(first, second), whole(first, second), np.eye(200, dtype=bool)
    y, scores = same.ravel(), -distances.ravel()
    assert_allclose(found.curve.average_precision, average_precision_score(y, scores), atol=1e-6, rtol=0)
    assert_allclose(found.curve.roc_area, roc_auc_score(y, scores), atol=1e-6, rtol=0)
    assert found.distances[0] == 0  # the same vector, where float32 products would say 0.0003


@pytest.mark.usefixtures("_block")
def test_the_nearest_negatives_are_kept_and_named():
    first, second = features(60, 2, 0.8)
    found, distances = all_pairs(first, second, keep=50).false, whole(first, second)
    np.fill_diagonal(distances, np.inf)
    assert_allclose(found.distance, np.sort(distances, axis=None)[:50], atol=1e-6)
    assert_allclose(distances[found.original, found.copy], found.distance, atol=1e-6)
    for many in (-1, 0):
        with pytest.raises(ExplorerError, match="keep"):
            all_pairs(first, second, keep=many)


@pytest.mark.usefixtures("_block")
def test_pictures_that_are_there_twice_have_equal_distances_which_count_as_equal():
    first, second = features(100, 9, 0.8)
    twice = [*range(100), *range(100)]
    first, second = (embeddings(each.vectors[twice]) for each in (first, second))
    found, distances, same = all_pairs(first, second), whole(first, second), np.eye(200, dtype=bool)
    y, scores = same.ravel(), -distances.ravel()
    assert_allclose(found.curve.average_precision, average_precision_score(y, scores), atol=1e-9, rtol=0)
    assert_allclose(found.curve.roc_area, roc_auc_score(y, scores), atol=1e-9, rtol=0)
    at = np.searchsorted(found.false.distance, found.distances.min(), "right")
    assert at == found.curve.false[0] == 2  # whoever counts the kept ones finds as many


def test_equal_pictures_are_the_nearest_negatives_at_exactly_nothing():
    first, second = bits(40, 3, 0)
    found = all_pairs(first, second)
    assert found.false.distance[:2].tolist() == [0, 0]
    assert found.curve.false[0] == 2


def test_pictures_that_are_missing_on_one_side_are_left_out_on_both():
    first, second = features(30, 4, 0.3)
    found = all_pairs(first.select(range(20)), second.select(range(5, 30)))
    assert found.curve.positives == 15
    assert found.originals.names == found.copies.names == first.names[5:20]
    assert_allclose(found.distances, whole(first, second).diagonal()[5:20], atol=1e-6)


def test_normalised_scores_count_from_the_nearest_of_the_background():
    first, second = features(80, 5, 0.8)
    background = features(100, 6, 0)[0]
    found = all_pairs(first, second, background=background)
    products = first.vectors.astype(np.float64) @ background.vectors.T.astype(np.float64)
    bias = np.sort(products, axis=1)[:, -copies.BACKGROUND :].mean(1)
    scores = 1 - whole(first, second) ** 2 / 2 - bias[:, None]
    assert_allclose(found.distances, 1 - scores.diagonal(), atol=1e-6)
    y = np.eye(80, dtype=bool).ravel()
    assert_allclose(found.curve.average_precision, average_precision_score(y, scores.ravel()), atol=1e-6)


def test_vectors_of_two_models_are_not_compared():
    first, second = features(10, 7, 0.1)
    with pytest.raises(ExplorerError, match="cannot be compared"):
        all_pairs(first, replace(second, model="another"))


def test_one_picture_makes_no_pairs():
    first, second = features(10, 8, 0.1)
    with pytest.raises(ExplorerError, match="at least two"):
        all_pairs(first.select([0]), second)
