"""What ``benchmarks.fuzz`` damages: pictures of every format that is read, and checkpoints as programs write them."""

from __future__ import annotations

import argparse
import io
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

Damage = Callable[[random.Random], object]
"""Makes one damaged file and reads it."""

ENDS = 4000  # bytes at both ends of a checkpoint that describe the rest


def pictures() -> Damage:
    """Damaged image files, read as ``explorer.compare`` reads them."""
    from explorer.data.decoding import decode
    from explorer.data.fitting import Takes
    from explorer.data.inputs import read_picture

    originals = _pictures()

    def one(draws: random.Random) -> None:
        first, second = draws.sample(originals, 2)
        data = _cut_and_changed(first, second, draws)
        if draws.random() < 0.2:
            decode(data, frame=2)
        else:
            read_picture(data, Takes(32, 3))

    return one


def checkpoints() -> Damage:
    """Damaged checkpoints, some with a damaged card beside them, loaded and asked about an image."""
    import torch
    from safetensors.torch import save

    from explorer import load_model
    from explorer.models import find_architecture

    torch.manual_seed(0)
    known = find_architecture("mnist_cnn")
    state = known.build(classes=4, in_channels=known.channels).state_dict()
    split = {("head." if key.startswith("fc.") else "backbone.") + key: value for key, value in state.items()}
    loop = {"model": {f"module.{key}": value for key, value in state.items()}, "args": argparse.Namespace(lr=0.1)}
    originals = [(".safetensors", save(state))]
    for suffix, old, whole in ((".pth", False, state), (".pt", True, state), (".ckpt", False, {"state_dict": split}),
                               (".tar", False, loop)):  # fmt: skip
        buffer = io.BytesIO()
        torch.save(whole, buffer, _use_new_zipfile_serialization=not old)
        originals.append((suffix, buffer.getvalue()))
    with TemporaryDirectory() as folder:
        good = Path(folder, "good.safetensors")
        good.write_bytes(originals[0][1])
        card = load_model(good, arch="mnist_cnn", device="cpu").card.to_dict()

    def one(draws: random.Random) -> None:
        suffix, data = draws.choice(originals)
        with TemporaryDirectory() as folder:
            path = Path(folder, f"damaged{suffix}")
            path.write_bytes(_changed_at_the_ends(data, draws))
            if described := draws.random() < 0.3:
                path.with_suffix(".json").write_text(_card(card, draws))
            model = load_model(path, arch=None if described else "mnist_cnn", device="cpu")
        answer = model(torch.rand(1, model.channels, model.size, model.size))
        if answer.shape != (1, len(model.classes)):
            raise ValueError(f"an answer of shape {tuple(answer.shape)} for {len(model.classes)} classes")

    return one


def _card(card: dict[str, Any], draws: random.Random) -> str:
    text = json.dumps(card)
    other: Any = draws.choice([None, 3, -1.5, "x", [], {}, [["x"]], [None, 2], 10**9, float("inf")])
    changed = json.dumps(card | {draws.choice(list(card)): other})
    return draws.choice([text, changed, text[: draws.randrange(len(text))]])


def _changed_at_the_ends(data: bytes, draws: random.Random) -> bytes:
    """Bytes changed, most of them where a checkpoint describes itself: damage there gets further than among weights."""
    changed = bytearray(data)
    for _ in range(draws.randint(1, 8)):
        place = draws.choice([0, len(changed) - ENDS, draws.randrange(len(changed))]) + draws.randrange(ENDS)
        changed[place % len(changed)] = draws.randrange(256)
    if draws.random() < 0.2:
        del changed[draws.randrange(len(changed)) :]
    return bytes(changed)


def _cut_and_changed(data: bytes, other: bytes, draws: random.Random) -> bytes:
    """Bytes and numbers changed, most of them in the header; parts lost, doubled, or from another file."""
    changed = bytearray(data)
    header = min(len(changed), draws.choice([64, 512, len(changed)]))
    for _ in range(draws.randint(1, 6)):
        at = draws.randrange(header)
        what = draws.random()
        if what < 0.5:
            changed[at] = draws.randrange(256)
        elif what < 0.7:  # a size, an offset or a count
            number = draws.choice([0, 1, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1, draws.randrange(2**32)])
            changed[at : at + 4] = number.to_bytes(4, draws.choice(["big", "little"]))
        elif what < 0.8:
            del changed[at : at + draws.randint(1, 40)]
        elif what < 0.9:
            changed[at:at] = changed[at : at + draws.randint(1, 40)]
        else:
            start = draws.randrange(len(other))
            changed[at : at + 40] = other[start : start + 40]
        header = min(header, len(changed)) or 1
    if draws.random() < 0.2:
        del changed[draws.randrange(len(changed)) + 1 :]
    return _with_right_sums(bytes(changed)) if draws.random() < 0.7 else bytes(changed)


def _with_right_sums(data: bytes) -> bytes:
    """A PNG whose checksums fit again, so that its decoder believes the damage; other files as they are."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    mended, at = bytearray(data), 8
    while at + 12 <= len(mended):
        end = at + 8 + int.from_bytes(mended[at : at + 4], "big")
        if end + 4 > len(mended):
            break
        mended[end : end + 4] = zlib.crc32(mended[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(mended)


def _pictures() -> list[bytes]:
    """A file or two of every format, with what it may carry: pages, transparency, 16 bits, profiles, orientation."""
    from PIL import ImageCms

    draws = np.random.default_rng(0)
    colour = Image.fromarray(draws.integers(0, 256, (24, 40, 3), np.uint8))
    grey, clear, few = colour.convert("L"), colour.convert("RGBA"), colour.quantize(16)
    deep = Image.fromarray(draws.integers(0, 2**16, (24, 40), np.uint16))
    floats = Image.fromarray(draws.random((24, 40), np.float32))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = Image.Exif()
    turned[0x0112] = 6
    several: dict[str, Any] = {"save_all": True, "append_images": [colour.rotate(90), grey.convert("RGB")]}
    wanted: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (colour, "PNG", {"icc_profile": profile, "exif": turned}), (few, "PNG", {"transparency": 3}), (deep, "PNG", {}),
        (clear, "PNG", {}), (colour, "PNG", several), (grey.convert("1"), "PNG", {}),
        (colour, "JPEG", {"exif": turned, "icc_profile": profile}), (colour, "JPEG", {"progressive": True}),
        (colour.convert("CMYK"), "JPEG", {}), (grey, "JPEG", {}), (colour, "MPO", several),
        (few, "GIF", several), (colour, "BMP", {}), (few, "BMP", {}), (colour, "DIB", {}), (colour, "PPM", {}),
        (deep, "PPM", {}), (colour, "WEBP", several | {"lossless": True}), (clear, "WEBP", {"exif": turned}),
        (colour, "TIFF", several), (few, "TIFF", {"compression": "tiff_lzw"}),
        (colour, "TIFF", {"compression": "jpeg"}),
        (deep, "TIFF", {"compression": "tiff_adobe_deflate"}), (floats, "TIFF", {}), (clear, "TIFF", {}),
        (colour.convert("CMYK"), "TIFF", {}), (grey.convert("1"), "TIFF", {"compression": "group4"}),
        (colour, "AVIF", several), (clear, "AVIF", {}), (colour, "JPEG2000", {}), (deep, "JPEG2000", {}),
        (colour, "PCX", {}), (colour, "QOI", {}), (colour, "SGI", {}), (colour, "TGA", {"compression": "tga_rle"}),
    ]  # fmt: skip
    Image.init()
    files = [_saved(*one) for one in wanted if one[1] in Image.SAVE]
    try:
        import pillow_heif
    except ImportError:
        return files
    buffer = io.BytesIO()
    pillow_heif.from_pillow(colour).save(buffer)
    return [*files, buffer.getvalue()]


def _saved(image: Image.Image, form: str, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    if "append_images" in options:  # copies, for Pillow leaves the settings of one encoder on an image
        options = options | {"append_images": [one.copy() for one in options["append_images"]]}
    image.copy().save(buffer, form, **options)
    return buffer.getvalue()
