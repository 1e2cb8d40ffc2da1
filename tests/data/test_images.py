"""Images: everything Pillow reads arrives as (1, 3, H, W) in [0, 1]; everything else gets one plain sentence."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.data import decoding, images
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError


def file_of(image: Image.Image, codec: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, codec, **options)
    return buffer.getvalue()


def pixel(x: torch.Tensor, row: int = 0, column: int = 0) -> list[float]:
    return [round(float(value) * 255, 3) for value in x[0, :, row, column]]


RGB = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def test_png_file_arrives_exactly(tmp_path):
    data = file_of(Image.fromarray(RGB))
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    expected = torch.from_numpy(RGB).permute(2, 0, 1)[None].float() / 255
    for source in (path, str(path), data, io.BytesIO(data), Image.fromarray(RGB), RGB):
        x = images.load_image(source)
        assert x.dtype == torch.float32
        assert x.is_contiguous()
        assert torch.equal(x, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    # what a camera with that orientation stores: the inverse of the turn the viewer has to make
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    x = images.load_image(file_of(Image.fromarray(np.ascontiguousarray(stored)), exif=exif))
    assert np.array_equal(images.to_uint8(x)[0, :, :, 0], upright)


def test_damaged_exif_does_not_lose_the_picture():
    x = images.load_image(file_of(Image.fromarray(RGB), exif=b"Exif\x00\x00nonsense"))
    assert np.array_equal(images.to_uint8(x)[0], RGB)


def test_cmyk_is_converted():
    ink = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    x = images.load_image(file_of(ink, "TIFF"))
    assert pixel(x) == [255, 0, 0]
    red = pixel(images.load_image(file_of(ink, "JPEG", quality=95)))
    assert red[0] > 240
    assert max(red[1:]) < 15


def test_palette_and_bilevel():
    assert pixel(images.load_image(file_of(Image.new("RGB", (3, 3), (250, 120, 30)).quantize(4)))) == [250, 120, 30]
    assert pixel(images.load_image(file_of(Image.new("1", (2, 2), 1)))) == [255, 255, 255]


@pytest.mark.parametrize("codec", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_clipped(codec):
    ramp = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    x = images.load_image(file_of(Image.fromarray(ramp), codec))
    assert x.shape == (1, 3, 1, 4)
    assert torch.allclose(x[0, 1, 0], torch.tensor([0, 1 / 255, 32768 / 65535, 1.0]), atol=1e-6)


def png_16_bit_rgb(values: tuple[int, int, int]) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" + struct.pack(">HHH", *values))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_16_bit_rgb_is_scaled_not_clipped():
    x = images.load_image(png_16_bit_rgb((0, 32768, 65535)))
    assert pixel(x) == [0, 128, 255]


def test_32_bit_grey_beyond_16_bit_is_refused():
    with pytest.raises(ExplorerError, match="16 bit"):
        images.load_image(Image.fromarray(np.array([[70_000]], dtype=np.int32)))


def test_transparency_lies_over_white():
    half = Image.new("RGBA", (2, 2), (255, 0, 0, 128))
    red, green, blue = pixel(images.load_image(file_of(half)))
    assert (red, green, blue) == (255, 127, 127)
    assert pixel(images.load_image(Image.new("LA", (2, 2), (0, 0)))) == [255, 255, 255]
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([10, 20, 30])
    assert pixel(images.load_image(file_of(palette, transparency=0))) == [255, 255, 255]
    array = np.zeros((1, 1, 4), np.uint8)
    assert pixel(images.load_image(array)) == [255, 255, 255]


@pytest.mark.parametrize("codec", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(codec):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if codec == "WEBP" else {}
    x = images.load_image(file_of(frames[0], codec, save_all=True, append_images=frames[1:], **options))
    assert pixel(x) == [255, 0, 0]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), 51, np.uint8), [51] * 3),
        (np.full((2, 3, 1), 51, np.uint8), [51] * 3),
        (np.full((2, 3, 3), 0.2), [51] * 3),
        (np.full((2, 3), 0.2, np.float16), [50.988] * 3),
        (np.full((2, 3), 13107, np.uint16), [51] * 3),
    ],
)
def test_arrays(array, expected):
    x = images.load_image(array)
    assert x.shape == (1, 3, 2, 3)
    assert pixel(x) == expected


@pytest.mark.parametrize(
    "array",
    [
        np.full((2, 2), np.nan),
        np.full((2, 2), np.inf),
        np.full((2, 2), 1.5),
        np.full((2, 2), -0.1),
        np.zeros((2, 2, 2), np.uint8),
        np.zeros((3, 32, 32), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((1, 2, 2, 3), np.uint8),
        np.zeros((2, 2), np.int64),
        np.zeros((2, 2), bool),
        np.array([["a"]]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_bad_arrays_get_one_sentence(array):
    with pytest.raises(ExplorerError) as caught:
        images.load_image(array)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", "damaged"),
        (b"hello, I am no image", "not a readable image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a readable image"),
    ],
)
def test_what_is_no_image_is_named(data, word):
    with pytest.raises(ExplorerError, match=word):
        images.load_image(data)


@pytest.mark.parametrize("codec", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_truncated_files(codec):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = file_of(noise, codec)
    with pytest.raises(ExplorerError):
        images.load_image(data[: len(data) // 2])


def test_other_bad_sources(tmp_path):
    for source in (tmp_path / "missing.png", tmp_path, "a\0b", 7, None, io.StringIO("text")):
        with pytest.raises(ExplorerError):
            images.load_image(source)  # type: ignore[arg-type]


def test_limit_on_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 1000)
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(1001))
    for source in (path, bytes(1001), io.BytesIO(bytes(1001))):
        with pytest.raises(ExplorerError, match="larger"):
            images.load_image(source)


@pytest.mark.parametrize("side", [8_001, 12_000, 60_000])
def test_bombs_are_refused_before_they_are_decoded(side, monkeypatch):
    def decode(self: Image.Image) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", decode)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    data += struct.pack(">I", zlib.crc32(b"IHDR" + header)) + struct.pack(">I", 9) + b"IDAT"
    with pytest.raises(ExplorerError, match="million pixels"):
        images.load_image(data)


def test_limit_on_pixels_of_arrays_and_pillow_images(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 10)
    for source in (np.zeros((4, 4)), Image.new("RGB", (4, 4))):
        with pytest.raises(ExplorerError, match="million pixels"):
            images.load_image(source)


def test_fit_returns_a_fitting_image_unchanged():
    x = torch.rand(2, 3, 8, 8)
    assert images.fit(x, 8, 3) is x


def test_fit_crops_the_centre():
    x = torch.zeros(1, 3, 4, 9)
    x[:, :, :, 2:6] = 1  # (9 - 4) // 2 = 2
    assert torch.equal(images.fit(x, 4, 3), torch.ones(1, 3, 4, 4))
    assert images.fit(x.mT, 4, 3).min() == 1


def test_fit_resizes_with_antialiasing_and_rounds():
    x = images.load_image((np.indices((16, 16)).sum(0) % 2 * 255).astype(np.uint8))  # a chessboard averages to grey
    small = images.fit(x, 4, 3)
    assert (small - 0.5).abs().max() < 0.03
    assert torch.equal(small, images.quantise(small))
    expected = F.interpolate(x, (4, 4), mode="bilinear", antialias=True)
    assert torch.allclose(small, expected, atol=0.51 / 255)


def test_fit_converts_channels():
    colour = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    grey = images.fit(colour, 2, 1)
    assert torch.allclose(grey, torch.full((1, 1, 2, 2), 76 / 255))  # 0.299 * 255 = 76.2
    assert torch.equal(images.fit(grey, 2, 3), grey.expand(1, 3, 2, 2))
    shade = torch.full((1, 3, 2, 2), 77 / 255)
    assert torch.equal(images.fit(shade, 2, 1), shade[:, :1])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(1, 24), st.sampled_from([1, 3]))
def test_fit_any_size(height, width, channels, size, wanted):
    out = images.fit(torch.rand(1, channels, height, width), size, wanted)
    assert out.shape == (1, wanted, size, size)
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(3, 4, 4),
        torch.rand(1, 2, 4, 4),
        torch.rand(1, 3, 4, 4).double(),
        torch.full((1, 3, 2, 2), torch.nan),
        torch.full((1, 3, 2, 2), 1.01),
        torch.zeros(1, 3, 0, 4),
        np.zeros((1, 3, 2, 2), np.float32),
    ],
    ids=lambda x: f"{x.dtype}{tuple(x.shape)}",
)
def test_check_batch_refuses(x):
    with pytest.raises(ExplorerError):
        images.check_batch(x)


def test_fit_refuses_strange_inputs_of_models():
    for size, channels in ((0, 3), (8, 2)):
        with pytest.raises(ExplorerError, match="input"):
            images.fit(torch.rand(1, 3, 4, 4), size, channels)


def test_quantise_and_to_uint8_agree_with_every_8_bit_value():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = torch.from_numpy(levels).permute(0, 3, 1, 2).float() / 255
    assert torch.equal(images.quantise(x), x)
    assert np.array_equal(images.to_uint8(x), levels)
    assert np.array_equal(images.to_uint8(x + 0.4 / 255 * (x < 1)), levels)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_is_lossless(channels):
    x = images.quantise(torch.rand(1, channels, 5, 7))
    for form in (x, x[0]):
        data = images.encode_png(form)
        assert torch.equal(images.load_image(data), x.expand(1, 3, 5, 7))
    assert base64.b64decode(images.data_url(x).removeprefix("data:image/png;base64,")) == data
    with pytest.raises(ExplorerError):
        images.encode_png(torch.rand(2, 3, 4, 4))


def test_hashes_of_a_batch_are_those_of_its_images():
    x = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for batch in (x, images.quantise(x), torch.cat([x[:1], images.quantise(x[1:])])):
        assert images.image_hashes(batch) == [images.image_hash(one) for one in batch.split(1)]


def test_image_hash():
    x = torch.tensor([0.0, 1.0])[None, None, None]
    assert images.image_hash(x) == hashlib.sha256(b"(1, 1, 1, 2)" + bytes([0, 255])).hexdigest()[:16]
    y = torch.tensor([0.0, 0.3])[None, None, None]
    expected = hashlib.sha256(b"(1, 1, 1, 2)" + struct.pack("<ff", 0, 0.3)).hexdigest()[:16]
    assert images.image_hash(y) == expected
    assert images.image_hash(x.view(1, 1, 2, 1)) != images.image_hash(x)


def test_sample_images_need_no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr("socket.socket.connect", refuse)
    samples = images.sample_images()
    assert next(iter(samples)) == "cat"
    for loader in samples.values():
        x = images.check_batch(loader())
        assert x.shape[:2] == (1, 3)
        assert min(x.shape[2:]) >= 300


@pytest.mark.parametrize("shape", [(5, 9), (480, 640, 3), (700, 900, 3), (1200, 1100, 1), (32, 32, 3), (28, 28, 1)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_load_fitted_is_load_and_fit_for_every_input(shape, kind):
    values = np.random.default_rng(1).integers(0, np.iinfo(kind).max, shape).astype(kind)
    inputs = [Takes(32, 3), Takes(28, 1), Takes(32, 1), Takes(64, 3)]
    fitted = images.load_fitted(values, inputs)
    for takes, x in zip(inputs, fitted, strict=True):
        assert torch.equal(x, images.fit(images.load_image(values), *takes)), takes
        assert x.is_contiguous()
    see_through = np.random.default_rng(2).integers(0, 256, (40, 50, 4), np.uint8)
    (x,) = images.load_fitted(see_through, [Takes(32, 3)])
    assert torch.equal(x, images.fit(images.load_image(see_through), 32, 3))


def test_image_size_reads_the_header_alone(tmp_path):
    path = tmp_path / "a.png"
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    path.write_bytes(file_of(noise)[:100])
    assert decoding.image_size(path) == (20, 30)
    path.write_text("no image")
    with pytest.raises(ExplorerError, match=r"a\.png is not a readable image"):
        decoding.image_size(path)
    with pytest.raises(ExplorerError, match=r"missing\.png is not a readable image"):
        decoding.image_size(tmp_path / "missing.png")
