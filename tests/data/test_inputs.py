"""What a user may name as a picture: every form, one meaning, and what a caller who is not trusted may not open."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.data import datasets, images
from explorer.data.fitting import Takes
from explorer.data.inputs import OWN, Picture, as_batch, needs_fit, read_images, read_picture
from explorer.data.published import CIFAR10_CLASSES
from explorer.errors import ExplorerError

TAKES = Takes(32, 3)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return path


def test_one_photograph_in_every_form_is_the_same_picture(photo: Path) -> None:
    data = photo.read_bytes()
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    expected = images.fit(images.load_image(photo), *TAKES)
    with photo.open("rb") as file:
        forms = [photo, str(photo), data, bytearray(data), io.BytesIO(data), file, Image.open(photo), url]
        read = [read_picture(form, TAKES) for form in forms]  # type: ignore[arg-type]  # bytearrays are bytes
    assert all(torch.equal(picture.pixels, expected) for picture in read)
    assert [picture.name for picture in read] == [str(photo)] * 2 + [OWN] * 6
    for picture in read:
        assert picture.notes == (
            "Pictures were cut to their central square and brought to 32 x 32 px with 3 channels.",
        )
        assert not picture.shipped


def test_pixels_are_taken_as_they_are() -> None:
    x = images.sample_images()["cat"]()[:, :, :40, :40]
    whole = x.mul(255).round().to(torch.uint8)
    last = whole[0].permute(1, 2, 0).numpy()
    wide = (x[0].permute(1, 2, 0).numpy() * 65535).round().astype(np.uint16)
    for form in (x, x[0], x.double(), whole, whole[0], x.numpy(), last, last[None], wide):
        read = read_picture(form, TAKES)  # type: ignore[arg-type]  # float64 tensors as well
        torch.testing.assert_close(read.pixels, x, atol=1e-6, rtol=0)
        assert read.notes == ()
    grey = read_picture(x[0, 0])
    assert grey.pixels.shape == (1, 1, 40, 40)
    clear = np.dstack([last, np.zeros((40, 40), np.uint8)])
    assert read_picture(clear).pixels.min() == 1, "transparency is laid over white"


def test_names_of_the_package_mean_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8), "red").save(tmp_path / "cat", "PNG")
    cat = read_picture("cat", TAKES)
    assert torch.equal(cat.pixels, images.fit(images.sample_images()["cat"](), *TAKES))
    assert (cat.name, cat.class_name, cat.shipped, cat.notes) == ("cat", None, True, ())
    file = read_picture("./cat", TAKES)
    assert float(file.pixels[0, 0].min()) == 1
    assert (file.name, file.shipped) == ("./cat", False)
    assert torch.equal(read_picture("cat", TAKES, paths=False).pixels, cat.pixels)


def test_a_row_of_a_data_set_brings_its_class() -> None:
    data = datasets.load_dataset("digits")
    row = read_picture("digits:7", Takes(28, 1), paths=False)
    assert torch.equal(row.pixels, data.batch([7])[0])
    assert (row.name, row.class_name, row.shipped) == ("digits:7", data.class_of(7), True)
    assert read_picture("digits:7", TAKES).pixels.shape == (1, 3, 32, 32)
    for text in ("digits:360", "digits:-1", "digits:x", "digits:"):
        with pytest.raises(ExplorerError, match="digits has the rows 0 to 359"):
            read_picture(text)


def test_a_class_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    # another data set's "cat" is the models' "cat", whatever its place in the list
    pixels = np.zeros((2, 32, 32, 3), np.uint8)
    zoo = datasets.Dataset("zoo", "test", pixels, np.array([0, 1]), ("monkey", "cat"), (0.0,) * 3, (1.0,) * 3)
    monkeypatch.setitem(datasets.DATASETS, "zoo", lambda _: zoo)
    classes = CIFAR10_CLASSES
    assert [read_picture(f"zoo:{row}").index_in(classes) for row in (0, 1)] == [None, classes.index("cat")]
    assert [picture.class_name for picture in read_images(zoo).pictures] == ["monkey", "cat"]
    own = {"mine": zoo}
    assert read_picture("mine:1", find_dataset=own.get).class_name == "cat"


def test_a_data_set_may_be_called_data_or_like_one_of_ours() -> None:
    from explorer.app.dataset_catalog import DatasetCatalog
    from explorer.app.pictures import Pictures

    digits = datasets.load_dataset("digits")
    own = [replace(digits, name=name, labels=digits.labels[::-1]) for name in ("data", "mnist", "digits")]
    pictures = Pictures([Takes(28, 1)], DatasetCatalog(own))
    for name in ("data", "mnist", "digits"):
        found = pictures.read(f"{name}:7", Takes(28, 1))
        assert torch.equal(found.pixels, digits.batch([7])[0])
        assert (found.shipped, found.class_name) == (False, digits.class_of(len(digits) - 8))


def test_who_is_not_trusted_opens_no_file(photo: Path) -> None:
    for text in (
        str(photo),
        "photo.png",
        "http://127.0.0.1/a.png",
        "file:///etc/passwd",
        "/etc/passwd:1",
        "",
        "x" * 9999,
    ):
        with pytest.raises(ExplorerError, match="no image named"):
            read_picture(text, paths=False)
    with pytest.raises(ExplorerError, match="not opened here by their path"):
        read_picture(photo, paths=False)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (7, r"Expected an image \(tensor, array, PIL image or path\), got int"),
        (None, "got NoneType"),
        ("no such thing", "cannot be opened"),
        ("data:image/png;base64,!", "damaged"),
        ("data:text", "begins with data:image/png"),
        (torch.rand(2, 3, 8, 8), r"Expected one image, .*, got shape \(2, 3, 8, 8\)"),
        (torch.rand(5, 8, 8), r"images\[:, None\]"),
        (torch.full((3, 8, 8), 3.0), "instead of 0 to 1; divide them by 255"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), "torch.int64 values; expected floats"),
        (np.zeros((8, 8), np.int32), "int32 values; expected floats"),
    ],
)
def test_what_is_not_a_picture_is_said_in_one_sentence(named: object, message: str) -> None:
    with pytest.raises(ExplorerError, match=message) as caught:
        read_picture(named)  # type: ignore[arg-type]  # the mistake in question
    assert "\n" not in str(caught.value)


def test_a_batch_knows_whether_it_is_one_image() -> None:
    x = torch.rand(3, 1, 28, 28)
    assert not read_images(x[:1]).several
    for many in (x, [x[0]], list(x), (x[:1], torch.zeros(1)), datasets.load_dataset("digits").select(slice(1))):
        assert read_images(many).several  # type: ignore[arg-type]  # a loader's pair
    mixed = read_images(["digits:3", x[0], Picture(x[1:2], "mine", "4")], Takes(28, 1))
    assert [picture.name for picture in mixed.pictures] == ["digits:3", OWN, "mine"]
    assert torch.equal(mixed.pictures[1].pixels, x[:1])


def test_photographs_are_told_from_pixels() -> None:
    x = torch.rand(1, 28, 28)
    assert all(map(needs_fit, ("cat", Path("a.png"), b"", Image.new("L", (2, 2)), io.BytesIO(), [x, "cat"])))
    assert not any(map(needs_fit, (x, x.numpy(), [x], Picture(x[None]))))


def levels() -> np.ndarray:
    return np.random.default_rng(0).random((1, 3, 8, 8), np.float32)


@pytest.mark.parametrize(
    "array",
    [
        levels().astype(">f4"),
        levels().astype(">f8"),
        levels().astype(np.float64),
        levels().astype(np.longdouble),
        np.asfortranarray(levels()),
        np.ascontiguousarray(levels()[:, :, ::-1, ::-1])[:, :, ::-1, ::-1],
        np.concatenate([levels()] * 2, 3)[..., :8],
    ],
)
def test_byte_order_width_and_strides_do_not_matter(array: np.ndarray) -> None:
    assert torch.equal(as_batch(array), torch.from_numpy(levels()))


def test_tensors_elsewhere_come_to_the_cpu_in_one_layout_or_are_refused() -> None:
    pixels = torch.from_numpy(levels())
    last = pixels.to(memory_format=torch.channels_last)
    for given in (last, pixels.flip(3).flip(3), pixels.clone().requires_grad_()):
        read = as_batch(given)
        assert torch.equal(read, pixels)
        assert (read.device.type, read.is_contiguous(), read.requires_grad) == ("cpu", True, False)
    with pytest.raises(ExplorerError, match="on the device meta, where tensors have no values"):
        as_batch(pixels.to("meta"))
    for refused, words in ((pixels.to("meta"), "device meta"), (pixels.to_sparse(), r"images\.to_dense\(\)")):
        for takes in (as_batch, images.check_batch, lambda x: images.fit(x, 4, 3)):
            with pytest.raises(ExplorerError, match=words):
                takes(refused)
    with pytest.raises(ExplorerError, match=r"masked values; say what these are, as with images\.filled"):
        as_batch(np.ma.masked_less(levels(), 0.5))


def test_integers_count_to_what_stands_for_white() -> None:
    white = torch.ones(1, 1, 4, 4)
    for kind, most in (("u1", 255), ("<u2", 65535), (">u2", 65535), ("?", 1)):
        assert torch.equal(as_batch(np.full((1, 1, 4, 4), most, kind)), white), kind
    for dtype, most in ((torch.uint8, 255), (torch.uint16, 65535), (torch.bool, 1), (torch.bfloat16, 1)):
        assert torch.equal(as_batch(torch.full((1, 1, 4, 4), most, dtype=dtype)), white), dtype
    for array in (np.full((4, 4), 255), torch.full((4, 4), 255)):
        with pytest.raises(ExplorerError, match="int64"):
            as_batch(array)


def test_read_only_memory_is_read_and_what_was_read_is_a_copy() -> None:
    array = levels()
    array.flags.writeable = False
    assert torch.equal(as_batch(array), torch.from_numpy(levels()))
    for pixels in (levels(), torch.from_numpy(levels())):
        read = as_batch(pixels)
        pixels[:] = 0
        assert torch.equal(read, torch.from_numpy(levels()))
