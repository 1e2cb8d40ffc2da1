"""The published data sets that can be downloaded: where their files are, what they must hash to, how to read them.

None is read by unpickling. What was downloaded is kept as one ``.npz`` of plain arrays in the cache folder, the same
form in which a user's own data comes; the archives are deleted.
"""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from explorer.data import downloads
from explorer.errors import ExplorerError
from explorer.files import WriteError, whole
from explorer.progress import Progress, silent

Arrays = dict[str, NDArray]


@dataclass(frozen=True)
class File:
    """One file of a data set.

    Attributes:
        url: Its address.
        size: Its size in bytes.
        sha256: Its hash.
    """

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return Path(urlsplit(self.url).path).name


@dataclass(frozen=True)
class Published:
    """A data set that can be downloaded.

    Attributes:
        title: Name on screen.
        files: The files to download.
        classes: Class names in the order of the labels.
        rows: Number of test images.
        channels: Channels of an image, 1 or 3.
        read: Turns the downloaded files into the arrays x_train, y_train, x_test and y_test.
    """

    title: str
    files: tuple[File, ...]
    classes: tuple[str, ...]
    rows: int
    channels: int
    read: Callable[[Mapping[str, Path], Progress], Arrays]

    @property
    def size(self) -> int:
        """Bytes to download in all."""
        return sum(file.size for file in self.files)

    @property
    def host(self) -> str:
        """Where they come from."""
        return urlsplit(self.files[0].url).hostname or ""


def cache_folder() -> Path:
    """Find the folder of downloads.

    Returns:
        ``$EXPLORER_CACHE`` if set, otherwise ``~/.cache/stability-explorer``.
    """
    return Path(os.environ.get("EXPLORER_CACHE") or Path.home() / ".cache" / "stability-explorer")


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download a published data set into the cache folder unless it is there.

    Args:
        name: Name of the data set.
        progress: Called with bytes done and bytes in all; what it raises ends the download, which resumes the next
            time.

    Returns:
        Path of its ``.npz`` file.

    Raises:
        ExplorerError: If the name is unknown, and as in ``downloads.download``.
    """
    published = PUBLISHED.get(name)
    if published is None:
        raise ExplorerError(f"There is no data set {name[:80]!r} to download; there are {', '.join(PUBLISHED)}.")
    target = cache_folder() / f"{name}.npz"
    if target.is_file():
        return target
    report = progress or silent
    folder = cache_folder() / "downloads" / name
    paths = {file.name: folder / file.name for file in published.files}
    done = 0
    for file in published.files:
        before = done
        if not paths[file.name].is_file():  # a file that is there was checked before it came there
            downloads.download(
                file.url,
                paths[file.name],
                size=file.size,
                sha256=file.sha256,
                progress=lambda have, _, before=before: report(before + have, published.size),  # type: ignore[misc]
            )
        done += file.size
    waiting = lambda *_: report(published.size, published.size)  # noqa: E731  # reading and writing take seconds
    arrays = published.read(paths, waiting)
    _write_npz(target, arrays | {"classes": np.array(published.classes)}, waiting)
    for path in paths.values():
        downloads.remove(path)
    return target


def fetched(name: str) -> int:
    """How much of a data set an interrupted download has left.

    Args:
        name: Name of the data set.

    Returns:
        Bytes.
    """
    published, folder = PUBLISHED[name], cache_folder() / "downloads" / name
    kept = 0
    for file in published.files:
        for path in (folder / file.name, folder / f"{file.name}.part"):
            kept += path.stat().st_size if path.is_file() else 0
    return min(kept, published.size)


def _write_npz(target: Path, arrays: Arrays, progress: Progress) -> None:
    """An uncompressed ``.npz``, written in pieces; it appears under its name once it is whole."""
    try:
        with whole(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for key, array in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
                    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
                    for start in range(0, len(data), downloads.PIECE * 4):
                        file.write(data[start : start + downloads.PIECE * 4])
                        progress(0, 0)
    except WriteError as error:
        raise ExplorerError(
            f"{target.name} cannot be written to {target.parent} ({error.reason}); is the disk full?"
        ) from error


# ---- CIFAR-10, the version in binary files: one byte of label, 3 x 32 x 32 of pixels ------------------------------

_CIFAR10_FILES = {
    "train": [f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)],
    "test": ["cifar-10-batches-bin/test_batch.bin"],
}
_CIFAR10_SIDE, _CIFAR10_ROWS = 32, 10_000


def _read_cifar10(paths: Mapping[str, Path], progress: Progress) -> Arrays:
    row = 1 + 3 * _CIFAR10_SIDE**2
    wanted = {name: _CIFAR10_ROWS * row for names in _CIFAR10_FILES.values() for name in names}
    (archive,) = paths.values()
    found = dict(downloads.unpack(archive, wanted, progress=progress))
    arrays: Arrays = {}
    for split, names in _CIFAR10_FILES.items():
        parts = []
        for name in names:
            rows = np.frombuffer(found.pop(name), np.uint8).reshape(-1, row)
            planes = rows[:, 1:].reshape(-1, 3, _CIFAR10_SIDE, _CIFAR10_SIDE)
            parts.append((np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, 0].astype(np.int64)))
            progress(0, 0)
        arrays[f"x_{split}"] = np.concatenate([x for x, _ in parts])
        arrays[f"y_{split}"] = np.concatenate([y for _, y in parts])
    return arrays


# ---- MNIST: gzipped idx files ---------------------------------------------------------------------------------------

_IDX_IMAGES, _IDX_LABELS = 0x803, 0x801  # unsigned bytes with three dimensions, with one


def _read_mnist(paths: Mapping[str, Path], progress: Progress) -> Arrays:
    arrays: Arrays = {}
    for split, stem, rows in (("train", "train", 60_000), ("test", "t10k", 10_000)):
        arrays[f"x_{split}"] = read_idx(paths[f"{stem}-images-idx3-ubyte.gz"], (rows, 28, 28), progress)
        arrays[f"y_{split}"] = read_idx(paths[f"{stem}-labels-idx1-ubyte.gz"], (rows,), progress).astype(np.int64)
    return arrays


def read_idx(path: Path, shape: tuple[int, ...], progress: Progress) -> NDArray[np.uint8]:
    """Read a gzipped idx file.

    Args:
        path: The file.
        shape: The expected shape.
        progress: Called with bytes done and bytes in all.

    Returns:
        uint8 array of ``shape``.

    Raises:
        ExplorerError: If the file is damaged or holds another array.
    """
    size = 4 + 4 * len(shape) + int(np.prod(shape))
    data = bytearray()
    try:
        with gzip.open(path) as file:
            while len(data) <= size and (piece := file.read(downloads.PIECE)):  # never more than a piece too much
                data += piece
                progress(0, 0)
    except (OSError, EOFError, zlib.error) as error:
        raise ExplorerError(f"{path.name} is damaged; delete it and download it again.") from error
    magic = _IDX_IMAGES if len(shape) > 1 else _IDX_LABELS
    header = np.array([magic, *shape], ">i4").tobytes()
    if len(data) != size or not data.startswith(header):
        raise ExplorerError(f"{path.name} holds no array of the shape {shape}; is it another file of that name?")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)


# ---- STL-10: columns first; labels count from 1 ---------------------------------------------------------------------

_STL10_ROWS, _STL10_SIDE = {"train": 5000, "test": 8000}, 96


def _read_stl10(paths: Mapping[str, Path], progress: Progress) -> Arrays:
    wanted = {}
    for split, rows in _STL10_ROWS.items():
        wanted[f"stl10_binary/{split}_X.bin"] = rows * 3 * _STL10_SIDE**2
        wanted[f"stl10_binary/{split}_y.bin"] = rows
    (archive,) = paths.values()
    arrays: Arrays = {}
    for name, contents in downloads.unpack(archive, wanted, progress=progress):
        split, what = Path(name).stem.split("_")
        raw = np.frombuffer(contents, np.uint8)
        if what == "y":
            arrays[f"y_{split}"] = raw.astype(np.int64) - 1
            continue
        columns = raw.reshape(-1, 3, _STL10_SIDE, _STL10_SIDE)
        x = np.empty((len(columns), _STL10_SIDE, _STL10_SIDE, 3), np.uint8)
        for start in range(0, len(columns), 500):
            x[start : start + 500] = columns[start : start + 500].transpose(0, 3, 2, 1)
            progress(0, 0)
        arrays[f"x_{split}"] = x
    return arrays


CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
STL10_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
TEN_DIGITS = tuple(str(digit) for digit in range(10))

_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"

PUBLISHED = {
    "cifar10": Published(
        "CIFAR-10",
        (
            File(
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        CIFAR10_CLASSES,
        10_000,
        3,
        _read_cifar10,
    ),
    "mnist": Published(
        "MNIST",
        (
            File(
                _MNIST + "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            File(
                _MNIST + "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            File(
                _MNIST + "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            File(
                _MNIST + "t10k-labels-idx1-ubyte.gz",
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        TEN_DIGITS,
        10_000,
        1,
        _read_mnist,
    ),
    "stl10": Published(
        "STL-10",
        (
            File(
                "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
                2_640_397_119,
                "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
            ),
        ),
        STL10_CLASSES,
        8000,
        3,
        _read_stl10,
    ),
}
