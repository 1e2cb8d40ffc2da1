"""Pictures by name or value, read by one function for Python, command line, app, HTTP API, links and notebooks.

What a text means, in this order: a data URL, a bundled photograph (``cat``), a row of a data set (``digits:7``), and
else the path of an image file. So a name of the package means the same picture in every folder; a file that is called
``cat`` is ``./cat``.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeGuard, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.data import decoding, images
from explorer.data.classes import class_index
from explorer.data.datasets import DATASETS, Dataset, load_dataset, local_file
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError

OWN = "own picture"
"""The name of a picture that has none."""

DARK = 1.5 / 255  # below this brightest value the images were divided by 255 twice

_FULL_SCALE = {torch.uint8: 255, torch.uint16: 65535, torch.bool: 1}  # integers by what stands for white

_DATA_URL = re.compile(r"data:[\w.+/-]*(;[\w.+=-]+)*;base64,")
_FILES = (Path, bytes, bytearray, memoryview, Image.Image)

FindDataset = Callable[[str], Dataset | None]
"""Finds a data set by its name; None where the name is not that of a data set."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, read.

    Attributes:
        pixels: float32 (1, C, H, W) in [0, 1], C 1 (grey) or 3 (RGB).
        name: ``cat``, ``digits:7``, a path, or ``own picture``.
        class_name: The true class, where it is known.
        shipped: Whether the name means the same picture on another computer: photographs and data sets of the package.
        notes: Findings, one sentence each.
    """

    pixels: Tensor
    name: str = OWN
    class_name: str | None = None
    shipped: bool = False
    notes: tuple[str, ...] = ()

    def index_in(self, classes: Sequence[str]) -> int | None:
        """Find the picture's true class among a model's classes.

        Args:
            classes: Class names.

        Returns:
            The index; None if the class is not known or not among them.
        """
        return class_index(self.class_name, classes)


Array = np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16 | np.float16 | np.float32 | np.float64]]
"""Arrays of images."""

Named = str | Path | bytes | BinaryIO | Image.Image | Picture
"""One picture, as its type says."""

PictureLike = Named | Array | Tensor
"""What ``read_picture`` reads; arrays and tensors may also hold many."""

ImagesLike = PictureLike | Sequence[PictureLike] | Dataset
"""What ``read_images`` reads."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Images, read.

    Attributes:
        pictures: At least one, all of one shape unless they are photographs at their own size.
        several: Whether they came as a batch, a list or a data set, and not as one image.
        notes: Findings, one sentence each.
    """

    pictures: tuple[Picture, ...]
    several: bool
    notes: tuple[str, ...] = ()


def known_dataset(name: str) -> Dataset | None:
    """Read the test set of a named data set, once.

    Args:
        name: Name of the data set.

    Returns:
        The test set; None if there is no data set of that name.
    """
    if name not in DATASETS:
        return None
    with _reading:  # two who ask at once wait for one reading
        return _test_set(name, local_file(name))


_reading = threading.Lock()


@cache
def _test_set(name: str, _: Path | None) -> Dataset:
    return load_dataset(name, "test")


def read_picture(
    named: PictureLike, takes: Takes | None = None, *, paths: bool = True, find_dataset: FindDataset = known_dataset
) -> Picture:
    """Read one picture, whatever names it.

    Photographs and rows of data sets are cut to their central square and brought to ``takes`` by ``explorer.fit``.
    Arrays and tensors are taken pixel by pixel and never resized: their pixels are used as they are.

    Args:
        named: A bundled photograph's name, a row such as ``digits:7``, a data URL, a path (``scan.tif#3`` for its third
            page), the bytes of a file, an open binary file, a Pillow image, an array or a tensor of one image, or a
            ``Picture``.
        takes: What the models that are to see it take; None leaves it as large as it is.
        paths: Whether a text may be a path. False for callers who are not trusted: nothing on the disk is opened.
        find_dataset: Finds the data sets whose rows can be named.

    Returns:
        The picture with its name, its class and the findings.

    Raises:
        ExplorerError: Where there is no such picture, it cannot be read, or its values are not in [0, 1].
    """
    if isinstance(named, Picture):
        return named
    if isinstance(named, str):
        return _of_text(named, takes, paths, find_dataset)
    if isinstance(named, np.ndarray | Tensor):
        pixels = as_batch(named)
        if len(pixels) != 1:
            raise ExplorerError(f"Expected one image, (C, H, W) or (1, C, H, W), got shape {tuple(named.shape)}.")
        return Picture(pixels, notes=_dark(pixels))
    if isinstance(named, Path) and not paths:
        raise ExplorerError("Files are not opened here by their path; send the picture itself.")
    if isinstance(named, _FILES) or hasattr(named, "read"):
        return _photograph(named, takes, str(named) if isinstance(named, Path) else OWN)
    raise ExplorerError(f"Expected an image (tensor, array, PIL image or path), got {type(named).__name__}.")


def read_images(given: ImagesLike, takes: Takes | None = None) -> Batch:
    """Read images as people have them in Python: one, a batch, a list, a data set, or what a DataLoader gives.

    Args:
        given: Anything that ``read_picture`` reads; a batch (N, C, H, W), (N, H, W, C) or a list of images, all of one
            size; a ``Dataset``, which brings its classes; or a pair (images, labels) of tensors, as a DataLoader
            gives it, whose labels are left aside: they do not say what they are called.
        takes: As for ``read_picture``.

    Returns:
        The images one by one, with the findings.

    Raises:
        ExplorerError: As ``read_picture``, and for images of different sizes and no images at all.
    """
    if isinstance(given, Dataset):
        data = (given if takes is None else given.fitted(takes)).in_memory()
        classes = [data.class_of(row) for row in range(len(data))]
        return _batch([Picture(data.batch(slice(None))[0], notes=data.notes)], several=True, classes=classes)
    if is_loaded(given):
        return _batch([Picture(as_batch(given[0]))], several=True)
    if isinstance(given, list | tuple):
        if not given:
            raise ExplorerError("There are no images: the list is empty.")
        return _batch([_one_or_many(item, takes) for item in given], several=True)
    found = _one_or_many(cast("PictureLike", given), takes)
    return _batch([found], several=len(found.pixels) > 1)


def needs_fit(given: object) -> bool:
    """Whether images are photographs, which are fitted to a model's input.

    Args:
        given: Any input of ``read_pictures``.

    Returns:
        True for a file or a decoded photograph, and for a list that contains one.
    """
    if isinstance(given, list | tuple):
        return any(map(needs_fit, given))
    return isinstance(given, str | Path | bytes | Image.Image) or hasattr(given, "read")


def as_batch(x: Array | Tensor) -> Tensor:
    """Images in an array or a tensor as a checked batch.

    Args:
        x: (N, C, H, W), (C, H, W) or (H, W), an array also (N, H, W, C) or (H, W, C); C 1 or 3, or 4 with transparency,
            which is laid over white, in a uint8 or uint16 array. uint8 counts from 0 to 255, uint16 to 65,535, floats
            from 0 to 1; booleans are black and white. Byte order, strides and device do not matter.

    Returns:
        float32 (N, C, H, W) in [0, 1] on the CPU, without a gradient. A copy: changing ``x`` later does not change it.

    Raises:
        ExplorerError: For another shape or type, and for values outside [0, 1], with the likely reason.
    """
    if isinstance(x, np.ndarray):
        x = _from_array(x)
    if not isinstance(x, Tensor):
        return images.check_batch(x)
    if x.ndim == 2:
        x = x[None]
    if x.ndim == 3 and x.shape[0] in (1, 3):
        x = x[None]
    if x.dtype not in _FULL_SCALE and not x.is_floating_point():
        raise ExplorerError(f"The images hold {x.dtype} values; expected floats in [0, 1] or uint8 in 0 to 255.")
    images.check_values(x)
    pixels = x.detach().to("cpu", torch.float32, copy=True, memory_format=torch.contiguous_format)
    scale = _FULL_SCALE.get(x.dtype, 1)
    return images.check_batch(pixels if scale == 1 else pixels.div_(scale))


def _from_array(array: Array) -> Tensor:
    if np.ma.is_masked(array):
        raise ExplorerError("The images have masked values; say what these are, as with images.filled(0).")
    if not array.dtype.isnative:  # FITS and HDF5 are big-endian, PyTorch is not
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim == 3 and array.shape[-1] == 4:
        return images.load_image(array)
    if array.ndim >= 3 and array.shape[-1] in (1, 3) and not (array.shape[-3] in (1, 3) and array.shape[-2] > 3):
        array = np.moveaxis(array, -1, -3)
    if array.dtype == np.uint16:
        array = array.astype(np.float32) / 65535
    if array.dtype.kind not in "fb" and array.dtype != np.uint8:
        raise ExplorerError(f"The images hold {array.dtype} values; expected floats in [0, 1] or uint8 in 0 to 255.")
    if array.dtype.itemsize > 8:
        array = array.astype(np.float64)  # PyTorch has no longer floats
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())  # PyTorch warns of read-only memory


def _of_text(text: str, takes: Takes | None, paths: bool, find_dataset: FindDataset) -> Picture:
    if is_data_url(text):
        return _photograph(_decoded(text), takes, OWN)
    samples = images.sample_images()
    if text in samples:
        pixels = samples[text]()
        return Picture(pixels if takes is None else images.fit(pixels, *takes), text, shipped=True)
    source, colon, row = text.rpartition(":")
    if colon and (source in DATASETS or _is_row(row)) and (data := find_dataset(source)) is not None:
        return _row(data, source, row, takes)
    if paths:
        return _photograph(text, takes, text)
    raise ExplorerError(
        f"There is no image named {text[:80]!r}: name one of {', '.join(samples)}, or a row of a data set such as "
        "digits:7, or send a file or a data URL; paths and addresses are not opened here."
    )


def is_data_url(text: str) -> bool:
    """Whether a text is a data URL and not a row of a data set that is called "data".

    Args:
        text: The text.

    Returns:
        True for a data URL.
    """
    return text.startswith("data:") and not _is_row(text[len("data:") :])


def _is_row(text: str) -> bool:
    return text.isdecimal() and len(text) < 12


def _row(data: Dataset, name: str, text: str, takes: Takes | None) -> Picture:
    if not _is_row(text) or int(text) >= len(data):
        raise ExplorerError(f"{name} has the rows 0 to {len(data) - 1}, not {text[:80]!r}.")
    row = int(text)
    fitted = data.full(row) if takes is None else images.fit(data.fitted(takes).batch([row])[0], *takes)
    return Picture(fitted, f"{name}:{row}", data.class_of(row), shipped=name in DATASETS)


def _photograph(source: decoding.Source, takes: Takes | None, name: str) -> Picture:
    notes: list[str] = []
    file, frame = _frame(source)
    array = decoding.decode(file, frame=frame, notes=notes)
    if takes is None:
        return Picture(images.load_image(array), name, notes=tuple(notes))
    (pixels,) = images.load_fitted(array, [takes])
    same = array.shape[:2] == pixels.shape[2:] and (pixels.shape[1] == 3 or bool((array == array[:, :, :1]).all()))
    return Picture(pixels, name, notes=(*notes, *(() if same else (takes.told,))))


def _frame(source: decoding.Source) -> tuple[decoding.Source, int | None]:
    """A path and which page or frame of the file: ``scan.tif#3`` is the third one."""
    file, sign, number = str(source).rpartition("#") if isinstance(source, str | Path) else ("", "", "")
    if sign and _is_row(number) and not Path(str(source)).exists():
        return file, int(number)
    return source, None


def _decoded(url: str) -> bytes:
    """The bytes of a data URL."""
    head = _DATA_URL.match(url, 0, 200)
    if head is None:
        raise ExplorerError("A data URL of an image begins with data:image/png;base64, or the like.")
    if len(url) - head.end() > decoding.MAX_BYTES * 4 // 3 + 4:
        raise ExplorerError(f"The file is larger than {decoding.MAX_BYTES // 2**20} MiB: choose a smaller one.")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ExplorerError("The data URL is damaged: what follows its comma is not base64.") from None


def _one_or_many(item: PictureLike, takes: Takes | None) -> Picture:
    """An item of a list; an array or a tensor may hold a batch."""
    return Picture(as_batch(item)) if isinstance(item, np.ndarray | Tensor) else read_picture(item, takes)


def _batch(parts: Sequence[Picture], *, several: bool, classes: Sequence[str | None] = ()) -> Batch:
    """The parts, of which some hold many images, cut into single ones."""
    if len(shapes := {tuple(part.pixels.shape[1:]) for part in parts}) > 1:
        first, other = sorted(shapes)[:2]
        raise ExplorerError(
            f"The images differ in shape, {first} and {other} as (C, H, W); bring them to one with explorer.fit."
        )
    pictures = [replace(part, pixels=one) for part in parts for one in part.pixels.split(1)]
    if classes:
        pictures = [replace(one, class_name=name) for one, name in zip(pictures, classes, strict=True)]
    if not pictures or not len(pictures[0].pixels):
        raise ExplorerError("There are no images: the batch is empty.")
    notes = [note for part in parts for note in part.notes]
    notes += _dark(torch.stack([part.pixels.max() for part in parts]))
    return Batch(tuple(pictures), several, tuple(dict.fromkeys(notes)))


def is_loaded(given: object) -> TypeGuard[tuple[Tensor, Tensor]]:
    """Whether this is what a DataLoader gives: a batch of images and their labels.

    Args:
        given: Any input of ``read_images``.

    Returns:
        True for a pair of an image tensor and a tensor of labels.
    """
    if not isinstance(given, list | tuple) or len(given) != 2:
        return False
    first, second = given
    return isinstance(first, Tensor) and first.ndim == 4 and isinstance(second, Tensor) and second.ndim <= 2


def _dark(pixels: Tensor) -> tuple[str, ...]:
    brightest = float(pixels.max()) if pixels.numel() else 0.0
    if not 0 < brightest < DARK:
        return ()
    start = f"The brightest value in the images is {brightest:.2g}, next to black"
    return (f"{start}: they look as if they were divided by 255 twice.",)


def check_square(x: Tensor) -> int:
    """Check that images are square.

    Args:
        x: Images (N, C, H, W).

    Returns:
        Their side in px.

    Raises:
        ExplorerError: If they are not square.
    """
    height, width = x.shape[2:]
    if height != width:
        raise ExplorerError(
            f"The images are {width} x {height} px, not square; "
            f"cut them with explorer.fit(images, {min(height, width)}, {x.shape[1]})."
        )
    return int(height)
