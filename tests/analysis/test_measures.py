"""Measures against values worked out by hand, and against scikit-image."""

from __future__ import annotations

import math

import pytest
import torch

from explorer.analysis import measures
from tests.support.networks import grey, picture


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


@pytest.mark.parametrize("side", [3, 6, 7, 40])
def test_ssim_of_8_bit_images_is_that_of_their_floats(side):
    """They are measured as whole numbers; half a step more takes the way of floats."""
    generator = torch.Generator().manual_seed(side)
    clean, noisy = (torch.randint(0, 256, (4, 3, side, side), generator=generator) / 255 for _ in range(2))
    exact = measures.ssim_each(clean, noisy)
    nearly = measures.ssim_each(clean * (1 - 1e-7), noisy)
    assert torch.allclose(exact, nearly, rtol=0, atol=1e-6)
    assert measures.ssim_each(clean, clean).tolist() == [1.0] * 4
    black, white = torch.zeros(1, 1, 40, 40), torch.ones(1, 1, 40, 40)
    assert 0 < float(measures.ssim_each(black, white)) < 1e-3


def test_ssim_of_two_flat_images_is_the_luminance_term():
    # Without variance SSIM is (2 ab + C1) / (a^2 + b^2 + C1) with C1 = 0.01^2 (Wang et al. 2004, eq. 6).
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert measures.ssim(grey(0.2, 9), grey(0.6, 9)) == pytest.approx(expected, rel=1e-5)


def test_ssim_of_a_picture_does_not_depend_on_its_neighbours() -> None:
    generator = torch.Generator().manual_seed(0)
    eight_bit = torch.randint(256, (2, 1, 16, 16), generator=generator).div(255)
    floats = torch.rand(2, 1, 16, 16, generator=generator)
    clean, distorted = torch.cat([eight_bit, floats]), torch.cat([eight_bit.flip(3), floats.flip(3)])
    alone = torch.cat([measures.ssim_each(clean[i : i + 1], distorted[i : i + 1]) for i in range(4)])
    assert torch.equal(measures.ssim_each(clean, distorted), alone)
