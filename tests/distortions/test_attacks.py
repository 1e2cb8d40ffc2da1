"""Attacks against tiny networks whose gradients are known by hand."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.distortions import DISTORTIONS, Draws, Recipe, Target, apply
from explorer.distortions.adversarial import cross_entropy, log_odds, negative_margin, objective_of, saturated
from explorer.errors import ExplorerError

ATTACKS = [name for name, distortion in DISTORTIONS.items() if distortion.adversarial]
LINF = [name for name in ATTACKS if name.startswith(("fgsm", "pgd_linf"))]
L2 = [name for name in ATTACKS if name not in LINF]

# one row per class, one column per pixel of a 1 x 2 x 2 picture
WEIGHTS = torch.tensor([[1.0, 0.0, -1.0, 2.0], [0.0, 1.0, 1.0, 2.0], [-3.0, 0.0, 0.0, 0.0]])
PICTURE = torch.full((1, 1, 2, 2), 0.5)  # logits 1.0, 2.0, -1.5: class 1, nearest wrong class 0


def linear(x: Tensor) -> Tensor:
    return x.flatten(1) @ WEIGHTS.T


def attack(name: str, amount: float, x: Tensor = PICTURE, target: Target | None = None, seed: int = 0) -> Tensor:
    recipe = Recipe(((name, amount),), seed=seed, quantised=False)
    return apply(recipe, x, target=target or Target(linear))


def steps(out: Tensor, x: Tensor = PICTURE) -> list[float]:
    return (out - x).flatten().tolist()


class Bumpy(nn.Module):
    """A small network with curved decision boundaries."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(75, 40), nn.Tanh(), nn.Linear(40, 5))
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.4

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@pytest.fixture
def bumpy() -> Bumpy:
    return Bumpy().eval()


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(6, 3, 5, 5, generator=torch.Generator().manual_seed(1))


def test_fgsm_by_hand():
    # d CE / dx = sum_k p_k w_k - w_1. With p = softmax(1, 2, -1.5): p_0 = .262, p_1 = .712, p_2 = .0268 and
    # components .262 - .080 > 0, .712 - 1 < 0, .712 - .262 - 1 < 0, 1.947 - 2 < 0
    assert steps(attack("fgsm", 0.02)) == pytest.approx([0.02, -0.02, -0.02, -0.02])


def test_fgsm_margin_by_hand():
    # w_0 - w_1 = (1, -1, -2, 0): the last pixel has no slope and stays
    assert steps(attack("fgsm_margin", 0.02)) == pytest.approx([0.02, -0.02, -0.02, 0.0])


def test_pgd_on_a_linear_network_ends_in_the_corner():
    out = steps(attack("pgd_linf_margin", 0.02))
    assert out[:3] == pytest.approx([0.02, -0.02, -0.02])
    assert abs(out[3]) <= 0.02


@pytest.mark.parametrize("name", ["pgd_linf", "pgd_linf_margin"])
def test_twenty_steps_ask_for_twenty_gradients(name, bumpy, pictures):
    asked = []

    def counted(x: Tensor) -> Tensor:
        asked.append(x.requires_grad)
        return bumpy(x)

    counts = []
    for form in (name, name.replace("linf", "linf_20")):
        asked.clear()
        attack(form, 0.02, pictures[:1], Target(counted))
        counts.append(sum(asked))
    assert counts == [10, 20]


def test_hot_cold_by_hand():
    length = 6**0.5  # of (1, -1, -2, 0)
    assert steps(attack("hot_cold", 0.3)) == pytest.approx([0.3 / length, -0.3 / length, -0.6 / length, 0], abs=1e-6)


def test_pgd_l2_margin_walks_along_the_same_direction():
    out = attack("pgd_l2_margin", 0.3) - PICTURE
    direction = torch.tensor([1.0, -1.0, -2.0, 0.0]).view(1, 1, 2, 2) / 6**0.5
    assert float((out * direction).sum()) == pytest.approx(0.3, rel=0.05)
    assert float(out.norm()) <= 0.3 + 1e-5


def test_labels_are_obeyed():
    # told that class 2 is true, its nearest wrong class is 1: w_1 - w_2 = (3, 1, 1, 2)
    out = attack("fgsm_margin", 0.02, target=Target(linear, torch.tensor([2])))
    assert steps(out) == pytest.approx([0.02] * 4)


def test_objectives_by_hand():
    logits = torch.tensor([[1.0, 3.0, 0.0], [1.0, 3.0, 0.0]])
    labels = torch.tensor([1, 0])
    assert negative_margin(logits, labels).tolist() == [-2.0, 2.0]
    expected = -torch.log_softmax(logits, 1)[[0, 1], labels]
    assert torch.allclose(cross_entropy(logits, labels), expected)
    with pytest.raises(ExplorerError, match="one class"):
        negative_margin(torch.zeros(2, 1), torch.zeros(2, dtype=torch.long))


@pytest.mark.parametrize("name", LINF)
def test_recipes_go_further_than_sliders(name):
    distortion = DISTORTIONS[name]
    assert distortion.span(28) == (0, 16 / 255)
    assert Recipe.parse(f"{name}=0.3").steps == ((name, 0.3),)
    with pytest.raises(ExplorerError, match=f"{name}=1.1 is out of range: {name} takes 0 to 1."):
        Recipe.parse(f"{name}=1.1")


@pytest.mark.parametrize("name", LINF)
def test_linf_attacks_stay_in_their_ball(name, bumpy, pictures):
    for amount in (1 / 255, 8 / 255, 16 / 255, 0.3):
        out = attack(name, amount, pictures, Target(bumpy))
        assert float((out - pictures).abs().max()) <= amount + 1e-6
        assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("name", L2)
def test_l2_attacks_stay_in_their_ball(name, bumpy, pictures):
    for amount in (0.01, 0.25, 2.0):
        out = attack(name, amount, pictures, Target(bumpy))
        assert float((out - pictures).flatten(1).norm(dim=1).max()) <= amount * (1 + 1e-4)
        assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("steps", [0.25, 0.75, 1, 1.25, 1.5, 1.75, 2, 7.5, 25.5, 76.5])
@pytest.mark.parametrize("name", LINF)
def test_8_bit_pixels_move_by_the_whole_steps_of_the_size(name, steps, bumpy, pictures):
    x = (pictures * 255).round() / 255
    out = apply(Recipe(((name, steps / 255),)), x, target=Target(bumpy))
    moved = (out - x) * 255
    assert torch.allclose(moved, moved.round(), atol=1e-3)
    assert float(moved.abs().max()) == pytest.approx(int(steps), abs=1e-3)


@pytest.mark.parametrize("name", L2)
def test_8_bit_pixels_stay_in_the_l2_ball_and_fill_it(name, bumpy, pictures):
    x = (pictures * 255).round() / 255
    for amount in (0.02, 0.1, 0.5):
        out = apply(Recipe(((name, amount),)), x, target=Target(bumpy))
        assert torch.equal(out, (out * 255).round() / 255)
        lengths = (out - x).double().flatten(1).norm(dim=1)
        assert float(lengths.max()) <= amount + 1e-6
        assert float(lengths.min()) >= amount - 3 / 255  # unless a step more would be too much


def test_what_comes_after_an_attack_is_rounded_to_the_nearest(bumpy, pictures):
    recipe = Recipe.parse("fgsm=1.5/255,contrast=0.5")
    floats = apply(Recipe.parse("fgsm=1.5/255,contrast=0.5;pixels=float"), pictures, target=Target(bumpy))
    assert torch.equal(apply(recipe, pictures, target=Target(bumpy)), (floats * 255).round() / 255)


def log_odds_in_double(logits: Tensor, labels: Tensor) -> Tensor:
    """By the definition: log((1 - p) / p), with 1 - p as the sum of the other classes."""
    wrong = torch.softmax(logits, 1).scatter(1, labels[:, None], 0.0).sum(1)
    return wrong.log() - torch.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]


def test_log_odds_by_hand():
    labels = torch.tensor([1])
    logits = linear(PICTURE) * 30  # 30, 60, -45: p of the true class is 1 - e^-30
    assert float(log_odds(logits, labels)) == pytest.approx(-30)
    assert saturated(logits, labels).all()
    assert not saturated(linear(PICTURE), labels).any()
    few = linear(PICTURE).double()
    assert torch.allclose(log_odds(few, labels), log_odds_in_double(few, labels))
    assert torch.allclose(F.softplus(log_odds(few, labels)), cross_entropy(few, labels))


def test_fgsm_follows_the_exact_direction_where_float32_rounds_the_cross_entropy(bumpy, pictures):
    labels = bumpy(pictures).argmax(1)
    twin = copy.deepcopy(bumpy).double()
    with torch.no_grad():
        scale = 25 / float(-log_odds(bumpy(pictures), labels).median())
    x = pictures.double().requires_grad_()
    odds = log_odds_in_double(twin(x) * scale, labels)
    odds.sum().backward()
    assert x.grad is not None
    known = odds > -33  # double precision has the cross-entropy there
    assert (known & saturated(bumpy(pictures) * scale, labels)).any()
    found = attack("fgsm", 0.03, pictures, Target(lambda x: bumpy(x) * scale, labels))
    expected = (pictures + 0.03 * x.grad.sign()).clamp(0, 1)
    assert torch.allclose(found.double()[known], expected[known], atol=1e-6)
    rounded = attack("fgsm_float32", 0.03, pictures, Target(lambda x: bumpy(x) * scale, labels))
    assert not torch.allclose(rounded.double()[known], expected[known], atol=1e-6)


def test_the_plain_form_is_kept_under_its_own_name():
    assert objective_of("fgsm_float32") is cross_entropy
    assert objective_of("fgsm") is objective_of("pgd_linf_20") is log_odds
    assert steps(attack("fgsm_float32", 0.02)) == pytest.approx([0.02, -0.02, -0.02, -0.02])
    assert not DISTORTIONS["fgsm_float32"].searched


def test_pgd_starts_within_the_picture():
    seen = []

    def watched(x: Tensor) -> Tensor:
        if x.requires_grad:
            seen.append(x.detach().flatten()[:3])
        return linear(x)

    x = torch.tensor([0.5, 1.0, 0.0, 0.01])
    direction = torch.tensor([1.0, -1.0, -1.0])  # of w_0 - w_1, pixel by pixel
    clipped = 0
    for seed in range(4):
        seen.clear()
        attack("pgd_linf_margin", 0.1, x.view(1, 1, 2, 2), Target(watched, torch.tensor([1])), seed=seed)
        clipped += int(((seen[0] == 0) | (seen[0] == 1)).sum())
        second = (seen[0] + 0.025 * direction).clamp(0, 1).clamp(x[:3] - 0.1, x[:3] + 0.1)
        assert torch.allclose(seen[1], second, atol=1e-6)
    assert clipped


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_do_what_they_promise(name, bumpy, pictures):
    labels = bumpy(pictures).argmax(1)
    objective = negative_margin if "margin" in name or name == "hot_cold" else cross_entropy
    out = attack(name, 4 / 255 if name in LINF else 0.15, pictures, Target(bumpy))
    with torch.no_grad():
        assert (objective(bumpy(out), labels) > objective(bumpy(pictures), labels)).all()


def test_pgd_is_at_least_as_strong_as_one_step(bumpy, pictures):
    labels = bumpy(pictures).argmax(1)
    with torch.no_grad():
        one, many = (
            cross_entropy(bumpy(attack(name, 16 / 255, pictures, Target(bumpy))), labels).mean()
            for name in ("fgsm", "pgd_linf")
        )
    assert many >= one * 0.99


@pytest.mark.parametrize("name", ATTACKS)
def test_the_model_keeps_no_trace(name, bumpy, pictures):
    x = pictures.clone()
    attack(name, DISTORTIONS[name].default, x, Target(bumpy))
    assert all(parameter.grad is None for parameter in bumpy.parameters())
    assert all(parameter.requires_grad for parameter in bumpy.parameters())
    assert x.grad is None
    assert torch.equal(x, pictures)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_attacks_work_where_gradients_are_switched_off(name, mode, bumpy, pictures):
    expected = attack(name, DISTORTIONS[name].default, pictures, Target(bumpy))
    with mode():
        out = attack(name, DISTORTIONS[name].default, pictures * 1.0, Target(bumpy))
        assert not out.requires_grad
    assert torch.allclose(out.clone(), expected)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_zero_gradient_changes_nothing(name):
    def flat(x: Tensor) -> Tensor:
        return x.flatten(1) @ torch.zeros(4, 3) + torch.tensor([1.0, 0.0, 2.0])

    out = attack(name, DISTORTIONS[name].default, target=Target(flat))
    assert torch.equal(out, PICTURE)


@pytest.mark.parametrize("name", L2)
def test_a_tiny_gradient_still_gives_a_full_step(name):
    def faint(x: Tensor) -> Tensor:
        return linear(x) * 1e-30

    out = attack(name, 0.2, target=Target(faint))
    assert torch.isfinite(out).all()
    assert float((out - PICTURE).norm()) == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize("name", ["pgd_linf", "pgd_linf_margin", "pgd_l2", "pgd_l2_margin"])
def test_pgd_starts_at_random(name, bumpy, pictures):
    one, same, other = (attack(name, 0.05, pictures, Target(bumpy), seed) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_model_without_gradient_is_named():
    @torch.no_grad()
    def stubborn(x: Tensor) -> Tensor:
        return linear(x)

    with pytest.raises(ExplorerError, match="no gradient"):
        DISTORTIONS["fgsm"](PICTURE, 0.01, Draws([0]), Target(stubborn))
