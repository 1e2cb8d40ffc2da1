"""The published severities: the constants of CIFAR-10-C and ImageNet-C (Hendrycks & Dietterich 2019)."""

from __future__ import annotations

import pytest
import torch

from explorer.distortions import DISTORTIONS, Recipe, apply
from tests.support.published import (
    PHOTO_SEVERITIES,
    ROUNDED,
    SEVERITIES,
    distort,
)


@pytest.mark.parametrize("data_set", ["CIFAR-10-C", "ImageNet-C"])
@pytest.mark.parametrize("name", SEVERITIES)
def test_severities(name, data_set):
    expected = (SEVERITIES if data_set == "CIFAR-10-C" else PHOTO_SEVERITIES)[name]
    found = DISTORTIONS[name].severities
    assert found is not None
    assert list(found) == ["CIFAR-10-C", "ImageNet-C"]
    assert found[data_set] == pytest.approx(expected, abs=1e-3 if name in ROUNDED else 1e-9)


def test_severities_belong_to_the_data_set_of_the_pictures_size():
    noise, blur = DISTORTIONS["gaussian_noise"], DISTORTIONS["gaussian_blur"]
    for side, data_set in ((28, "CIFAR-10-C"), (64, "CIFAR-10-C"), (65, "ImageNet-C"), (224, "ImageNet-C")):
        assert noise.published_at(side) == data_set
        assert noise.severities_at(side) == (SEVERITIES if side <= 64 else PHOTO_SEVERITIES)["gaussian_noise"]
    assert blur.severities_at(64) == pytest.approx([0.8, 1.2, 1.4, 1.6, 2.0])  # twice CIFAR-10-C's px
    assert blur.severities_at(224) == (1, 2, 3, 4, 6)
    assert blur.severities_at(112) == pytest.approx([0.5, 1, 1.5, 2, 3])  # half of ImageNet-C's
    assert DISTORTIONS["rotate"].published_at(32) is None


def test_what_was_never_published_has_no_severities():
    assert {name for name, distortion in DISTORTIONS.items() if distortion.severities} == set(SEVERITIES)


def test_recipes_round_to_8_bit_at_the_end_only(cat):
    once = apply(Recipe((("contrast", 0.3), ("brightness", 0.1))), cat)
    exact = distort("brightness", distort("contrast", cat, 0.3), 0.1)
    assert torch.equal(once, (exact * 255).round() / 255)
