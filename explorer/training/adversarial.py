"""Adversarial training by FGSM with a random start (Wong, Rice, Kolter 2020, arXiv 2001.03994)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.adversarial import log_odds
from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.methods import Formula, PublishedValue, Source
from explorer.palette import Colour, MethodColours
from explorer.training.objective import CROSS_ENTROPY, Loss, method

FAST = Source("wong2020", "Wong, Rice & Kolter", 2020, "Fast is better than free", "2001.03994")

_CLEAN = PublishedValue(
    data="cifar10",
    method="adversarial",
    arch="PreActResNet-18",
    same_as=None,
    setting="ε 8/255, first step 1.25 ε, 15 epochs",
    distortion=None,
    amount=None,
    accuracy=0.8381,
    provenance="stated",
    source=FAST,
    certain="Stated in the paper; under PGD of 8/255 with 50 steps and 10 restarts it states 46.06 %.",
    n=10_000,
)


def fgsm_with_random_start(
    model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, *, epsilon: float, step: float
) -> Tensor:
    """The paper's algorithm 3: one step of ``step`` epsilon from a random point of the ball, clipped into it.

    The model stays as it is: in training mode BatchNorm takes the statistics of this batch, as in the authors' code.
    The step follows the log-odds, which have the cross-entropy's direction without its rounding
    (``explorer.distortions.adversarial``).

    Args:
        model: The network.
        x: Images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the starts.
        epsilon: Radius of the ball in [0, 1] pixel units, L-infinity.
        step: Length of the step in epsilons.

    Returns:
        Images at most ``epsilon`` from x in each pixel, in [0, 1].
    """
    start = (torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) * 2 - 1) * epsilon
    moved = (x + start).clamp_(0, 1).requires_grad_()
    (slope,) = torch.autograd.grad(log_odds(model(moved).float(), y).sum(), moved)
    with torch.no_grad():
        moved = moved + step * epsilon * slope.sign()
        return torch.minimum(torch.maximum(moved, x - epsilon), x + epsilon).clamp_(0, 1)


@method(
    "adversarial",
    title="Adversarial training",
    summary="Learn from the worst neighbour of each image that one step along the gradient finds.",
    formulas=[
        Formula("L = CE(f(x + δ), y)", "L equals the cross-entropy of f of x plus delta and y"),
        Formula(
            "δ = clip(u + s ε sign ∇ CE(f(x + u), y)), u ∼ U(−ε, ε)",
            "delta equals u plus s epsilon times the sign of the gradient at x plus u, clipped to epsilon, with u "
            "drawn uniformly from the ball",
        ),
    ],
    symbols=f"{CROSS_ENTROPY}; s is the step in epsilons.",
    passes=2,
    cost="2 forward passes per image: the attack and the attacked image.",
    caution="It can fail all at once (catastrophic overfitting): the network then resists one step of FGSM and no "
    "attack of several steps. Read its strength from PGD, not from FGSM. It costs clean accuracy.",
    shown_by="pgd_linf",
    colours=MethodColours(fill=Colour("#8a2f3c", "#c9616e"), ink=Colour("#8a2f3c", "#e08a95")),
    source=FAST,
    published=[_CLEAN],
)
def adversarial(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    epsilon: float = 8 / 255,
    step: float = 1.25,
) -> Loss:
    """L = CE(f(x + delta), y), delta from FGSM with a random start (the paper's algorithm 3).

    Clean images are not learned from. The defaults are the paper's for CIFAR-10; a step of more than 1.25 epsilon made
    its networks collapse.

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the starts.
        epsilon: Radius of the ball in [0, 1] pixel units, L-infinity.
        step: Length of the step in epsilons, the paper's alpha / epsilon.

    Returns:
        The loss and the logits of the attacked images; those of x are not computed.

    Raises:
        ExplorerError: ``epsilon`` or ``step`` is not positive.
    """
    if epsilon <= 0 or step <= 0:
        raise ExplorerError("Adversarial training needs an epsilon and a step above 0.")
    attacked = fgsm_with_random_start(model, x, y, generator, epsilon=epsilon, step=step)
    logits = model(attacked).float()
    return Loss(F.cross_entropy(logits, y), logits)
