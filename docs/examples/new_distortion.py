"""Blinds: dark stripes across the picture."""

import torch
from torch import Tensor

from explorer.distortions import Draws, distortion


@distortion(
    "blinds", title="Blinds", family="occlusion", unit="share of light", symbol="b",
    low=0, high=1, identity=0, default=0.5, step=0.01, random=True, source="this page",
)  # fmt: skip
def blinds(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Darkens every second stripe of the picture, as a window blind does.

    Args:
        x: Images, float32 (N, C, H, W) in [0, 1].
        amount: The share of the light that a dark stripe takes, 0 to 1.
        draws: The only source of randomness; here it moves the stripes.

    Returns:
        The darkened images, of the same shape. They are clipped to [0, 1] afterwards.
    """
    rows = torch.arange(x.shape[2])[None, None, :, None]
    offset = (draws.uniform(1, 1, 1) * 8).floor()
    dark = ((rows + offset) // 4 % 2).to(x.device, x.dtype)
    return x * (1 - amount * dark)
