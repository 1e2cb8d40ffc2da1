"""What hurts is found on the pictures themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import explorer
from explorer.distortions import find_distortion
from explorer.distortions.draws import Draws
from explorer.errors import ExplorerError
from explorer.stabilizing.proposal import ENOUGH, propose
from explorer.stabilizing.reading import read_parts


def test_the_worst_of_each_family_with_a_range_that_flips_enough() -> None:
    model = explorer.load_model("digits/lenet/standard")
    pictures = read_parts("digits", model, labels=False, seed=0).train
    found = propose(model, pictures)
    assert found == propose(model, pictures)
    families = [find_distortion(one.range.name).family for one in found]
    assert 0 < len(families) == len(set(families)) <= 3
    assert [one.flips for one in found] == sorted((one.flips for one in found), reverse=True)
    for one in found:
        distortion = find_distortion(one.range.name)
        amounts = [float(f"{amount:.4g}") for amount in distortion.amounts_at(model.size)]
        assert one.range.low == distortion.span(model.size)[0]
        assert one.range.high in amounts
        # The flips are those of the range's end: asked again of the first pictures, each with its own seed.
        x = pictures.batch(list(range(one.n)), torch.device("cpu"))
        distorted = [
            distortion(x[row : row + 1], one.range.high, Draws([row])).mul(255).round().div(255) for row in range(one.n)
        ]
        flips = model(torch.cat(distorted)).argmax(1) != model(x).argmax(1)
        assert float(flips.double().mean()) == one.flips
        assert one.flips >= ENOUGH or one.range.high == amounts[-1]


def test_it_says_so_where_nothing_hurts() -> None:
    last = nn.Linear(3 * 16 * 16, 3)
    nn.init.zeros_(last.weight)
    deaf = explorer.wrap(nn.Sequential(nn.Flatten(), last), classes=["a", "b", "c"])
    pictures = list(torch.rand(12, 3, 16, 16))
    with pytest.raises(ExplorerError, match="No distortion changes more than a twentieth of the answers"):
        explorer.stabilize(deaf, pictures, under="auto", steps=1, control=False)


@pytest.mark.slow
def test_auto_trains_against_what_was_found() -> None:
    model = explorer.load_model("digits/lenet/standard")
    parts = read_parts("digits", model, labels=False, seed=0)
    found = explorer.stabilize(model, "digits", under="auto", steps=2, control=False, lr=1e-4)
    expected = ",".join(str(one.range) for one in propose(model, parts.train))
    assert f"--under {expected}" in found.model.card.command
