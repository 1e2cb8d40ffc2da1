"""The training methods by name: how they are titled on screen. Their objectives live in ``explorer.training``."""

from __future__ import annotations

METHODS: dict[str, str] = {
    "standard": "Standard",
    "gaussian": "Gaussian noise",
    "stability": "Stability training",
    "stability_mix": "Mixed stability",
    "lipschitz": "Lipschitz loss",
    "bang": "BANG",
}


def method_title(method: str) -> str:
    """The title of a method on screen; one that is not in the list is titled by its name."""
    return METHODS.get(method, method.replace("_", " ").capitalize())
