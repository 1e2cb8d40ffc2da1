"""x -> x': every distortion, the recipe that chains them, and the draws behind them.

Importing this package registers all families, in the order in which they are shown. A new distortion is one decorated
function in one of these files.
"""

from __future__ import annotations

from explorer.distortions import noise  # noqa: F401  # isort: skip
from explorer.distortions import blur  # noqa: F401  # isort: skip
from explorer.distortions import codec  # noqa: F401  # isort: skip
from explorer.distortions import geometry  # noqa: F401  # isort: skip
from explorer.distortions import colour  # noqa: F401  # isort: skip
from explorer.distortions import occlusion  # noqa: F401  # isort: skip
from explorer.distortions import weather  # noqa: F401  # isort: skip
from explorer.distortions import adversarial  # noqa: F401  # isort: skip
from explorer.distortions.applying import apply, image_seed, vary
from explorer.distortions.draws import Draws, Target
from explorer.distortions.recipe import Recipe
from explorer.distortions.registry import DISTORTIONS, Distortion, distortion, find_distortion

__all__ = [
    "DISTORTIONS",
    "Distortion",
    "Draws",
    "Recipe",
    "Target",
    "apply",
    "distortion",
    "find_distortion",
    "image_seed",
    "vary",
]
