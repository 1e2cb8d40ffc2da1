"""The judges of lessons 3 to 5: right answers in several forms pass, and every usual slip is told by its name."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from explorer.distortions.adversarial import negative_margin
from explorer.lessons import judged, lab
from explorer.lessons import lesson_3_stability_training as three
from explorer.lessons import lesson_4_lipschitz_loss as four
from explorer.lessons import lesson_5_bang as five
from explorer.training.stability import stability_term


def kl(clean, noisy):
    log_p, log_q = F.log_softmax(clean, 1), F.log_softmax(noisy, 1)
    return (log_p.exp() * (log_p - log_q)).sum(1)


def slope(model, x, step):
    return (model(x + step) - model(x)).norm(dim=1) / step.flatten(1).norm(dim=1)


def uphill(model, x, step):
    step = step.detach().requires_grad_()
    return torch.autograd.grad((model(x + step) - model(x)).square().sum(), step)[0]


def calm(by, *, shift=0.0, in_place=False):
    def change(model):
        calmer = model if in_place else copy.deepcopy(model)
        with torch.no_grad():
            calmer.net.fc2.weight.mul_(by)
            calmer.net.fc2.bias.mul_(by).add_(shift)
        return calmer

    return change


def factors(k, epsilon):
    share = (k / k.max()).clamp_min(1e-30)
    return (1 / share) ** (epsilon * (1 - share))


def fgsm(model, x, y, epsilon, *, sign=torch.sign, low=0.0):
    place = x.clone().requires_grad_()
    gradient = torch.autograd.grad(F.cross_entropy(model(place), y, reduction="sum"), place)[0]
    return (x + epsilon * sign(gradient)).clamp(low, 1)


RIGHT = [
    ("3.2", lambda a, b: kl(a, b).mean()),
    ("3.2", lambda a, b: F.kl_div(F.log_softmax(b, 1), F.log_softmax(a, 1), log_target=True, reduction="batchmean")),
    ("3.2", lambda a, b: stability_term(a, b, loss="cross_entropy")),
    ("3.4", lambda m, a, b: 100 * (m(a).argmax(1) != m(b).argmax(1)).float().mean()),
    ("3.7", "c"),
    ("4.2", slope),
    ("4.4", lambda m, L: m / (math.sqrt(2) * L)),
    ("4.6", uphill),
    ("4.8", calm(0.1)),
    ("4.8", calm(0.01)),
    ("5.2", factors),
    ("5.4", fgsm),
    ("5.6", 1000),
    ("5.8", lambda r: r["white"] > min(r["transfer"], r["random"]) or r["huge"] > 15),
]
WRONG = [
    ("3.2", lambda a, b: kl(b, a).mean(), "other way round"),
    ("3.2", lambda a, b: kl(a, b).sum(), "sum over the batch"),
    ("3.2", kl, "one number"),
    ("3.2", lambda a, b: kl(a, b).mean() / 10, "mean over the classes"),
    ("3.2", lambda a, b: -kl(a, b).mean(), "sign"),
    ("3.2", lambda a, b: kl(a.detach(), b).mean(), "only one of the two"),
    ("3.2", lambda a, b: kl(a, b).mean().detach(), "only one of the two"),
    ("3.2", lambda a, b: (a.softmax(1) * (a.softmax(1) / b.softmax(1)).log()).sum(1).mean(), "large ones"),
    ("3.2", lambda a, b: (a.softmax(1) - b.softmax(1)).square().sum(1).mean(), "not the one of the paper"),
    ("3.2", lambda a, b: (a - b).norm(), "it should be"),
    ("3.4", lambda m, a, b: (m(a).argmax(1) != m(b).argmax(1)).float().mean(), "fraction"),
    ("3.4", lambda m, a, b: int((m(a).argmax(1) != m(b).argmax(1)).sum()), "number of answers"),
    ("3.4", lambda *_: 0, "2 of 4"),
    ("3.6", lambda table: max(table, key=lambda s: table[s][1]), "too low"),
    ("3.6", lambda table: max(table, key=lambda s: table[s][0]), "the rule gives"),
    ("3.7", "A", "still teaches"),
    ("3.7", "D", "must be one of"),
    ("4.2", lambda m, x, s: (m(x + s) - m(x)).norm(dim=1), "how far the answer moved"),
    ("4.2", lambda m, x, s: 1 / slope(m, x, s), "Upside down"),
    ("4.2", lambda m, x, s: slope(m, x, s).mean(), "one slope per picture"),
    ("4.2", lambda m, x, s: 2 * slope(m, x, s), "it should be"),
    ("4.4", lambda m, L: m / L, "too much"),
    ("4.4", lambda m, L: m / (2 * L), "more careful"),
    ("4.4", lambda m, L: m * L, "it should be"),
    ("4.6", lambda m, x, s: -uphill(m, x, s), "downhill"),
    ("4.6", lambda _m, _x, s: s, "elsewhere"),
    ("4.6", lambda m, x, s: uphill(m, x, s).norm(), "shape"),
    ("4.8", calm(0.5), "times the old one"),
    ("4.8", calm(0.1, in_place=True), "the network it was given"),
    ("4.8", calm(0.1, shift=torch.linspace(0, 9, 10)), "answers changed"),
    ("4.8", lambda _: 0.1, "Expected a network"),
    ("5.2", lambda k, e: 1 / factors(k, e), "Upside down"),
    ("5.2", lambda k, e: (k.max() / k) ** e, "Nearly"),
    ("5.2", lambda k, e: (k.max() / k) ** (e * (1 - k / k.max())), "infinite"),
    ("5.2", lambda k, _: k.max(), "factors"),
    ("5.2", lambda k, _: k, "it should be"),
    ("5.4", lambda m, x, y, e: fgsm(m, x, y, -e), "down the loss"),
    ("5.4", lambda m, x, y, e: fgsm(m, x, y, e, low=-1.0), "no such pixels"),
    ("5.4", lambda m, x, y, e: fgsm(m, x, y, e, sign=lambda g: g), "less than ε"),
    ("5.4", lambda _m, x, _y, e: (x + e).clamp(0, 1), "not the pictures"),
    ("5.6", 1, "% right"),
    ("5.6", -1000, "change the answers"),
    ("5.6", "many", "Expected a number"),
    ("5.8", lambda _: True, "it says True"),
    ("5.8", lambda r: r["white"] > r["transfer"], "random"),
]


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_right_answers_pass_in_whatever_form(number, answer):
    verdict = judged(number, answer)
    assert verdict is not None
    assert verdict.correct, verdict.say()
    assert len(verdict.words) > 20, "say what it means"


@pytest.mark.parametrize(("number", "answer", "told"), WRONG)
def test_slips_are_told_by_their_names_and_get_a_hint(number, answer, told):
    verdict = judged(number, answer)
    assert verdict is not None
    assert not verdict.correct
    assert told in verdict.say()
    assert verdict.hints or "Expected" in verdict.words or "must be" in verdict.words


@pytest.mark.parametrize("number", ["3.2", "3.4", "3.6", "4.2", "4.4", "4.6", "4.8", "5.2", "5.4", "5.8"])
def test_a_function_that_was_left_as_it_is_counts_as_not_answered(number):
    assert judged(number, lambda *_: ...) is None
    assert judged(number, ...) is None


@pytest.mark.parametrize("number", ["3.2", "3.4", "3.6", "4.2", "4.4", "4.6", "4.8", "5.2", "5.4", "5.8"])
@pytest.mark.parametrize(
    "answer",
    [lambda *_: "text", lambda *_: torch.zeros(3, 3), lambda: 0, 7],
    ids=["text", "matrix", "takes nothing", "no function"],
)
def test_no_answer_ends_in_a_traceback(number, answer):
    verdict = judged(number, answer)
    assert verdict is not None
    assert not verdict.correct


def test_only_the_variant_without_any_gradient_is_the_trap():
    clean, noisy = (torch.randn(4, 10, requires_grad=True) for _ in range(2))
    values = {name: write(clean, noisy) for name, write in three.variants().items()}
    assert len({round(float(value.detach()), 6) for value in values.values()}) == 1
    assert [name for name, value in values.items() if not value.requires_grad] == ["C"]


def test_logits_that_are_larger_hide_the_standard_network_from_one_attack_only():
    x, y = lab.digits()
    masked = lab.scaled(five.network(), 1000, "mine/masked")
    assert torch.equal(masked(x).argmax(1), five.network()(x).argmax(1))
    assert lab.accuracy(masked, five.fgsm(masked, x, y, 0.1), y) > 95
    assert lab.accuracy(masked, five.fgsm(masked, x, y, 0.1, negative_margin), y) < 60


def test_the_promise_for_the_bound_trained_for_is_broken_by_a_change_it_covers():
    model = four.network("lipschitz")
    x, y = lab.digits()
    first, second = model(x).topk(2, dim=1).values.unbind(1)
    attacked = five.fgsm(model, x, y, 0.2, negative_margin)
    moved = model(attacked).argmax(1) != model(x).argmax(1)
    promised = (first - second) / (math.sqrt(2) * 0.5)
    assert float((moved & ((attacked - x).flatten(1).norm(dim=1) < promised)).float().mean()) > 0.5


def test_the_laboratory_trains_the_same_network_again_and_each_method_its_own():
    x, _ = lab.digits()
    first, again = (lab.train("stability", images=50, epochs=2, seed=1, sigma=0.5, alpha=1.0) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    other = lab.train("standard", images=50, epochs=2, seed=1)
    assert not torch.equal(first(x), other(x))
    assert (first.name, first.training) == ("mine/stability", False)


def test_an_answer_is_used_from_the_moment_it_passes(capsys):
    def wrong(margin, bound):
        return margin / bound

    def mine(margin, bound):
        return margin / (math.sqrt(2) * bound)

    assert lab.yours("4.4", wrong, mine) is mine
    assert "until your answer to 4.4" in capsys.readouterr().out
    assert lab.yours("4.4", mine, wrong) is mine
    assert "your answer to 4.4." in capsys.readouterr().out
