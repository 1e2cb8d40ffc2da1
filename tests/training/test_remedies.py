"""Adversarial training and AugMix follow their papers; push-pull inhibition is what its paper draws."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import entropy  # type: ignore[import-untyped]
from torch import nn

from explorer.errors import ExplorerError
from explorer.models import Card, Classifier, find_architecture
from explorer.models.architectures.pushpull import PushPull
from explorer.training import METHODS
from explorer.training.adversarial import fgsm_with_random_start
from explorer.training.augmix import view
from explorer.training.objective import jensen_shannon


def linear(classes: int = 3) -> Classifier:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, classes, bias=False))
    return Classifier(net, Card("a/b/c", "a", "b", "c", tuple("abc")[:classes], 8, 1, (0.0,), (1.0,)))


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_long_step_ends_in_the_corner_that_the_gradient_points_to() -> None:
    model, x, y = (
        linear(classes=2),
        0.3 + 0.4 * torch.rand(5, 1, 8, 8, generator=drawn(1)),
        torch.tensor([0, 1, 0, 1, 0]),
    )
    found = fgsm_with_random_start(model, x, y, drawn(2), epsilon=0.1, step=2.0)
    weight = model.net.get_parameter("1.weight")
    # With two classes the gradient's sign is that of the other class's weights less the true one's.
    corner = x + 0.1 * (weight[1 - y] - weight[y]).sign().view_as(x)
    torch.testing.assert_close(found, corner)  # from anywhere in the ball, two epsilons leave it on that side


def test_a_short_step_begins_at_random_and_stays_in_the_ball() -> None:
    model, x, y = linear(), torch.rand(64, 1, 8, 8, generator=drawn(1)), torch.arange(64) % 3
    one, same, other = (
        fgsm_with_random_start(model, x, y, drawn(seed), epsilon=8 / 255, step=0.25) for seed in (2, 2, 3)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert float((one - x).abs().max()) <= 8 / 255 + 1e-6
    assert 0 <= float(one.min()) <= float(one.max()) <= 1
    assert (one - x).unique().numel() > 1000, "the start is drawn for each pixel"


def test_the_loss_is_that_of_the_attacked_images() -> None:
    model, x, y = linear(), torch.rand(6, 1, 8, 8, generator=drawn(1)), torch.tensor([0, 1, 2, 0, 1, 2])
    attacked = fgsm_with_random_start(model, x, y, drawn(4), epsilon=0.1, step=1.25)
    loss = METHODS["adversarial"].objective(model, x, y, drawn(4), epsilon=0.1)
    torch.testing.assert_close(loss.total, F.cross_entropy(model(attacked), y))
    assert loss.total > F.cross_entropy(model(x), y)
    with pytest.raises(ExplorerError, match="above 0"):
        METHODS["adversarial"].objective(model, x, y, drawn(4), epsilon=0.0)


def test_jensen_shannon_of_three_is_the_entropy_that_mixing_adds() -> None:
    logits = 3 * torch.randn(3, 7, 5, generator=drawn(0))
    p = logits.double().softmax(2).numpy()
    expected = (entropy(p.mean(0), axis=1) - entropy(p, axis=2).mean(0)).mean()
    assert float(jensen_shannon(*logits.log_softmax(2))) == pytest.approx(expected, rel=1e-5)


def test_views_are_seeded_and_leave_torchs_own_generator_alone() -> None:
    x = torch.rand(6, 3, 16, 16, generator=drawn(1))
    state = torch.get_rng_state()
    one, same, other = (view(x, drawn(seed), severity=3, group=1) for seed in (2, 2, 3))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.shape == x.shape
    assert 0 <= float(one.min()) <= float(one.max()) <= 1
    strong = view(x, drawn(2), severity=10, group=1)
    assert (strong - x).abs().mean() > (view(x, drawn(2), severity=1, group=1) - x).abs().mean()


def test_augmix_asks_the_same_answer_of_three_views() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4))
    model = Classifier(net, Card("a/b/c", "a", "b", "c", tuple("abcd"), 16, 3, (0.0,) * 3, (1.0,) * 3))
    x, y = torch.rand(6, 3, 16, 16, generator=drawn(1)), torch.tensor([0, 1, 2, 3, 0, 1])
    loss = METHODS["augmix"].objective(model, x, y, drawn(5))
    generator = drawn(5)
    views = [view(x, generator, severity=3, group=1) for _ in range(2)]
    consistency = jensen_shannon(*(F.log_softmax(model(one), 1) for one in (x, *views)))
    torch.testing.assert_close(loss.parts["consistency"], consistency)
    torch.testing.assert_close(loss.total, F.cross_entropy(model(x), y) + 12 * consistency)
    with pytest.raises(ExplorerError, match="severity from 1 to 10"):
        METHODS["augmix"].objective(model, x, y, drawn(5), severity=11)


def test_push_pull_subtracts_the_answer_of_the_enlarged_negative_kernel() -> None:
    torch.manual_seed(0)
    layer = PushPull(2, 3)
    x = torch.randn(2, 2, 9, 9)
    weight = layer.push.weight
    # Bilinear with corners aligned, from 3 to 7: positions 0, 1/3, 2/3, 1, ... between the old ones.
    line = torch.zeros(7, 3)
    for i in range(7):
        line[i, i // 3] += 1 - (i % 3) / 3
        if i % 3:
            line[i, i // 3 + 1] += (i % 3) / 3
    enlarged = torch.einsum("ai,bj,ocij->ocab", line, line, weight)
    expected = F.relu(F.conv2d(x, weight, padding=1)) - F.relu(F.conv2d(x, -enlarged, padding=3))
    torch.testing.assert_close(layer(x), expected)
    layer(x).sum().backward()
    assert weight.grad is not None


def test_only_the_first_layer_differs_from_a_resnet() -> None:
    plain, other = (
        find_architecture(name).build(classes=10, in_channels=3).state_dict()
        for name in ("resnet20", "resnet20_pushpull")
    )
    assert set(plain) ^ set(other) == {"conv1.weight", "conv1.push.weight"}
