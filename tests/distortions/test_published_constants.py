"""Published constants and definitions, against values worked out without the code under test.

CIFAR-10-C: Hendrycks & Dietterich 2019, the constants for 32 px images. Stability training: Zheng et al. 2016. Each
definition is checked by a second, slow implementation (numpy, scipy, colorsys, Pillow) or by numbers done by hand.
"""

from __future__ import annotations

import colorsys
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage, stats  # type: ignore[import-untyped]
from torch import Tensor

from explorer.data.images import fit, sample_images
from explorer.distortions import DISTORTIONS, Draws, Recipe, apply
from tests.support.published import (
    Fixed,
    channels_last,
    clipped_zoom,
    close,
    distort,
    elastic_transform,
    plasma_fractal,
    softened,
)

SEVERITIES = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.10),
    "shot_noise": (0.0447213595, 0.0632455532, 0.1, 0.1154700538, 0.1414213562),  # 500 250 100 75 50 photons
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),
    "speckle_noise": (0.06, 0.10, 0.12, 0.16, 0.20),
    "gaussian_blur": (0.4, 0.6, 0.7, 0.8, 1.0),
    "defocus_blur": (0.3, 0.4, 0.5, 1.0, 1.5),
    "motion_blur": (1.0, 1.5, 2.0, 2.0, 2.5),
    "zoom_blur": (1.06, 1.11, 1.15, 1.20, 1.25),
    "jpeg": (80, 65, 58, 50, 40),
    "brightness": (0.05, 0.10, 0.15, 0.20, 0.30),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "saturation": (0.3, 0.1, 1.5, 2.0, 2.5),
    "pixelate": (1.0526315789, 1.1111111111, 1.1764705882, 1.3333333333, 1.5384615385),  # sides x .95 .9 .85 .75 .65
    "fog": (0.2, 0.5, 0.75, 1.0, 1.5),
    "glass_blur": (0.7141428429, 0.8660254038, 1.0677078252, 1.1180339887, 1.2806248475),  # sqrt(passes / 2 + 4 s^2)
    "snow": (0.0082, 0.0261, 0.1258, 0.1820, 0.1942),  # light, from scipy below
    "frost": (1 / 6, 3 / 13, 4 / 13, 0.32, 0.375),  # b / (a + b)
    "elastic_transform": (0.2090, 0.1831, 0.2240, 0.4684, 0.8036),  # strain, measured below
}
# as in make_imagenet_c.py; glass blur, snow and elastic transform by the formulas of their docstrings
PHOTO_SEVERITIES = {
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "shot_noise": (0.1290994449, 0.2, 0.2886751346, 0.4472135955, 0.5773502692),  # 60 25 12 5 3 photons
    "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    "speckle_noise": (0.15, 0.2, 0.35, 0.45, 0.6),
    "gaussian_blur": (1, 2, 3, 4, 6),
    "defocus_blur": (3, 4, 6, 8, 10),
    "motion_blur": (3, 5, 8, 12, 15),
    "zoom_blur": (1.11, 1.15, 1.20, 1.24, 1.30),
    "jpeg": (25, 18, 15, 10, 7),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "saturation": (0.3, 0.1, 2, 5, 20),
    "pixelate": (1.6666666667, 2, 2.5, 3.3333333333, 4),  # sides x .6 .5 .4 .3 .25
    "fog": (1.5, 2, 2.5, 2.6, 3),
    "glass_blur": (1.7204650534, 2.3958297101, 3.3911649916, 4.0628397294, 5.4772255751),
    "snow": (0.1166, 0.2087, 0.2551, 0.3199, 0.3518),
    "frost": (2 / 7, 3 / 7, 0.5, 0.7 / 1.35, 0.75 / 1.35),
    "elastic_transform": (0.2692, 0.6139, 0.4748, 0.6628, 1.1335),
}
ROUNDED = {"snow", "elastic_transform"}  # given to four digits

# as published: glass blur (sigma, passes), snow (mean, deviation, zoom, threshold, radius, sigma, share of the
# picture), frost (picture, ice), elastic transform (push, smoothing, jitter) in px of a 32 px image
GLASS = [(0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2)]
SNOW = [
    (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
]
FROST = [(1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)]
ELASTIC = [(0, 0, 2.56), (1.6, 6.4, 2.24), (2.56, 1.92, 1.92), (3.2, 1.28, 1.6), (3.2, 0.96, 0.96)]


def published(name: str, severity: int) -> float:
    """The amount of a severity, 0 to 4."""
    severities = DISTORTIONS[name].severities_at(32)
    assert severities is not None
    return severities[severity]


@pytest.fixture(scope="module")
def cat() -> Tensor:
    return fit(sample_images()["cat"](), 32, 3)


@pytest.mark.parametrize("data_set", ["CIFAR-10-C", "ImageNet-C"])
@pytest.mark.parametrize("name", SEVERITIES)
def test_severities(name, data_set):
    expected = (SEVERITIES if data_set == "CIFAR-10-C" else PHOTO_SEVERITIES)[name]
    found = DISTORTIONS[name].severities
    assert found is not None
    assert list(found) == ["CIFAR-10-C", "ImageNet-C"]
    assert found[data_set] == pytest.approx(expected, abs=1e-3 if name in ROUNDED else 1e-9)


def test_severities_belong_to_the_data_set_of_the_pictures_size():
    noise, blur = DISTORTIONS["gaussian_noise"], DISTORTIONS["gaussian_blur"]
    for side, data_set in ((28, "CIFAR-10-C"), (64, "CIFAR-10-C"), (65, "ImageNet-C"), (224, "ImageNet-C")):
        assert noise.published_at(side) == data_set
        assert noise.severities_at(side) == (SEVERITIES if side <= 64 else PHOTO_SEVERITIES)["gaussian_noise"]
    assert blur.severities_at(64) == pytest.approx([0.8, 1.2, 1.4, 1.6, 2.0])  # twice CIFAR-10-C's px
    assert blur.severities_at(224) == (1, 2, 3, 4, 6)
    assert blur.severities_at(112) == pytest.approx([0.5, 1, 1.5, 2, 3])  # half of ImageNet-C's
    assert DISTORTIONS["rotate"].published_at(32) is None


def test_what_was_never_published_has_no_severities():
    assert {name for name, distortion in DISTORTIONS.items() if distortion.severities} == set(SEVERITIES)


# noise


@pytest.mark.parametrize("sigma", SEVERITIES["gaussian_noise"])
def test_gaussian_noise_has_this_standard_deviation(sigma):
    x = torch.full((1, 3, 200, 200), 0.5)
    difference = distort("gaussian_noise", x, sigma) - x
    assert float(difference.std()) == pytest.approx(sigma, rel=0.01)
    assert float(difference.mean()) == pytest.approx(0, abs=0.001)
    assert stats.kstest(difference.flatten()[:5000].numpy(), "norm", (0, sigma)).pvalue > 1e-4


@pytest.mark.parametrize("photons", [500, 250, 100, 75, 50, 5])
def test_shot_noise_counts_photons(photons):
    x = torch.linspace(0, 1, 256).repeat_interleave(40).view(1, 1, 256, 40)
    draws = torch.randn(1, 256, 40, generator=torch.Generator().manual_seed(0))
    counts = DISTORTIONS["shot_noise"].function(x, photons**-0.5, Fixed(draws)) * photons
    expected = stats.poisson.ppf(stats.norm.cdf(draws.double().numpy()), (x[0].double() * photons).numpy())
    error = np.abs(counts[0].numpy() - expected)
    assert np.mean(error > 0.01) < 0.001  # the same quantile, all but on the rims of steps
    assert error.max() < 1.01
    rows = counts[0, 0].double()
    assert float((rows.mean(1) - x[0, 0, :, 0] * photons).abs().max()) < 5 * math.sqrt(photons / 40)
    assert float(rows[128:].var(1).mean()) == pytest.approx(0.75 * photons, rel=0.05)  # Poisson: variance = mean
    assert float(rows[0].abs().max()) == 0


@pytest.mark.parametrize("share", SEVERITIES["impulse_noise"])
def test_impulse_noise_replaces_this_share_half_by_white(share):
    x = torch.full((1, 3, 200, 200), 0.5)
    out = distort("impulse_noise", x, share)
    assert set(out.unique().tolist()) == {0.0, 0.5, 1.0}
    assert float((out != 0.5).float().mean()) == pytest.approx(share, abs=0.004)
    assert float((out == 1).sum() / (out != 0.5).sum()) == pytest.approx(0.5, abs=0.08)


def test_noise_by_hand():
    x = torch.tensor([0.0, 0.4, 1.0])[None, None, None]
    assert distort("gaussian_noise", x, 0.1, Fixed(1.0)).flatten().tolist() == pytest.approx([0.1, 0.5, 1.0])
    assert distort("speckle_noise", x, 0.2, Fixed(-1.0)).flatten().tolist() == pytest.approx([0.0, 0.32, 0.8])
    assert distort("uniform_noise", x, 0.2, Fixed(0.25)).flatten().tolist() == pytest.approx([0.0, 0.3, 0.9])
    assert distort("impulse_noise", x, 0.2, Fixed(0.1)).flatten().tolist() == [1, 1, 1]


# blur


@pytest.mark.parametrize("sigma", [*SEVERITIES["gaussian_blur"], 3.0])
def test_gaussian_blur_is_scipys(cat, sigma):
    expected = ndimage.gaussian_filter(channels_last(cat), (sigma, sigma, 0), mode="nearest", truncate=4.0)
    assert close(distort("gaussian_blur", cat, sigma), expected)


@pytest.mark.parametrize(
    ("radius", "kernel"),
    [
        (0.3, softened([[1]], 0.4)),
        (0.4, softened([[1]], 0.5)),
        (0.5, softened([[1]], 0.6)),
        (1.0, softened([[0, 1, 0], [1, 1, 1], [0, 1, 0]], 0.2)),
        (1.5, softened([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 0.1)),
        (0.35, (softened([[1]], 0.4) + softened([[1]], 0.5)) / 2),
    ],
)
def test_defocus_blur_has_the_published_kernels(cat, radius, kernel):
    image = channels_last(cat)
    expected = np.stack([ndimage.correlate(image[:, :, c], kernel, mode="mirror") for c in range(3)], 2)
    assert close(distort("defocus_blur", cat, radius), expected)


def test_wide_defocus_is_a_disk_also_through_the_fourier_transform():
    for radius in (5.0, 11.0):
        x = torch.zeros(1, 1, 64, 64)
        x[0, 0, 32, 32] = 1
        out = distort("defocus_blur", x, radius)[0, 0]
        place = torch.arange(64.0) - 32
        distance = torch.hypot(place[:, None], place[None])
        inside, outside = distance <= radius - 0.5, distance >= radius + 0.5
        assert float(out[inside].std()) < 1e-6
        assert float(out[outside].abs().max()) < 1e-6
        assert float(out.sum()) == pytest.approx(1, abs=1e-4)
        assert float(out[32, 32]) == pytest.approx(1 / (math.pi * radius**2), rel=0.02)


@pytest.mark.parametrize(("radius", "sigma"), [(6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)])
def test_motion_blur_is_half_a_bell(radius, sigma):
    x = torch.zeros(1, 1, 1, 41)
    x[..., 30] = 1
    out = distort("motion_blur", x, sigma, Fixed(0.5)).flatten()  # 0.5: an angle of 0 degrees
    bell = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    bell /= bell.sum()
    expected = np.zeros(41)
    for i, weight in enumerate(bell):  # output pixel p takes weight i from pixel p + i
        expected[30 - i] = weight
    assert np.allclose(out.numpy(), expected, atol=1e-6)


def test_motion_blur_follows_its_angle():
    x = torch.zeros(1, 1, 21, 21)
    x[..., 10, 10] = 1
    for place, turn in ((0.0, -1), (1.0, 1)):  # -45 and 45 degrees
        out = distort("motion_blur", x, 2.0, Fixed(place))[0, 0]
        lit = {(int(row), int(column)) for row, column in (out > 0.0005).nonzero()}
        steps = {(turn * round(i * math.sqrt(0.5)), round(i * math.sqrt(0.5))) for i in range(8)}
        assert lit == {(10 - down, 10 - right) for down, right in steps}


@pytest.mark.parametrize("stop", [1.06, 1.11, 1.16, 1.21, 1.26])
def test_zoom_blur_averages_the_published_zooms(cat, stop):
    zooms = np.arange(1, stop, 0.01)
    severity = [1.06, 1.11, 1.16, 1.21, 1.26].index(stop)
    assert zooms[-1] == pytest.approx(SEVERITIES["zoom_blur"][severity])  # numpy's arange overshoots twice
    image = channels_last(cat)
    total = image + sum(clipped_zoom(image, zoom) for zoom in zooms)
    assert close(distort("zoom_blur", cat, published("zoom_blur", severity)), total / (len(zooms) + 1), atol=1e-5)


# codec


@pytest.mark.parametrize("quality", SEVERITIES["jpeg"])
@pytest.mark.parametrize(("name", "codec"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_codecs_are_the_real_ones(cat, name, codec, quality):
    buffer = io.BytesIO()
    Image.fromarray((channels_last(cat) * 255).round().astype(np.uint8)).save(buffer, codec, quality=quality)
    assert close(distort(name, cat, quality), np.asarray(Image.open(buffer).convert("RGB")) / 255, atol=1e-7)


def test_quality_100_loses_a_little_and_101_nothing(cat):
    assert not torch.equal(distort("jpeg", cat, 100), cat)
    assert torch.equal(distort("jpeg", cat, 101), cat)


# geometry


def test_thumbnail_has_the_area_of_a_square_of_that_side(cat):
    stripes = (torch.arange(16) % 2).float().view(1, 1, 16, 1).expand(1, 1, 16, 4).contiguous()
    # area 16 of 16 x 4 px: shrink by 4 / 8 to 8 x 2, where each row is the mean of its neighbours with weights 1 3 3 1
    out = distort("thumbnail", stripes, 4)
    assert torch.allclose(out[0, 0, 3:-3], torch.full((10, 4), 0.5), atol=1e-6)
    # 32 px to 16 px and back, in numpy: triangle of support 2 px, then bilinear
    places = (np.arange(16) + 0.5) * 2 - 0.5
    down = np.clip(1 - np.abs(places[:, None] - np.arange(32)) / 2, 0, None)
    down /= down.sum(1, keepdims=True)
    back = np.clip((np.arange(32) + 0.5) / 2 - 0.5, 0, 15)
    up = np.clip(1 - np.abs(back[:, None] - np.arange(16)), 0, None)
    both = up @ down
    expected = np.einsum("ij,jkc,lk->ilc", both, channels_last(cat), both)
    assert close(distort("thumbnail", cat, 16), expected)
    assert torch.equal(distort("thumbnail", cat, 32), cat)
    assert torch.equal(distort("thumbnail", cat, 500), cat)
    assert DISTORTIONS["thumbnail"].span(32) == (32, 4)


@pytest.mark.parametrize(("place", "first"), [(0.9, 0), (0.1, 2)])  # below 1/2: the far corner
def test_crop_cuts_at_a_corner_and_enlarges(place, first):
    ramp = torch.arange(4.0).div(4).view(1, 1, 1, 4).expand(1, 1, 4, 4).contiguous()
    out = distort("crop", ramp, 2, Fixed(place))
    # 2 of 4 columns are kept and sampled at -0.25 0.25 0.75 1.25, clamped to 0 .. 1
    expected = (first + torch.tensor([0.0, 0.25, 0.75, 1.0])) / 4
    assert torch.allclose(out[0, 0], expected.expand(4, 4), atol=1e-6)


def test_crop_is_a_bilinear_resize_of_the_rest(cat):
    out = distort("crop", cat, 10, Fixed(0.9))
    expected = torch.nn.functional.interpolate(cat[:, :, :22, :22], (32, 32), mode="bilinear", align_corners=False)
    assert torch.allclose(out, expected, atol=1e-5)


def test_moves_by_hand(cat):
    assert torch.allclose(distort("rotate", cat, 90), torch.rot90(cat, 1, (2, 3)), atol=1e-4)
    assert torch.allclose(distort("rotate", cat, -90), torch.rot90(cat, -1, (2, 3)), atol=1e-4)
    assert torch.allclose(distort("rotate", cat, 180), cat.flip(2, 3), atol=1e-4)
    right = distort("shift", cat, 3, Fixed(0.0))  # direction 0: to the right
    assert torch.allclose(right[..., 3:], cat[..., :-3], atol=1e-4)
    assert torch.allclose(right[..., :3], cat[..., :3].flip(3), atol=1e-4)  # reflected at the outer edge
    down = distort("shift", cat, 2, Fixed(0.25))
    assert torch.allclose(down[:, :, 2:], cat[:, :, :-2], atol=1e-4)
    slanted = distort("shear", cat, 45)
    for row in (12, 15, 20):  # h = 15.5 - row px above the centre, moved by h px
        move = 15.5 - row
        columns = np.arange(8, 24) - move
        expected = [np.interp(columns, np.arange(32), cat[0, c, row].numpy()) for c in range(3)]
        assert np.allclose(slanted[0, :, row, 8:24].numpy(), expected, atol=1e-4)
    twice = distort("scale", cat, 2)
    places = (np.arange(32) - 15.5) / 2 + 15.5
    rows, columns = np.meshgrid(places, places, indexing="ij")
    image = channels_last(cat)
    assert close(
        twice, np.stack([ndimage.map_coordinates(image[:, :, c], [rows, columns], order=1) for c in range(3)], 2)
    )


def test_elastic_moves_by_the_stated_root_mean_square():
    ramp = torch.linspace(0.3, 0.7, 64).expand(1, 1, 64, 64)  # a ramp shows the horizontal part of the displacement
    tilted = ramp.mT.contiguous()
    squares = 0.0
    for seed in range(20):
        parts = [distort("elastic", x.contiguous(), 2, Draws([seed])) - x for x in (ramp, tilted)]
        inner = [part[..., 6:-6, 6:-6] / (0.4 / 63) for part in parts]
        squares += float(inner[0].square().mean() + inner[1].square().mean()) / 20
    assert math.sqrt(squares) == pytest.approx(2, rel=0.15)


# colour


@pytest.mark.parametrize("severity", range(5))
def test_brightness_and_saturation_are_those_of_hsv(cat, severity):
    offsets = (0, 0, 0, 0.1, 0.2)
    lift, factor = SEVERITIES["brightness"][severity], SEVERITIES["saturation"][severity]
    image = channels_last(cat)
    hsv = [[colorsys.rgb_to_hsv(*pixel) for pixel in row] for row in image]
    bright = np.array([[colorsys.hsv_to_rgb(h, s, min(1, v + lift)) for h, s, v in row] for row in hsv])
    assert close(distort("brightness", cat, lift), bright)
    glow = [[colorsys.hsv_to_rgb(h, min(1, s * factor + offsets[severity]), v) for h, s, v in row] for row in hsv]
    assert close(distort("saturation", cat, factor), np.array(glow))


@pytest.mark.parametrize("degrees", [60, 120, -45, 180])
def test_hue_turns_the_wheel(cat, degrees):
    turned = [
        [colorsys.hsv_to_rgb((h + degrees / 360) % 1, s, v) for h, s, v in (colorsys.rgb_to_hsv(*p) for p in row)]
        for row in channels_last(cat)
    ]
    assert close(distort("hue", cat, degrees), np.array(turned), atol=1e-4)


def test_colour_by_hand():
    red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None]
    assert distort("hue", red, 120).flatten().tolist() == pytest.approx([0, 1, 0])
    assert distort("saturation", red * 0.8, 0).flatten().tolist() == pytest.approx([0.8, 0.8, 0.8])
    grey = torch.full((1, 3, 1, 1), 0.5)
    assert distort("saturation", grey, 2.5).flatten().tolist() == pytest.approx([0.5, 0.4, 0.4])  # as published
    black = torch.zeros(1, 3, 1, 1)
    assert distort("brightness", black, 0.2).flatten().tolist() == pytest.approx([0.2, 0.2, 0.2])
    two = torch.tensor([0.2, 0.6])[None, None, None]
    assert distort("contrast", two, 0.5).flatten().tolist() == pytest.approx([0.3, 0.5])
    assert distort("gamma", two, 2).flatten().tolist() == pytest.approx([0.04, 0.36])
    shades = torch.tensor([0.1, 0.4, 0.6, 0.9])[None, None, None]
    assert distort("bit_depth", shades, 1).flatten().tolist() == [0, 0, 1, 1]
    assert distort("bit_depth", shades, 2).flatten().tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


@pytest.mark.parametrize("factor", SEVERITIES["contrast"])
def test_contrast_pulls_to_the_mean_of_each_channel(cat, factor):
    image = channels_last(cat)
    mean = image.mean((0, 1))
    assert close(distort("contrast", cat, factor), (image - mean) * factor + mean)


# occlusion and weather


@pytest.mark.parametrize("share", [0.95, 0.9, 0.85, 0.75, 0.65])
def test_pixelate_is_pillows_box_filter(cat, share):
    side = int(32 * share)
    assert side == {0.95: 30, 0.9: 28, 0.85: 27, 0.75: 24, 0.65: 20}[share]
    planes = [Image.fromarray(channels_last(cat)[:, :, c].astype(np.float32)) for c in range(3)]
    box = Image.Resampling.BOX
    expected = [np.asarray(plane.resize((side, side), box).resize((32, 32), box)) for plane in planes]
    assert close(distort("pixelate", cat, 1 / share), np.stack(expected, 2))


def test_pixelate_and_patch_by_hand():
    x = torch.arange(16.0).view(1, 1, 4, 4) / 16
    means = torch.tensor([[2.5, 4.5], [10.5, 12.5]]) / 16
    assert torch.allclose(distort("pixelate", x, 2)[0, 0], means.repeat_interleave(2, 0).repeat_interleave(2, 1))
    out = distort("patch", torch.zeros(1, 1, 4, 4), 2, Fixed(0.5))  # starts at 0.5 * (4 - 2) = 1
    expected = torch.zeros(4, 4)
    expected[1:3, 1:3] = 0.5
    assert torch.equal(out[0, 0], expected)
    for side in (1.5, 3.0):
        assert float(distort("patch", torch.zeros(1, 1, 9, 9), side).sum()) == pytest.approx(side**2 / 2, abs=1e-4)


@pytest.mark.parametrize(
    ("thickness", "decay"),
    [(0.1, 3), (0.2, 3), (0.5, 3), (0.625, 2.75), (0.75, 2.5), (1.0, 2), (1.5, 1.75), (2.0, 1.75)],
)
def test_fog_is_the_published_mixture(cat, thickness, decay):
    field = torch.rand(32, 32, generator=torch.Generator().manual_seed(1))
    image = channels_last(cat)
    plasma = plasma_fractal(field.double().numpy() * 2 - 1, decay)[:, :, None]
    expected = (image + thickness * plasma) * image.max() / (image.max() + thickness)
    assert close(distort("fog", cat, thickness, Fixed(field)), expected, atol=1e-4)


def test_recipes_round_to_8_bit_at_the_end_only(cat):
    once = apply(Recipe((("contrast", 0.3), ("brightness", 0.1))), cat)
    exact = distort("brightness", distort("contrast", cat, 0.3), 0.1)
    assert torch.equal(once, (exact * 255).round() / 255)


@pytest.mark.parametrize("severity", range(5))
def test_glass_blur_is_the_published_loop(cat, severity):
    sigma, passes = GLASS[severity]
    fields = Draws([4]).uniform(2, 3, 32, 32)[0]
    image = ndimage.gaussian_filter(channels_last(cat), (sigma, sigma, 0), mode="nearest")
    for i in range(passes):
        for row in range(31, 1, -1):
            for column in range(31, 1, -1):
                down, right = (int(field[row, column] >= 0.5) - 1 for field in fields[i, 1:])
                image[row, column] = image[row + down, column + right]
    expected = ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="nearest")
    assert close(distort("glass_blur", cat, published("glass_blur", severity), Draws([4])), expected)


def test_glass_blur_spreads_a_point_by_its_amount():
    place = torch.arange(41.0)
    x = torch.zeros(1, 1, 41, 41)
    x[..., 20, 20] = 1
    for amount in (0.3, 0.5, 0.7):
        draws = Draws(range(4000))
        spread = DISTORTIONS["glass_blur"].function(x.expand(4000, -1, -1, -1), amount, draws).mean((0, 1))
        spread = spread / spread.sum()
        variances = [
            float((line * place**2).sum() - (line * place).sum() ** 2) for line in (spread.sum(0), spread.sum(1))
        ]
        assert math.sqrt(sum(variances)) == pytest.approx(amount, rel=0.1)


@pytest.mark.parametrize("severity", range(5))
def test_snow_has_the_published_settings(cat, severity):
    mean, deviation, zoom, threshold, radius, sigma, share = SNOW[severity]
    amount = published("snow", severity)
    draws = Draws([9])
    noise, turn = draws.normal(32, 32)[0].double().numpy(), float(draws.uniform(1, 1, 1))
    layer = clipped_zoom((noise * deviation + mean)[:, :, None], zoom)[:, :, 0]
    layer = np.clip(np.where(layer < threshold, 0, layer), 0, 1)
    bell = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    angle = math.radians(-135 + 90 * turn)
    rows, columns = np.indices((32, 32))
    blurred = np.zeros((32, 32))
    for i, weight in enumerate(bell / bell.sum()):
        down, right = math.ceil(i * math.sin(angle) - 0.5), math.ceil(i * math.cos(angle) - 0.5)
        blurred += weight * layer[np.clip(rows + down, 0, 31), np.clip(columns + right, 0, 31)]
    image = channels_last(cat)
    grey = (image @ [0.299, 0.587, 0.114])[:, :, None]
    pale = share * image + (1 - share) * np.maximum(image, grey * 1.5 + 0.5)
    expected = pale + (blurred + np.rot90(blurred, 2))[:, :, None]
    assert close(distort("snow", cat, amount, Draws([9])), expected, atol=1e-4)
    light = 2 * stats.norm.expect(lambda v: v, loc=mean, scale=deviation, lb=threshold)
    assert amount == pytest.approx(light, rel=1e-6)


@pytest.mark.parametrize("severity", range(5))
def test_frost_mixes_as_published(cat, severity):
    picture, ice = FROST[severity]
    frost = DISTORTIONS["frost"]
    texture = frost.function(torch.zeros_like(cat), published("frost", severity), Draws([2])) / ice
    assert 0 <= float(texture.min()) < float(texture.max()) <= 1.00001
    assert torch.allclose(
        distort("frost", cat, published("frost", severity), Draws([2])),
        (picture * cat + ice * texture).clamp(0, 1),
        atol=1e-6,
    )
    other = (
        frost.function(torch.zeros_like(cat), 0.1, Draws([2])) * 9
    )  # the same ice at every amount: b = a f / (1 - f)
    assert torch.allclose(texture, other, atol=1e-5)


@pytest.mark.parametrize(
    ("side", "patches", "lags", "correlations"),
    [(32, 2000, (1, 2, 4, 8), (0.36, 0.26, 0.20, 0.12)), (224, 60, (1, 4, 16, 32), (0.76, 0.46, 0.30, 0.23))],
)
def test_frost_has_the_statistics_of_the_published_photographs(side, patches, lags, correlations):
    """Measured on 2000 and 400 crops of the five photographs, at a fifth of their size and at their own."""
    x = torch.zeros(patches, 3, side, side)
    ice = (DISTORTIONS["frost"].function(x, 0.1, Draws(range(patches))) * 9).double()
    mean = ice.mean((2, 3))
    away = ice - mean[:, :, None, None]
    contrast = away.square().mean((2, 3)).sqrt()
    few = side == 224
    assert mean.mean(0).tolist() == pytest.approx([0.565, 0.648, 0.695], abs=0.06 if few else 0.015)
    assert float(mean.mean(1).std()) == pytest.approx(0.152, abs=0.03 if few else 0.01)
    assert float(contrast.mean()) == pytest.approx(0.088, abs=0.015 if few else 0.005)
    grey = away.mean(1)
    for lag, expected in zip(lags, correlations, strict=True):
        products = (grey[:, :, lag:] * grey[:, :, :-lag]).mean((1, 2)) + (grey[:, lag:] * grey[:, :-lag]).mean((1, 2))
        assert float((products / 2 / grey.square().mean((1, 2))).mean()) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize("severity", range(5))
def test_elastic_transform_is_the_published_one(cat, severity):
    for seed in range(3):
        draws = Draws([seed])
        corners, noise = (draws.uniform(*shape)[0].double().numpy() * 2 - 1 for shape in ((3, 2), (2, 32, 32)))
        expected = elastic_transform(channels_last(cat), ELASTIC[severity], corners, noise)
        found = distort("elastic_transform", cat, published("elastic_transform", severity), Draws([seed]))
        assert close(found, expected, atol=2e-4)


@pytest.mark.parametrize("severity", [None, *range(5)])
def test_elastic_transform_strains_by_its_amount(severity):
    distortion = DISTORTIONS["elastic_transform"]
    amount = 0.1 if severity is None else published("elastic_transform", severity)
    ramp = torch.linspace(0.4, 0.6, 96).expand(300, 1, 96, 96)[..., 32:64, 32:64].contiguous()
    squares = 0.0
    for x in (ramp, ramp.mT.contiguous()):
        moved = (distortion.function(x, amount, Draws(range(300))) - x)[..., 8:-8, 8:-8] / (0.2 / 95)
        squares += float(moved.diff(dim=2).square().mean() + moved.diff(dim=3).square().mean())
    assert math.sqrt(squares) == pytest.approx(amount, rel=0.15)
