"""Flips, top-5 distance and neighbours: hand-made sequences whose numbers follow from the published definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.evaluation.flips import flips, holds_among_neighbours, likeliest, same_among_neighbours, top5_distances
from explorer.evaluation.statistics import ratio_interval


@pytest.mark.parametrize(
    ("answers", "noise", "expected"),
    [
        ([[1, 1, 1, 1, 1]], False, 0.0),
        ([[1, 2, 1, 2, 1]], False, 1.0),
        ([[1, 2, 1, 2, 1]], True, 0.5),  # of noise, only the twos differ from the first frame
        ([[1, 2, 2, 2, 2]], False, 0.25),
        ([[1, 2, 2, 2, 2]], True, 1.0),
        ([[1, 2, 2, 2, 2], [3, 3, 3, 3, 3]], False, 0.125),  # the mean over sequences
    ],
)
def test_flip_probability_is_the_published_one(answers: list[list[int]], noise: bool, expected: float) -> None:
    assert flips(np.array(answers), noise=noise).mean() == expected


def published_distance(tau: list[int], other: list[int], classes: int) -> int:
    """The double sum of the paper, term by term; the rank of a class counts from 1."""
    order = sorted(range(classes), key=lambda c: tau[c])
    sigma = [0, *(other[c] for c in order)]
    return sum(1 <= j - 1 <= 5 for i in range(1, 6) for j in range(min(i, sigma[i]) + 1, max(i, sigma[i]) + 1))


@pytest.mark.parametrize("noise", [True, False])
def test_top_5_distance_is_the_published_double_sum(noise: bool) -> None:
    classes, frames = 12, 9
    logits = torch.randn(3, frames, classes, generator=torch.Generator().manual_seed(1))
    found = top5_distances(likeliest(logits), noise=noise)
    ranks = (logits.argsort(-1, descending=True).argsort(-1) + 1).tolist()
    for s, sequence in enumerate(ranks):
        expected = [
            published_distance(sequence[0 if noise else i], sequence[i + 1], classes) for i in range(frames - 1)
        ]
        assert found[s].tolist() == expected


def test_the_ends_of_the_top_5_distance() -> None:
    def one(*fives: list[int]) -> int:
        return int(top5_distances(np.array([fives]), noise=False)[0, 0])

    assert one([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]) == 0
    assert one([0, 1, 2, 3, 4], [1, 0, 2, 3, 4]) == 2
    assert one([0, 1, 2, 3, 4], [5, 6, 7, 8, 9]) == 15
    assert one([0, 1, 2], [2, 1, 0]) == 4, "of three classes, all"


def test_equals_are_ranked_as_argmax_ranks_them() -> None:
    assert likeliest(torch.tensor([[0.0, 2.0, 2.0, 1.0]])).tolist() == [[1, 2, 3, 0]]


def test_neighbours_as_of_imagenet_vid_robust() -> None:
    right = np.array([1, 1, 1, 0, 1, 1, 1], bool)
    assert holds_among_neighbours(right, 0).tolist() == right.tolist()
    assert holds_among_neighbours(right, 1).tolist() == [True, True, False, False, False, True, True]
    assert not holds_among_neighbours(right, 10).any(), "one wrong frame within reach of all"
    for k in range(5):
        brute = [all(right[max(0, i - k) : i + k + 1]) for i in range(len(right))]
        assert holds_among_neighbours(right, k).tolist() == brute
    answers = np.array([4, 4, 4, 7, 4, 4])
    for k in range(5):
        brute = [len(set(answers[max(0, i - k) : i + k + 1].tolist())) == 1 for i in range(len(answers))]
        assert same_among_neighbours(answers, k).tolist() == brute


def test_the_interval_of_a_flip_rate() -> None:
    base = np.random.default_rng(1).random((3, 200))
    assert ratio_interval(base, base) == (1.0, 1.0)
    low, high = ratio_interval(base / 2, base) or (0, 0)
    assert low == pytest.approx(0.5)
    assert high == pytest.approx(0.5)
    low, high = ratio_interval(np.random.default_rng(2).random((3, 200)), base) or (0, 0)
    assert 0.8 < low < 1 < high < 1.25
    base[1] = 0
    assert ratio_interval(base, base) is None
