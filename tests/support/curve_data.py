"""Curves as the server sends them, made up: five amounts and numbers that can be read off a drawing."""

from __future__ import annotations

from typing import Any

AMOUNTS = [0.0, 0.125, 0.25, 0.375, 0.5]


def model(name: str = "data/net/standard", method: str = "standard", title: str = "Standard", **changes: Any) -> Any:
    """A model that is sure of a cat, then of a dog from the third amount on."""
    return {
        "name": name,
        "title": title,
        "method": method,
        "clean": "cat",
        "followed": "cat",
        "predictions": ["cat", "cat", "dog", "dog", "dog"],
        "confidence": [1.0, 0.75, 0.5, 0.25, 0.0],
        "margin": [1.0, 0.5, 0.0, 0.5, 1.0],
        "feature_distance": [0.0, 1.0, 2.0, 3.0, 4.0],
        "flip_point": 0.25,
        "band": None,
    } | changes


HOLDS: dict[str, Any] = {"predictions": ["cat"] * 5, "confidence": [1.0, 0.9, 0.9, 0.8, 0.8], "flip_point": None}


def band(n: int = 8) -> dict[str, Any]:
    spread = {"mean": [0.5] * 5, "low": [0.25] * 5, "high": [0.75] * 5}
    keys = ("confidence", "margin", "feature_distance")
    return {"n": n, "seeds": list(range(n)), "flip_points": [0.25, 0.5, *[None] * (n - 2)]} | dict.fromkeys(
        keys, spread
    )


def curves(*models: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Gaussian noise over those models; one that flips and one that holds where none are given."""
    both = (model(), model("data/net/stability", "stability", "Stability training", **HOLDS))
    return {
        "distortion": "gaussian_noise",
        "title": "Gaussian noise",
        "sign": "σ",
        "symbol": "σ",
        "unit": "of full scale",
        "factor": 1,
        "step": 0.005,
        "amounts": AMOUNTS,
        "exact": True,
        "models": list(models or both),
    } | changes


def jpeg(*models: dict[str, Any]) -> dict[str, Any]:
    """The larger number is the milder one."""
    own = models or (model(flip_point=51.0),)
    words = {"title": "JPEG", "sign": "q", "symbol": "q", "unit": "quality", "step": 1}
    return curves(*own, amounts=[101.0, 76.0, 51.0, 26.0, 1.0], distortion="jpeg", **words)
