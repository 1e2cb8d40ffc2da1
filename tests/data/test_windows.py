"""Which part of a photograph a network takes: what lies outside changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.data.fitting import CENTRE, Takes, fit_published, window_of
from explorer.data.images import fit, fit_photographs


@pytest.mark.parametrize(
    ("width", "height", "takes"),
    [
        (600, 400, Takes(224, 3, 256, "bicubic")),
        (300, 700, Takes(224, 3, 235, "bilinear")),
        (500, 500, Takes(299, 3, 342, "bicubic")),
        (640, 320, Takes(200, 3, 250, "bilinear", squash=True)),
    ],
)
@pytest.mark.parametrize("at", [CENTRE, (0.0, 1.0), (0.3, 0.2)])
def test_what_lies_outside_the_window_changes_nothing(
    width: int, height: int, takes: Takes, at: tuple[float, float]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    left, top, right, bottom = window_of(width, height, takes, at)
    reach = 8 * max(1, min(width, height) / takes.resize)  # px by which an antialiased resize looks beyond

    def fitted(margin: float) -> np.ndarray:
        """The input where all but the window, enlarged by a margin in px, is black."""
        kept = np.zeros_like(pixels)
        rows = slice(max(0, round(top * height - margin)), round(bottom * height + margin))
        columns = slice(max(0, round(left * width - margin)), round(right * width + margin))
        kept[rows, columns] = pixels[rows, columns]
        return fit_published(kept, takes.size, takes.resize, takes.interpolation, takes.squash, at)

    whole = fit_published(pixels, takes.size, takes.resize, takes.interpolation, takes.squash, at)
    assert np.array_equal(fitted(reach), whole)
    assert not np.array_equal(fitted(-reach), whole)


def test_without_a_published_transform_it_is_the_central_square() -> None:
    assert window_of(600, 400, Takes(32, 3)) == pytest.approx((1 / 6, 0, 5 / 6, 1))
    assert window_of(600, 400, Takes(32, 3), (1, 0)) == pytest.approx((1 / 3, 0, 1, 1))
    picture = torch.rand(1, 3, 40, 61, generator=torch.Generator().manual_seed(0))
    assert torch.equal(fit_photographs(picture, Takes(32, 3)), fit(picture, 32, 3))
    assert torch.equal(fit_photographs(picture, Takes(32, 3), (1, 0)), fit(picture[..., 21:], 32, 3))
