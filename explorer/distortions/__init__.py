"""x -> x': every distortion, the recipe that chains them, and the draws behind them.

Importing this package registers all families. A new distortion is one decorated function in one of these files.
"""

from __future__ import annotations

from explorer.distortions import noise, codec, geometry  # noqa: F401, I001  (the order of the families on screen)
from explorer.distortions.draws import Draws, Target
from explorer.distortions.recipe import Recipe, apply, image_seed
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
]
