"""A median filter, as a defence."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.models.remedies.registry import remedy


@remedy(
    "median", title="Median filter before asking", source="Xu, Evans & Qi 2018 (arXiv 1704.01155), 2 x 2 and 3 x 3",
    limits={"width": (2, 9)},
)  # fmt: skip
def median(x: Tensor, draws: Draws, *, width: int = 2) -> Tensor:
    """Replaces every value by the median of its neighbourhood and asks about that.

    ``width`` is the side of the square window in px; of an even number of values the lower of the middle two is taken.
    Borders are mirrored.
    """
    return median_filter(x, width)


def median_filter(x: Tensor, width: int) -> Tensor:
    """The median of every square window.

    Args:
        x: Images (N, C, H, W).
        width: Side of the window in px, at most twice the image's.

    Returns:
        Images of the same shape.
    """
    before = (width - 1) // 2
    padded = F.pad(x, (before, width - 1 - before) * 2, mode="reflect")
    windows = padded.unfold(2, width, 1).unfold(3, width, 1)
    return windows.flatten(4).median(4).values
