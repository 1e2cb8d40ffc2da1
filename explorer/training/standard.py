"""Standard training: cross-entropy on the clean images. The baseline of every comparison."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models.classifier import Classifier
from explorer.training.objective import Loss, objective


@objective("standard")
def standard(model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Loss:
    """L = CE(f(x), y), batch mean."""
    logits = model(x).float()
    return Loss(F.cross_entropy(logits, y), logits)
