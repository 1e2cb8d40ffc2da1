"""Real image codecs (Pillow: libjpeg-turbo, libwebp), not approximations.

Both work on 8-bit values: the batch is rounded before coding. Gradients do not pass.
"""

from __future__ import annotations

import io

from PIL import Image
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.pictures import each_picture
from explorer.distortions.registry import HENDRYCKS, distortion


def _recode(x: Tensor, codec: str, quality: int) -> Tensor:
    """Encode and decode every image of x (N, 1 or 3, H, W); float32 on x's device."""

    def recoded(_: int, picture: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, codec, quality=quality)
        return Image.open(buffer)  # decoded when it is converted

    return each_picture(x, recoded)


@distortion(
    "jpeg", title="JPEG", family="codec", unit="quality", symbol="q",
    low=1, high=101, identity=101, default=30, step=1,
    severities={"CIFAR-10-C": (80, 65, 58, 50, 40), "ImageNet-C": (25, 18, 15, 10, 7)},
    source=f"Zheng 2016 (arXiv 1604.04326); {HENDRYCKS}",
)  # fmt: skip
def jpeg(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Saves the picture as a JPEG file and opens it again; low quality leaves blocks and smeared colour.

    ``amount`` is the quality 1 to 100, rounded to a whole number (Pillow's default chroma subsampling 4:2:0); 101
    switches the codec off, because quality 100 still loses a little.
    """
    return x if round(amount) > 100 else _recode(x, "JPEG", round(amount))


@distortion(
    "webp", title="WebP", family="codec", unit="quality", symbol="q",
    low=1, high=101, identity=101, default=10, step=1, source="WebP (RFC 9649), libwebp through Pillow, method 4",
)  # fmt: skip
def webp(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Saves the picture as a lossy WebP file and opens it again; low quality leaves soft, smeared patches.

    ``amount`` is the quality 1 to 100, rounded to a whole number; 101 switches the codec off. Sides up to 16383 px.
    """
    return x if round(amount) > 100 else _recode(x, "WEBP", round(amount))
