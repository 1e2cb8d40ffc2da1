"""A median filter, as a defence."""

from __future__ import annotations

from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.sampling import pad
from explorer.models.remedies.registry import remedy


@remedy(
    "median", title="Median filter before asking", source="Xu, Evans & Qi 2018 (arXiv 1704.01155), 2 x 2 and 3 x 3",
    limits={"width": (2, 9)},
)  # fmt: skip
def median(x: Tensor, draws: Draws, *, width: int = 2) -> Tensor:
    """Replaces every value by the median of its neighbourhood and asks about that.

    ``width`` is the side of the square window in px. All is as in SciPy's ``median_filter``: of an even number of
    values the larger of the middle two is taken, a 2 x 2 window has the pixel at its lower right, and the picture is
    reflected at its rim.
    """
    return median_filter(x, width)


def median_filter(x: Tensor, width: int) -> Tensor:
    """The median of every square window.

    Args:
        x: Images (N, C, H, W).
        width: Side of the window in px.

    Returns:
        Images of the same shape.
    """
    for axis in (2, 3):
        x = pad(x, width // 2, axis, "reflect").narrow(axis, 0, x.shape[axis] + width - 1)
    windows = x.unfold(2, width, 1).unfold(3, width, 1)
    return windows.flatten(4).kthvalue(width * width // 2 + 1, 4).values
