"""The corruptions of CIFAR-10-C and ImageNet-C by their published formulas, slowly, in numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import ndimage  # type: ignore[import-untyped]
from torch import Tensor

from explorer.distortions import DISTORTIONS, Draws


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
