"""Feature squeezing, as a defence."""

from __future__ import annotations

from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import find_distortion
from explorer.models.remedies.median import median_filter
from explorer.models.remedies.registry import remedy


@remedy(
    "squeezing", title="Feature squeezing",
    source="Xu, Evans & Qi 2018 (arXiv 1704.01155): 5 bits and a 2 x 2 median for colour, 1 bit for MNIST",
    limits={"bits": (1, 8), "median": (1, 9)},
)  # fmt: skip
def squeezing(x: Tensor, draws: Draws, *, bits: int = 5, median: int = 2) -> Tensor:
    """Rounds the picture to a few shades, takes the median of every neighbourhood, and asks about that.

    ``bits`` per channel and the ``median`` window's side in px; 8 bits or a window of 1 px leave their part out. The
    paper's third squeezer, non-local means, is not built in.
    """
    squeezed = find_distortion("bit_depth")(x, bits, draws)
    return squeezed if median == 1 else median_filter(squeezed, median)
