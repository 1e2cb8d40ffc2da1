from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from explorer.analysis import clean_pass, compare_image, measures
from explorer.data import images
from explorer.distortions import Recipe, apply
from explorer.errors import ExplorerError
from tests.support.networks import add_lift, formula, grey, picture, resnet, threshold

NOISE = Recipe.parse("gaussian_noise=0.1;seed=7")


# --- measures against values worked out by hand ---------------------------------------------------------------------


def log_p_of(*probabilities: float) -> torch.Tensor:
    # any constant added to logits changes nothing
    return measures.log_probabilities(torch.tensor(probabilities, dtype=torch.float64).log() + 3)


def test_kl_entropy_margin_confidence_by_hand():
    p, q = log_p_of(0.5, 0.25, 0.25), log_p_of(0.25, 0.25, 0.5)
    # 0.5 ln 2 + 0.25 ln 1 + 0.25 ln 0.5 = 0.25 ln 2
    assert float(measures.kl(p, q)) == pytest.approx(0.25 * math.log(2))
    # 0.5 ln 2 + 2 * 0.25 ln 4 = 1.5 ln 2
    assert float(measures.entropy(p)) == pytest.approx(1.5 * math.log(2))
    assert float(measures.margin(p.exp())) == pytest.approx(0.25)
    assert float(measures.margin(log_p_of(0.5, 0.5).exp())) == 0
    assert float(measures.confidence(p.exp())) == pytest.approx(0.5)


def test_kl_is_not_symmetric_and_zero_only_for_equal_answers():
    p, q = log_p_of(0.9, 0.1), log_p_of(0.5, 0.5)
    assert float(measures.kl(p, q)) == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2))
    assert float(measures.kl(q, p)) == pytest.approx(0.5 * math.log(5 / 9) + 0.5 * math.log(5))
    assert float(measures.kl(p, p)) == 0


def test_measures_survive_extreme_logits():
    sure, opposite, flat, low = (
        measures.log_probabilities(torch.tensor(logits))
        for logits in ([1e4, 0.0], [0.0, 1e4], [500.0, 500.0], [-500.0, -500.0])
    )
    assert float(measures.kl(sure, opposite)) == pytest.approx(1e4)
    assert float(measures.entropy(sure)) == 0
    assert float(measures.margin(sure.exp())) == 1
    assert float(measures.kl(flat, low)) == 0


def test_small_differences_are_kept_in_float64():
    p, q = (measures.log_probabilities(torch.tensor(logits)) for logits in ([0.0, 0.0], [1e-4, -1e-4]))
    # KL(uniform || softmax(e, -e)) = ln cosh(e) = e^2 / 2 + O(e^4)
    assert float(measures.kl(p, q)) == pytest.approx(0.5e-8, rel=1e-5)


def test_margin_of_one_class_is_its_probability():
    assert float(measures.margin(measures.probabilities(torch.tensor([4.0])))) == 1


def test_measures_are_batched():
    log_p = measures.log_probabilities(torch.randn(5, 7, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(measures.entropy(log_p)[3], measures.entropy(log_p[3]))
    assert measures.kl(log_p, log_p.flip(0)).shape == (5,)


def test_feature_distances_by_hand():
    a = {"layer": torch.tensor([[[3.0, 0.0]]]), "penultimate": torch.tensor([[1.0, 0.0]])}
    b = {"layer": torch.tensor([[[0.0, 4.0]]]), "penultimate": torch.tensor([[1.0, 1.0]])}
    distance = measures.feature_distances(a, b)
    assert list(distance) == ["layer", "penultimate"]
    assert distance["layer"].l2 == pytest.approx(5.0)
    assert distance["layer"].cosine == pytest.approx(1.0)
    assert distance["penultimate"].l2 == pytest.approx(1.0)
    assert distance["penultimate"].cosine == pytest.approx(1 - math.sqrt(0.5))


@pytest.mark.parametrize(
    ("a", "b", "l2", "cosine"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0, 0.0),
        ([1.0, 2.0], [2.0, 4.0], math.sqrt(5), 0.0),
        ([1.0, 0.0], [-1.0, 0.0], 2.0, 2.0),
        ([0.0, 0.0], [0.0, 0.0], 0.0, 0.0),
        ([0.0, 0.0], [0.0, 3.0], 3.0, 1.0),
    ],
)
def test_feature_distance_corner_cases(a, b, l2, cosine):
    distance = measures.feature_distances({"f": torch.tensor([a])}, {"f": torch.tensor([b])})["f"]
    assert distance.l2 == pytest.approx(l2)
    assert distance.cosine == pytest.approx(cosine, abs=1e-7)


def test_percentile_interpolates_between_quantiles():
    quantiles = [10.0, 20.0, 40.0, 60.0, 100.0]  # 0, 25, 50, 75, 100 %
    assert measures.percentile(20, quantiles) == 25
    assert measures.percentile(30, quantiles) == 37.5
    assert measures.percentile(70, quantiles) == 81.25
    assert measures.percentile(0, quantiles) == 0
    assert measures.percentile(1e9, quantiles) == 100


def test_input_distance_by_hand():
    distance = measures.input_distance(torch.zeros(1, 1, 2, 2), torch.tensor([[[[0.3, 0.0], [0.0, 0.4]]]]))
    assert distance.l2 == pytest.approx(0.5)
    assert distance.linf == pytest.approx(0.4)
    assert distance.psnr == pytest.approx(-10 * math.log10(0.25 / 4))  # mean squared error 0.0625: 12.04 dB
    assert distance.ssim is None


def test_psnr_of_one_grey_level_everywhere_is_that_of_the_textbook():
    distance = measures.input_distance(grey(0.0, 8), grey(1 / 255, 8))
    assert distance.psnr == pytest.approx(20 * math.log10(255))  # 48.13 dB


def test_equal_images_have_infinite_psnr_which_json_calls_null():
    distance = measures.input_distance(picture(), picture())
    assert distance == measures.InputDistance(0.0, 0.0, math.inf, 1.0)
    assert distance.to_dict()["psnr"] is None


def test_feature_distances_of_close_and_of_parallel_features_do_not_cancel():
    generator = torch.Generator().manual_seed(3)
    a = torch.randn(1, 16, 32, 32, generator=generator)
    for b in (
        a + 1e-3 * torch.randn(a.shape, generator=generator),
        1.001 * a,
        -a,
        torch.randn(a.shape, generator=generator),
    ):
        exact_a, exact_b = a.double().flatten(), b.double().flatten()
        unit = exact_a / exact_a.norm() - exact_b / exact_b.norm()
        found = measures.feature_distances({"f": a}, {"f": b})["f"]
        assert found.l2 == pytest.approx(float((exact_a - exact_b).norm()), rel=1e-5)
        assert found.cosine == pytest.approx(float(unit.square().sum()) / 2, rel=1e-4, abs=1e-11)


@pytest.mark.parametrize(
    ("height", "width", "window"), [(3, 3, 3), (4, 9, 3), (6, 6, 5), (7, 7, 7), (8, 40, 7), (32, 32, 7)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_scikit_image(height, width, window, channels):
    from skimage.metrics import structural_similarity

    generator = torch.Generator().manual_seed(height)
    clean = torch.rand(1, channels, height, width, generator=generator)
    noisy = (clean + 0.1 * torch.randn(clean.shape, generator=generator)).clamp(0, 1)
    pair = (image[0].double().numpy() for image in (clean, noisy))
    expected = structural_similarity(*pair, data_range=1.0, channel_axis=0, win_size=window)
    assert measures.ssim(clean, noisy) == pytest.approx(expected, rel=1e-9)
    assert 0 < expected < 1


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 1, 2, 2), (1, 3, 2, 40)])
def test_ssim_of_an_image_without_a_window_is_null(shape):
    assert measures.ssim(torch.zeros(shape), torch.ones(shape)) is None


def test_ssim_of_two_flat_images_is_the_luminance_term():
    # Without variance SSIM is (2 ab + C1) / (a^2 + b^2 + C1) with C1 = 0.01^2 (Wang et al. 2004, eq. 6).
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert measures.ssim(grey(0.2, 9), grey(0.6, 9)) == pytest.approx(expected, rel=1e-5)


# --- compare ----------------------------------------------------------------------------------------------------------


def test_compare_gives_the_json_shape():
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/stability", seed=1)]
    result = compare_image(models, picture(), NOISE).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result) == ["image_hash", "recipe", "input", "models"]
    assert result["recipe"] == str(NOISE)
    assert set(result["input"]) == {"l2", "linf", "psnr", "ssim"}
    assert [entry["name"] for entry in result["models"]] == ["test/resnet20/standard", "test/resnet20/stability"]
    assert [entry["title"] for entry in result["models"]] == ["Standard", "Stability training"]
    for entry in result["models"]:
        assert set(entry) == {
            *("name", "title", "method", "clean", "distorted", "flipped", "confidence", "confidence_clean"),
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


def test_a_clean_pass_gives_the_same_numbers_for_less(monkeypatch):
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    once = clean_pass(models, picture())
    asked = []
    for model in models:
        whole = model.answer

        def answer(x, whole=whole):
            asked.append(len(x))
            return whole(x)

        monkeypatch.setattr(model, "answer", answer)
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
    assert first.input.linf == pytest.approx(0.03, abs=0.5 / 255 + 1e-6)
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
