"""Stability training (Zheng, Song, Leung, Goodfellow 2016, arXiv 1604.04326)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.methods import Source
from explorer.palette import Colour, MethodColours
from explorer.training.objective import NOISY, STABILITY, Loss, gaussian_noise_like, jensen_shannon, method

LOSSES = ("kl", "cross_entropy", "jensen_shannon")
"""The forms of the stability term."""


def stability_term(clean: Tensor, distorted: Tensor, *, loss: str = "kl", detach_clean: bool = False) -> Tensor:
    """How far the answers to x and x' lie apart: L_stab of Zheng et al. 2016, the mean over the batch.

    Args:
        clean: Logits of x, (N, K).
        distorted: Logits of x', (N, K).
        loss: ``cross_entropy`` is the paper's -sum_j P(y_j|x) log P(y_j|x') (called KL there); ``kl`` subtracts the
            entropy of P(.|x), so that it is 0 where both answers agree; ``jensen_shannon`` is AugMix's
            (KL(P(.|x) || M) + KL(P(.|x') || M)) / 2 with M their mean, the same both ways and ln 2 at most
            (Hendrycks et al. 2020, arXiv 1912.02781).
        detach_clean: Whether the gradient flows through the distorted branch only.

    Returns:
        A scalar in nats, not negative.

    Raises:
        ExplorerError: There is no such loss.
    """
    if loss not in LOSSES:
        raise ExplorerError(f"Unknown stability loss {loss!r}; use one of {', '.join(LOSSES)}.")
    log_p, log_q = F.log_softmax(clean, 1), F.log_softmax(distorted, 1)
    if detach_clean:
        log_p = log_p.detach()
    if loss == "jensen_shannon":
        return jensen_shannon(log_p, log_q)
    cross_entropy = -(log_p.exp() * log_q).sum(1)
    entropy = -(log_p.exp() * log_p).sum(1)
    return (cross_entropy - entropy if loss == "kl" else cross_entropy).mean()


@method(
    "stability",
    title="Stability training",
    summary="Classify clean images correctly, and give noisy ones the same answer as the clean one, whatever it is.",
    formulas=[STABILITY, NOISY],
    symbols="KL compares the two answers' probabilities; α weighs stability against the task.",
    passes=2,
    cost="2 forward passes per image: clean and noisy.",
    caution="The true class of x′ plays no role: a clean answer that is wrong is kept, too. The paper's accuracies are "
    "on ImageNet, so none of them is shown beside ours.",
    colours=MethodColours(fill=Colour("#0072b2", "#3f9fdf"), ink=Colour("#0072b2", "#56b0ec")),
    source=Source(
        "zheng2016",
        "Zheng, Song, Leung & Goodfellow",
        2016,
        "Improving the Robustness of Deep Neural Networks via Stability Training",
        "1604.04326",
    ),
)
def stability(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    alpha: float = 1.0,
    sigma: float = 0.1,
    loss: str = "kl",
    detach_clean: bool = False,
) -> Loss:
    """L(x, x') = L0(x) + alpha L_stab(x, x'), x' = clip(x + N(0, sigma^2)) per raw pixel, drawn anew each step.

    L0 is the cross-entropy and is never evaluated on x' (the paper's difference to augmentation). Both go through the
    network in one batch, so that BatchNorm sees their mixture.

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the noise.
        alpha: The weight of stability against the task.
        sigma: Standard deviation of the noise in [0, 1] pixel units.
        loss: ``kl``, ``cross_entropy`` or ``jensen_shannon``, see :func:`stability_term`.
        detach_clean: Whether the gradient of L_stab flows through the distorted branch only.

    Returns:
        The loss, the logits of x, and both terms to log.
    """
    distorted_x = (x + gaussian_noise_like(x, sigma, generator)).clamp_(0, 1)
    clean, distorted = model(torch.cat([x, distorted_x])).float().chunk(2)
    task = F.cross_entropy(clean, y)
    stab = stability_term(clean, distorted, loss=loss, detach_clean=detach_clean)
    return Loss(task + alpha * stab, clean, {"task": task, "stability": stab})
