"""Images as people have them, in one call: tensors, arrays, pictures, files, lists of these, a batch of a loader."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.data.images import fit, load_image, sample_images
from explorer.errors import ExplorerError

FILES = (str, Path, bytes, Image.Image)
"""What is a picture of any size, and is fitted; arrays and tensors are taken pixel by pixel."""

DARK = 1.5 / 255  # where the brightest value is below this, somebody divided by 255 twice


@dataclass(frozen=True, eq=False)
class Batch:
    """``pixels`` float32 (N, C, H, W) in [0, 1]; ``several``: they came as a batch or a list; what there is to say."""

    pixels: Tensor
    several: bool
    warnings: tuple[str, ...] = ()


def is_picture(given: Any) -> bool:
    """Whether these are pictures to be fitted, or a list with one among them."""
    return isinstance(given, FILES) or (isinstance(given, (list, tuple)) and any(map(is_picture, given)))


def read_images(given: Any, size: int | None = None, channels: int | None = None) -> Batch:
    """The images in ``given`` as one batch.

    Tensors are (N, C, H, W), (C, H, W) or (H, W), arrays also (N, H, W, C) or (H, W, C), C 1 or 3; uint8 counts in 0 to
    255, floats in [0, 1], and neither is resized. Pictures (a sample's name, path, bytes, PIL) are brought to ``size``
    and ``channels`` by ``explorer.fit`` where these are known, and that is said. A list of any of these will do, a
    Dataset, or what a DataLoader gives, (images, labels). Raises ExplorerError in one sentence for values outside
    [0, 1], other shapes and types, images of different sizes, and no images at all.
    """
    if hasattr(given, "batch") and hasattr(given, "classes"):
        given = given.batch(slice(None))
    if isinstance(given, (list, tuple)) and len(given) == 2 and _is_labels(*given):
        given = given[0]
    if not isinstance(given, (list, tuple)):
        pixels, fitted = _one(given, size, channels)
        several = len(pixels) > 1
    else:
        if not given:
            raise ExplorerError("There are no images: the list is empty.")
        parts = [_one(item, size, channels) for item in given]
        if len(shapes := {tuple(part.shape[1:]) for part, _ in parts}) > 1:
            first, other = sorted(shapes)[:2]
            raise ExplorerError(
                f"The images differ in shape, {first} and {other} as (C, H, W); bring them to one with explorer.fit."
            )
        pixels, fitted, several = torch.cat([part for part, _ in parts]), any(fit for _, fit in parts), True
    if not len(pixels):
        raise ExplorerError("There are no images: the batch is empty.")
    said = [f"Pictures were cut to their central square and brought to {_what(pixels)}."] if fitted else []
    if 0 < float(pixels.max()) < DARK:
        said.append(
            f"The brightest value in the images is {float(pixels.max()):.2g}, next to black: "
            "they look as if they were divided by 255 twice."
        )
    return Batch(pixels, several, tuple(said))


def _is_labels(first: Any, second: Any) -> bool:
    return isinstance(first, Tensor) and first.ndim == 4 and isinstance(second, Tensor) and second.ndim <= 2


def _what(pixels: Tensor) -> str:
    _, channels, height, width = pixels.shape
    return f"{width} x {height} px with {channels} channel{'s' if channels > 1 else ''}"


def _one(given: Any, size: int | None, channels: int | None) -> tuple[Tensor, bool]:
    """An item of a list as a batch, and whether it was cut or resized."""
    if isinstance(given, FILES):
        samples = sample_images()
        pixels = samples[given]() if isinstance(given, str) and given in samples else load_image(given)
        if size is None:
            return pixels, False
        fitted = fit(pixels, size, channels or 3)
        return fitted, fitted.shape != pixels.shape
    if isinstance(given, np.ndarray):
        if given.dtype.kind not in "fu":
            raise ExplorerError(f"The images hold {given.dtype} values; give floats in [0, 1] or uint8 in 0 to 255.")
        if given.ndim >= 3 and given.shape[-1] in (1, 3) and not (given.shape[-3] in (1, 3) and given.shape[-2] > 3):
            given = np.moveaxis(given, -1, -3)
        given = torch.from_numpy(np.ascontiguousarray(given))
    if not isinstance(given, Tensor):
        kind = type(given).__name__
        raise ExplorerError(f"A {kind!r} is no image; give a tensor (N, C, H, W), an array, a PIL picture or a path.")
    return _checked(given), False


def _checked(x: Tensor) -> Tensor:
    """The tensor as float32 (N, C, H, W) on the CPU; ExplorerError unless it holds images in [0, 1]."""
    shape = tuple(x.shape)
    if x.ndim == 2:
        x = x[None]
    if x.ndim == 3 and x.shape[0] in (1, 3):
        x = x[None]
    if x.ndim == 3:
        raise ExplorerError(f"The images have shape {shape}; a batch of grey ones is (N, 1, H, W): images[:, None].")
    if x.ndim != 4 or x.shape[1] not in (1, 3) or 0 in x.shape[2:]:
        last = x.ndim == 4 and x.shape[-1] in (1, 3)
        mend = ": images.permute(0, 3, 1, 2)" if last else ", with C 1 or 3"
        raise ExplorerError(f"The images have shape {shape}; expected (N, C, H, W){mend}.")
    if x.dtype == torch.uint8:
        return x.detach().cpu().float().div_(255)
    if not x.is_floating_point():
        raise ExplorerError(f"The images hold {x.dtype} values; give floats in [0, 1] or uint8 in 0 to 255.")
    return _in_range(x.detach().cpu().float())


def _in_range(x: Tensor) -> Tensor:
    """The images (N, C, H, W) themselves; ExplorerError where values are outside [0, 1], with the likely reason."""
    low, high = (float(bound) for bound in x.aminmax()) if x.numel() else (0.0, 0.0)
    if not (low > -math.inf and high < math.inf):
        raise ExplorerError("The images hold values that are not finite numbers (NaN or infinite).")
    run = f"The images' values run from {low:.3g} to {high:.3g} instead of 0 to 1"
    if low < 0:
        raise ExplorerError(
            f"{run}, as if they were normalised already; give pixels in [0, 1] and the normalisation as mean= and std=."
        )
    if high > 1:
        mend = "divide them by 255" if 1.5 < high <= 255 else "clamp them to [0, 1]"
        raise ExplorerError(f"{run}; {mend}.")
    return x


def check_square(x: Tensor) -> int:
    """The side in px of square images (N, C, H, W); ExplorerError for others."""
    height, width = x.shape[2:]
    if height != width:
        raise ExplorerError(
            f"The images are {width} x {height} px, not square; "
            f"cut them with explorer.fit(images, {min(height, width)}, {x.shape[1]})."
        )
    return int(height)
