from __future__ import annotations

import json

import pytest
import torch

from explorer.analysis import compare_image, flip_point, sweep
from explorer.data import images
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from tests.support.networks import add_lift, formula, grey, picture, resnet, threshold

FLOAT = Recipe(quantised=False)


def crossing(*places: float, name: str = "test/crossing/standard"):
    """A model whose answer changes wherever the mean pixel crosses one of ``places``."""

    def logits(p):
        sign = torch.ones(len(p))
        for place in places:
            sign = sign * (place - p.mean(1))
        return torch.stack([sign, 0 * sign], 1)

    return formula(logits, name=name)


# --- sweep ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [Recipe(seed=5), Recipe.parse("jpeg=40,gaussian_noise=0.3,rotate=10;seed=3")])
def test_sweep_equals_compare_one_by_one(recipe):
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/stability", seed=1)]
    amounts = [0.0, 0.05, 0.1, 0.3]
    swept = sweep(models, picture(), "gaussian_noise", amounts=amounts, recipe=recipe)
    assert swept.amounts == tuple(amounts)
    for i, amount in enumerate(amounts):
        single = compare_image(models, picture(), recipe.with_amount("gaussian_noise", amount))
        for curves, answer in zip(swept.models, single.models, strict=True):
            assert curves.probabilities[i].tolist() == pytest.approx(answer.distorted.tolist(), abs=1e-5)
            assert int(curves.predictions[i]) == int(answer.distorted.argmax())
            assert float(curves.margin[i]) == pytest.approx(answer.margin, abs=1e-5)
            assert float(curves.confidence[i]) == pytest.approx(
                float(answer.distorted[answer.clean.argmax()]), abs=1e-5
            )
            expected = answer.feature_distance["penultimate"].l2
            assert float(curves.feature_distance[i]) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_one_batch_per_model_and_the_same_pixels_for_all():
    seen = []

    def spy(p):
        seen.append(p.clone())
        return p[:, :2]

    sweep([formula(spy, name=f"test/spy/{i}", size=8, channels=3) for i in range(2)], picture(8), "gaussian_noise")
    assert [len(pixels) for pixels in seen] == [33, 33]  # 32 amounts and the clean image
    assert torch.equal(seen[0], seen[1])


def test_noise_is_one_field_scaled_by_the_amount():
    seen = []

    def spy(p):
        seen.append(p.clone())
        return p[:, :2]

    image = torch.full((1, 3, 8, 8), 0.5)
    sweep([formula(spy, size=8, channels=3)], image, "gaussian_noise", amounts=[0.01, 0.02], recipe=FLOAT)
    clean, mild, strong = seen[0]
    assert torch.allclose(2 * (mild - clean), strong - clean, atol=1e-5)


def test_the_default_grid_covers_the_slider_from_its_mild_end():
    swept = sweep([resnet()], picture(), "jpeg")
    mild, strong = find_distortion("jpeg").span(32)
    assert (swept.amounts[0], swept.amounts[-1], len(swept.amounts)) == (mild, strong, 32)
    assert swept.unit == find_distortion("jpeg").unit


def test_sweep_gives_json():
    swept = sweep([resnet()], picture(), "gaussian_noise", amounts=[0.1, 0.2], recipe=Recipe(seed=4))
    result = swept.to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["distortion"] == "gaussian_noise"
    assert result["amounts"] == [0.1, 0.2]
    assert result["recipe"] == "clean;seed=4"
    assert result["image_hash"] == images.image_hash(picture())
    (curves,) = result["models"]
    assert len(curves["probabilities"]) == 2
    assert sum(curves["probabilities"][0]) == pytest.approx(1)
    assert set(curves["predictions"]) <= set(curves["classes"])
    assert curves["followed"] == curves["clean"]


def test_a_label_is_followed_instead_of_the_clean_answer():
    swept = sweep([threshold(0.5)], grey(0.2), "gaussian_noise", amounts=[0.1], label=1)
    curves = swept.models[0]
    assert curves.clean == 0
    assert torch.equal(curves.confidence, curves.probabilities[:, 1])


def test_the_grid_flip_point_is_the_first_amount_with_another_answer(monkeypatch):
    add_lift(monkeypatch)
    models = [threshold(0.5), threshold(0.95, name="test/formula/stability")]
    swept = sweep(models, grey(0.2), "lift", amounts=[0.0, 0.2, 0.4, 0.6], recipe=FLOAT)
    assert [curves.flip_point for curves in swept.models] == [0.4, None]


def test_the_last_step_of_that_name_is_varied_else_one_is_appended():
    recipe = Recipe.parse("gaussian_noise=0.1,jpeg=50,gaussian_noise=0.2;seed=1")
    assert str(recipe.with_amount("gaussian_noise", 0.3)) == "gaussian_noise=0.1,jpeg=50,gaussian_noise=0.3;seed=1"
    assert str(Recipe(seed=1).with_amount("jpeg", 20)) == "jpeg=20;seed=1"


def test_an_attack_is_swept_against_its_model():
    model = threshold(0.5)
    swept = sweep([model], grey(0.46), "fgsm", amounts=[0.0, 0.02, 0.06], recipe=Recipe(against=model.name))
    assert swept.models[0].predictions.tolist() == [0, 0, 1]
    with pytest.raises(ExplorerError, match=f"against={model.name}"):
        sweep([model], grey(0.46), "fgsm")


def test_bad_sweeps_are_refused():
    with pytest.raises(ExplorerError, match="gaussian_noise"):
        sweep([resnet()], picture(), "gausian_noise")
    with pytest.raises(ExplorerError, match="at least one amount"):
        sweep([resnet()], picture(), "gaussian_noise", amounts=[])
    with pytest.raises(ExplorerError):
        sweep([resnet()], picture(), "gaussian_noise", amounts=[float("nan")])
    with pytest.raises(ExplorerError, match="training mode"):
        sweep([resnet().train()], picture(), "gaussian_noise")


# --- flip point -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0.21, 0.5, 0.7301, 0.999])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, None])
def test_the_flip_point_of_a_linear_model_is_where_it_crosses(monkeypatch, place, tolerance):
    add_lift(monkeypatch)
    settings = {} if tolerance is None else {"tolerance": tolerance}
    found = flip_point([threshold(place)], grey(0.2), "lift", recipe=FLOAT, **settings)["test/formula/standard"]
    # "high" wherever 0.2 + amount > place; the tolerance is 1/1000 of the span 0.8 where none is named
    assert found is not None
    assert place - 0.2 - 1e-6 <= found <= place - 0.2 + (tolerance or 8e-4) + 1e-6


def test_a_model_that_never_flips_has_none(monkeypatch):
    add_lift(monkeypatch)
    models = [threshold(1.1), threshold(0.5, name="test/formula/stability")]
    found = flip_point(models, grey(0.2), "lift", recipe=FLOAT)
    assert found["test/formula/standard"] is None
    assert found["test/formula/stability"] == pytest.approx(0.3, abs=1e-3)


def test_an_answer_that_changes_and_comes_back_is_found_at_its_first_change(monkeypatch):
    add_lift(monkeypatch)
    # changes at amount 0.25, returns at 0.3; at the strong end the answer is the clean one again
    found = flip_point([crossing(0.45, 0.5)], grey(0.2), "lift", recipe=FLOAT, tolerance=1e-4)
    assert found["test/crossing/standard"] == pytest.approx(0.25, abs=2e-4)
    # a bisection between the ends alone would land on one of the later changes
    found = flip_point([crossing(0.3, 0.34, 0.6)], grey(0.2), "lift", recipe=FLOAT, tolerance=1e-4)
    assert found["test/crossing/standard"] == pytest.approx(0.1, abs=2e-4)


def test_three_changes_within_one_step_of_the_first_scan(monkeypatch):
    add_lift(monkeypatch)
    # three changes in one step of the scan (amounts 0.2625 to 0.26875): the first is the answer
    found = flip_point([crossing(0.463, 0.465, 0.467)], grey(0.2), "lift", recipe=FLOAT, tolerance=1e-4)
    assert found["test/crossing/standard"] == pytest.approx(0.263, abs=2e-4)


def test_a_codec_that_rounds_its_quality_flips_at_a_whole_one():
    # calls an image by whether it holds any value that the picture does not: true from the first lossy quality on
    image = grey(0.5, 8).repeat(1, 3, 1, 1)
    image[..., ::2] = 0.0
    model = formula(
        lambda p: torch.stack([0 * p[:, 0], (p - image.flatten()).abs().sum(1) - 0.5], 1), size=8, channels=3
    )
    found = flip_point([model], image, "jpeg")[model.name]
    assert found is not None
    assert found == int(found)
    assert compare_image([model], image, Recipe.parse(f"jpeg={found}")).models[0].flipped
    assert not compare_image([model], image, Recipe.parse(f"jpeg={found + 1}")).models[0].flipped


def test_the_recipe_at_the_flip_point_flips_and_just_below_it_does_not():
    model = resnet(seed=4)
    recipe = Recipe.parse("gaussian_noise=0.05,rotate=10;seed=2")
    found = flip_point([model], picture(), "gaussian_noise", recipe=recipe)[model.name]
    if found is None:
        assert sweep([model], picture(), "gaussian_noise", recipe=recipe).models[0].flip_point is None
        return
    assert compare_image([model], picture(), recipe.with_amount("gaussian_noise", found)).models[0].flipped


def test_where_other_steps_have_flipped_it_already_the_point_is_the_mild_end(monkeypatch):
    add_lift(monkeypatch)
    recipe = Recipe.parse("lift=0.6,gaussian_noise=0.1")
    found = flip_point([threshold(0.5)], grey(0.2), "gaussian_noise", recipe=recipe)
    assert found == {"test/formula/standard": find_distortion("gaussian_noise").span(4)[0]}


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_that_is_no_width_is_refused(tolerance):
    with pytest.raises(ExplorerError, match="tolerance"):
        flip_point([threshold(0.5)], grey(0.2), "gaussian_noise", tolerance=tolerance)


def test_a_tiny_tolerance_ends(monkeypatch):
    add_lift(monkeypatch)
    found = flip_point([threshold(0.5)], grey(0.2), "lift", recipe=FLOAT, tolerance=1e-300)
    assert found["test/formula/standard"] == pytest.approx(0.3, abs=1e-5)
