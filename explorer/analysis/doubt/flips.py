"""The share of small distortions that change the answer."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from explorer.analysis.doubt.registry import doubt
from explorer.models import Classifier
from explorer.models.remedies import REMEDIES
from explorer.models.remedies.around import Around

COPIES = 16


@doubt("flips", title="small distortions that flip it", passes=COPIES, source="this project; as Cohen et al. 2019 vote")
def flips(model: Classifier, x: Tensor, logits: Tensor) -> Tensor:
    """How many of 16 small distortions change the answer: the share, 0 to 1.

    The copies are those of the remedy ``average``: moved by up to 1 px, lit and noised a little. Where a gradient is
    asked for, it is that of their mean probability of the answer.
    """
    voted = replace(REMEDIES["average"], answered="votes")
    share = Around(model, voted, voted.check({"n": COPIES}))(x).exp()
    return 1 - share.gather(1, logits.argmax(1, keepdim=True))[:, 0]
