"""Stability of features: the two mistakes of public ports, the triplet's loss, and which layers are trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from explorer.errors import ExplorerError
from explorer.models import load_model, wrap
from explorer.models.derived import load_derived
from explorer.stabilizing import features, objective, stabilize
from explorer.stabilizing.cards import stabilized_card
from explorer.stabilizing.layers import choose, student_of
from explorer.stabilizing.settings import Settings


def random_features(n: int, seed: int) -> torch.Tensor:
    drawn = torch.randn(n, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return nn.functional.normalize(drawn).requires_grad_()


def test_each_picture_has_a_norm_of_its_own_not_the_batch():
    clean, noisy = random_features(5, 0), random_features(5, 1)
    each = torch.stack([(a - b).square().sum().sqrt() for a, b in zip(clean, noisy, strict=True)])
    assert_close(features.stability_of_features(clean, noisy), each.mean())
    assert not torch.isclose(features.stability_of_features(clean, noisy), (clean - noisy).norm())
    twice = features.stability_of_features(torch.cat([clean, clean]), torch.cat([noisy, noisy]))
    assert_close(twice, each.mean())  # a norm over the batch would grow with it


def test_a_gradient_flows_through_the_distorted_picture():
    clean, noisy = random_features(5, 2), random_features(5, 3)
    features.anchored_loss(clean, noisy, clean.detach(), 1.0).backward()
    away = (noisy - clean).detach()
    assert noisy.grad is not None
    assert_close(noisy.grad, away / away.norm(dim=1, keepdim=True) / 5)


def test_a_gradient_flows_through_the_distorted_picture_of_a_network(shelf):
    student = student_of(load_model("digits/lenet/standard"))
    weights = choose(student, "head", features=True)
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    clean, noisy = features.features_of(student, x), features.features_of(student, (x + 0.3).clamp(0, 1))
    features.stability_of_features(clean.detach(), noisy).backward()
    assert all(one.grad is not None and bool(one.grad.any()) for one in weights.values())


def test_equal_features_have_a_distance_and_a_gradient_of_zero():
    same = random_features(3, 4)
    loss = features.stability_of_features(same, same.detach())
    loss.backward()
    assert loss == 0
    assert same.grad is not None
    assert not same.grad.any()


def test_features_have_length_1(shelf):
    found = features.features_of(load_model("digits/lenet/standard"), torch.rand(3, 1, 28, 28))
    assert_close(found.norm(dim=1), torch.ones(3))


def test_the_hinge_is_that_of_wang_et_al():
    q, p, n = torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.3, 0.4], [0.0, 0.1]]), torch.tensor([[0.0, 0.6]])
    assert_close(features.triplet_hinge(q, p, n, margin=0.2), torch.tensor((0.2 + 0.5 - 0.6) / 2))


def test_a_triplet_has_a_stability_term_for_each_of_its_pictures():
    clean = torch.stack([random_features(4, seed) for seed in (5, 6, 7)])
    still = features.triplet_loss(clean, clean, alpha=10.0)
    assert_close(still, features.triplet_hinge(clean[0], clean[1], clean[2]))
    for moved in range(3):
        noisy = clean.clone()
        noisy[moved] = random_features(4, 8 + moved)
        expected = still + 10 * features.stability_of_features(clean[moved], noisy[moved])
        assert_close(features.triplet_loss(clean, noisy, alpha=10.0), expected)


def test_triplets_are_two_of_one_class_and_one_of_another():
    labels, generator = torch.tensor([0, 0, 1, 1, 2, 0]), torch.Generator().manual_seed(0)
    q, p, n = features.draw_triplets([0, 1, 2, 3, 4, 5], labels, generator)
    assert q.tolist() == [0, 1, 2, 3, 5]  # 4 is alone in its class
    assert (labels[q] == labels[p]).all()
    assert (labels[q] != labels[n]).all()
    assert (q != p).all()
    with pytest.raises(ExplorerError, match="Triplets need two"):
        features.draw_triplets([4], labels, generator)


def test_the_loss_of_a_step_is_that_of_the_settings(shelf):
    model = load_model("digits/lenet/standard")
    student, x = student_of(model), torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    settings = Settings((), method="gaussian", features=True, alpha=2.0)
    found = objective.loss(settings, student, model, x, torch.zeros(6), torch.Generator().manual_seed(2))
    noisy = objective.distorted(settings, x, torch.Generator().manual_seed(2))
    clean, moved = features.features_of(model, x), features.features_of(model, noisy)
    assert_close(found, 2 * features.stability_of_features(clean, moved), atol=1e-5, rtol=1e-5)
    with_labels = Settings((), method="gaussian", features=True, labels=True)
    found = objective.loss(with_labels, student, model, x, torch.zeros(6), torch.Generator().manual_seed(2))
    expected = features.triplet_loss(clean.unflatten(0, (3, 2)), moved.unflatten(0, (3, 2)), 1.0)
    assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layers", ["head", "last", "all"])
def test_layers_behind_the_features_are_left_alone(layers):
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 5), nn.ReLU(), nn.Linear(5, 4))
    found = choose(student_of(wrap(net, size=8, channels=1)), layers, features=True)
    assert list(found) == (["3.weight", "3.bias"] if layers == "head" else [*found])
    assert "5.weight" not in found
    assert ("0.weight" in found) == (layers in {"all", "last"})


def test_a_network_of_one_layer_has_no_features_to_train():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(ExplorerError, match="no layer below its answers"):
        choose(student_of(wrap(net, size=8, channels=1)), "head", features=True)


def test_the_lipschitz_loss_is_not_one_of_features():
    with pytest.raises(ExplorerError, match="one of answers"):
        Settings((), method="lipschitz", features=True)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [False, True])
def test_a_few_steps_bring_features_of_distorted_pictures_nearer(shelf, labels):
    from explorer.data.datasets import load_dataset

    model, digits = load_model("digits/lenet/standard"), load_dataset("digits").select(range(100))
    made = stabilize(
        model, digits, under="gaussian_noise=0.2:0.2", features=True, layers="head", steps=20, batch_size=12, lr=1e-3,
        labels=labels, control=False, keep=0.0,
    )  # fmt: skip
    x = digits.batch(slice(40))[0]
    noisy = (x + 0.2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    before, after = (
        float(features.stability_of_features(features.features_of(one, x), features.features_of(one, noisy)).detach())
        for one in (model, made.model)
    )
    assert after < 0.9 * before
    assert made.model.card.name == "lenet-stability-features"
    assert "--features" in made.model.card.command


def test_a_stabilized_network_for_photographs_that_is_stabilized_again_names_where_its_code_is():
    start = load_model("photos/efficientnet_lite0/stability")
    card = stabilized_card(start, "again", Settings((), features=True, lr=1e-3), {})
    assert card.source["base"] == "photos/efficientnet_lite0/standard"
    assert card.source["start"] == "photos/efficientnet_lite0/stability"
    assert card.source["base_sha256"] == load_model("photos/efficientnet_lite0/standard").card.sha256
    assert "stored" not in card.source
    states = {"": start.net.state_dict()}
    net, _, notes = load_derived(card, states, Path("again.safetensors"))
    assert not notes
    assert all(torch.equal(value, start.net.state_dict()[key]) for key, value in net.state_dict().items())
