"""Codecs, geometry, colour and occlusion, checked
by a second, slow implementation (numpy, scipy, colorsys, Pillow) or by numbers done by hand."""

from __future__ import annotations

import colorsys
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped]

from explorer.distortions import DISTORTIONS, Draws
from tests.support.published import (
    ELASTIC,
    SEVERITIES,
    Fixed,
    channels_last,
    close,
    distort,
    elastic_transform,
    published,
)


@pytest.mark.parametrize("quality", SEVERITIES["jpeg"])
@pytest.mark.parametrize(("name", "codec"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_codecs_are_the_real_ones(cat, name, codec, quality):
    buffer = io.BytesIO()
    Image.fromarray((channels_last(cat) * 255).round().astype(np.uint8)).save(buffer, codec, quality=quality)
    assert close(distort(name, cat, quality), np.asarray(Image.open(buffer).convert("RGB")) / 255, atol=1e-7)


def test_quality_100_loses_a_little_and_101_nothing(cat):
    assert not torch.equal(distort("jpeg", cat, 100), cat)
    assert torch.equal(distort("jpeg", cat, 101), cat)


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
