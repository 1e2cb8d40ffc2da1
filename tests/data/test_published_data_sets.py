"""The published data sets, fetched from a local server that has files of their form."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.data import published
from explorer.data.datasets import load_dataset, local_file
from explorer.data.published import PUBLISHED, File, fetch, fetched, read_idx
from explorer.errors import ExplorerError
from tests.support.mirror import Mirror, member, tar_of


def idx(array: np.ndarray) -> bytes:
    magic = 0x803 if array.ndim == 3 else 0x801
    return np.array([magic, *array.shape], ">i4").tobytes() + array.tobytes()


def publish(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, name: str, contents: dict[str, bytes]) -> None:
    """Make the data set's files be these, served here."""
    files = []
    for file, body in contents.items():
        mirror.files[f"/{file}"] = body
        files.append(File(f"{mirror.address}/{file}", len(body), hashlib.sha256(body).hexdigest()))
    monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], files=tuple(files)))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    return tmp_path / "cache"


def test_cifar10_is_read_from_its_binary_archive(mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    monkeypatch.setattr(published, "_CIFAR10_ROWS", 20)
    x, y = rng.integers(0, 256, (120, 32, 32, 3), np.uint8), rng.integers(0, 10, 120)
    members = []
    for i, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        rows = slice(20 * i, 20 * i + 20)
        body = np.concatenate([y[rows, None].astype(np.uint8), x[rows].transpose(0, 3, 1, 2).reshape(20, -1)], 1)
        members.append((member(f"cifar-10-batches-bin/{name}.bin"), body.tobytes()))
    archive = tar_of(cache.parent / "cifar-10-binary.tar.gz", *members).read_bytes()
    publish(mirror, monkeypatch, "cifar10", {"cifar-10-binary.tar.gz": archive})
    told: list[tuple[int, int]] = []
    path = fetch("cifar10", lambda *far: told.append(far))
    assert path == local_file("cifar10")
    assert told[-1] == (len(archive), len(archive))
    assert sorted(file.name for file in cache.rglob("*") if file.is_file()) == ["cifar10.npz"]
    for split, rows in (("train", slice(100)), ("test", slice(100, 120))):
        data = load_dataset("cifar10", split)
        assert np.array_equal(data.images, x[rows])
        assert np.array_equal(data.labels, y[rows])
        assert data.classes[6] == "frog"
    fetch("cifar10")  # it is there: nobody is asked
    assert len(mirror.asked) == 1


def test_mnist_comes_in_four_files_and_resumes_between_them(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = published.read_idx
    monkeypatch.setattr(published, "read_idx", lambda path, shape, far: real(path, (30, *shape[1:]), far))
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 256, (30, 28, 28), np.uint8), rng.integers(0, 10, 30).astype(np.uint8)
    names = [file.name for file in PUBLISHED["mnist"].files]
    bodies = {name: gzip.compress(idx(x if "images" in name else y)) for name in names}
    publish(mirror, monkeypatch, "mnist", bodies)
    held = mirror.files.pop(f"/{names[1]}")
    with pytest.raises(ExplorerError, match="404"):
        fetch("mnist")
    assert fetched("mnist") == len(bodies[names[0]])
    mirror.files[f"/{names[1]}"] = held
    mirror.asked.clear()
    told: list[int] = []
    fetch("mnist", lambda done, _: told.append(done))
    assert len(mirror.asked) == 3  # the first is kept
    assert told == sorted(told)
    assert told[-1] == sum(map(len, bodies.values()))
    data = load_dataset("mnist")
    assert np.array_equal(data.images[..., 0], x)
    assert np.array_equal(data.labels, y)


def test_stl10_stands_upright_and_counts_classes_from_zero(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "_STL10_ROWS", {"train": 2, "test": 3})
    rng = np.random.default_rng(3)
    x = {split: rng.integers(0, 256, (n, 96, 96, 3), np.uint8) for split, n in (("train", 2), ("test", 3))}
    members = [(member("stl10_binary/unlabeled_X.bin"), bytes(100_000))]
    for split, pixels in x.items():
        columns_first = pixels.transpose(0, 3, 2, 1)  # image, colour, column, row
        members.append((member(f"stl10_binary/{split}_X.bin"), np.ascontiguousarray(columns_first).tobytes()))
        members.append((member(f"stl10_binary/{split}_y.bin"), bytes(range(1, len(pixels) + 1))))
    archive = tar_of(cache.parent / "stl10.tar.gz", *members).read_bytes()
    publish(mirror, monkeypatch, "stl10", {"stl10_binary.tar.gz": archive})
    data = load_dataset("stl10")  # downloads by itself
    assert np.array_equal(data.images, x["test"])
    assert data.labels.tolist() == [0, 1, 2]
    assert data.classes[7] == "monkey"


def test_idx_files_of_another_shape_or_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    x = np.zeros((3, 4, 4), np.uint8)
    path.write_bytes(gzip.compress(idx(x)))
    assert read_idx(path, (3, 4, 4), lambda *_: None).shape == (3, 4, 4)
    read: list[int] = []
    for body in (idx(x[:2]), idx(x.reshape(3, 2, 8)), bytes(64), idx(x)[:-1], idx(x) + bytes(50_000_000)):
        path.write_bytes(gzip.compress(body, 1))
        read.clear()
        with pytest.raises(ExplorerError, match="holds no array"):
            read_idx(path, (3, 4, 4), lambda *_: read.append(1))
        assert len(read) <= 2  # a bomb is not unpacked to its end
    path.write_bytes(gzip.compress(idx(x))[:-12])
    with pytest.raises(ExplorerError, match="damaged"):
        read_idx(path, (3, 4, 4), lambda *_: None)


def test_what_is_published_is_named_in_full() -> None:
    for name, entry in PUBLISHED.items():
        assert entry.rows >= 8000, name
        assert len(entry.classes) == 10
        for file in entry.files:
            assert file.url.startswith(("https://", "http://"))
            assert len(file.sha256) == 64
            assert int(file.sha256, 16) > 0
    with pytest.raises(ExplorerError, match="no data set 'x' to download"):
        fetch("x")


def test_without_a_network_the_way_out_is_named(mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(mirror, monkeypatch, "mnist", {"train-images-idx3-ubyte.gz": b"x"})
    mirror.status = 404
    with pytest.raises(ExplorerError, match=r"EXPLORER_DATA .* 'digits' needs no download"):
        load_dataset("mnist")
