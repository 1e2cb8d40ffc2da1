"""Folded networks: the same answers for less, and never those of weights that are no longer there."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer import compare, load_model
from explorer.analysis import compare_image, sweep
from explorer.distortions import Recipe
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import renamed
from explorer.models.views import of_photographs
from tests.support.networks import classifier, picture, resnet

CLOSE = 1e-4


class Calls(TorchFunctionMode):
    """Counts the functions of torch that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def norms(ask: Callable[[], object]) -> int:
    """How often a batch norm is computed."""
    with Calls() as calls:
        ask()
    return calls.names.count("batch_norm")


def trained(seed: int = 0) -> Classifier:
    """A ResNet-20 whose statistics are not those of its first moment."""
    model = resnet(seed=seed)
    model.train()
    with torch.no_grad():
        model(torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    return model.eval()


def apart(model: Classifier) -> float:
    """How far what the engine answers is from what the network answers, as a share of the largest number above 1."""
    x = torch.cat([picture(seed=i) for i in range(3)])
    with torch.no_grad():
        logits, features = model.answer(x)
    found, layers = inputs.answer(model, x)
    pairs = [(logits, found), (logits, inputs.logits(model, x)), *((features[key], layers[key]) for key in features)]
    return max(float((a - b).abs().max() / a.abs().max().clamp_min(1)) for a, b in pairs)


@pytest.mark.parametrize("name", ["cifar10/resnet20/standard", "photos/efficientnet_lite0/standard"])
def test_shipped_networks_answer_without_batch_norm_and_the_same(name):
    model = load_model(name, device="cpu")
    x = torch.rand(3, 3, model.size, model.size, generator=torch.Generator().manual_seed(2))
    (logits, features), (found, layers) = model.answer(x), inputs.answer(model, x)
    assert list(layers) == list(features)
    assert torch.allclose(found.float(), logits, atol=CLOSE)
    for key, feature in features.items():
        assert layers[key].shape == feature.shape
        assert float((layers[key] - feature).abs().max()) <= CLOSE * max(1, float(feature.abs().max()))
    assert norms(lambda: inputs.answer(model, x)) == 0 < norms(lambda: model.answer(x))
    assert norms(lambda: inputs.answer(of_photographs(model), x)) == 0


def test_all_ways_of_asking_ask_the_same_network():
    model, noise = trained(), Recipe.parse("gaussian_noise=0.1;seed=3")
    inputs.answer(model, picture())  # made by now
    assert norms(lambda: compare_image([model], picture(), noise)) == 0
    assert norms(lambda: sweep([model], picture(), "gaussian_noise", amounts=[0.0, 0.1])) == 0
    answer = compare({"another name": model}, "cat", noise).models[0]
    curve = sweep([model], "cat", "gaussian_noise", amounts=[0.1], recipe="clean;seed=3").models[0]
    assert answer.distorted.tolist() == pytest.approx(curve.probabilities[0].tolist(), abs=1e-6)
    assert norms(lambda: inputs.answer(renamed(model, "third"), picture())) == 0  # not copied for a name


def step(model: Classifier) -> None:
    """One step of an optimiser."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    model(picture()).sum().backward()
    optimiser.step()


def load(model: Classifier) -> None:
    """Other weights."""
    model.load_state_dict(trained(seed=5).state_dict())


def past_autograd(model: Classifier) -> None:
    """One weight, past torch's count of what is written."""
    model.net.get_parameter("layer2.0.conv1.weight").data[0, 0, 1, 1] += 20


def another_part(model: Classifier) -> None:
    """A new head."""
    model.net.fc = nn.Linear(64, 10).eval()


def statistics(model: Classifier) -> None:
    """Another mean of a batch norm."""
    model.net.get_buffer("bn1.running_mean").add_(1)


def another_parameter(model: Classifier) -> None:
    """A tensor in place of another."""
    model.net.get_submodule("fc").weight = nn.Parameter(torch.ones(10, 64))


@pytest.mark.parametrize("change", [step, load, past_autograd, another_part, statistics, another_parameter])
def test_changed_weights_are_never_answered_for_by_the_old_ones(change):
    model = trained()
    before = compare([model], "cat", "clean").models[0].clean
    change(model)
    after = compare([model], "cat", "clean").models[0].clean
    assert float((after - before).abs().max()) > CLOSE
    assert apart(model) < CLOSE


def test_hooks_see_the_network():
    model, seen = trained(), []
    inputs.answer(model, picture())
    hook = model.net.get_submodule("layer1").register_forward_hook(lambda *_: seen.append(1))
    inputs.answer(model, picture())
    hook.remove()
    assert seen == [1]
    assert norms(lambda: inputs.answer(model, picture())) == 0


def test_a_network_in_which_a_convolution_serves_two_norms_answers_itself():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(8, 2)
            self.one, self.two = nn.BatchNorm2d(4, eps=1), nn.BatchNorm2d(4, eps=3)

        def forward_features(self, x):
            out = self.conv(x)
            return {"penultimate": torch.cat([self.one(out).amax((2, 3)), self.two(out).amax((2, 3))], 1)}

        def head(self, penultimate):
            return self.fc(penultimate)

        def forward(self, x):
            return self.head(self.forward_features(x)["penultimate"])

    model = classifier(Twice(), name="test/twice/standard", classes=["a", "b"], size=32, channels=3)
    assert apart(model) == 0
    assert norms(lambda: inputs.answer(model, picture())) == 2


def test_a_copy_goes_with_its_network():
    model = trained()
    inputs.answer(model, picture())
    net = weakref.ref(model.net)
    del model
    gc.collect()
    assert net() is None
