"""Randomized smoothing: the class that most noisy copies are given."""

from __future__ import annotations

from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.models.remedies.registry import remedy


@remedy(
    "smoothing", title="Randomized smoothing", source="Cohen, Rosenfeld & Kolter 2019 (arXiv 1902.02918), eq. 1",
    limits={"sigma": (0.001, 2), "n": (1, 100_000)}, answered="votes", differentiable=True, random=True,
)  # fmt: skip
def smoothing(x: Tensor, draws: Draws, *, sigma: float = 0.25, n: int = 100) -> Tensor:
    """Asks about copies in gaussian noise and answers by their votes; with enough of them, an answer has a guarantee.

    ``sigma`` is the standard deviation on [0, 1] pixels, not clipped, as the theorem needs it; ``n`` the number of
    copies. ``explorer.certify`` computes the radius within which the answer holds.
    """
    return x + sigma * draws.normal(*x.shape[1:]).to(x)
