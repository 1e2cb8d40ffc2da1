"""Recipes that act on the photograph: the bytes of a few plain lines of Pillow, in any batch and thread count."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.data.images import sample_images, to_uint8
from explorer.distortions import Recipe, apply, vary

BILINEAR = Image.Resampling.BILINEAR
SIZES = ((640, 427), (427, 640), (300, 300), (1024, 77), (13, 500), (7, 5), (1, 40))


def photograph(width: int, height: int) -> Image.Image:
    rgb = Image.fromarray(to_uint8(sample_images()["cat"]())[0])
    return rgb.resize((width, height), Image.Resampling.LANCZOS)


def tensor(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(picture).transpose(2, 0, 1)[None].astype(np.float32) / 255)


def on_photograph(chain: str, x: Tensor, seed: int = 0) -> np.ndarray:
    return to_uint8(apply(Recipe.parse(f"{chain};seed={seed};on=photograph"), x))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [100, 50, 1])
def test_jpeg(size: tuple[int, int], quality: int) -> None:
    picture, buffer = photograph(*size), io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    assert np.array_equal(on_photograph(f"jpeg={quality}", tensor(picture))[0], np.asarray(Image.open(buffer)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [4, 64, 150.5])
def test_thumbnail(size: tuple[int, int], side: float) -> None:
    picture, (width, height) = photograph(*size), size
    factor = side / math.sqrt(width * height)
    if factor < 1:
        thumb = picture.resize((max(1, round(width * factor)), max(1, round(height * factor))), BILINEAR)
        wanted = np.asarray(thumb.resize(size, BILINEAR))
    else:
        wanted = np.asarray(picture)
    assert np.array_equal(on_photograph(f"thumbnail={side}", tensor(picture))[0], wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("offset", [1, 10, 300])
def test_crop_leaves_one_of_four_corners(size: tuple[int, int], offset: int) -> None:
    picture, (width, height) = photograph(*size), size
    wide, high = max(1, width - offset), max(1, height - offset)
    corners = [(left, top) for top in (0, height - high) for left in (0, width - wide)]
    wanted = [
        np.asarray(picture.crop((left, top, left + wide, top + high)).resize(size, BILINEAR)) for left, top in corners
    ]
    seen = set()
    for seed in range(12):
        found = on_photograph(f"crop={offset}", tensor(picture), seed)[0]
        seen |= {corner for corner, one in zip(corners, wanted, strict=True) if np.array_equal(found, one)}
        assert any(np.array_equal(found, one) for one in wanted)
    assert seen == set(corners)


def test_crop_takes_fractions_and_never_looks_outside() -> None:
    """Half a pixel beyond the cut belongs to the pixel at its edge; the next one is not looked at."""
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[:17, :17] = 0  # the near corner that is kept of 20 px less 3
    found = [on_photograph("crop=3.5", tensor(Image.fromarray(pixels)), seed)[0] for seed in range(12)]
    assert min(one.max() for one in found) == 0


def test_they_are_the_same_in_batches_in_curves_and_in_grey() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        x = tensor(photograph(90, 60)).repeat(70, 1, 1, 1)
        for chain in ("thumbnail=20", "crop=7", "jpeg=30,thumbnail=20"):
            alone = on_photograph(chain, x[:1])
            assert np.array_equal(on_photograph(chain, x), alone.repeat(70, 0))
            assert on_photograph(chain, x[:1, :1]).shape == (1, 60, 90, 1)
        recipe = Recipe.parse("thumbnail=20;on=photograph")
        curve = torch.cat(list(vary(recipe, x[:1], 0, [[10, 20], [30]])))
        each = [on_photograph(f"thumbnail={side}", x[:1])[0] for side in (10, 20, 30)]
        assert np.array_equal(to_uint8(curve), np.stack(each))
    finally:
        torch.set_num_threads(before)


def test_the_networks_input_keeps_its_floats() -> None:
    """Published distortions of the input are made of floats: cards and surveys hold numbers measured so."""
    x = tensor(photograph(224, 224))
    for chain in ("thumbnail=64", "crop=10"):
        fine = apply(Recipe.parse(f"{chain};pixels=float"), x).mul(255)
        assert not torch.allclose(fine, fine.round(), atol=1e-3)
