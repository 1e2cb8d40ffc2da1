"""Questions as the page asks them."""

from __future__ import annotations

from typing import Any

MODELS = ["cifar10/resnet20/standard", "cifar10/resnet20/stability"]
DIGITS = ["digits/lenet/standard", "digits/lenet/stability"]
SEVEN = "digits:7"
CAT = {"sample": "cat"}


def state(**changes: Any) -> dict[str, Any]:
    """The cat under gaussian noise, shown to the two models that the app opens with."""
    recipe = {"steps": [["gaussian_noise", 0.1]], "seed": 7, "against": None, "quantised": True}
    return {"picture": CAT, "models": MODELS, "recipe": recipe} | changes


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""
