"""The corruptions of CIFAR-10-C and ImageNet-C by their published formulas, slowly, in numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import ndimage  # type: ignore[import-untyped]
from torch import Tensor

from explorer.distortions import DISTORTIONS, Draws

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


class Fixed(Draws):
    """Draws that always give the same number, or the given field."""

    def __init__(self, value: float | Tensor) -> None:
        super().__init__([0])
        self.value = value

    def uniform(self, *shape: int) -> Tensor:
        return torch.full((1, *shape), self.value) if isinstance(self.value, float) else self.value[None]

    normal = uniform


def distort(name: str, x: Tensor, amount: float, draws: Draws | None = None) -> Tensor:
    return DISTORTIONS[name](x, amount, draws or Draws([0]))


def channels_last(x: Tensor) -> np.ndarray:
    return x[0].permute(1, 2, 0).double().numpy()


def close(x: Tensor, expected: np.ndarray, atol: float = 1e-5) -> bool:
    return bool(np.allclose(channels_last(x), np.clip(expected, 0, 1), atol=atol))


def softened(disk: list[list[float]], sigma: float) -> np.ndarray:
    side = math.exp(-1 / (2 * sigma**2))
    line = np.array([side, 1, side]) / (1 + 2 * side)
    return ndimage.convolve(np.pad(np.array(disk) / np.sum(disk), 1), np.outer(line, line), mode="constant")


def clipped_zoom(image: np.ndarray, zoom: float) -> np.ndarray:
    """As published: a crop of whole px, zoomed corner to corner, cut again."""
    side = len(image)
    kept = int(np.ceil(side / zoom))
    top = (side - kept) // 2
    larger = ndimage.zoom(image[top : top + kept, top : top + kept], (zoom, zoom, 1), order=1)
    cut = (len(larger) - side) // 2
    return larger[cut : cut + side, cut : cut + side]


def plasma_fractal(noise: np.ndarray, decay: float) -> np.ndarray:
    """Diamond-square on a torus, point by point."""
    size = len(noise)
    plasma, step, width = np.zeros((size, size)), size, 1.0
    while step > 1:
        half = step // 2
        for row in range(half, size, step):
            for column in range(half, size, step):
                around = [plasma[(row + a) % size, (column + b) % size] for a in (-half, half) for b in (-half, half)]
                plasma[row, column] = np.mean(around) + width * noise[row, column]
        for row in range(0, size, half):
            for column in range(0, size, half):
                if (row // half + column // half) % 2:
                    sides = ((-half, 0), (half, 0), (0, -half), (0, half))
                    around = [plasma[(row + a) % size, (column + b) % size] for a, b in sides]
                    plasma[row, column] = np.mean(around) + width * noise[row, column]
        step, width = half, width / decay**2
    return (plasma - plasma.min()) / (plasma.max() - plasma.min())


def elastic_transform(image: np.ndarray, setting: tuple[float, ...], corners: np.ndarray, noise: np.ndarray):
    """As published: cv2.getAffineTransform, warpAffine (which looks up through the inverse), then map_coordinates.

    ``corners`` and ``noise`` are uniform on [-1, 1], in the order (row, column).
    """
    push, smoothing, jitter = setting
    side = len(image)
    middle, third = side // 2, side // 3
    points = np.array([(third, third), (-third, third), (-third, -third)]) + middle  # (row, column)
    forward = np.linalg.solve(np.c_[points, np.ones(3)], points + corners * jitter).T  # 2 x 3
    back = np.linalg.inv(np.r_[forward, [(0, 0, 1)]])
    grid = np.indices((side, side)).reshape(2, -1)
    places = (back @ np.r_[grid, np.ones((1, side * side))])[:2]
    planes = [ndimage.map_coordinates(plane, places, order=1, mode="mirror") for plane in image.transpose(2, 0, 1)]
    bent = grid + 0.0
    if push:
        smooth = [ndimage.gaussian_filter(field, smoothing, mode="reflect", truncate=3) for field in noise]
        bent += push * np.stack(smooth).reshape(2, -1)
    planes = [plane.reshape(side, side) for plane in planes]
    planes = [ndimage.map_coordinates(plane, bent, order=1, mode="reflect") for plane in planes]
    return np.stack(planes, -1).reshape(image.shape)


def published(name: str, severity: int) -> float:
    """The amount of a severity, 0 to 4."""
    severities = DISTORTIONS[name].severities_at(32)
    assert severities is not None
    return severities[severity]
