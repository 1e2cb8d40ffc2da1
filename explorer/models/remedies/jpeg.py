"""JPEG, as a defence."""

from __future__ import annotations

from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import find_distortion
from explorer.models.remedies.registry import remedy


@remedy(
    "jpeg", title="JPEG before asking",
    source="Guo, Rana, Cisse & van der Maaten 2018 (arXiv 1711.00117), quality 75",
    limits={"quality": (1, 100)},
)  # fmt: skip
def jpeg(x: Tensor, draws: Draws, *, quality: int = 75) -> Tensor:
    """Saves the picture as a JPEG file and asks about what is read back.

    The real codec, as the distortion ``jpeg``.
    """
    return find_distortion("jpeg")(x, quality, draws)
