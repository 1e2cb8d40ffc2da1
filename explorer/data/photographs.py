"""Photographs at their own size, for recipes with ``on=photograph``: distorted as they are, or as a smaller copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from PIL import Image
from torch import Tensor

from explorer.data import images
from explorer.data.dataset import Dataset
from explorer.data.fitting import as_pixels
from explorer.data.inputs import (
    Batch,
    FindDataset,
    ImagesLike,
    Picture,
    PictureLike,
    is_loaded,
    known_dataset,
    read_images,
    read_picture,
)
from explorer.defaults import WORKING_SIDE
from explorer.errors import ExplorerError


def read_photographs(given: ImagesLike) -> Batch:
    """Read pictures at their own size, those of a list of any sizes.

    Args:
        given: As for ``explorer.data.inputs.read_images``.

    Returns:
        The pictures one by one, (1, 3, H, W); those above ``defaults.WORKING_SIDE`` px as their working copy, which is
        said. With the findings.

    Raises:
        ExplorerError: As ``read_images``.
    """
    if isinstance(given, Dataset):
        pixels, unread = read_rows(given, range(len(given)))
        for why in unread.values():
            raise ExplorerError(why)
        rows = tuple(Picture(one, f"{given.name}:{row}", given.class_of(row)) for row, one in pixels.items())
        return Batch(rows, several=True, notes=given.notes)
    if isinstance(given, list | tuple) and given and not is_loaded(given):
        found = tuple(read_photograph(item) for item in given)
        return Batch(found, several=True, notes=tuple(dict.fromkeys(note for one in found for note in one.notes)))
    if isinstance(given, np.ndarray | Tensor | list | tuple):
        batch = read_images(given)
        copies = tuple(replace(one, pixels=working_copy(one.pixels)) for one in batch.pictures)
        return replace(batch, pictures=copies)
    one = read_photograph(cast("PictureLike", given))
    return Batch((one,), several=False, notes=one.notes)


def read_photograph(named: PictureLike, *, find_dataset: FindDataset = known_dataset, paths: bool = True) -> Picture:
    """Read one picture at its own size.

    Args:
        named: As for ``explorer.data.inputs.read_picture``.
        find_dataset: Likewise.
        paths: Likewise.

    Returns:
        The picture (1, 3, H, W), or its working copy, which is said.

    Raises:
        ExplorerError: As ``read_picture``.
    """
    picture = read_picture(named, paths=paths, find_dataset=find_dataset)
    (height, width), copy = picture.pixels.shape[2:], working_copy(picture.pixels)
    if copy.shape[2:] == (height, width):
        return replace(picture, pixels=copy)
    smaller = f"The photograph of {width} x {height} px is distorted as a copy of {copy.shape[3]} x {copy.shape[2]} px."
    return replace(picture, pixels=copy, notes=(*picture.notes, smaller))


def working_copy(photograph: Tensor, side: int = WORKING_SIDE) -> Tensor:
    """The copy of a photograph that is distorted: itself, or brought to a long side of ``defaults.WORKING_SIDE`` px.

    Args:
        photograph: (1, C, H, W) in [0, 1].
        side: Another long side in px, for thumbnails.

    Returns:
        (1, 3, H, W) in [0, 1], 8-bit values; made smaller by Lanczos.
    """
    return as_pixels(working_pixels(images.to_uint8(photograph.expand(-1, 3, -1, -1))[0], side))


def working_pixels(decoded: np.ndarray, side: int = WORKING_SIDE) -> np.ndarray:
    """``working_copy`` of a decoded photograph, which never becomes floats as a whole.

    Args:
        decoded: As ``explorer.data.decoding.decode`` gives it.
        side: Long side in px.

    Returns:
        uint8 (H, W, 3).
    """
    pixels = images.as_colour(decoded)
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    if factor < 1:
        shape = (max(1, round(width * factor)), max(1, round(height * factor)))
        pixels = np.asarray(Image.fromarray(pixels).resize(shape, Image.Resampling.LANCZOS))
    return pixels


def read_rows(data: Dataset, rows: Sequence[int]) -> tuple[dict[int, Tensor], dict[int, str]]:
    """Read images of a data set at their own size.

    Args:
        data: The data set.
        rows: Which.

    Returns:
        The images (1, 3, H, W) of those that can be read, and why the others cannot.
    """
    found: dict[int, Tensor] = {}
    unread: dict[int, str] = {}
    for row in rows:
        try:
            found[row] = working_copy(data.full(row))
        except (ExplorerError, OSError, MemoryError) as error:
            unread[row] = str(error)
    return found, unread
