"""Gains and losses of cards: paired where the cards say which images were named rightly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer import list_models
from explorer.evaluation.gains import baseline_of, gains
from explorer.evaluation.statistics import difference_interval, paired_interval
from explorer.models import Card
from explorer.models.right import pack

N = 10_000


def card(name: str, right: np.ndarray | None, accuracy: float) -> Card:
    row = {"recipe": "clean", "seed": 0, "n": N, "accuracy": accuracy}
    if right is not None:
        row |= {"images": "ab", "right": pack(right)}
    return replace(list_models()[0], name=name, method=name, results=[row])


def test_a_small_difference_on_the_same_images_is_seen() -> None:
    """109 images that only the baseline names rightly and 80 that only the other does, of 10,000: p = .042."""
    first, second = np.zeros((2, N), bool)
    first[:9180] = True
    second[109 : 9180 + 80] = True
    baseline = card("standard", first, first.mean())
    (gain,) = gains(card("bang", second, second.mean()), baseline)
    assert gain.paired
    assert gain.difference == pytest.approx(-0.0029)
    assert gain.interval == paired_interval(80, 109, N)
    assert (gain.sign, gain.holm) == (-1, True)
    (alone,) = gains(card("bang", None, second.mean()), baseline)
    assert not alone.paired
    assert alone.interval == difference_interval(second.mean(), N, first.mean(), N)
    assert (alone.sign, alone.holm) == (0, False)


def test_shipped_cards_are_compared_image_by_image() -> None:
    cards = list_models()
    for one in cards:
        baseline = baseline_of(one, cards)
        assert (baseline is None) == (one.method == "standard")
        if baseline is not None and not one.source:  # what was made of others' networks has a report instead
            found = gains(one, baseline)
            assert all(gain.paired for gain in found)
            assert {"contrast", "fog"} <= {name for gain in found for name, _ in gain.recipe.steps}
