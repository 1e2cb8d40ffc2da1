"""What a type checker knows of ``explorer.compare``: mypy reads this file, and the calls run, too."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import assert_type, get_overloads, get_type_hints

import numpy as np
import torch
from PIL import Image
from torch import nn

import explorer
from explorer.analysis import Comparison, Comparisons, Sweep, Transfer, compare
from explorer.analysis.flip import FlipPoints
from explorer.analysis.weakness import Weaknesses
from explorer.data.inputs import Picture
from explorer.evaluation import Evaluation

MODEL = "digits/lenet/standard"
X = torch.zeros(1, 1, 28, 28)


def test_one_picture_gives_one_comparison(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("L", (28, 28)).save(path)
    assert isinstance(assert_type(explorer.compare(), Comparison), Comparison)
    assert isinstance(assert_type(explorer.compare(MODEL, "digits:7"), Comparison), Comparison)
    for picture in (Picture(X), "digits:7"):
        assert isinstance(assert_type(explorer.compare([MODEL], picture, "jpeg=30"), Comparison), Comparison)
    assert isinstance(assert_type(compare({"mine": explorer.load_model(MODEL)}, Picture(X)), Comparison), Comparison)


def test_a_list_or_a_data_set_gives_comparisons() -> None:
    data = explorer.load_dataset("digits").select(slice(2))
    assert isinstance(assert_type(explorer.compare(MODEL, [X]), Comparisons), Comparisons)
    assert isinstance(assert_type(explorer.compare(MODEL, data), Comparisons), Comparisons)
    assert isinstance(assert_type(explorer.compare(MODEL, (X, torch.zeros(1))), Comparisons), Comparisons)
    assert isinstance(assert_type(explorer.compare(MODEL, ["digits:1", "digits:2"]), Comparisons), Comparisons)


def test_the_type_of_a_tensor_or_an_array_does_not_tell_how_many_it_holds() -> None:
    one = assert_type(explorer.compare(MODEL, X), Comparison | Comparisons)
    many = assert_type(explorer.compare(MODEL, np.zeros((2, 1, 28, 28), np.float32)), Comparison | Comparisons)
    assert isinstance(one, Comparison)
    assert isinstance(many, Comparisons)


def test_its_kin_are_typed_as_well() -> None:
    net: nn.Module = explorer.load_model(MODEL)
    digit = "digits:7"
    assert_type(explorer.sweep(net, digit, "contrast", amounts=[0.5]), Sweep)
    assert_type(explorer.flip_point([MODEL], digit, "contrast"), FlipPoints)
    assert_type(explorer.weaknesses(MODEL, digit, distortions=["contrast"]), Weaknesses)
    assert_type(explorer.transfer(MODEL, digit, "fgsm"), Transfer)
    assert_type(explorer.evaluate(MODEL, "digits", limit=2), Evaluation)


def test_there_is_no_any_in_its_signature() -> None:
    forms: list[Callable[..., object]] = [compare, *get_overloads(compare)]
    assert len(forms) == 4
    for form in forms:
        assert "Any" not in str(signature(form))
        assert "typing.Any" not in str(get_type_hints(form))
    assert list(signature(compare).parameters) == [
        "models", "images", "recipe", "label", "reference", "doubt", "progress",
    ]  # fmt: skip
