"""Perturbation sequences: some thirty pictures of one still picture, each a little different from its neighbour.

Those of ImageNet-P and CIFAR-10-P (Hendrycks & Dietterich 2019, arXiv 1903.12261, section 4.2) by the parameters of the
authors' generators: for inputs up to 64 px those of CIFAR-10-P, above those of ImageNet-P. ImageNet-P moves a picture
of 256 px and cuts 224 px out of it; here the model's input is moved, so that its rim becomes black. Spatter, which
needs OpenCV's edge detector, is not among them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from explorer.distortions import blur, colour
from explorer.distortions.draws import Draws
from explorer.distortions.noise import poisson_quantile
from explorer.distortions.pictures import each_picture
from explorer.distortions.registry import published_for
from explorer.distortions.sampling import grid, pixel_grid
from explorer.registry import Registry


@dataclass(frozen=True)
class PerturbationSequence:
    """One family of sequences.

    Attributes:
        name: Its name.
        title: Name on screen.
        help: One sentence of help.
        noise: Whether the frames are independent draws, which are compared with the first frame, the clean picture;
            those of other families are compared with the frame before them.
        extra: Whether it is one of the authors' additional families, which do not count in their means.
        function: Yields the frames (N, C, H, W) of images (N, C, H, W) in [0, 1], given their draws.
    """

    name: str
    title: str
    help: str
    noise: bool
    extra: bool
    function: Callable[[Tensor, Draws], Iterator[Tensor]]

    def frames(self, x: Tensor, seeds: list[int]) -> Tensor:
        """Make the sequences of images.

        Args:
            x: 8-bit images (N, C, H, W) in [0, 1].
            seeds: One seed per image.

        Returns:
            8-bit frames (N, F, C, H, W) in [0, 1]; F is 31, of CIFAR-10-P's motion blur 21 and translation 16, of
            ImageNet-P's translation 41.
        """
        return torch.stack(list(self.function(x, Draws(seeds))), 1)


SEQUENCES = Registry[PerturbationSequence]("perturbation sequence", "explorer.distortions.sequences")
"""Every registered family by name, in the order of the paper; then the extra ones."""

T = TypeVar("T", bound=Callable[[Tensor, Draws], Iterator[Tensor]])


def sequence(name: str, *, title: str, noise: bool = False, extra: bool = False) -> Callable[[T], T]:
    """Decorator that registers a family; the first paragraph of the function's docstring becomes its help.

    Args:
        name: Its name.
        title: Name on screen.
        noise: Whether its frames are compared with the first one.
        extra: Whether it is left out of means.

    Returns:
        The decorator, which returns the function unchanged.
    """

    def register(function: T) -> T:
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        SEQUENCES.add(name, PerturbationSequence(name, title, text, noise, extra, function))
        return function

    return register


def _small(x: Tensor) -> bool:
    """Whether the parameters of CIFAR-10-P hold."""
    return published_for(min(x.shape[2:])) == "CIFAR-10-C"


def _cut(x: Tensor) -> Tensor:
    """8 bits, rounded down as the authors' generators do, except where arithmetic alone misses a whole number."""
    return x.double().clamp(0, 1).mul(255).add(1e-4).floor().div(255).float()


def _noisy(x: Tensor, draws: Draws, disturbed: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
    """The picture, then thirty times the same one under numbers of its own."""
    yield x
    for field in draws.normal(30, *x.shape[1:]).to(x.device).unbind(1):
        yield _cut(disturbed(field))


@sequence("gaussian_noise", title="Gaussian noise", noise=True)
def gaussian_noise(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """The picture, and thirty draws of Gaussian noise on it.

    sigma = 0.02 of full scale; of ImageNet-P 0.03.
    """
    sigma = 0.02 if _small(x) else 0.03
    return _noisy(x, draws, lambda field: x + sigma * field)


@sequence("shot_noise", title="Shot noise", noise=True)
def shot_noise(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """The picture, and thirty draws of photon noise.

    x' = Poisson(c x) / c with c = 700 photons for a white pixel; of ImageNet-P 300.
    """
    photons = 700 if _small(x) else 300
    return _noisy(x, draws, lambda field: poisson_quantile(x * photons, field) / photons)


@sequence("motion_blur", title="Motion blur")
def motion_blur(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """A fading trail whose direction turns.

    ImageMagick's motion blur of radius 6 and sigma 1.8 px at angles from -180 to 0 degrees by 9; of ImageNet-P radius
    10 and sigma 3 px from -120 to 0 degrees by 4.
    """
    radius, sigma, angles = (6, 1.8, range(-180, 1, 9)) if _small(x) else (10, 3.0, range(-120, 1, 4))
    for angle in angles:
        yield _trailed(x, radius, sigma, angle)


def _trailed(x: Tensor, radius: int, sigma: float, angle: float) -> Tensor:
    weights = [weight for weight in blur.half_bell(2 * radius + 1, sigma) if weight > 1e-8]
    # in double precision, as ImageMagick has it: at 30 and 60 degrees a rounding decides between two pixels
    direction = torch.full((len(x), 1, 1), math.radians(angle), dtype=_wide(x), device=x.device)
    return blur.trail(x, direction, weights).mul(255).round().div(255)


@sequence("zoom_blur", title="Zoom blur")
def zoom_blur(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """The mean of the picture and of ever more enlarged copies of it, by 0.4 % each."""
    yield x
    total = x.double()
    for i in range(1, 31):
        total = total + _moved(x, scale=1 + 0.004 * i)
        yield _cut(total / (i + 1))


@sequence("snow", title="Snow")
def snow(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Falling flakes whose direction turns by 4 degrees.

    Normal numbers (mean 0.05, deviation 0.3), enlarged 2 times (of ImageNet-P 3 times), those below 0.5 removed,
    trailed with (radius, sigma) = (10, 2) px, of ImageNet-P (14, 4), at -150 to -30 degrees, and added together with
    the same turned by 180 degrees to 0.85 x + 0.15 max(x, 1.5 grey(x) + 0.5).
    """
    zoom, radius, sigma = (2, 10, 2.0) if _small(x) else (3, 14, 4.0)
    flakes = draws.normal(*x.shape[2:]).to(x.device)[:, None] * 0.3 + 0.05
    flakes = blur.clipped_zoom(flakes, zoom)
    flakes = _cut(torch.where(flakes < 0.5, 0, flakes))
    luma = x.new_tensor([0.299, 0.587, 0.114])[:, None, None] if x.shape[1] == 3 else x.new_ones(1, 1, 1)
    grey = (x * luma).sum(1, keepdim=True)
    whitened = 0.85 * x + 0.15 * torch.maximum(x, grey * 1.5 + 0.5)
    for angle in range(-150, -29, 4):
        layer = _trailed(flakes, radius, sigma, angle)
        yield _cut(whitened + layer + layer.rot90(2, (2, 3)))


@sequence("brightness", title="Brightness")
def brightness(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """From darker to brighter in thirty steps of 1.5 % of full scale (V in HSV); of ImageNet-P 2 %."""
    step = 0.015 if _small(x) else 0.02
    for i in range(-15, 16):
        yield _cut(colour.brightness(x, step * i, draws))


@sequence("translate", title="Translate")
def translate(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Moved from left to right by whole pixels, -7 to 8 px; of ImageNet-P -20 to 20 px."""
    for right in range(-7, 9) if _small(x) else range(-20, 21):
        yield _moved(x, right=right)


@sequence("rotate", title="Rotate")
def rotate(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Turned clockwise from -15 to 15 degrees by 1."""
    for angle in range(-15, 16):
        yield _moved(x, angle=angle)


@sequence("tilt", title="Tilt")
def tilt(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Turned in space about both axes from -11.25 to 11.25 degrees by 0.75; of ImageNet-P -15 to 15 by 1.

    The camera is a picture's diagonal and 1 px away, so that the middle frame is a little smaller than the picture.
    """
    step = 0.75 if _small(x) else 1.0
    for i in range(-15, 16):
        yield _tilted(x, math.radians(step * i))


def _wide(x: Tensor) -> torch.dtype:
    """Double precision, where the device has it."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def _tilted(x: Tensor, angle: float) -> Tensor:
    """The picture as OpenCV's ``warpPerspective`` makes it: bilinear on 1/32 px, black outside, rounded."""
    height, width = x.shape[2:]
    away, sine, cosine = math.hypot(width, height), math.sin(angle), math.cos(angle)

    def matrix(*rows: tuple[float, ...]) -> Tensor:
        return torch.tensor(rows, dtype=torch.float64)

    lifted = matrix((1, 0, -width / 2), (0, 1, -height / 2), (0, 0, 1), (0, 0, 1))
    about_x = matrix((1, 0, 0, 0), (0, cosine, -sine, 0), (0, sine, cosine, 0), (0, 0, 0, 1))
    about_y = matrix((cosine, 0, -sine, 0), (0, 1, 0, 0), (sine, 0, cosine, 0), (0, 0, 0, 1))
    back = matrix((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, away), (0, 0, 0, 1))
    seen = matrix((away, 0, width / 2, 0), (0, away, height / 2, 0), (0, 0, 1, 0))
    (xx, xy, xo), (yx, yy, yo), (zx, zy, zo) = torch.linalg.inv(seen @ back @ about_x @ about_y @ lifted).tolist()
    rows, columns = (line.to(_wide(x)) for line in pixel_grid(x))
    depth = zx * columns + zy * rows + zo
    right, down = ((one * 32).round() / 32 for one in (
        (xx * columns + xy * rows + xo) / depth, (yx * columns + yy * rows + yo) / depth
    ))  # fmt: skip
    points = grid(x, down[None], right[None]).to(x).expand(len(x), -1, -1, -1)
    return F.grid_sample(x, points, padding_mode="zeros", align_corners=False).mul(255).round().div(255)


@sequence("scale", title="Scale")
def scale(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Scaled from 70 to 130 % by 2 %; of ImageNet-P from 40 to 115 % by 2.5 %."""
    first, step = (70, 2.0) if _small(x) else (40, 2.5)
    for i in range(31):
        yield _moved(x, scale=(first + step * i) / 100)


@sequence("speckle_noise", title="Speckle noise", noise=True, extra=True)
def speckle_noise(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """The picture, and thirty draws of noise in proportion to each value, sigma = 0.05."""
    return _noisy(x, draws, lambda field: x + x * field * 0.05)


@sequence("gaussian_blur", title="Gaussian blur", extra=True)
def gaussian_blur(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Ever less sharp: sigma from 0.3 px by 0.015; of ImageNet-P from 0.25 px by 0.035, cut at 7 and 6 sigma."""
    first, step, reach = (0.3, 0.015, 7) if _small(x) else (0.25, 0.035, 6)
    for i in range(31):
        yield _cut(blur.smooth(x, first + step * i, reach=reach))


@sequence("shear", title="Shear", extra=True)
def shear(x: Tensor, draws: Draws) -> Iterator[Tensor]:
    """Slanted from -15 to 15 degrees by 1."""
    for angle in range(-15, 16):
        yield _moved(x, shear=angle)


def _moved(x: Tensor, *, angle: float = 0, right: int = 0, scale: float = 1, shear: float = 0) -> Tensor:
    """The pictures as torchvision moves those of Pillow: about their centre, bilinear, black outside."""
    from torchvision.transforms import functional  # heavy, and only needed here

    def move(_: int, picture: Image.Image) -> Image.Image:
        moved: Image.Image = functional.affine(
            picture, angle, [right, 0], scale, [shear, 0.0], functional.InterpolationMode.BILINEAR
        )
        return moved

    return each_picture(x, move)
