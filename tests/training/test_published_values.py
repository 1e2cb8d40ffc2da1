"""The values of others: sourced, plausible, and the ones that the sources give."""

from __future__ import annotations

import json
import re

import pytest

from explorer.distortions import find_distortion
from explorer.models import ARCHITECTURES, METHODS
from explorer.models.methods import PublishedValue, published_values

PUBLISHED_VALUES = published_values()


@pytest.mark.parametrize("value", PUBLISHED_VALUES, ids=lambda value: f"{value.source.key}-{value.method}")
def test_each_says_what_it_is_and_where_from(value: PublishedValue) -> None:
    assert 0 < value.accuracy < 1
    assert value.method in METHODS
    assert value.same_as is None or value.same_as in ARCHITECTURES
    assert re.fullmatch(r"\d{4}\.\d{5}", value.source.arxiv)
    assert value.source.title
    assert value.setting
    assert value.certain.endswith(".")
    assert (value.distortion is None) == (value.amount is None)
    if value.distortion is not None and value.amount is not None:
        find_distortion(value.distortion).check(value.amount)
    assert ("inferred" in value.certain) >= value.about, "an inferred amount is said to be one"
    assert ("Measured by us" in value.certain) == (value.provenance == "measured")
    assert json.loads(json.dumps(value.to_dict()))["source"]["short"] == value.source.short


def test_no_two_stand_in_the_same_place() -> None:
    places = [(v.data, v.method, v.arch, v.setting, v.distortion, v.amount) for v in PUBLISHED_VALUES]
    assert len(set(places)) == len(places)


def test_the_lipschitz_cells_are_eighteen_settings_and_the_baseline_at_three_levels() -> None:
    cells = [value for value in PUBLISHED_VALUES if value.source.key == "usama2018"]
    assert len(cells) == (18 + 1) * 3
    assert {value.amount for value in cells} == {None, 0.072, 0.123}
    assert all(value.about == (value.amount is not None) for value in cells)
    mid = [value for value in cells if value.method == "lipschitz" and value.amount == 0.072]
    best = max(mid, key=lambda value: value.accuracy)
    assert best.accuracy == 0.724, "the paper's best under the middle noise"
    assert best.setting == "λ large, σ = 0.1 on the normalised input, third of three bounds L"
    high = next(v for v in cells if v.setting == best.setting and v.amount == 0.123)
    clean = next(v for v in cells if v.setting == best.setting and v.amount is None)
    assert (clean.accuracy, high.accuracy) == (0.8462, 0.4553), "what it costs stands beside it"


def test_they_are_found_by_data_method_and_distortion() -> None:
    noise = published_values("cifar10", method="gaussian", distortion="gaussian_noise")
    assert [value.amount for value in noise] == [None, 0.04, 0.06, 0.08, 0.09, 0.1]
    assert published_values("cifar10", method="gaussian", distortion="gaussian_noise", clean=False) == noise[1:]
    assert published_values("cifar10", method="stability") == [], "its paper's accuracies are on ImageNet"
    assert published_values("cifar10", distortion="jpeg", clean=False) == []
    assert {value.data for value in published_values(["mnist", "digits"])} == {"mnist"}
    assert {value.distortion for value in published_values("mnist", method="bang")} == {
        None,
        "gaussian_noise",
        "fgsm_float32",
    }
