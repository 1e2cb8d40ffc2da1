"""Which images a model names rightly, as text that may come from anyone."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from explorer.models.right import pack, pair, unpack


@pytest.mark.parametrize("n", [1, 8, 360, 10_000])
def test_what_was_packed_comes_back(n: int) -> None:
    right = np.random.default_rng(n).random(n) < 0.9
    found = unpack(pack(right), n)
    assert found is not None
    assert np.array_equal(found, right)
    assert len(pack(right)) < n / 4 + 100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no base64!",
        base64.b64encode(b"not compressed").decode(),
        pack(np.ones(300, bool)),
        base64.b64encode(zlib.compress(bytes(10**7))).decode(),  # a bomb: only as much as is wanted is unpacked
    ],
)
def test_what_is_not_of_that_many_images_is_none(text: str) -> None:
    assert unpack(text, 360) is None


def test_only_rows_of_the_same_pictures_are_a_pair() -> None:
    row = {"recipe": "fog=1", "seed": 0, "n": 9, "images": "ab", "right": pack(np.arange(9) % 2 == 0)}
    both = pair(row, row | {"right": pack(np.ones(9, bool))})
    assert both is not None
    assert (both[1] & ~both[0]).sum() == 4
    for change in ({"recipe": "fog=2"}, {"seed": 1}, {"n": 10}, {"images": "cd"}, {"right": None}, {"right": "x"}):
        assert pair(row, row | change) is None
