"""Data sets: the offline one exactly, local files, folders, and bad input."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.data.datasets import load_dataset, local_file, open_dataset, open_folder
from explorer.errors import ExplorerError

DAMAGED = "The image file is damaged or incomplete: choose another one."


def test_digits_are_offline_disjoint_and_complete() -> None:
    train, test = load_dataset("digits", "train"), load_dataset("digits", "test")
    assert (len(train), len(test)) == (1437, 360)
    assert train.images.shape[1:] == (28, 28, 1)
    assert sorted(set(test.labels.tolist())) == list(range(10))
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in test.images)
    x, y = test.batch([3, 1])
    assert x.shape == (2, 1, 28, 28)
    assert x.dtype == torch.float32
    assert 0 <= float(x.min()) <= float(x.max()) <= 1
    assert y.tolist() == [int(test.labels[3]), int(test.labels[1])]
    assert len(test.select(slice(0, 5))) == 5


def test_an_npz_opens_with_and_without_splits(tmp_path: Path) -> None:
    x, y = np.zeros((4, 6, 6, 3), np.uint8), np.array([0, 1, 1, 0])
    np.savez(tmp_path / "both.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2], classes=np.array(["no", "yes"]))
    data = load_dataset(str(tmp_path / "both.npz"))
    assert (data.name, len(data), data.classes, data.channels) == ("both", 2, ("no", "yes"), 3)
    np.savez(tmp_path / "one.npz", x=x[..., 0], y=y)
    assert load_dataset(str(tmp_path / "one.npz")).images.shape == (4, 6, 6, 1)


def test_an_npz_as_keras_medmnist_and_pytorch_lay_it_out(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3), np.uint8)
    y = np.array([[0], [1], [1], [0]])
    layouts = {
        "keras": {"x_train": x[:1], "y_train": y[:1], "x_test": x, "y_test": y},
        "medmnist": {"train_images": x[:1], "train_labels": y[:1], "test_images": x, "test_labels": y},
        "channels_first": {"x": x.transpose(0, 3, 1, 2), "y": y[:, 0]},
        "fortran": {"x": np.asfortranarray(x), "y": y[:, 0].astype(">i4")},
    }
    for name, arrays in layouts.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)  # type: ignore[arg-type]
        data = load_dataset(str(tmp_path / f"{name}.npz"))
        assert np.array_equal(data.images, x), name
        assert (data.labels.tolist(), data.classes) == ([0, 1, 1, 0], ("0", "1"))
    np.savez(tmp_path / "bool.npz", x=x > 127, y=y)
    (tmp_path / "bool.npz").rename(tmp_path / "bool.NPZ")
    assert np.array_equal(load_dataset(str(tmp_path / "bool.NPZ")).images, np.where(x > 127, 255, 0))


def test_an_npz_counts_the_images_that_are_not_exact(tmp_path: Path) -> None:
    x, y = np.zeros((4, 6, 6, 3), np.uint8), np.array([0, 1, 1, 0])
    exact = np.array([True, False, False, True])
    np.savez(tmp_path / "copies.npz", x_train=x, y_train=y, exact_train=exact, x_test=x, y_test=y, exact_test=y >= 0)
    assert load_dataset(str(tmp_path / "copies.npz"), "test").notes == ()
    (note,) = load_dataset(str(tmp_path / "copies.npz"), "train").notes
    assert note.startswith("2 of the 4 train images of copies are copies")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "expected x_test and y_test"),
        ({"x": np.zeros((2, 4, 4)), "y": np.zeros(2, int)}, r"expected uint8 .*; floats in \[0, 1\] are saved as"),
        ({"x": np.zeros((2, 4, 4), np.uint16), "y": np.zeros(2, int)}, r"uint16 .*1 or 3\)\.$"),
        ({"x": np.zeros((2, 0, 4), np.uint8), "y": np.zeros(2, int)}, "expected uint8"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": np.zeros((2, 2), int)}, r"shape \(2, 2\); expected one integer"),
        # names for so many classes would fill the memory
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": np.array([0, 2**62])}, "but no classes; labels count from 0"),
        ({"x": np.zeros((2, 4, 4, 2), np.uint8), "y": np.zeros(2, int)}, "expected uint8"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": np.zeros(3, int)}, "expected one integer per image"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": np.array([0.5, 1])}, "expected one integer per image"),
        ({"x": np.zeros((2, 4, 4), np.uint8), "y": np.array([-1, 1])}, "labels count from 0"),
        ({"x": np.array([None, {}], dtype=object), "y": np.zeros(2, int)}, "not a readable .npz"),
    ],
)
def test_bad_arrays_are_one_sentence(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)  # type: ignore[arg-type]  # object arrays are the point
    with pytest.raises(ExplorerError, match=message):
        load_dataset(str(tmp_path / "bad.npz"))


def test_what_is_called_npz_but_is_none_is_one_sentence(tmp_path: Path) -> None:
    zeros = np.zeros((50, 8, 8), np.uint8)
    np.savez_compressed(tmp_path / "damaged.npz", x=zeros, y=np.zeros(50, int))
    data = bytearray((tmp_path / "damaged.npz").read_bytes())
    data[60:100] = bytes(byte ^ 0x5A for byte in data[60:100])  # in the compressed pixels
    (tmp_path / "damaged.npz").write_bytes(data)
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, zeros)
    np.savez(tmp_path / "classes.npz", x=zeros, y=np.zeros(50, int), classes="one")
    with zipfile.ZipFile(tmp_path / "bytes.npz", "w") as archive:
        archive.writestr("x", b"no array")
        archive.writestr("y", b"no array")
    for name in ("damaged", "array", "classes", "bytes"):
        with pytest.raises(ExplorerError, match=f"{name}.npz"):
            load_dataset(str(tmp_path / f"{name}.npz"))


@pytest.mark.parametrize("name", ["~nobody-of-this-name/data", "a" * 5000, "a\0b"])
def test_names_that_are_no_path_are_unknown(name: str) -> None:
    for read in (load_dataset, open_dataset):
        with pytest.raises(ExplorerError, match="Unknown data set"):
            read(name)


@pytest.mark.slow
def test_what_is_kept_decoded_is_bounded_in_bytes(tmp_path: Path) -> None:
    for i in range(3):
        Image.new("RGB", (4096, 8), (i, 0, 0)).save(tmp_path / f"{i}.png")
    small, large = open_folder(tmp_path, side=8), open_folder(tmp_path, side=4096)
    for data in (small, large):
        assert data.images[:].shape == (3, data.size, data.size, 3)
        assert [int(data.images[i][0, 0, 0]) for i in range(3)] == [0, 1, 2]
    assert len(small.images._kept) == 3  # type: ignore[attr-defined]
    assert len(large.images._kept) == 1  # type: ignore[attr-defined]


def test_a_truncated_npz_is_one_sentence(tmp_path: Path) -> None:
    np.savez(tmp_path / "cut.npz", x=np.zeros((50, 8, 8), np.uint8), y=np.zeros(50, int))
    data = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(ExplorerError, match="not a readable"):
        load_dataset(str(tmp_path / "cut.npz"))


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (tmp_path / name).mkdir()
        Image.new("RGB", (20, 12), colour).save(tmp_path / name / "a.png")
    (tmp_path / "red" / "notes.txt").write_text("no image")
    data = load_dataset(str(tmp_path))
    assert data.classes == ("blue", "red")
    assert data.images.shape == (2, 12, 12, 3)
    assert data.images[1, 5, 5].tolist() == [255, 0, 0]


def test_unknown_names_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="Unknown data set 'cifar11'; known are digits, cifar10"):
        load_dataset("cifar11")
    with pytest.raises(ExplorerError, match="holds no images"):
        load_dataset(str(tmp_path))
    with pytest.raises(ExplorerError, match="Unknown split 'val'"):
        load_dataset("digits", "val")


def test_named_data_comes_from_the_local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.full((3, 32, 32, 3), 7, np.uint8), np.array([0, 1, 9])
    np.savez(tmp_path / "cifar10.npz", x_test=x, y_test=y)
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    data = load_dataset("cifar10")
    assert (len(data), data.classes[9], data.mean) == (3, "truck", (0.4914, 0.4822, 0.4465))


def test_a_downloaded_file_is_found_and_data_of_ones_own_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, cache = tmp_path / "own", tmp_path / "cache"
    for folder, value in ((own, 1), (cache, 2)):
        folder.mkdir()
        np.savez(folder / "mnist.npz", x_test=np.full((2, 28, 28), value, np.uint8), y_test=np.array([3, 4]))
    monkeypatch.setenv("EXPLORER_CACHE", str(cache))
    monkeypatch.setenv("EXPLORER_DATA", str(own))
    assert local_file("mnist") == own / "mnist.npz"
    assert int(load_dataset("mnist").images[0, 0, 0, 0]) == 1
    monkeypatch.delenv("EXPLORER_DATA")
    assert int(load_dataset("mnist").images[0, 0, 0, 0]) == 2
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "nothing"))
    assert local_file("mnist") is None


def test_rows_of_a_class() -> None:
    data = load_dataset("digits")
    assert data.rows().tolist() == list(range(360))
    sevens = data.rows(7)
    assert sevens.tolist() == [row for row in range(360) if data.labels[row] == 7]
    assert 20 < len(sevens) < 60


def test_a_class_without_pictures_keeps_its_number(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "c" / "1.png")
    data = load_dataset(str(tmp_path))
    assert (data.classes, data.labels.tolist()) == (("a", "b", "c"), [2])


@pytest.mark.parametrize(
    "text", ["", "[]", '{"size": 0}', '{"size": "96"}', '{"size": 1e9}', '{"size": true}', "[" * 9]
)
def test_a_wrong_dataset_json_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "a" / "1.png")
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(ExplorerError, match=r"dataset\.json should hold the side in px"):
        load_dataset(str(tmp_path))
    (tmp_path / "dataset.json").write_text('{"size": 5}')
    assert load_dataset(str(tmp_path)).size == 5


def test_damaged_files_and_too_many_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    for i in range(3):
        Image.new("RGB", (900, 900)).save(tmp_path / "a" / f"{i}.png")
    monkeypatch.setattr("explorer.data.dataset.MAX_BYTES", 3 * 900 * 900 * 3 - 1)
    with pytest.raises(ExplorerError, match=r"3 images of .* at 900 px need 7.3 MB"):
        load_dataset(str(tmp_path)).in_memory()
    monkeypatch.setattr("explorer.data.layout.MAX_FILES", 2)
    with pytest.raises(ExplorerError, match="more than 2 images"):
        load_dataset(str(tmp_path))
    monkeypatch.undo()
    whole = (tmp_path / "a" / "1.png").read_bytes()
    (tmp_path / "a" / "1.png").write_bytes(whole[: len(whole) // 2])
    data = load_dataset(str(tmp_path))
    with pytest.raises(ExplorerError, match=r"a/1\.png: The image file is damaged"):
        data.batch(slice(None))
    kept = data.in_memory()
    assert len(kept) == len(kept.images) == 2
    assert kept.notes == (f"1 of 3 images could not be read and is left out: a/1.png: {DAMAGED}",)
