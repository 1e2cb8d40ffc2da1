"""VisionGuard's score: whether the answer is the same for the picture's JPEG."""

from __future__ import annotations

from torch import Tensor

from explorer.analysis.doubt.registry import doubt
from explorer.models import Classifier
from explorer.models.remedies import put_around


@doubt(
    "jpeg", title="KL to the JPEG", passes=1, span=(0.0, 2.0),
    source="VisionGuard, Kantaros et al. 2020 (arXiv 2002.09792); quality 75 and the direction of the KL are ours",
)  # fmt: skip
def jpeg(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How far the answer moves when the picture is saved as a JPEG: the KL divergence of the two answers, in nats."""
    log, after = logits.log_softmax(1), put_around(model, "+jpeg(quality=75)")(x).log_softmax(1)
    return (log.exp() * (log - after)).sum(1)
