"""Standard training: cross-entropy on the clean images. The baseline of every comparison."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models.classifier import Classifier
from explorer.models.methods import Formula
from explorer.palette import Colour, MethodColours
from explorer.training.objective import CROSS_ENTROPY, Loss, method


@method(
    "standard",
    title="Standard",
    summary="Classify the clean training images correctly; nothing is required of distorted ones.",
    formulas=[Formula("L = CE(f(x), y)", "L equals the cross-entropy of f of x and y")],
    symbols=f"{CROSS_ENTROPY}.",
    passes=1,
    cost="1 forward pass per image.",
    caution="The baseline: compare the others with it.",
    colours=MethodColours(fill=Colour("#d55e00", "#f07f2b"), ink=Colour("#be5400", "#f58a3c")),
)
def standard(model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Loss:
    """L = CE(f(x), y), the mean cross-entropy over the batch.

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Not used.

    Returns:
        The loss and the logits of x.
    """
    logits = model(x).float()
    return Loss(F.cross_entropy(logits, y), logits)
