"""Perturbation sequences against the generators of CIFAR-10-P and ImageNet-P, in other libraries' arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import filters, transform
from torch import Tensor
from torchvision.transforms import functional

from explorer.data.fitting import Takes
from explorer.data.inputs import read_picture
from explorer.distortions import Draws
from explorer.distortions.sequences import SEQUENCES
from tests.support.published import clipped_zoom

BILINEAR = functional.InterpolationMode.BILINEAR


def photo(side: int) -> Tensor:
    return read_picture("cat", Takes(side, 3)).pixels.mul(255).round().div(255)


@pytest.fixture(scope="module")
def x() -> Tensor:
    return photo(32)


def frames(name: str, x: Tensor) -> np.ndarray:
    return SEQUENCES[name].frames(x, [5])[0].mul(255).round().byte().permute(0, 2, 3, 1).numpy()


def picture(x: Tensor) -> np.ndarray:
    return x[0].mul(255).round().byte().permute(1, 2, 0).numpy()


def test_photographs_have_imagenet_p_s_number_of_frames() -> None:
    counts = {name: len(SEQUENCES[name].frames(photo(72), [0])[0]) for name in ("motion_blur", "translate", "tilt")}
    assert counts == {"motion_blur": 31, "translate": 41, "tilt": 31}


def test_every_family_has_the_published_number_of_frames(x: Tensor) -> None:
    own = {"motion_blur": 21, "translate": 16}
    for name, family in SEQUENCES.items():
        made = family.frames(x, [0])
        assert made.shape == (1, own.get(name, 31), 3, 32, 32)
        assert torch.equal(made.mul(255).round().div(255), made), "8 bits"
        assert family.noise == ("noise" in name), "the authors compare these, and only these, with the first frame"
        if family.noise or name == "zoom_blur":
            assert torch.equal(made[:, 0], x), "the clean picture comes first"


@pytest.mark.parametrize(("name", "unmoved"), [("brightness", 15), ("translate", 7), ("rotate", 15), ("scale", 15)])
def test_the_middle_frame_is_the_picture(name: str, unmoved: int, x: Tensor) -> None:
    assert np.array_equal(frames(name, x)[unmoved], picture(x))


def test_geometry_is_torchvision_s_of_pillow(x: Tensor) -> None:
    own = Image.fromarray(picture(x))
    turned, grown, moved = (frames(name, x) for name in ("rotate", "scale", "translate"))
    for i in range(31):
        assert np.array_equal(turned[i], np.array(functional.affine(own, i - 15, [0, 0], 1, [0.0], BILINEAR)))
        wanted = functional.affine(own, 0, [0, 0], (i * 2 + 70) / 100, [0.0], BILINEAR)
        assert np.array_equal(grown[i], np.array(wanted))
    for i in range(16):
        assert np.array_equal(moved[i], np.array(functional.affine(own, 0, [i - 7, 0], 1, [0.0])))


def test_tilt_is_the_perspective_of_the_generator(x: Tensor) -> None:
    made, (h, w) = frames("tilt", x), (32, 32)
    for i in (0, 9, 30):
        angle, f = np.deg2rad(0.75 * (i - 15)), np.hypot(w, h)
        sine, cosine = np.sin(angle), np.cos(angle)
        lift = np.array([[1, 0, -w / 2], [0, 1, -h / 2], [0, 0, 1], [0, 0, 1]])
        about_x = np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])
        about_y = np.array([[cosine, 0, -sine, 0], [0, 1, 0, 0], [sine, 0, cosine, 0], [0, 0, 0, 1]])
        back = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, f], [0, 0, 0, 1]])
        project = np.array([[f, 0, w / 2, 0], [0, f, h / 2, 0], [0, 0, 1, 0]])
        matrix = project @ back @ about_x @ about_y @ lift
        wanted = transform.warp(
            picture(x) / 255, transform.ProjectiveTransform(matrix).inverse, order=1, cval=0, mode="constant"
        )
        gap = np.abs(wanted * 255 - made[i])[1:-1, 1:-1]
        assert gap.mean() < 1, "OpenCV looks between pixels in steps of 1/32"


def test_gaussian_blur_is_that_of_scikit_image(x: Tensor) -> None:
    made = frames("gaussian_blur", x)
    for i in (0, 13, 30):
        wanted = 255 * filters.gaussian(picture(x) / 255, 0.3 + 0.015 * i, channel_axis=-1, truncate=7.0)
        assert np.abs(np.floor(wanted + 1e-4) - made[i]).max() <= 1


def motion_blurred(image: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    """ImageMagick's motion blur of 8-bit values (H, W, C), pixel by pixel; its edges are repeated."""
    last, (rows, columns) = len(image) - 1, np.indices(image.shape[:2])
    bell = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    total = np.zeros(image.shape)
    for i, weight in enumerate(bell / bell.sum()):
        down, right = (np.ceil(i * turn(np.deg2rad(angle)) - 0.5).astype(int) for turn in (np.sin, np.cos))
        total += weight * image[np.clip(rows + down, 0, last), np.clip(columns + right, 0, last)]
    return np.rint(total)


def test_motion_blur_turns_as_in_the_generator(x: Tensor) -> None:
    made = frames("motion_blur", x)
    for i in (0, 3, 10, 16, 20):
        wanted = motion_blurred(picture(x).astype(float), 6, 1.8, (i - 20) * 9)
        assert np.abs(wanted - made[i]).max() <= 1, i
        assert (wanted == made[i]).mean() > 0.99


def test_snow_is_that_of_the_generator(x: Tensor) -> None:
    flakes = clipped_zoom(Draws([5]).normal(32, 32)[0].double().numpy()[..., None] * 0.3 + 0.05, 2)
    layer = (np.clip(np.where(flakes < 0.5, 0, flakes), 0, 1) * 255).astype(np.uint8).astype(float)
    clean, made = picture(x) / 255, frames("snow", x)
    grey = (clean @ [0.299, 0.587, 0.114])[..., None]
    pale = 0.85 * clean + 0.15 * np.maximum(clean, grey * 1.5 + 0.5)
    for i in (0, 7, 15, 30):
        fallen = motion_blurred(layer, 10, 2, i * 4 - 150) / 255
        wanted = np.floor(np.clip(pale + fallen + np.rot90(fallen, 2), 0, 1) * 255)
        assert np.abs(wanted - made[i]).max() <= 1, i
        assert (wanted == made[i]).mean() > 0.98


def test_noise_has_the_published_size(x: Tensor) -> None:
    grey = torch.full_like(x, 128 / 255)
    for name, deviation in (
        ("gaussian_noise", 0.02),
        ("shot_noise", (128 / 255 / 700) ** 0.5),
        ("speckle_noise", 0.05 * 128 / 255),
    ):
        made = SEQUENCES[name].frames(grey, [3])[0, 1:]
        assert float(made.std()) == pytest.approx(deviation, rel=0.03), name
        assert not torch.equal(made[0], made[1])
        assert torch.equal(SEQUENCES[name].frames(grey, [3])[0, 1:], made), "the seed decides"


def test_grey_pictures_and_batches(x: Tensor) -> None:
    two = torch.cat([x, x.flip(3)])
    for family in SEQUENCES.values():
        both = family.frames(two[:, :, :16, :16], [1, 2])
        assert torch.equal(both[1:], family.frames(two[1:, :, :16, :16], [2])), family.name
        assert family.frames(x[:, :1, :16, :16], [1]).shape[2] == 1
