"""Files as phones, scanners, cameras and programs write them: the right pixels, and a sentence where one is due."""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from explorer.data import codecs, decoding, images
from explorer.data.datasets import load_dataset
from explorer.data.inputs import read_picture
from explorer.errors import ExplorerError


def file_of(picture: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def colours(side: int = 24) -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return Image.fromarray(levels)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("method", ["add_text", "add_itxt"])
def test_a_png_with_long_texts_opens_with_the_same_pixels(method: str, compressed: bool) -> None:
    info = PngInfo()
    text = "".join(random.Random(0).choices("abcdefghijk", k=1_500_000))
    getattr(info, method)("workflow", text, zip=compressed)
    data = file_of(colours(), "PNG", pnginfo=info)
    assert torch.equal(images.load_image(data), images.load_image(file_of(colours(), "PNG")))


def test_a_png_turned_by_its_xmp_is_still_turned() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    data = file_of(Image.new("RGB", (8, 4)), "PNG", pnginfo=info)
    assert images.load_image(data).shape[2:] == (8, 4)


def test_a_png_cut_within_a_text_is_one_sentence() -> None:
    info = PngInfo()
    info.add_text("note", "x" * 5000)
    data = file_of(colours(), "PNG", pnginfo=info)
    for length in range(30, 3000, 97):
        with pytest.raises(ExplorerError):
            images.load_image(data[:length])


def test_jpegs_above_the_limit_are_decoded_at_half_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = colours(8).resize((128, 96), Image.Resampling.BICUBIC)
    data = file_of(picture, "JPEG", quality=95)
    full = images.load_image(data)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 128 * 96 - 1)
    found = read_picture(data)
    assert found.pixels.shape == (1, 3, 48, 64)
    assert "half its size" in found.notes[0]
    smaller = torch.nn.functional.avg_pool2d(full, 2)
    assert float((found.pixels - smaller).abs().mean()) < 0.02, "the same picture"
    monkeypatch.setattr(decoding, "MAX_JPEG_PIXELS", 128 * 96 - 1)
    with pytest.raises(ExplorerError, match="million pixels"):
        read_picture(data)
    with pytest.raises(ExplorerError, match="million pixels"):
        read_picture(file_of(picture, "PNG"))


def test_a_phone_of_fifty_megapixels_is_within_the_limit() -> None:
    assert decoding.MAX_PIXELS >= 8160 * 6144
    assert decoding.MAX_JPEG_PIXELS >= 16320 * 12240


@pytest.mark.parametrize("bits", [10, 12])
def test_few_bits_in_sixteen_are_nearly_black_and_that_is_said(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "scan.tif"
    Image.fromarray(np.linspace(0, 2**bits - 1, 28 * 28).reshape(28, 28).astype(np.uint16)).save(path)
    (note,) = read_picture(path).notes
    assert f"{2**bits - 1:,} of 65,535" in note
    assert f"multiply it by {2 ** (16 - bits)}" in note


def test_sixteen_bits_that_are_used_are_not_remarked_upon(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    Image.fromarray(np.linspace(0, 65535, 28 * 28).reshape(28, 28).astype(np.uint16)).save(path)
    assert read_picture(path).notes == ()


def test_pages_and_frames_are_chosen_by_number(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    pages = [Image.new("L", (8, 8), level) for level in (10, 20, 30)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    assert float(read_picture(f"{path}#3").pixels.mean()) == pytest.approx(30 / 255)
    first = read_picture(path)
    assert float(first.pixels.mean()) == pytest.approx(10 / 255)
    assert "3 pictures" in first.notes[0]
    for wrong in ("#0", "#4"):
        with pytest.raises(ExplorerError, match="frames 1 to 3"):
            read_picture(f"{path}{wrong}")
    named = tmp_path / "pages.tif#2"
    named.write_bytes(file_of(Image.new("L", (8, 8), 99), "PNG"))
    assert float(read_picture(str(named)).pixels.mean()) == pytest.approx(99 / 255), "a file of that name comes first"


def wide_gamut() -> bytes:
    """A profile like Adobe RGB's: the primaries of ProPhoto-like colours, written by hand from the ICC format."""
    tags: dict[bytes, bytes] = {}
    xyz = {b"rXYZ": (0.6097, 0.3111, 0.0195), b"gXYZ": (0.2053, 0.6257, 0.0609), b"bXYZ": (0.1492, 0.0632, 0.7446)}
    for name, values in {**xyz, b"wtpt": (0.9642, 1.0, 0.8249)}.items():
        tags[name] = b"XYZ \0\0\0\0" + b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)
    curve = b"curv\0\0\0\0" + (1).to_bytes(4, "big") + round(2.19921875 * 256).to_bytes(2, "big") + b"\0\0"
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    text = b"Wide RGB"
    count = (len(text) + 1).to_bytes(4, "big")
    tags[b"desc"] = b"desc\0\0\0\0" + count + text + b"\0" + bytes(78) + b"\0" * (-(12 + len(text) + 79) % 4)
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name + at.to_bytes(4, "big") + len(content).to_bytes(4, "big")
        body, at = body + content, at + len(content)
    head = at.to_bytes(4, "big") + bytes(4) + b"\x02\x40\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(round(v * 65536).to_bytes(4, "big") for v in (0.9642, 1.0, 0.8249))
    return head.ljust(128, b"\0") + len(tags).to_bytes(4, "big") + table + body


def test_other_colours_are_converted_to_srgb_and_that_is_said() -> None:
    picture = Image.new("RGB", (8, 8), (60, 200, 60))
    found = read_picture(file_of(picture, "PNG", icc_profile=wide_gamut()))
    assert "from Wide RGB to sRGB" in found.notes[0]
    red, green, _ = (255 * found.pixels[0, :, 0, 0]).tolist()
    assert red < 20, "a wide green has less red in sRGB"
    assert green > 195
    grey = read_picture(file_of(Image.new("RGB", (8, 8), (128,) * 3), "PNG", icc_profile=wide_gamut()))
    assert float((255 * grey.pixels).sub(128).abs().max()) < 4, "grey stays grey"


def test_srgb_and_damaged_profiles_leave_the_pixels_alone() -> None:
    plain = images.load_image(file_of(colours(), "PNG"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"nonsense", wide_gamut()[:200]):
        found = read_picture(file_of(colours(), "PNG", icc_profile=profile))
        assert torch.equal(found.pixels, plain)
        assert found.notes == ()


def test_heic_photographs_open() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = Image.linear_gradient("L").convert("RGB").resize((64, 48))
    out = io.BytesIO()
    pillow_heif.from_pillow(picture).save(out, quality=95)
    found = images.load_image(out.getvalue())
    assert found.shape == (1, 3, 48, 64)
    assert float((found - images.load_image(picture)).abs().mean()) < 0.02


def test_without_its_library_a_heic_photograph_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ExplorerError, match="pip install pillow-heif"):
        images.load_image(b"\0\0\0\x18ftypheic\0\0")


def jxl(picture: Image.Image, **options: object) -> bytes:
    plugin = pytest.importorskip("pillow_jxl.JpegXLImagePlugin")
    out = io.BytesIO()
    picture.encoderinfo = options  # type: ignore[attr-defined]
    plugin._save(picture, out, "")
    return out.getvalue()


@pytest.mark.parametrize("side", [(64, 48), (8, 8), (1000, 3), (257, 511), (1600, 900), (5000, 2)])
@pytest.mark.parametrize("boxes", [False, True])
def test_jpeg_xl_opens_and_its_size_is_known_before(side: tuple[int, int], boxes: bool) -> None:
    picture = Image.linear_gradient("L").convert("RGB").resize(side)
    data = jxl(picture, lossless=True, use_container=boxes)
    assert torch.equal(images.load_image(data), images.load_image(picture))
    asked: list[tuple[int, int]] = []
    codecs.open_with_library(data, lambda *size: asked.append(size))
    assert asked == [side]


def test_a_jpeg_xl_of_too_many_pixels_is_refused_undecoded() -> None:
    pytest.importorskip("pillow_jxl")
    huge = ((1 << 30) - 1) << 3 | 3 << 1  # a square of 2**30 px
    with pytest.raises(ExplorerError, match="million pixels"):
        images.load_image(b"\xff\x0a" + (huge | 1 << 33).to_bytes(12, "little"))


@pytest.mark.parametrize("data", [b"\xff\x0a", b"\xff\x0a" + bytes(30), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30)])
def test_a_damaged_jpeg_xl_is_one_sentence(data: bytes) -> None:
    pytest.importorskip("pillow_jxl")
    with pytest.raises(ExplorerError, match="damaged or incomplete"):
        images.load_image(data)


def test_without_its_library_jpeg_xl_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    monkeypatch.setitem(sys.modules, "pillow_jxl.JpegXLImagePlugin", None)
    with pytest.raises(ExplorerError, match="pip install pillow-jxl-plugin"):
        images.load_image(b"\xff\x0a" + bytes(20))


def test_a_folder_holds_every_format_that_a_single_file_may_have(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    for name, level in (("cat", 0), ("dog", 40)):
        picture = Image.new("RGB", (64, 64), (level,) * 3)
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.jxl").write_bytes(jxl(picture, lossless=True))
        pillow_heif.from_pillow(picture).save(folder / "b.HEIC", quality=100)
        picture.save(folder / "c.mpo", save_all=True, append_images=[picture.copy()])
        picture.save(folder / "d.avif")
    data = load_dataset(str(tmp_path))
    assert (len(data), data.size, data.notes) == (8, 64, ())
    levels = data.in_memory().images.mean((1, 2, 3)) / 40  # type: ignore[union-attr]
    assert np.abs(levels - data.labels).max() < 0.1
