"""Lesson 5, BANG and adversarial directions: who teaches a network, who fools it, who only seems not to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from explorer.distortions.adversarial import cross_entropy
from explorer.lessons import Verdict, correct, exercise, hint, is_open, lab, number, prediction
from explorer.models import Classifier, load_model
from explorer.training.bang import gradient_scales

EPSILON = 0.1  # of exercise 5.6, in pixel units
STANDS = 95.0  # per cent right under attack, from which a network seems unbreakable
CHANCE = 15.0  # per cent right: what guessing gets of ten classes, and a little more

prediction("5.1", "How many per cent of the total pull come from the tenth of the digits that pull hardest?")
prediction("5.3", "Random signs of ε = 0.1: how many per cent of the digits does the standard network still read?")
prediction("5.5", "Under FGSM with ε = 0.1, which network reads more digits?", choices=("standard", "bang"))
prediction("5.7", "And if the same attack follows the margin?", choices=("standard", "bang"))


@cache
def network(method: str = "standard") -> Classifier:
    """Load the shipped digits LeNet of a training method, once, on the CPU.

    Args:
        method: Name of the training method.

    Returns:
        The model.
    """
    return load_model(f"digits/lenet/{method}", device="cpu")


def fgsm(
    model: torch.nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    objective: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
) -> Tensor:
    """The fast gradient sign method.

    Args:
        model: The attacked network.
        x: Images (N, C, H, W) in [0, 1].
        y: True labels (N,).
        epsilon: Largest change of a value.
        objective: What the attack increases, a function of logits and labels.

    Returns:
        Attacked images in [0, 1].
    """
    point = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(model(point), y).sum(), point)
    return (x + epsilon * gradient.sign()).clamp(0, 1)


@exercise("5.2", "a function of the pulls of a batch and ε that gives the factor of each picture")
def scales(answer: Any) -> Verdict | None:  # noqa: PLR0911 - one for each slip
    """BANG's factors, with the zero pull that a network sure of a picture has."""
    norms = torch.tensor([2.0, 1.0, 0.2, 0.002])
    given = answer(norms.clone(), 0.8)
    if is_open(given):
        return None
    wanted = gradient_scales(norms[:, None], torch.full((4,), 0.8))
    if not isinstance(given, Tensor) or given.shape != wanted.shape:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return hint(
            "norms.max() is K; all else works on the whole tensor.", words=f"Expected (4,) factors, not {shape}."
        )
    if torch.allclose(given, wanted, rtol=1e-3):
        zero = answer(torch.tensor([1.0, 0.0]), 0.8)
        if not bool(torch.isfinite(zero).all()):
            return hint(
                "norms.clamp_min(1e-30), or torch.where.",
                words="Right, but a picture with a pull of exactly 0 gets an infinite factor.",
            )
        return correct("The hardest stays as it is, the easy ones are lifted, and none is lowered.")
    if torch.allclose(given, 1 / wanted, rtol=1e-3):
        return hint("K / k is at least 1, k / K at most.", words="Upside down: the easy ones are to be lifted.")
    if torch.allclose(given, (norms.max() / norms) ** 0.8, rtol=1e-3):
        return hint("the exponent is ε (1 - k / K), not ε.", words="Nearly.")
    return hint(
        "share = norms / norms.max(), then the factor is (1 / share) ** (...).",
        "(1 / share) ** (epsilon * (1 - share))",
        words=f"For a tenth of the largest pull it should be {float(wanted[2]):.2f}, not {float(given[2]):.2f}.",
    )


@exercise("5.4", "a function of a model, pictures, labels and ε that gives the attacked pictures")
def direction(answer: Any) -> Verdict | None:  # noqa: PLR0911 - one for each slip
    """FGSM on the standard network, with the slips told apart."""
    model = network()
    x, y = (part[:20] for part in lab.digits())
    given = answer(model, x.clone(), y, 0.05)
    if is_open(given):
        return None
    if not isinstance(given, Tensor) or given.shape != x.shape:
        return hint("return x plus the step.", words=f"Expected a tensor of pictures, {tuple(x.shape)}.")
    given = given.detach()
    wanted = fgsm(model, x, y, 0.05)

    def alike(other: Tensor) -> bool:
        return float(((given - other).abs() < 1e-5).float().mean()) > 0.98

    if alike(wanted):
        return correct("One gradient, one sign, one step.")
    if not 0 <= float(given.min()) <= float(given.max()) <= 1:
        return hint("end with .clamp(0, 1).", words="Some values leave [0, 1]: there are no such pixels.")
    if alike(fgsm(model, x, y, -0.05)):
        return hint("uphill means x + ...", words="That walks down the loss: the answers get better.")
    if float((given - x).abs().max()) < 0.04:
        return hint("take the .sign() of the gradient.", words="The values move by less than ε.")
    return hint(
        "x.requires_grad_(), loss = F.cross_entropy(model(x), y), then torch.autograd.grad(loss, x)[0].",
        "(x + epsilon * gradient.sign()).clamp(0, 1).detach()",
        words="These are not the pictures that FGSM gives.",
    )


@exercise("5.6", "a factor for the logits with which the standard network seems unbreakable by FGSM")
def factor(answer: Any) -> Verdict:
    """Any factor above 0 that leaves at least 95 % right under FGSM with ε = 0.1."""
    by = number(answer, "the factor")
    if by <= 0:
        return hint("try 10, 100, 1000.", words="A factor of zero or less would change the answers.")
    x, y = lab.digits()
    model = lab.scaled(network(), by, "mine/masked")
    left = lab.accuracy(model, fgsm(model, x, y, EPSILON), y)
    if left >= STANDS:
        return correct(
            f"{left:.1f} % right under attack, with not one answer changed on clean digits. Would you publish it?"
        )
    return hint(
        "try other powers of ten.",
        "the surer the network, the closer p is to the label, and the smaller the gradient of the cross-entropy.",
        words=f"With {by:g}, FGSM leaves {left:.1f} % right.",
    )


Report = Mapping[str, float]

REPORTS: tuple[tuple[Report, bool, str], ...] = (
    ({"white": 20, "transfer": 70, "random": 95, "huge": 0}, False, "Nothing is wrong with that one."),
    ({"white": 80, "transfer": 35, "random": 95, "huge": 0}, True, "a borrowed attack does more harm."),
    ({"white": 80, "transfer": 85, "random": 60, "huge": 0}, True, "random signs do more harm than the attack."),
    ({"white": 60, "transfer": 75, "random": 90, "huge": 55}, True, "where anything is allowed, half still stands."),
    ({"white": 60, "transfer": 75, "random": 90, "huge": 8}, False, "a huge ε leaves about chance, as it must."),
)  # fmt: skip


@exercise("5.8", "a function of a report that says whether its attack cannot be trusted")
def suspicious(answer: Any) -> Verdict | None:
    """Tried on five made-up reports."""
    for report, doubtful, why in REPORTS:
        given = answer(dict(report))
        if is_open(given):
            return None
        if bool(given) != doubtful:
            return hint(
                "a trustworthy attack leaves fewer right than a borrowed one, fewer than random signs, and with a "
                "huge ε no more than chance.",
                'report["white"] > min(report["transfer"], report["random"]) or report["huge"] > 15',
                words=f"For {dict(report)} it says {bool(given)}; look again: {why}",
            )
    return correct("Three lines that every report of robustness should pass before it is believed.")
