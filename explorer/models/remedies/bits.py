"""Fewer shades, as a defence."""

from __future__ import annotations

from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import find_distortion
from explorer.models.remedies.registry import remedy


@remedy(
    "bits", title="Bit depth before asking",
    source="Guo, Rana, Cisse & van der Maaten 2018 (arXiv 1711.00117), 3 bits; Xu, Evans & Qi 2018 (arXiv 1704.01155)",
    limits={"depth": (1, 8)},
)  # fmt: skip
def bits(x: Tensor, draws: Draws, *, depth: int = 3) -> Tensor:
    """Rounds the picture to a few shades per channel and asks about that.

    Values are rounded to the nearest of 2^depth evenly spaced levels from 0 to 1, as the distortion ``bit_depth``.
    """
    return find_distortion("bit_depth")(x, depth, draws)
