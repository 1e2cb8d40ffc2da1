"""The same pixels with any number of torch threads, although torch has other kernels for one than for several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from torch import Tensor

from explorer.data import images
from explorer.data.fitting import Takes
from explorer.distortions import DISTORTIONS, Recipe, apply

NATURAL = [name for name, distortion in DISTORTIONS.items() if not distortion.adversarial]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def with_each(make: Callable[[], Tensor]) -> list[Tensor]:
    found = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        found.append(make())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NATURAL)
def test_a_distortion_of_a_photograph(name: str) -> None:
    distortion, photograph = DISTORTIONS[name], images.sample_images()["cat"]()
    for x in (images.fit(photograph, 224, 3), photograph):
        mild, strong = distortion.span(x.shape[-1])
        for amount in (distortion.default, (mild + strong) / 2):
            recipe = Recipe(((name, amount),), seed=0, quantised=False)
            one, two, three = with_each(partial(apply, recipe, x))
            assert torch.equal(one, two)
            assert torch.equal(one, three)


@pytest.mark.parametrize("takes", [Takes(224, 3), Takes(32, 3), Takes(600, 3), Takes(224, 3, 256, "bicubic")])
def test_fitting_a_photograph(takes: Takes) -> None:
    photograph = images.sample_images()["cat"]()
    one, two, three = with_each(lambda: images.fit(photograph, *takes))
    assert torch.equal(one, two)
    assert torch.equal(one, three)
