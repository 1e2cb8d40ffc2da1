"""Inside the networks: the most changed channels of a layer, and class-evidence maps."""

from __future__ import annotations

import builtins

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer import load_model
from explorer.analysis import channels, compare_image, evidence
from explorer.distortions import Recipe, apply
from explorer.errors import ExplorerError
from tests.support.networks import classifier, formula, grey, picture, resnet


class Planes(nn.Module):
    """Four channels known by hand: x, 2 x, a constant, -3 x; logits: the means of the first two, and of the last."""

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        maps = torch.cat([x, 2 * x, torch.ones_like(x), -3 * x], 1)
        return {"maps": maps, "penultimate": maps.mean((2, 3))}

    def head(self, penultimate: Tensor) -> Tensor:
        return torch.stack([penultimate[:, 0] + penultimate[:, 1], penultimate[:, 3]], 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])


@pytest.fixture
def planes():
    return classifier(Planes())


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    clean = picture(4, 1)
    return clean, (clean + torch.linspace(0, 0.5, 16).view(1, 1, 4, 4)).clamp(0, 1)


# --- channels ---------------------------------------------------------------------------------------------------------


def test_the_most_changed_channels_come_first(planes, pair):
    clean, distorted = pair
    found = channels(planes, clean, distorted, "maps", top=3)
    change = float((distorted - clean).norm())
    assert (found.layer, found.total) == ("maps", 4)
    assert [channel.index for channel in found.channels] == [3, 1, 0]
    assert [channel.distance for channel in found.channels] == pytest.approx([3 * change, 2 * change, change], rel=1e-5)
    assert torch.equal(found.channels[0].clean, -3 * clean[0, 0])
    assert torch.equal(found.channels[1].distorted, 2 * distorted[0, 0])
    # one scale for the three shown; the constant channel has no say in it
    assert found.low == pytest.approx(-3 * float(distorted.max()))
    assert found.high == pytest.approx(2 * float(distorted.max()))


def test_a_layer_with_fewer_channels_shows_all_and_ties_keep_their_order(planes, pair):
    clean, _ = pair
    found = channels(planes, clean, clean, "maps")
    assert [channel.index for channel in found.channels] == [0, 1, 2, 3]
    assert {channel.distance for channel in found.channels} == {0.0}


def test_a_vector_layer_has_maps_of_one_value(planes, pair: tuple[Tensor, Tensor]):
    found = channels(planes, *pair, "penultimate")
    assert {channel.clean.shape for channel in found.channels} == {torch.Size([1, 1])}
    assert found.channels[0].index == 3


def test_the_distances_of_all_channels_make_up_that_of_the_layer():
    model = resnet()
    recipe = Recipe.parse("gaussian_noise=0.1;seed=2")
    compared = compare_image([model], picture(), recipe)
    for layer, distance in compared.models[0].feature_distance.items():
        found = channels(model, compared.clean, compared.distorted, layer, top=64)
        assert sum(channel.distance**2 for channel in found.channels) ** 0.5 == pytest.approx(distance.l2, rel=1e-4)


def test_bad_layers_and_images_are_refused(planes, pair: tuple[Tensor, Tensor]):
    with pytest.raises(ExplorerError, match="its layers are maps, penultimate"):
        channels(planes, *pair, "conv9")
    with pytest.raises(ExplorerError, match="1 or more"):
        channels(planes, *pair, "maps", top=0)
    with pytest.raises(ExplorerError, match="fit"):
        channels(planes, pair[0], grey(0.5, 8), "maps")


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_evidence_by_hand(planes, pair):
    # d logit_0 / d maps is 1/16 at the first two channels: the map is (x + 2 x) / 16
    clean, distorted = pair
    found = evidence(planes, clean, distorted)
    assert (found.layer, found.grid, found.class_clean, found.class_distorted) == ("maps", (4, 4), 0, 0)
    assert torch.allclose(found.clean, 3 * clean[0, 0] / 16, atol=1e-6)
    assert torch.allclose(found.distorted, 3 * distorted[0, 0] / 16, atol=1e-6)
    assert torch.equal(found.other, found.distorted)
    assert found.limit == pytest.approx(float(found.distorted.max()))


def test_evidence_against_a_class_is_negative(planes, pair):
    found = evidence(planes, *pair, target=1)
    assert found.class_clean == 1
    assert torch.allclose(found.clean, -3 * pair[0][0, 0] / 16, atol=1e-6)
    assert float(found.clean.max()) <= 0 <= float(found.other.min())  # the answer is still class 0


@pytest.mark.parametrize("name", ["cifar10/resnet20/standard", "digits/lenet/bang"])
def test_evidence_of_shipped_models_is_the_papers_formula(name):
    model = load_model(name, device="cpu")
    clean = picture(model.size, model.channels)
    distorted = apply(Recipe.parse("gaussian_noise=0.3;seed=1"), clean)
    found = evidence(model, clean, distorted)
    cases = (
        (clean, found.class_clean, found.clean),
        (distorted, found.class_clean, found.distorted),
        (distorted, found.class_distorted, found.other),
    )
    for image, index, given in cases:
        logits, features = model.answer(image.clone().requires_grad_())
        layer = features[found.layer]
        (gradient,) = torch.autograd.grad(logits[0, index], layer)
        weights = gradient.mean((2, 3), keepdim=True)  # eq. 1
        expected = F.interpolate((weights * layer).sum(1, keepdim=True), size=image.shape[2:], mode="bilinear")  # eq. 2
        assert torch.allclose(given, expected[0, 0], atol=1e-4 * found.limit)
    assert found.grid == tuple(layer.shape[2:])
    assert found.clean.shape == clean.shape[2:]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_evidence_where_gradients_are_switched_off(planes, pair):
    expected = evidence(planes, *pair)
    with torch.inference_mode():
        assert torch.equal(evidence(planes, *pair).clean, expected.clean)


def test_a_network_without_a_picture_layer_has_no_evidence():
    class Flat(Planes):
        def forward_features(self, x: Tensor) -> dict[str, Tensor]:
            return {"penultimate": super().forward_features(x)["penultimate"]}

    with pytest.raises(ExplorerError, match="no layer with spatial feature maps"):
        evidence(classifier(Flat()), grey(0.5), grey(0.6))


def test_without_captum_one_sentence_says_so(planes, pair, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("captum"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExplorerError, match="package captum"):
        evidence(planes, *pair)


def test_bad_classes_are_refused(planes, pair):
    with pytest.raises(ExplorerError, match="label 2"):
        evidence(planes, *pair, target=2)
    with pytest.raises(ExplorerError, match="training mode"):
        evidence(formula(lambda p: p).train(), *pair)
