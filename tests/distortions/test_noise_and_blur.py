"""Noise and blur, checked by a second, slow implementation (numpy, scipy) or by numbers done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, stats  # type: ignore[import-untyped]

from explorer.distortions import DISTORTIONS, Draws
from tests.support.published import (
    GLASS,
    SEVERITIES,
    Fixed,
    channels_last,
    clipped_zoom,
    close,
    distort,
    published,
    softened,
)


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
