"""Logit squeezing: keep the logits small."""

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models import Classifier
from explorer.training import Formula, Loss, Source, method


@method(
    "logit_squeezing",
    title="Logit squeezing",
    summary="Classify clean images correctly, with small logits.",
    formulas=[
        Formula("L = CE(f(x), y) + λ ‖ f(x) ‖^2", "L equals the cross-entropy plus lambda times the squared logits")
    ],
    symbols="CE is the cross-entropy, f(x) the logits, λ the weight of the penalty.",
    passes=1,
    cost="1 forward pass per image.",
    caution="Small logits have small gradients, and attacks that follow them are weak. Attack the margin as well.",
    source=Source("kannan2018", "Kannan, Kurakin & Goodfellow", 2018, "Adversarial Logit Pairing", "1803.06373"),
)
def logit_squeezing(
    model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, *, weight: float = 0.05
) -> Loss:
    """L = CE(f(x), y) + weight * mean ||f(x)||^2.

    Args:
        model: The network under training; it takes images and gives logits (N, K).
        x: Images, float32 (N, C, H, W) in [0, 1].
        y: The true classes (N,).
        generator: The source of all randomness, on the device of x. This method draws nothing.
        weight: The weight λ of the penalty, 0 or more.

    Returns:
        The loss, the logits of the clean images, and the parts to log.
    """
    logits = model(x).float()
    task, penalty = F.cross_entropy(logits, y), logits.square().sum(1).mean()
    return Loss(task + weight * penalty, logits, {"task": task, "penalty": penalty})
