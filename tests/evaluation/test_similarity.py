"""PASS: the alignment undoes what scikit-image's warps do, and leaves alone what is aligned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from skimage.transform import ProjectiveTransform, warp

from explorer.analysis.measures import ssim_each
from explorer.data.datasets import load_dataset
from explorer.evaluation.similarity import aligned, similarity

TILTED = np.array([[1.03, 0.04, -1.5], [-0.05, 0.98, 1.2], [0.001, -0.0008, 1.0]])


def digits(count: int) -> torch.Tensor:
    return load_dataset("digits").batch(slice(count))[0]


def warped(x: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    """Images (N, C, H, W) seen through a homography in px, by scikit-image."""
    seen = [warp(image.permute(1, 2, 0).double().numpy(), ProjectiveTransform(matrix), order=1) for image in x]
    return torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2).float()


def test_equal_pictures_score_one_and_stay_as_they_are() -> None:
    x = digits(4)
    assert torch.equal(aligned(x, x), x)
    assert similarity(x, x).tolist() == [1, 1, 1, 1]
    plain = torch.full((1, 3, 9, 12), 0.5)  # no slope to go along
    assert torch.equal(aligned(plain, plain), plain)


def test_a_homography_is_undone() -> None:
    x = digits(20)
    moved = warped(x, TILTED)
    before, after = ssim_each(x, moved), similarity(x, moved)
    assert float(before.max()) < 0.95
    assert float(after.min()) > 0.97
    # the same as looking through the inverse: no better match was to be had
    undone = warped(moved, np.linalg.inv(TILTED))
    assert float((aligned(x, moved) - undone).abs().mean()) < 0.02


def test_colour_and_sides_of_different_length() -> None:
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(3, 3, 5, 7, generator=generator)
    x = torch.nn.functional.interpolate(rough, size=(30, 44), mode="bicubic").clamp(0, 1)
    moved = warped(x, np.array([[1, 0, 2.0], [0, 1, -1.0], [0, 0, 1]]))
    assert float(ssim_each(x, moved).max()) < 0.9
    assert float(similarity(x, moved).min()) > 0.9


def test_the_score_is_scikit_images_of_the_aligned_picture() -> None:
    x = digits(3)
    noisy = (warped(x, TILTED) + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    found = aligned(x, noisy)
    wanted = [
        structural_similarity(a[0].double().numpy(), b[0].double().numpy(), data_range=1)
        for a, b in zip(x, found, strict=True)
    ]
    assert similarity(x, noisy).tolist() == pytest.approx(wanted, abs=1e-9)


def test_each_picture_is_aligned_as_if_it_were_alone() -> None:
    x = digits(6)
    moved = torch.cat([warped(x[:3], TILTED), x[3:]])
    alone = torch.cat([aligned(x[i : i + 1], moved[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(aligned(x, moved), alone, rtol=0, atol=1e-5)
