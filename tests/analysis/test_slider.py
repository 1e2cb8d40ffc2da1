"""Amounts of curves: on the slider's own steps, on the side that is in use."""

from __future__ import annotations

import pytest

from explorer.analysis.slider import POINTS, curve_amounts
from explorer.distortions import DISTORTIONS, find_distortion


@pytest.mark.parametrize("name", DISTORTIONS)
def test_amounts_lie_on_the_sliders_steps_from_mild_to_strong(name: str) -> None:
    distortion = find_distortion(name)
    for side in (28, 32, 96):
        mild, strong = distortion.span(side)
        amounts = curve_amounts(distortion, side, distortion.default)
        assert (amounts[0], amounts[-1]) == (mild, strong)
        assert len(set(amounts)) == len(amounts) <= POINTS
        assert amounts == sorted(amounts, reverse=strong < mild)
        off = [
            abs((amount - mild) / distortion.step - round((amount - mild) / distortion.step)) for amount in amounts[:-1]
        ]
        assert max(off) < 1e-6
        for amount in amounts:
            distortion.check(amount)


def test_a_slider_with_two_sides_is_swept_towards_the_side_it_stands_on() -> None:
    distortion = find_distortion("rotate")
    assert curve_amounts(distortion, 32, 20.0)[-1] == 180
    assert curve_amounts(distortion, 32, -20.0)[-1] == -180
    assert curve_amounts(distortion, 32, 0.0)[-1] == 180
