"""Comparing models on one image: the numbers, the pixels, attacks, and what a user can do wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from explorer.analysis import clean_pass, compare_image
from explorer.data import images
from explorer.distortions import Recipe, apply
from explorer.errors import ExplorerError
from tests.support.networks import add_lift, formula, grey, picture, resnet, threshold

NOISE = Recipe.parse("gaussian_noise=0.1;seed=7")


# --- compare ----------------------------------------------------------------------------------------------------------


def test_compare_gives_the_json_shape():
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/stability", seed=1)]
    result = compare_image(models, picture(), NOISE).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result) == ["image_hash", "recipe", "on", "input", "models"]
    assert result["recipe"] == str(NOISE)
    assert set(result["input"]) == {"l2", "linf", "psnr", "ssim"}
    assert [entry["name"] for entry in result["models"]] == ["test/resnet20/standard", "test/resnet20/stability"]
    assert [entry["title"] for entry in result["models"]] == ["Standard", "Stability training"]
    for entry in result["models"]:
        assert set(entry) == {
            *("name", "title", "method", "input", "clean", "distorted", "flipped", "confidence", "confidence_clean"),
            *("margin", "margin_clean", "entropy", "entropy_clean", "kl", "feature_distance", "feature_percentile"),
        }
        for side in ("clean", "distorted"):
            values = [row["probability"] for row in entry[side]]
            assert values == sorted(values, reverse=True)
            assert sum(values) == pytest.approx(1)
            assert len({row["label"] for row in entry[side]}) == 10
        assert entry["confidence"] == entry["distorted"][0]["probability"]
        assert entry["margin"] == pytest.approx(values[0] - values[1])
        assert list(entry["feature_distance"]) == ["stem", "stage1", "stage2", "stage3", "penultimate"]
        assert entry["flipped"] is (entry["clean"][0]["label"] != entry["distorted"][0]["label"])
        assert entry["feature_percentile"] is None


def test_compare_by_hand(monkeypatch):
    add_lift(monkeypatch)
    model = threshold(0.5, reference=[0.0, 1.0, 2.0])
    comparison = compare_image([model], grey(102 / 255), Recipe.parse("lift=0.4"))  # 0.4 -> 0.8
    answer = comparison.models[0]
    sure, unsure = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(-1))  # logit differences +3 and -1
    assert answer.clean.tolist() == pytest.approx([unsure, 1 - unsure], rel=1e-5)
    assert answer.distorted.tolist() == pytest.approx([1 - sure, sure], rel=1e-5)
    assert answer.flipped
    assert (answer.confidence, answer.confidence_clean) == pytest.approx((sure, unsure), rel=1e-5)
    assert (answer.margin, answer.margin_clean) == pytest.approx((2 * sure - 1, 2 * unsure - 1), rel=1e-5)
    expected = unsure * math.log(unsure / (1 - sure)) + (1 - unsure) * math.log((1 - unsure) / sure)
    assert answer.kl == pytest.approx(expected, rel=1e-5)
    # 16 pixels moved by 0.4: L2 = 1.6, which is 80 % of the way through the reference table.
    assert answer.feature_distance["penultimate"].l2 == pytest.approx(1.6)
    assert answer.feature_percentile == pytest.approx(80)
    assert comparison.input.l2 == pytest.approx(1.6)
    assert comparison.input.linf == pytest.approx(0.4)
    assert comparison.input.psnr == pytest.approx(-20 * math.log10(0.4))
    assert comparison.to_dict()["models"][0]["distorted"][0]["label"] == "high"


def test_all_models_see_the_same_bytes_and_their_hash_is_shown():
    seen = []

    def spy(p):
        seen.append(p.clone())
        return p[:, :2]

    models = [formula(spy, name=f"test/spy/{i}", size=8, channels=3) for i in range(3)]
    comparison = compare_image(models, picture(8), NOISE)
    assert len(seen) == 3  # one forward pass per model, over clean and distorted
    assert all(torch.equal(pixels, seen[0]) for pixels in seen)
    expected = apply(NOISE, picture(8))
    assert torch.equal(seen[0][1].reshape(1, 3, 8, 8), expected)
    assert torch.equal(comparison.distorted, expected)
    assert comparison.image_hash == images.image_hash(expected)


def test_pixels_are_those_a_file_could_hold_unless_the_recipe_says_float():
    image = torch.full((1, 3, 32, 32), 0.5001)
    rounded = compare_image([resnet()], image, NOISE)
    exact = compare_image([resnet()], image, Recipe.parse("gaussian_noise=0.1;seed=7;pixels=float"))
    levels = rounded.distorted * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert float(rounded.clean[0, 0, 0, 0]) == pytest.approx(128 / 255)
    assert torch.equal(exact.clean, image)
    assert not torch.equal(exact.distorted, rounded.distorted)


def test_the_empty_recipe_changes_nothing():
    answer = compare_image([resnet()], picture(), Recipe()).models[0]
    assert not answer.flipped
    assert answer.kl == pytest.approx(0, abs=1e-9)
    assert answer.feature_distance["penultimate"].l2 == pytest.approx(0, abs=1e-4)


def test_a_clean_pass_gives_the_same_numbers_for_less():
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    once = clean_pass(models, picture())
    asked = []
    for model in models:
        model.net.get_submodule("conv1").register_forward_pre_hook(lambda _, given: asked.append(len(given[0])))
    with_pass = compare_image(models, picture(), NOISE, clean=once).to_dict()
    assert asked == [1, 1]
    without = compare_image(models, picture(), NOISE).to_dict()
    assert asked == [1, 1, 2, 2]
    assert with_pass["image_hash"] == without["image_hash"]
    for a, b in zip(with_pass["models"], without["models"], strict=True):
        assert a["confidence"] == pytest.approx(b["confidence"], abs=1e-5)
        assert a["kl"] == pytest.approx(b["kl"], abs=1e-5)
        assert a["feature_distance"]["stage1"]["l2"] == pytest.approx(b["feature_distance"]["stage1"]["l2"], rel=1e-4)


def test_a_clean_pass_of_another_image_or_model_is_refused():
    model = resnet()
    once = clean_pass([model], picture())
    with pytest.raises(ExplorerError, match="other pixels"):
        compare_image([model], picture(seed=9), NOISE, clean=once)
    with pytest.raises(ExplorerError, match="does not hold test/resnet20/standard"):
        compare_image([resnet(seed=3)], picture(), NOISE, clean=once)


def test_compare_is_deterministic_and_another_seed_differs():
    model = resnet()
    first, again = (compare_image([model], picture(), NOISE) for _ in range(2))
    assert first.to_dict() == again.to_dict()
    other = compare_image([model], picture(), Recipe.parse("gaussian_noise=0.1;seed=8"))
    assert other.image_hash != first.image_hash


def test_ties_keep_the_order_of_the_classes():
    model = formula(lambda p: torch.zeros(len(p), 3), classes=("a", "b", "c"))
    result = compare_image([model], grey(0.2), Recipe()).to_dict(top=2)
    assert [row["label"] for row in result["models"][0]["clean"]] == ["a", "b"]


def test_models_may_have_different_classes():
    two = threshold(0.5, name="test/two/standard")
    three = formula(lambda p: p[:, :3], name="test/three/standard", classes=("x", "y", "z"))
    result = compare_image([two, three], grey(0.2), Recipe()).to_dict()
    assert [len(entry["clean"]) for entry in result["models"]] == [2, 3]


# --- attacks ----------------------------------------------------------------------------------------------------------


def test_an_attack_is_made_against_the_named_model_and_shown_on_all():
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    recipe = Recipe.parse("fgsm=0.03;against=test/resnet20/bang")
    first = compare_image(models, picture(), recipe)
    assert first.input.linf == pytest.approx(7 / 255, rel=1e-5)  # the largest step of 8 bits within 0.03
    alone = compare_image(models[1:], picture(), recipe)
    assert alone.image_hash == first.image_hash
    other = compare_image(models, picture(), Recipe.parse("fgsm=0.03;against=test/resnet20/standard"))
    assert other.image_hash != first.image_hash


def test_an_attack_moves_the_answer_of_its_model_away_from_the_label():
    model = threshold(0.5)
    recipe = Recipe.parse(f"fgsm=0.05;against={model.name}")
    image = grey(120 / 255)  # 0.47 and 0.47 + 0.05 lie on two sides of 0.5
    assert compare_image([model], image, recipe).models[0].flipped  # from its own clean answer "low"
    assert (
        not compare_image([model], image, recipe, label=1).models[0].flipped
    )  # "low" is already wrong; pushed further


@pytest.mark.parametrize("against", ["", ";against=test/resnet20/elsewhere"])
def test_an_attack_without_a_model_to_attack_says_which_may_be_named(against):
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    with pytest.raises(ExplorerError, match=r"against=test/resnet20/standard\|test/resnet20/bang"):
        compare_image(models, picture(), Recipe.parse("fgsm=0.03" + against))


# --- what a user can do wrong -----------------------------------------------------------------------------------------


def test_models_of_different_input_are_refused():
    small = formula(lambda p: p[:, :2], name="test/small/standard", size=8, channels=3)
    with pytest.raises(ExplorerError, match="32 x 32 px with 3 channels and test/small/standard takes 8 x 8"):
        compare_image([resnet(), small], picture(), NOISE)
    with pytest.raises(ExplorerError, match="1 channel;"):
        compare_image([resnet(), threshold(0.5, size=32)], picture(), NOISE)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(2, 3, 32, 32), "Expected one image"),
        (torch.zeros(2, 32, 32), r"expected \(N, C, H, W\)"),
        (torch.zeros(1, 3, 40, 48), r"48 x 40 px with 3 channels.*explorer\.fit\(image, 32, 3\)"),
        (torch.zeros(1, 1, 32, 32), r"32 x 32 px with 1 channel but"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.int32), "torch.int32"),
        (torch.full((1, 3, 32, 32), 2.0), "run from 2 to 2"),
        (torch.full((1, 3, 32, 32), -0.1), "normalised already"),
        (torch.full((1, 3, 32, 32), math.nan), "not finite numbers"),
        (np.zeros((1, 3, 32, 32), dtype=np.int64), "int64"),
        ([0.5], "got list"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(image, message):
    with pytest.raises(ExplorerError, match=message):
        compare_image([resnet()], image, NOISE)


def test_a_model_that_answers_nan_is_named():
    broken = formula(lambda p: p[:, :2] * math.nan, name="test/broken/standard")
    with pytest.raises(ExplorerError, match="test/broken/standard gave logits that are not finite"):
        compare_image([threshold(0.5), broken], grey(0.2), Recipe())


def test_a_model_left_in_train_mode_is_noticed():
    with pytest.raises(ExplorerError, match=r"test/resnet20/standard is in training mode.*model.eval\(\)"):
        compare_image([resnet().train()], picture(), NOISE)
    model = resnet()
    model.net.get_submodule("bn1").train()  # one layer is enough
    with pytest.raises(ExplorerError, match="training mode"):
        clean_pass([model], picture())


def test_models_that_are_none():
    with pytest.raises(ExplorerError, match="No model"):
        compare_image([], picture(), NOISE)
    with pytest.raises(ExplorerError, match=r"'digits' is not a loaded model.*load_model"):
        compare_image(["digits"], picture(), NOISE)  # type: ignore[list-item]
    with pytest.raises(ExplorerError, match=r"list"):
        clean_pass(resnet(), picture())  # type: ignore[arg-type]


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ExplorerError, match="test/resnet20/standard was given more than once"):
        compare_image([resnet(), resnet(seed=1)], picture(), NOISE)


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(ExplorerError, match=r"0 to 9"):
        compare_image([resnet()], picture(), NOISE, label=label)


def test_one_pixel_images():
    model = formula(lambda p: torch.cat([p, 1 - p], 1), size=1)
    result = compare_image([model], torch.full((1, 1, 1, 1), 0.2), Recipe.parse("gaussian_noise=0.3;seed=1")).to_dict()
    assert result["input"]["ssim"] is None
