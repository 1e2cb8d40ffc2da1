from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from explorer import load_model
from explorer.analysis import compare_image, flip_point, weaknesses
from explorer.analysis.weakness import severity
from explorer.data.images import fit, sample_images
from explorer.distortions import DISTORTIONS, Recipe, find_distortion
from explorer.errors import ExplorerError
from tests.support.networks import add_lift, formula, grey, picture, resnet, threshold

FLOAT = Recipe(quantised=False)
BASELINE, OTHER = "test/formula/standard", "test/formula/stability"


def falling(at: float, **settings):
    """Calls an image "high" where its mean is below ``at``."""
    return formula(lambda p: torch.stack([0 * p[:, 0], 10 * (at - p.mean(1))], 1), **settings)


@pytest.fixture
def both_ways(monkeypatch):
    """``lift`` and a two-sided ``tilt``: x + amount with amounts from -0.8 to 0.8."""
    add_lift(monkeypatch)
    tilt = replace(DISTORTIONS["lift"], name="tilt", title="Tilt", low=-0.8, step=0.01)
    monkeypatch.setitem(DISTORTIONS, "tilt", tilt)


@pytest.fixture(scope="module")
def shipped():
    return [load_model(f"digits/lenet/{method}", device="cpu") for method in ("standard", "stability", "gaussian")]


@pytest.fixture(scope="module")
def cat(shipped):
    return fit(sample_images()["cat"](), shipped[0].size, shipped[0].channels)


def test_what_breaks_the_baseline_is_its_flip_point(both_ways):
    models = [threshold(0.5), threshold(0.7, name=OTHER)]
    (found,) = weaknesses(models, grey(0.2), distortions=["lift"], recipe=FLOAT)
    assert found.amount is not None
    assert found.amount == pytest.approx(0.3, abs=1e-3)
    assert found.flip_points == flip_point(models, grey(0.2), "lift", recipe=FLOAT)
    assert found.flip_points[OTHER] == pytest.approx(0.5, abs=1e-3)
    assert found.share == pytest.approx(0.3 / 0.8, abs=2e-3)
    assert found.input is not None
    assert found.input.l2 == pytest.approx(4 * found.amount, rel=1e-5)  # 16 pixels, each moved by the amount
    assert found.predictions == {BASELINE: "high", OTHER: "low"}
    assert found.recipe == replace(FLOAT, steps=(("lift", found.amount),), against=BASELINE)
    assert (found.title, found.family, found.shown) == ("Lift", "noise", find_distortion("lift").show(found.amount))


def test_what_separates_the_models_is_where_some_have_flipped_and_others_hold(both_ways):
    # the baseline is the last to change: separated from 0.2 on, broken from 0.5 on
    models = [threshold(0.7), threshold(0.4, name=OTHER)]
    (separated,) = weaknesses(models, grey(0.2), goal="separate", distortions=["lift"], recipe=FLOAT)
    (broken,) = weaknesses(models, grey(0.2), goal="break", distortions=["lift"], recipe=FLOAT)
    assert separated.amount == pytest.approx(0.2, abs=1e-3)
    assert broken.amount == pytest.approx(0.5, abs=1e-3)
    assert separated.predictions == {BASELINE: "low", OTHER: "high"}


def test_models_that_flip_together_are_not_separated(both_ways):
    models = [threshold(0.5), threshold(0.5, name=OTHER)]
    (found,) = weaknesses(models, grey(0.2), goal="separate", distortions=["lift"], recipe=FLOAT)
    assert found.amount is None
    assert (found.shown, found.share, found.severity, found.input) == (None, None, None, None)
    assert found.flip_points[BASELINE] == found.flip_points[OTHER] == pytest.approx(0.3, abs=1e-3)
    # the strongest that was tried
    assert found.recipe.steps == (("lift", 0.8),)
    assert found.predictions == {BASELINE: "high", OTHER: "high"}


def test_a_slider_that_goes_both_ways_is_searched_both_ways(both_ways):
    (found,) = weaknesses([falling(0.3)], grey(0.5), distortions=["tilt"], recipe=FLOAT)
    assert found.amount == pytest.approx(-0.2, abs=2e-3)
    assert found.share == pytest.approx(0.25, abs=3e-3)
    (nearer,) = weaknesses([threshold(0.6)], grey(0.5), distortions=["tilt"], recipe=FLOAT)
    assert nearer.amount == pytest.approx(0.1, abs=2e-3)


def test_weak_spots_come_first_and_what_was_not_found_last(both_ways):
    found = weaknesses(
        [threshold(0.5)], grey(0.2), distortions=["hue", "lift", "brightness", "fgsm", "rotate"], recipe=FLOAT
    )
    sizes = [spot.input.l2 for spot in found if spot.input is not None]
    assert sizes == sorted(sizes)
    assert [spot.amount is None for spot in found] == [False] * len(sizes) + [True] * (5 - len(sizes))
    assert {spot.distortion for spot in found if spot.amount is None} == {"hue", "rotate", "fgsm"}  # a uniform grey


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["break", "separate"])
def test_the_recipe_of_each_weak_spot_of_the_shipped_models_shows_it(goal, shipped, cat):
    base = Recipe.parse("gaussian_noise=0.02;seed=3")
    names = ["gaussian_noise", "jpeg", "rotate", "brightness", "pixelate", "fgsm", "pgd_linf", "bit_depth"]
    found = weaknesses(shipped, cat, goal=goal, distortions=names, recipe=base)
    assert sorted(spot.distortion for spot in found) == sorted(names)
    assert any(spot.amount is not None for spot in found)
    for spot in found:
        answers = compare_image(shipped, cat, spot.recipe).models
        flips = [answer.flipped for answer in answers]
        assert spot.predictions == {a.name: a.classes[int(a.distorted.argmax())] for a in answers}
        if goal == "break":
            assert flips[0] == (spot.amount is not None)
        elif spot.amount is not None:
            assert any(flips)
            assert not all(flips)
        assert len(spot.recipe.steps) == (1 if spot.distortion == "gaussian_noise" else 2)


def test_all_distortions_but_slower_forms_of_others_are_asked_by_default(monkeypatch):
    asked = []
    names = ("jpeg", "fgsm", "pgd_linf_20")
    monkeypatch.setattr("explorer.analysis.weakness.DISTORTIONS", {name: DISTORTIONS[name] for name in names})
    found = weaknesses([resnet()], picture(), progress=lambda *call: asked.append(call))
    assert {spot.distortion for spot in found} == {"jpeg", "fgsm"}
    assert {spot.recipe.against for spot in found} == {"test/resnet20/standard"}
    assert (asked[0], asked[-1]) == ((0, 2), (2, 2))


def test_weak_spots_give_json(shipped, cat):
    found = [
        spot.to_dict()
        for spot in weaknesses(shipped, cat, distortions=["gaussian_noise", "gaussian_blur", "saturation"])
    ]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found[0]["input"]["l2"] > 0
    assert set(found[0]["flip_points"]) == {model.name for model in shipped}


def test_bad_questions_are_refused():
    with pytest.raises(ExplorerError, match="break or separate"):
        weaknesses([resnet()], picture(), goal="win")
    with pytest.raises(ExplorerError, match="at least two"):
        weaknesses([resnet()], picture(), goal="separate")
    with pytest.raises(ExplorerError, match="jpeg"):
        weaknesses([resnet()], picture(), distortions=["jpg"])
    with pytest.raises(ExplorerError, match="fit"):
        weaknesses([resnet()], picture(16))


@pytest.mark.parametrize(
    ("name", "amount", "expected"),
    [
        ("gaussian_noise", 0.0, 0.0),
        ("gaussian_noise", 0.02, 0.5),
        ("gaussian_noise", 0.04, 1.0),
        ("gaussian_noise", 0.085, 3.5),
        ("gaussian_noise", 0.10, 5.0),
        ("gaussian_noise", 0.12, 7.0),
        ("jpeg", 101, 0.0),
        ("jpeg", 80, 1.0),
        ("jpeg", 54, 3.5),
        ("jpeg", 40, 5.0),
        ("motion_blur", 2.0, 3.0),  # published twice, for 3 and 4: the milder one
        ("contrast", 0.35, 3.5),
        ("contrast", 1.5, None),  # more contrast has no published scale
        ("saturation", 0.3, 1.0),
        ("saturation", 1.75, 3.5),
        ("saturation", 3.0, 6.0),
        ("rotate", 30, None),
    ],
)
def test_severity_follows_the_published_severities(name, amount, expected):
    found = severity(find_distortion(name), amount, 32)
    assert found == (None if expected is None else pytest.approx(expected))


def test_severity_grows_with_the_picture_where_amounts_are_in_pixels():
    assert severity(find_distortion("gaussian_blur"), 1.6, 64) == pytest.approx(5 - 1)  # 0.8 px of 32 is severity 4
