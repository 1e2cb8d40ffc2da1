"""Scores of the answer alone, which cost no further forward pass."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from explorer.analysis.doubt.registry import CONTROL, doubt
from explorer.models import Classifier


@doubt(CONTROL, title="p (1 − p)", source="the variance of a Bernoulli variable", span=(0.0, 0.25))
def control(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How far the answer's probability is from certain: p (1 - p). The control that every other score has to beat."""
    p = logits.softmax(1).amax(1)
    return p * (1 - p)


@doubt("margin", title="margin", source="Scheffer, Decomain & Wrobel 2001")
def margin(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How near the second class is: 1 minus the difference of the two largest probabilities."""
    first, second = F.pad(logits.softmax(1), (0, 1)).topk(2, 1).values.unbind(1)  # of one class the second is 0
    return 1 - (first - second)


@doubt("entropy", title="entropy", source="Shannon 1948", span=(0.0, 3.0))
def entropy(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How widely the probability is spread: the entropy of all classes, in nats."""
    log = logits.log_softmax(1)
    return -(log.exp() * log).sum(1)


@doubt(
    "energy", title="energy", source="Liu, Wang, Owens & Li 2020 (arXiv 2010.03759), eq. 4, temperature 1",
    span=(-25.0, 0.0),
)  # fmt: skip
def energy(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How small the logits are altogether: minus the logarithm of the sum of their exponentials."""
    return -logits.logsumexp(1)
