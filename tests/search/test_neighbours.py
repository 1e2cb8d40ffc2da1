"""The nearest of many vectors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from explorer.errors import ExplorerError
from explorer.search import nearest, neighbours
from tests.support.embeddings import embeddings, features


@pytest.fixture(params=[2**26, 5000], ids=["one block", "many blocks"])
def _block(request, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", request.param)


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("n", [90, 1500])  # below and above what is looked at in chunks
def test_the_neighbours_are_those_of_the_whole_matrix(n):
    found, _ = features(n, 0, 0, d=16)
    near = nearest(found, k=2)
    distances = np.linalg.norm(found.vectors[:, None] - found.vectors[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (near.places == np.argsort(distances, axis=1)[:, :2]).all()
    assert_allclose(near.distances, np.sort(distances, axis=1)[:, :2], atol=1e-5)
    assert near.exact


def test_a_query_of_its_own_finds_itself_and_equals_come_in_order():
    found = embeddings(np.eye(4)[[0, 1, 0, 2, 0]])
    near = nearest(found, found.select([4]), k=3)
    assert near.places.tolist() == [[0, 2, 4]]
    assert near.distances.tolist() == [[0, 0, 0]]
    assert 4 not in nearest(found, k=4).places[4]


def test_more_neighbours_than_pictures_are_all_of_them():
    found, _ = features(5, 0, 0)
    assert nearest(found, k=30).places.shape == (5, 4)
    with pytest.raises(ExplorerError, match="no other picture"):
        nearest(found.select([0]))


def test_the_index_finds_nearly_all(monkeypatch):
    pytest.importorskip("usearch")
    found, _ = features(2000, 1, 0, d=16)
    monkeypatch.setattr(neighbours, "APPROXIMATE", 1000)
    near, exactly = nearest(found, k=5), nearest(found, k=5, exact=True)
    assert not near.exact
    same = [len(set(one) & set(other)) for one, other in zip(near.places, exactly.places, strict=True)]
    assert np.mean(same) > 0.9 * 5
    assert near.places.shape == exactly.places.shape
