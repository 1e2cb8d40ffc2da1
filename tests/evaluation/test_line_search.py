"""The line search against linear networks, where the answer is known, and against trying every step one by one."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.evaluation import line_search, wilson_interval
from explorer.evaluation.line_search import DIRECTIONS, smallest_steps
from explorer.evaluation.statistics import mean_interval
from explorer.models import Classifier
from explorer.models.inference import predictions
from tests.support.networks import formula, threshold

WEIGHTS = torch.randn(16, generator=torch.Generator().manual_seed(0))


def linear(scale: float = 1.0, name: str = "test/formula/standard") -> Classifier:
    """Two classes on either side of a plane through the middle grey."""

    def logits(p):
        side = scale * ((p - 0.5) @ WEIGHTS)
        return torch.stack([-side, side], 1)

    return formula(logits, name=name)


def bend() -> Classifier:
    """Three classes with curved boundaries."""
    generator = torch.Generator().manual_seed(1)
    first, last = (torch.randn(shape, generator=generator) for shape in ((16, 30), (30, 3)))
    return formula(lambda p: torch.sin(4 * (p - 0.5) @ first) @ last, classes=("a", "b", "c"))


def data(model: Classifier, n: int, low: int = 0, high: int = 256, wrong: int = 0) -> Dataset:
    """Random pictures, all but the last ``wrong`` with the label that the model gives."""
    x = np.random.default_rng(0).integers(low, high, (n, 4, 4, 1), dtype=np.uint8)
    names = model.classes
    dataset = Dataset("grains", "test", x, np.zeros(n, np.int64), names, (0.0,), (1.0,))
    dataset.labels[:] = predictions(model, dataset.batch(range(n))[0])
    dataset.labels[n - wrong :] = (dataset.labels[n - wrong :] + 1) % len(names)
    return dataset


def test_a_linear_network_breaks_where_its_weights_say():
    model = linear()
    dataset = data(model, 50, 100, 156)
    x, labels = dataset.batch(range(50))
    margin = ((x.flatten(1) - 0.5) @ WEIGHTS).abs()
    expected = torch.floor(255 * margin / WEIGHTS.abs().sum()).long() + 1
    assert len(expected.unique()) > 5
    for direction in ("fgsm", "fgsm_margin"):
        steps, zero = smallest_steps(model, x, labels, direction)
        assert torch.equal(steps, expected)
        assert not zero.any()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_it_is_trying_every_step_one_by_one(direction):
    model = bend()
    dataset = data(model, 40)
    x, labels = dataset.batch(range(40))
    steps, _ = smallest_steps(model, x, labels, direction)
    place = x.clone().requires_grad_()
    logits = model(place)
    if direction in ("fgsm", "fgsm_float32", "fgv"):
        torch.nn.functional.cross_entropy(logits, labels, reduction="sum").backward()
    else:
        true = logits[range(40), labels]
        (logits.scatter(1, labels[:, None], -torch.inf).amax(1) - true).sum().backward()
    assert place.grad is not None
    way = place.grad.double().numpy()
    way = np.sign(way) if direction.startswith("fgsm") else way / np.abs(way).max((1, 2, 3), keepdims=True)
    came_back = 0
    for i in range(40):
        pixels = np.stack([(255 * x[i].double().numpy() + k * way[i]).clip(0, 255).round() for k in range(1, 256)])
        changed = (predictions(model, torch.from_numpy(pixels / 255).float()) != labels[i]).numpy()
        came_back += bool(changed.any() and not changed[changed.argmax() :].all())
        assert steps[i] == (changed.argmax() + 1 if changed.any() else 0)
    assert came_back > 0  # a search by halves would have missed these


def test_the_summary_by_hand():
    model = bend()
    dataset = data(model, 60, wrong=7)
    calls = []
    found = line_search([model], dataset, batch_size=16, progress=lambda *now: calls.append(now))
    assert found == line_search([model], dataset, batch_size=60)
    assert calls == [(16, 60), (32, 60), (48, 60), (60, 60)]
    [summary] = found.summaries
    assert (summary.correct, summary.clean, summary.clean_interval) == (53, 53 / 60, wilson_interval(53, 60))
    assert [one.direction for one in summary.searches] == list(DIRECTIONS)
    x, labels = dataset.batch(range(53))
    for one in summary.searches:
        steps, _ = smallest_steps(model, x, labels, one.direction)
        reached = steps[steps > 0].double().numpy()
        assert (one.broken, one.interval) == (len(reached) / 53, wilson_interval(len(reached), 53))
        assert one.epsilon == pytest.approx(reached.mean())
        ordered = sorted(reached.tolist() + [math.inf] * (53 - len(reached)))  # those that withstand lie last
        assert one.median_all == (ordered[26] if ordered[26] < math.inf else None)
        assert one.epsilon_interval == mean_interval(reached)
        assert one.similarity is not None
        assert -1 <= one.similarity < 1
    result = found.to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["name"], result["n"], result["fitted"]) == ("line-search", 60, False)


def test_what_float32_rounds_away_is_told_and_the_exact_direction_finds_a_way():
    model = linear(1e6)
    [summary] = line_search([model], data(model, 30)).summaries
    by = {one.direction: one for one in summary.searches}
    rounded = by.pop("fgsm_float32")
    assert (rounded.zero_gradients, rounded.broken, rounded.epsilon, rounded.median_all) == (1, 0, None, None)
    for other in by.values():
        assert (other.zero_gradients, other.broken) == (0, 1)


def test_what_no_step_breaks():
    model = threshold(-1)  # calls every picture high, however dark
    [summary] = line_search([model], data(model, 5)).summaries
    for one in summary.searches:
        assert (one.broken, one.epsilon, one.epsilon_interval, one.zero_gradients) == (0, None, None, 0)
    assert json.dumps(summary.to_dict(), allow_nan=False)


def test_a_model_that_is_never_right_is_named():
    model = linear()
    with pytest.raises(ExplorerError, match="standard classifies none of these 9 images correctly"):
        line_search([model], data(model, 9, wrong=9))
