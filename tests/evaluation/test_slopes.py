"""Slopes: a linear network's is known exactly, and the theorem holds for it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from explorer.data.datasets import load_dataset
from explorer.errors import ExplorerError
from explorer.evaluation.slopes import attacked_slope, flips_within, margin_radius, measure_slopes, sampled_slope
from explorer.models import Card, Classifier, load_model


class Linear(nn.Module):
    """Logits W x of 3 values; its largest slope is W's largest singular value."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T


def model(weight: Tensor, std: float = 1.0) -> Classifier:
    side = math.isqrt(weight.shape[1])
    classes = tuple("abcdefghij"[: len(weight)])
    card = Card("test/linear/none", "digits", "linear", "external", classes, side, 1, (0.0,), (std,))
    return Classifier(Linear(weight), card).eval()


def test_the_slope_of_a_linear_network_is_its_singular_value() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.tensor([[3.0, 0, 0, 0], [0, 4.0, 0, 0]])
    x = torch.rand(5, 1, 2, 2, generator=generator)
    sought = attacked_slope(model(weight), x, 0.5, generator)
    torch.testing.assert_close(sought, torch.full((5,), 4.0), rtol=0.01, atol=0)
    drawn = sampled_slope(model(weight), x, 0.5, generator)
    assert ((drawn > 2) & (drawn <= 4.0001)).all()
    # The slope is per unit of normalised input: another normalisation changes nothing.
    torch.testing.assert_close(attacked_slope(model(weight, std=0.25), x, 0.5, generator), sought, rtol=0.01, atol=0)


def test_answers_flip_beyond_the_boundary_and_not_before_it() -> None:
    weight = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    x = torch.tensor([0.6, 0.4, 0.5, 0.5]).view(1, 1, 2, 2)  # the boundary is 0.2 / sqrt(2) away
    label = torch.tensor([0])
    assert not flips_within(model(weight), x, label, 0.13)
    assert flips_within(model(weight), x, label, 0.15)
    corner = torch.tensor([1.0, 0.99, 0.5, 0.5]).view(1, 1, 2, 2)
    assert flips_within(model(weight), corner, label, 0.02), "the way out of [0, 1] is closed, the other is open"


def test_on_digits_the_bound_is_broken_and_said_so() -> None:
    generator = torch.Generator().manual_seed(1)
    data = load_dataset("digits")
    net = model(torch.randn(10, 784, generator=generator))
    found = measure_slopes(net, data, bound=0.1, limit=200)
    assert 0 < found.n < 200
    assert found.sampled_median <= found.attacked_median <= found.attacked_max
    assert (found.above_sampled, found.above_attacked, found.flipped) == (1.0, 1.0, 1.0)
    assert found.granted == pytest.approx(math.sqrt(2) / 2 / 0.1)
    assert set(found.to_dict()) >= {"bound", "attacked_max", "flipped"}
    steep = measure_slopes(net, data, bound=1e6, limit=200)
    assert (steep.above_attacked, steep.flipped) == (0.0, 0.0)
    with pytest.raises(ExplorerError, match="must be a positive number"):
        measure_slopes(net, data, bound=0)


def test_the_radius_by_the_margin_is_the_way_to_the_boundary_where_the_slope_is_kept() -> None:
    """Both logits grow along the one singular direction, so that no larger radius would hold."""
    net = model(torch.tensor([[3.0, -3.0, 0, 0], [-3.0, 3.0, 0, 0]]), std=0.5)
    x = torch.tensor([0.5, 0.25, 0.5, 0.5]).view(1, 1, 2, 2)  # normalised 1 and 0.5: sqrt(1/8) from the boundary
    bound = 6.0  # the singular value
    radius = margin_radius(net, x, torch.tensor([0]), bound)
    assert float(radius) == pytest.approx(math.sqrt(1 / 8))
    assert not flips_within(net, x, torch.tensor([0]), 0.99 * radius)
    assert flips_within(net, x, torch.tensor([0]), 1.01 * radius + 0.01)
    assert float(margin_radius(net, x, torch.tensor([1]), bound)) == 0


def test_each_image_has_a_radius_of_its_own() -> None:
    weight = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    x = torch.tensor([0.6, 0.4, 0.5, 0.5]).view(1, 1, 2, 2).repeat(2, 1, 1, 1)
    found = flips_within(model(weight), x, torch.tensor([0, 0]), torch.tensor([0.13, 0.15]))
    assert found.tolist() == [False, True]


@pytest.mark.slow
def test_the_radii_of_the_shipped_lipschitz_network_are_those_of_its_margins() -> None:
    data, net = load_dataset("digits"), load_model("digits/lenet/lipschitz")
    bound = net.card.training["options"]["bound"]
    found = measure_slopes(net, data, bound, limit=64)
    with torch.no_grad():
        logits = net(data.batch(slice(64))[0])
    first, second = logits.topk(2).values.T
    right = logits.argmax(1) == torch.from_numpy(data.labels[:64])
    radii = ((first - second) / math.sqrt(2) / bound)[right]
    told = (found.margin_05, found.margin_50, found.margin_95)
    assert told == pytest.approx([float(radii.quantile(q)) for q in (0.05, 0.5, 0.95)], rel=1e-4)
    assert told[0] > 2 * found.granted, "far beyond the radius that takes logits for one-hot"
    by_probabilities = measure_slopes(net, data, bound, limit=16, softmax=True)
    assert by_probabilities.margin_95 <= found.granted * 1.0001, "a probability's margin is 1 at most"
