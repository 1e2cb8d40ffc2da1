"""Digits about which two models disagree, found one by one through the core."""

from __future__ import annotations

from functools import cache
from typing import Any

from explorer import load_model
from explorer.analysis import compare_image
from explorer.data.datasets import load_dataset
from explorer.distortions import Recipe
from explorer.models import Classifier
from tests.support.questions import DIGITS

STRONG = {"steps": [["gaussian_noise", 0.5]], "seed": 3, "against": None, "quantised": True}
DATA = load_dataset("digits")


@cache
def _models() -> list[Classifier]:
    return [load_model(name, device="cpu") for name in DIGITS]


def answers(row: int, recipe: dict[str, Any] = STRONG) -> set[int]:
    """What the models call this row."""
    found = compare_image(_models(), DATA.batch([row])[0], Recipe.from_dict(recipe))
    return {int(answer.distorted.argmax()) for answer in found.models}
