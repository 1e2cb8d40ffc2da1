"""Distortions that Pillow makes of 8-bit pictures: large batches go through a thread pool. Gradients do not pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.data.images import to_uint8
from explorer.distortions.threads import for_each


def each_picture(x: Tensor, changed: Callable[[int, Image.Image], Image.Image]) -> Tensor:
    """Map every image of a batch, rounded to 8 bits, by Pillow.

    Args:
        x: Images (N, 1 or 3, H, W) in [0, 1].
        changed: Maps the index and the picture, in mode L or RGB, to one of the same size.

    Returns:
        The results, float32 of the shape of ``x`` and on its device.
    """
    pixels = to_uint8(x)
    out = np.empty_like(pixels)
    mode = "L" if pixels.shape[3] == 1 else "RGB"

    def change(i: int) -> None:
        picture = Image.fromarray(pixels[i, :, :, 0] if mode == "L" else pixels[i])
        out[i] = np.asarray(changed(i, picture).convert(mode)).reshape(out[i].shape)

    for_each(change, len(pixels))
    return torch.from_numpy(out).permute(0, 3, 1, 2).to(x.device, torch.float32).div(255)
