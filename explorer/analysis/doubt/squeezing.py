"""Feature squeezing's score: how far the answer moves when the picture is squeezed."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.analysis.doubt.registry import doubt
from explorer.models import Classifier
from explorer.models.remedies import put_around


@doubt(
    "squeezing", title="feature squeezing", passes=2, span=(0.0, 2.0),
    source="Xu, Evans & Qi 2018 (arXiv 1704.01155): 5 bits (1 for grey) and a 2 x 2 median; without non-local means",
)  # fmt: skip
def squeezing(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How far the answer moves when shades or detail are taken away: the larger of two L1 distances, 0 to 2."""
    squeezers = (f"+bits(depth={1 if model.channels == 1 else 5})", "+median(width=2)")
    answer = logits.softmax(1)
    moved = [(put_around(model, one)(x).softmax(1) - answer).abs().sum(1) for one in squeezers]
    return torch.stack(moved).amax(0)
