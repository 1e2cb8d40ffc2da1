"""Brighter copies: the mean answer over copies with a little more light."""

from torch import Tensor

from explorer.distortions import Draws
from explorer.models.remedies import remedy


@remedy(
    "brighter", title="Brighter copies", source="this page", limits={"gain": (0, 1), "n": (1, 100)},
    answered="mean", differentiable=True, random=True,
)  # fmt: skip
def brighter(x: Tensor, draws: Draws, *, gain: float = 0.1, n: int = 8) -> Tensor:
    """Asks about copies that are up to a tenth brighter, and answers by their mean probability.

    Args:
        x: Copies of the image, float32 (n, C, H, W) in [0, 1].
        draws: The only source of randomness.
        gain: The largest share of light that is added.
        n: How many copies there are.

    Returns:
        What the model is asked about, of the same shape.
    """
    return (x * (1 + gain * draws.uniform(1, 1, 1).to(x))).clamp(0, 1)
