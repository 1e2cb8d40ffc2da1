"""What an image is here: float32 (N, C, H, W), RGB or grey, values in [0, 1]; reading, fitting, lossless encoding."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from explorer.data.decoding import Source, decode
from explorer.data.fitting import CENTRE, Takes, as_pixels, fit_published
from explorer.errors import ExplorerError
from explorer.numbers import count_of

_SMALL = 2**20  # values of an image that may as well be floats all at once
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def load_image(source: Source) -> Tensor:
    """Read one still image.

    EXIF orientation is applied, transparency is laid over white, 16-bit values are scaled, animations give their first
    frame; colour profiles are converted to sRGB.

    Args:
        source: A path, the bytes of a file, an open binary file, a Pillow image, or an array: uint8 or uint16 (H, W),
            (H, W, 1), (H, W, 3) or (H, W, 4), or floats in [0, 1] of these shapes.

    Returns:
        float32 (1, 3, H, W) in [0, 1].

    Raises:
        ExplorerError: If there is no readable image, or if it exceeds ``MAX_BYTES`` or ``MAX_PIXELS``.

    Examples:
        >>> import numpy, explorer
        >>> explorer.load_image(numpy.zeros((2, 3), numpy.uint8)).shape
        torch.Size([1, 3, 2, 3])
    """
    return _as_tensor(decode(source))


def load_fitted(source: Source, inputs: Sequence[Takes]) -> list[Tensor]:
    """Load an image at the input size of several models.

    The same values as ``fit(load_image(source), size, channels)`` in much less memory: a picture of 50 million pixels
    is never in memory as floats as a whole.

    Args:
        source: As in ``load_image``.
        inputs: What each model takes: the arguments of ``fit``. A published transform is applied to every file, even
            to one that has the input's size already.

    Returns:
        One image (1, channels, size, size) in [0, 1] per model.

    Raises:
        ExplorerError: As in ``load_image``.
    """
    pixels = decode(source)
    published = {takes: _published(pixels, *takes) for takes in inputs if takes.resize}
    plain = [takes for takes in inputs if takes not in published]
    fitted = dict(zip(plain, _load_plain(pixels, plain), strict=True))
    return [published[takes] if takes in published else fitted[takes] for takes in inputs]


def _published(pixels: np.ndarray, size: int, channels: int, resize: int, interpolation: str, squash: bool) -> Tensor:
    """A decoded photograph, fitted by a published transform."""
    return _finish(as_pixels(fit_published(as_colour(pixels), size, resize, interpolation, squash)), channels)


def as_colour(pixels: np.ndarray) -> np.ndarray:
    """A decoded photograph in 8-bit colour.

    Args:
        pixels: As ``explorer.data.decoding.decode`` gives it.

    Returns:
        uint8 (H, W, 3); transparency is laid over white.
    """
    if pixels.dtype != np.uint8 or pixels.shape[2] == 4:
        pixels = to_uint8(_as_tensor(pixels))[0]
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _load_plain(pixels: np.ndarray, inputs: Sequence[Takes]) -> list[Tensor]:
    """A decoded photograph, its central square brought to each input."""
    height, width, channels = pixels.shape
    if pixels.size < _SMALL or channels == 4 or pixels.dtype.kind == "f":
        return [fit(_as_tensor(pixels), *takes) for takes in inputs]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    fitted: dict[int, list[Tensor]] = {takes.size: [] for takes in inputs}
    for channel in range(channels):
        plane = _as_floats(np.ascontiguousarray(square[:, :, channel]))[None, None]
        for size, planes in fitted.items():
            planes.append(_resize(plane, size))
    return [_finish(torch.cat(fitted[takes.size], 1).expand(1, 3, -1, -1), takes.channels) for takes in inputs]


def _as_floats(array: np.ndarray) -> Tensor:
    """Values in [0, 1] of an array of any of the accepted types."""
    values = torch.from_numpy(array.astype(np.float32))
    return values if array.dtype.kind == "f" else values.div_(float(np.iinfo(array.dtype).max))


def _as_tensor(array: np.ndarray) -> Tensor:
    """float32 (1, 3, H, W) of an array (H, W, C); transparency is laid over white."""
    values = _as_floats(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]
    if values.shape[1] == 4:
        alpha = values[:, 3:]
        values = (values[:, :3] * alpha + (1 - alpha)).clamp(0, 1)
    return values.expand(1, 3, -1, -1).contiguous()


def check_values(x: Tensor) -> None:
    """Check that a tensor has a value for every pixel.

    Args:
        x: Images, of any shape and type.

    Raises:
        ExplorerError: If it is on the device meta, or sparse.
    """
    if x.is_meta:
        raise ExplorerError("The images are on the device meta, where tensors have no values; give them on another.")
    if x.layout is not torch.strided:
        raise ExplorerError("The images are a sparse tensor; give images.to_dense().")


def check_batch(x: Tensor) -> Tensor:
    """Check a batch of images: the one check that all of the package relies on.

    Args:
        x: float32 (N, C, H, W) with C 1 or 3, H and W at least 1, values in [0, 1].

    Returns:
        The same tensor.

    Raises:
        ExplorerError: For another type or shape, and for values that are not finite or outside [0, 1]; the sentence
            names the likely reason.
    """
    if not isinstance(x, Tensor):
        raise ExplorerError(f"Expected images as a tensor (N, C, H, W), got {type(x).__name__}.")
    check_values(x)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or 0 in x.shape[2:]:
        raise ExplorerError(
            f"The images have shape {tuple(x.shape)}; expected (N, C, H, W){_shape_hint(tuple(x.shape))}."
        )
    if x.dtype != torch.float32:
        raise ExplorerError(f"The images hold {x.dtype} values; expected float32 in [0, 1].")
    if x.numel():
        low, high = (float(bound) for bound in x.detach().aminmax())
        if not (low >= 0 and high <= 1):  # also true for NaN
            raise ExplorerError(_range_error(low, high))
    return x


def _shape_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3:
        return ": images[None] for one image" if shape[0] in (1, 3) else ": images[:, None] for a batch of grey ones"
    return ": images.permute(0, 3, 1, 2)" if len(shape) == 4 and shape[3] in (1, 3) else ", with C 1 or 3"


def _range_error(low: float, high: float) -> str:
    """One sentence on values outside [0, 1], with the likely reason."""
    if not (low > -float("inf") and high < float("inf")):
        return "The images hold values that are not finite numbers (NaN or infinite)."
    run = f"The images' values run from {low:.3g} to {high:.3g} instead of 0 to 1"
    if low < 0:
        return (
            f"{run}, as if they were normalised already; give pixels in [0, 1], and the normalisation to "
            "explorer.wrap(net, mean=..., std=...)."
        )
    return f"{run}; {'divide them by 255' if 1.5 < high <= 255 else 'clamp them to [0, 1]'}."


def fit_photographs(photographs: Tensor, takes: Takes, window: tuple[float, float] = CENTRE) -> Tensor:
    """Bring photographs to a model's input by its own transform, also those that have the input's size already.

    Args:
        photographs: (N, C, H, W) in [0, 1], C 1 or 3.
        takes: What the model takes.
        window: Which part it is given, as shares in [0, 1] of the free room across and down.

    Returns:
        (N, channels, size, size) in [0, 1], 8-bit values; of the centre byte for byte what the transform of timm or
        torchvision gives where the model was published with one, and ``fit`` otherwise.
    """
    if not takes.resize:
        height, width = photographs.shape[2:]
        side = min(height, width)
        left, top = int((width - side) * window[0]), int((height - side) * window[1])
        return fit(photographs[:, :, top : top + side, left : left + side], *takes)
    size, channels, resize, interpolation, squash = takes
    colour = to_uint8(photographs.expand(-1, 3, -1, -1))
    return _finish(
        torch.cat([as_pixels(fit_published(one, size, resize, interpolation, squash, window)) for one in colour]),
        channels,
    )


def fit(
    image: Tensor, size: int, channels: int, resize: int = 0, interpolation: str = "bilinear", squash: bool = False
) -> Tensor:
    """Bring images to a model's input size: the one way used everywhere.

    The central square is cut out (of an odd rest, the bottom or right loses one px more), resized bilinearly with
    antialiasing, converted (3 -> 1 channels by Rec. 601 luma, 1 -> 3 by repetition) and rounded to 8 bits. With
    ``resize`` it is the transform that networks for photographs are published with: the shorter side is resized to that
    length, and the centre cut out (``explorer.data.fitting``). Images that already have this size and these channels
    are returned unchanged.

    Args:
        image: (N, C, H, W) in [0, 1], C 1 or 3.
        size: Side of the model's input in px.
        channels: Channels of the model's input, 1 or 3.
        resize: Length in px of the shorter side before the centre is cut out; 0 takes the whole central square.
        interpolation: How it is resized then: ``bilinear``, ``bicubic``, ``lanczos`` or ``nearest``.
        squash: Whether both sides are resized to that length, whatever the image's shape.

    Returns:
        (N, channels, size, size) in [0, 1].

    Raises:
        ExplorerError: If the images or the input size are invalid.

    Examples:
        >>> import torch, explorer
        >>> explorer.fit(torch.zeros(1, 3, 40, 60), 28, 1).shape
        torch.Size([1, 1, 28, 28])
    """
    check_batch(image)
    size = count_of(size, "The side of the model's input")
    if channels not in (1, 3):
        raise ExplorerError(f"A model's input must be square with 1 or 3 channels, not {channels} x {size} x {size}.")
    height, width = image.shape[2:]
    if (image.shape[1], height, width) == (channels, size, size):
        return image
    if resize:
        return fit_photographs(image, Takes(size, channels, resize, interpolation, squash))
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _finish(_resize(image[:, :, top : top + side, left : left + side], size), channels)


def _resize(square: Tensor, size: int) -> Tensor:
    if square.shape[-1] == size:
        return square
    return F.interpolate(square, (size, size), mode="bilinear", antialias=True, align_corners=False)


def _finish(out: Tensor, channels: int) -> Tensor:
    """The channels a model takes, and 8-bit values."""
    if out.shape[1] == 3 and channels == 1:
        out = (out * out.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
    return quantise(out.clamp(0, 1)).expand(-1, channels, -1, -1).contiguous()


def quantise(x: Tensor) -> Tensor:
    """Round values to the nearest k / 255, what an 8-bit file can hold.

    Args:
        x: Values in [0, 1].

    Returns:
        Rounded values of the same shape.
    """
    return x.mul(255).round_().div_(255)


def to_uint8(x: Tensor) -> np.ndarray:
    """Convert to 8-bit integers, rounded to the nearest value.

    Args:
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        uint8 (N, H, W, C) in CPU memory.
    """
    return np.ascontiguousarray(x.detach().mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def encode_png(x: Tensor) -> bytes:
    """Encode one image as PNG, lossless for 8-bit values.

    Args:
        x: (1, C, H, W) or (C, H, W) in [0, 1]; grey for C = 1, RGB for C = 3.

    Returns:
        The bytes of the file.

    Raises:
        ExplorerError: If it is not one image with 1 or 3 channels.
    """
    pixels = to_uint8(x if x.ndim == 4 else x[None])
    if len(pixels) != 1 or pixels.shape[3] not in (1, 3):
        raise ExplorerError(f"A PNG holds one image (C, H, W) with 1 or 3 channels, not {tuple(x.shape)}.")
    buffer = io.BytesIO()
    Image.fromarray(pixels[0, :, :, 0] if pixels.shape[3] == 1 else pixels[0]).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def data_url(x: Tensor) -> str:
    """Encode one image as a data URL.

    Args:
        x: As in ``encode_png``.

    Returns:
        ``data:image/png;base64,...``.
    """
    return "data:image/png;base64," + base64.b64encode(encode_png(x)).decode("ascii")


def image_hash(x: Tensor) -> str:
    """Name an image by its pixels.

    Args:
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        16 hex digits of the SHA-256 over shape and bytes: uint8 (N, H, W, C) if every value is exactly k / 255,
        otherwise little-endian float32 (N, C, H, W).
    """
    x = x.detach()
    if torch.equal(quantise(x), x):
        data = to_uint8(x).tobytes()
    else:
        data = x.cpu().contiguous().numpy().astype("<f4").tobytes()
    return hashlib.sha256(repr(tuple(x.shape)).encode() + data).hexdigest()[:16]


def image_hashes(x: Tensor) -> list[str]:
    """``image_hash`` of each image of a batch.

    Args:
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        N hashes.
    """
    x = x.detach()
    if not torch.equal(quantise(x), x):  # some are, perhaps: each is asked
        return [image_hash(one) for one in x.split(1)]
    shape = repr((1, *x.shape[1:])).encode()
    return [hashlib.sha256(shape + one.tobytes()).hexdigest()[:16] for one in to_uint8(x)]


_SAMPLES = {
    "cat": ("skimage", "data/chelsea.png"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "clock": ("skimage", "data/clock_motion.png"),
    "temple": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "photographer": ("skimage", "data/camera.png"),
}


def sample_images() -> dict[str, Callable[[], Tensor]]:
    """List the sample photographs that scikit-image and scikit-learn ship; the cat comes first.

    The loaders read the packages' own files without importing the packages, which would take seconds, and need no
    network.

    Returns:
        Loader by name; each returns float32 (1, 3, H, W) in [0, 1].
    """
    return {name: partial(_sample, package, path) for name, (package, path) in _SAMPLES.items()}


def _sample(package: str, path: str) -> Tensor:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ExplorerError(
            f"The photograph {path} comes with {package}, which is not installed: pip install {package}."
        )
    return load_image(Path(spec.origin).parent / path)
