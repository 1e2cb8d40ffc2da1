"""Fog, snow and frost, checked by a second, slow implementation (numpy, scipy) or by numbers done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats  # type: ignore[import-untyped]

from explorer.distortions import DISTORTIONS, Draws
from tests.support.published import (
    FROST,
    SNOW,
    Fixed,
    channels_last,
    clipped_zoom,
    close,
    distort,
    plasma_fractal,
    published,
)


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
