"""Lesson 4, the Lipschitz loss and its theorem: slopes, guaranteed radii, and directions that sampling misses."""

from __future__ import annotations

import math
from copy import deepcopy
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from explorer.lessons import Verdict, correct, exercise, hint, is_open, lab, number, prediction
from explorer.models import Classifier, load_model
from explorer.training.lipschitz import slopes

prediction("4.1", "Of 100 random steps from a digit, what is the steepest slope of the standard network?")
prediction(
    "4.3",
    "The Lipschitz network was trained for slopes below 0.5. Along random noise, for how many per cent of the digits "
    "is its slope below that?",
)
prediction("4.5", "For how many per cent of the digits does an attack break the radius promised for L = 0.5?")
prediction(
    "4.7",
    "The radius that the true theorem promises to the median digit: is it larger or smaller than what rounding "
    "to 8 bits changes?",
    choices=("ten times larger", "about the same", "ten times smaller"),
)


@cache
def network(method: str = "standard") -> Classifier:
    """Load the shipped digits LeNet of a training method, once, on the CPU.

    Args:
        method: Name of the training method.

    Returns:
        The model.
    """
    return load_model(f"digits/lenet/{method}", device="cpu")


@exercise("4.2", "a function of a model, pictures and steps that gives each picture's slope")
def slope(answer: Any) -> Verdict | None:
    """Tried on the standard network; everything but the Euclidean ratio, picture by picture, is told apart."""
    model = network()
    x = lab.digits()[0][:5]
    step = 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(4))
    given = answer(model, x, step)
    if is_open(given):
        return None
    wanted = slopes(model(x), model(x + step), step)
    if not isinstance(given, Tensor) or given.shape != wanted.shape:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return hint(
            "flatten(1) keeps the pictures apart: step.flatten(1).norm(dim=1) has one length for each.",
            words=f"Expected one slope per picture, {tuple(wanted.shape)}, not {shape}.",
        )
    if torch.allclose(given, wanted, rtol=1e-3):
        return correct("How far the answer went, for each unit the picture went.")
    rise = (model(x + step) - model(x)).norm(dim=1)
    if torch.allclose(given, rise, rtol=1e-3):
        return hint("divide by the length of the step.", words="That is how far the answer moved.")
    if torch.allclose(given, 1 / wanted, rtol=1e-3):
        return hint("rise over run.", words="Upside down.")
    return hint(
        "(model(x + step) - model(x)).norm(dim=1) is the rise.",
        "the run is step.flatten(1).norm(dim=1).",
        words=f"For the first picture it should be {float(wanted[0]):.3f}, yours gives {float(given[0]):.3f}.",
    )


@exercise("4.4", "a function of a margin and a slope L that gives the radius within which the answer cannot change")
def radius(answer: Any) -> Verdict | None:
    """It is margin / (sqrt(2) L); both safe and unsafe slips are told apart."""
    margin, bound = 3.0, 0.5
    given = answer(margin, bound)
    if is_open(given):
        return None
    given_radius = number(given, "the radius")
    wanted = margin / (math.sqrt(2) * bound)
    if math.isclose(given_radius, wanted, rel_tol=1e-3):
        return correct(
            "With a margin of 1, the distance between the labels (1, 0) and (0, 1) cut in half, it is the paper's."
        )
    if math.isclose(given_radius, margin / bound, rel_tol=1e-3):
        return hint(
            "the two logits can move at once: one up, one down. How far does the pair (a, b) go if a - b shrinks by m?",
            "by m / sqrt(2).",
            words="That promises too much.",
        )
    if math.isclose(given_radius, margin / (2 * bound), rel_tol=1e-3):
        return hint(
            "each of the two would have to move by m / 2, and sqrt((m/2)² + (m/2)²) is more than m / 2.",
            words="True, but more careful than needed.",
        )
    return hint(
        "the answer vector must go at least margin / sqrt(2) before two of its entries are level.",
        "it goes at most L times as far as the picture: L * radius = margin / sqrt(2).",
        words=f"For a margin of 3 and L = 0.5 it should be {wanted:.3f}, yours gives {given_radius:.3f}.",
    )


@exercise(
    "4.6", "a function of a model, pictures and steps that gives the gradient of the rise with respect to the steps"
)
def uphill(answer: Any) -> Verdict | None:
    """Any positive multiple of the gradient of ||f(x + step) - f(x)||, its square included, points the same way."""
    model = network()
    x = lab.digits()[0][:4]
    step = 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(6))
    given = answer(model, x, step.clone())
    if is_open(given):
        return None
    if not isinstance(given, Tensor) or given.shape != step.shape:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return hint(
            "torch.autograd.grad returns a tuple: take its first entry.",
            words=f"Expected a tensor of the steps' shape {tuple(step.shape)}, not {shape}.",
        )
    point = step.clone().requires_grad_()
    (wanted,) = torch.autograd.grad((model(x + point) - model(x)).norm(dim=1).sum(), point)
    alike = torch.cosine_similarity(given.flatten(1), wanted.flatten(1))
    if bool((alike > 0.999).all()):
        return correct("Up the steepest way from where the step ends.")
    if bool((alike < -0.999).all()):
        return hint("leave the minus out.", words="That is straight downhill.")
    return hint(
        "step = step.detach().requires_grad_(), then rise = (model(x + step) - model(x)).norm(dim=1).sum().",
        "return torch.autograd.grad(rise, step)[0]",
        words="It points elsewhere.",
    )


@exercise("4.8", "a function of a model that gives a copy ten times less steep, which answers every picture the same")
def calm(answer: Any) -> Verdict | None:
    """Tried on the standard network: slopes at most a tenth, answers all the same, the original untouched."""
    model = deepcopy(network())
    x = lab.digits()[0]
    before = model(x)
    given = answer(model)
    if is_open(given):
        return None
    if not isinstance(given, nn.Module):
        return hint("return the changed copy.", words=f"Expected a network, not {type(given).__name__}.")
    if not torch.equal(model(x), before):
        return hint("deepcopy(model) first.", words="It changes the network it was given, too.")
    after = given(x)
    step = lab.noisy(x, 0.3) - x
    ratio = float((slopes(after, given(x + step), step) / slopes(before, model(x + step), step)).median())
    if not torch.equal(after.argmax(1), before.argmax(1)):
        return hint("all logits must shrink by the same factor, the bias too.", words="Some answers changed.")
    if ratio > 0.101:
        return hint(
            "the last layer is model.net.fc2; make its weight and its bias a tenth.",
            "copy.net.fc2.weight.mul_(0.1) and the bias likewise, on a copy.",
            words=f"The answers are the same, but its slope is {ratio:.2g} times the old one.",
        )
    return correct(
        "Ten times less steep, and not a bit more robust: the margins shrank as well. Look at both, or at their ratio."
    )
