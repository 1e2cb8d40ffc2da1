"""Adversarial training as parametric noise injection is trained (He, Rakin & Fan 2019, arXiv 1811.09310)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.adversarial import log_odds
from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.methods import Formula, PublishedValue, Source
from explorer.palette import Colour, MethodColours
from explorer.training.objective import CROSS_ENTROPY, Loss, method

PNI = Source(
    "he2019",
    "He, Rakin & Fan",
    2019,
    "Parametric Noise Injection: Trainable Randomness to Improve Deep Neural Network Robustness against Adversarial "
    "Attack",
    "1811.09310",
)


def _published() -> Iterator[PublishedValue]:
    """ResNet-20 with noise on the weights and, beside it, the same adversarial training without noise."""
    for setting, clean, attacked in (("noise on the weights", 84.89, 45.94), ("without noise", 83.84, 39.14)):
        for distortion, amount, percent in ((None, None, clean), ("pgd_linf", 8 / 255, attacked)):
            yield PublishedValue(
                data="cifar10",
                method="noise_injection",
                arch="ResNet-20",
                same_as="resnet20_noisy" if setting.startswith("noise") else "resnet20",
                setting=f"{setting}; ε 8/255, 7 steps",
                distortion=distortion,
                amount=amount,
                accuracy=round(percent / 100, 6),
                provenance="stated",
                source=PNI,
                certain="Stated by the authors, who draw the noise anew for every answer; ours is one fixed draw.",
                n=10_000,
            )


def pgd_from_random_start(
    model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, *, epsilon: float, step: float, steps: int
) -> Tensor:
    """Projected gradient ascent in the L-infinity ball, with the network as it is in training.

    Args:
        model: The network.
        x: Images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the starts.
        epsilon: Radius of the ball in [0, 1] pixel units.
        step: Length of a step, in the same units.
        steps: Number of steps.

    Returns:
        Images at most ``epsilon`` from x in each pixel, in [0, 1].
    """
    start = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) * 2 - 1
    moved = (x + start * epsilon).clamp_(0, 1)
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        (slope,) = torch.autograd.grad(log_odds(model(moved).float(), y).sum(), moved)
        with torch.no_grad():
            moved = moved + step * slope.sign()
            moved = torch.minimum(torch.maximum(moved, x - epsilon), x + epsilon).clamp_(0, 1)
    return moved.detach()


@method(
    "noise_injection",
    title="Noise injection",
    summary="Learn from clean and attacked images alike, with noise on the weights whose strength is learned.",
    formulas=[
        Formula(
            "L = w CE(f(x), y) + (1 − w) CE(f(x′), y)",
            "L equals w times the cross-entropy of f of x, plus one minus w times that of f of x prime",
        ),
        Formula(
            "W′ = W + α η, η ∼ N(0, var(W))",
            "W prime equals W plus alpha eta, with eta normal with the variance of the weights W",
        ),
    ],
    symbols=f"{CROSS_ENTROPY}; x′ is x attacked by PGD; W are a layer's weights, α its strength, learned with them.",
    passes=9,
    cost="9 forward passes per image: 7 steps of the attack, the clean and the attacked image.",
    caution="The noise is a part of the architecture (resnet20_noisy, lenet_noisy): with any other one this is plain "
    "adversarial training. Noise that is drawn anew for each answer also hides the gradient; here it is fixed once "
    "trained.",
    shown_by="pgd_linf",
    colours=MethodColours(fill=Colour("#6b7f1f", "#9db53f"), ink=Colour("#566718", "#aec74f")),
    source=PNI,
    published=_published(),
)
def noise_injection(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    weight: float = 0.5,
    epsilon: float = 8 / 255,
    step: float = 0.01,
    steps: int = 7,
) -> Loss:
    """L = w CE(f(x), y) + (1 - w) CE(f(x'), y), the paper's ensemble loss (eq. 7), x' from PGD.

    Every forward pass draws the noise of ``lenet_noisy`` or ``resnet20_noisy`` anew.

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the starts of the attack.
        weight: w, in [0, 1].
        epsilon: Radius of the ball in [0, 1] pixel units, L-infinity.
        step: Length of a step of the attack, in the same units.
        steps: Steps of the attack.

    Returns:
        The loss, the logits of x, and both terms to log.

    Raises:
        ExplorerError: A number makes no sense.
    """
    if not 0 <= weight <= 1 or epsilon <= 0 or step <= 0 or steps < 1:
        raise ExplorerError("Noise injection needs a weight from 0 to 1, an epsilon and a step above 0, and a step.")
    attacked = pgd_from_random_start(model, x, y, generator, epsilon=epsilon, step=step, steps=steps)
    logits, broken = model(x).float(), model(attacked).float()
    task, worst = F.cross_entropy(logits, y), F.cross_entropy(broken, y)
    return Loss(weight * task + (1 - weight) * worst, logits, {"task": task, "attacked": worst})
