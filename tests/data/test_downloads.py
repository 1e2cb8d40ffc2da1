"""Downloads against a server that breaks off, lies, or ignores what it is asked; and archives that mean harm."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import io
import itertools
import shutil
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from explorer.data import downloads, published
from explorer.data.datasets import load_dataset, local_file
from explorer.data.downloads import download, megabytes, unpack
from explorer.data.published import PUBLISHED, File, fetch, fetched, read_idx
from explorer.errors import ExplorerError

BODY = np.random.default_rng(0).integers(0, 256, 700_000, np.uint8).tobytes()
SHA = hashlib.sha256(BODY).hexdigest()


@dataclass
class Mirror:
    """What the local server does, and the requests it got."""

    files: dict[str, bytes] = field(default_factory=lambda: {"/file.bin": BODY})
    breaks_after: list[int] = field(default_factory=list)
    """One number per connection to come: the bytes sent before it breaks."""
    ranges: bool = True
    status: int = 0
    more: bytes = b""
    length: int | None = None
    shift: int = 0
    redirect: str = ""
    asked: list[str | None] = field(default_factory=list)
    address: str = ""

    @property
    def url(self) -> str:
        return self.address + "/file.bin"


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    does = Mirror()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wish = self.headers.get("Range")
            does.asked.append(wish)
            if does.redirect:
                self.send_response(302)
                self.send_header("Location", does.redirect)
                self.end_headers()
                return
            body = does.files.get(self.path)
            if does.status or body is None:
                self.send_error(does.status or 404)
                return
            start = int(wish.removeprefix("bytes=").rstrip("-")) if wish and does.ranges else 0
            rest = body[start + does.shift :] + does.more
            if wish and does.ranges and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if wish and does.ranges else 200)
            if wish and does.ranges:
                self.send_header("Content-Range", f"bytes {start + does.shift}-{len(body) - 1}/{len(body)}")
            length = len(rest) if does.length is None else does.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            sent = does.breaks_after.pop(0) if does.breaks_after else len(rest)
            with contextlib.suppress(OSError):  # the other side has seen enough
                self.wfile.write(rest[:sent])

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    does.address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield does
    server.shutdown()
    server.server_close()
    thread.join()


def get(mirror: Mirror, path: Path, **changes: object) -> Path:
    options = {"size": len(BODY), "sha256": SHA} | changes
    return download(mirror.url, path, **options)  # type: ignore[arg-type]


# ---- a download ------------------------------------------------------------------------------------------------------


def test_a_file_arrives_whole_and_says_how_far_it_is(mirror: Mirror, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = get(mirror, tmp_path / "new" / "file.bin", progress=lambda *far: told.append(far))
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == ["file.bin"]
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert max(b - a for (a, _), (b, _) in itertools.pairwise(told)) <= downloads.PIECE


def test_an_md5_does_as_well(mirror: Mirror, tmp_path: Path) -> None:
    md5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    assert get(mirror, tmp_path / "file.bin", sha256=None, md5=md5.upper()).read_bytes() == BODY
    for hashes in ({"sha256": None}, {"md5": md5}):
        with pytest.raises(ExplorerError, match="one of them is needed"):
            get(mirror, tmp_path / "other.bin", **hashes)


def test_a_connection_that_breaks_is_taken_up_where_it_broke(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after = [300_000, 1, 0]
    assert get(mirror, tmp_path / "file.bin").read_bytes() == BODY
    assert mirror.asked == [None, "bytes=300000-", "bytes=300001-", "bytes=300001-"]


def test_a_cancelled_download_goes_on_from_there(mirror: Mirror, tmp_path: Path) -> None:
    class CancelledError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        if done > 200_000:
            raise CancelledError

    with pytest.raises(CancelledError):
        get(mirror, tmp_path / "file.bin", progress=cancel)
    kept = (tmp_path / "file.bin.part").stat().st_size
    assert 200_000 < kept < len(BODY)
    assert not (tmp_path / "file.bin").exists()
    assert get(mirror, tmp_path / "file.bin").read_bytes() == BODY
    assert mirror.asked == [None, f"bytes={kept}-"]


def test_a_server_that_ignores_range_starts_over_and_the_file_is_right(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(BODY[:1000])
    mirror.ranges = False
    assert get(mirror, tmp_path / "file.bin").read_bytes() == BODY
    assert mirror.asked == ["bytes=1000-"]


def test_a_server_that_sends_another_part_is_not_believed(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(BODY[:1000])
    mirror.shift = 7
    with pytest.raises(ExplorerError):
        get(mirror, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()


def test_a_rest_that_does_not_exist_is_fetched_anew(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file.bin"] = BODY[:1000]  # shorter now than what was kept
    (tmp_path / "file.bin.part").write_bytes(bytes(2000))
    with pytest.raises(ExplorerError, match="offers 1000 bytes, expected are 700000"):
        get(mirror, tmp_path / "file.bin")
    assert mirror.asked == ["bytes=2000-", None]


def test_leftovers_longer_than_the_file_are_dropped(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(BODY + b"more")
    assert get(mirror, tmp_path / "file.bin").read_bytes() == BODY
    assert mirror.asked == [None]


def test_wrong_contents_are_thrown_away(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file.bin"] = bytes(len(BODY))
    with pytest.raises(ExplorerError, match="not the published ones"):
        get(mirror, tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []
    mirror.files["/file.bin"] = BODY
    assert get(mirror, tmp_path / "file.bin").read_bytes() == BODY


def test_a_wrong_beginning_is_found_out_although_the_rest_was_right(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(bytes(1000))
    with pytest.raises(ExplorerError, match="not the published ones"):
        get(mirror, tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("announced", [True, False])
def test_more_bytes_than_expected_are_not_written(mirror: Mirror, tmp_path: Path, announced: bool) -> None:
    mirror.more = bytes(10_000_000)
    mirror.length = None if announced else -1
    with pytest.raises(ExplorerError, match="offers 10700000 bytes" if announced else "sends more than the 700000"):
        get(mirror, tmp_path / "file.bin")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= len(BODY)


def test_a_server_that_always_breaks_off_is_given_up(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after = [50_000] + [0] * 20
    with pytest.raises(ExplorerError, match=r"check the connection. 0.1 MB are kept"):
        get(mirror, tmp_path / "file.bin")
    assert len(mirror.asked) == 1 + downloads.TRIES


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, downloads.TRIES)])
def test_refusals_are_one_sentence_and_only_passing_ones_are_tried_again(
    mirror: Mirror, tmp_path: Path, status: int, requests: int
) -> None:
    mirror.status = status
    with pytest.raises(ExplorerError, match=str(status)) as caught:
        get(mirror, tmp_path / "file.bin")
    assert "\n" not in str(caught.value)
    assert len(mirror.asked) == requests


def test_a_silent_server_is_not_waited_for_long(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    monkeypatch.setattr(downloads, "TRIES", 2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/file.bin"
        with pytest.raises(ExplorerError, match=r"nothing came for 0.2 seconds"):
            download(url, tmp_path / "file.bin", size=10, sha256=SHA)
    with pytest.raises(ExplorerError, match="check the connection"):  # nobody listens there any more
        download(url, tmp_path / "file.bin", size=10, sha256=SHA)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/etc/passwd", "data:text/plain,x"])
def test_nothing_but_http_is_opened_also_after_a_redirect(mirror: Mirror, tmp_path: Path, address: str) -> None:
    with pytest.raises(ExplorerError, match="Only http"):
        download(address, tmp_path / "x", size=1, sha256=SHA)
    mirror.redirect = address if ":" in address else "file://" + address
    with pytest.raises(ExplorerError):
        get(mirror, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()


def test_a_full_disk_and_a_place_where_nothing_may_be_written(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ExplorerError, match="cannot be written"):
        get(mirror, tmp_path / "taken" / "file.bin")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(ExplorerError, match=r"too full: 0.7 MB more"):
        get(mirror, tmp_path / "file.bin")
    assert mirror.asked == []


def test_one_file_is_not_downloaded_twice_at_once(mirror: Mirror, tmp_path: Path) -> None:
    refused: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        if not refused:
            with pytest.raises(ExplorerError, match="being downloaded already") as caught:
                get(mirror, tmp_path / "file.bin")
            refused.append(str(caught.value))

    get(mirror, tmp_path / "file.bin", progress=meanwhile)
    assert refused
    get(mirror, tmp_path / "again.bin")


def test_sizes_are_said_in_words() -> None:
    assert [megabytes(n) for n in (4542, 1_648_877, 170_052_171, 2_640_397_119)] == [
        "0.0 MB",
        "1.6 MB",
        "170 MB",
        "2.6 GB",
    ]


# ---- archives --------------------------------------------------------------------------------------------------------


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, contents in members:
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_only_what_is_wanted_is_read_and_nothing_is_written(tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "a.tar.gz",
        (member("../../evil"), b"evil"),
        (member("/tmp/evil"), b"evil"),  # noqa: S108  # an absolute path is the point
        (member("data/a.bin", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("data/a.bin"), b"12345"),
        (member("data/b.bin"), b"678"),
    )
    before = sorted(tmp_path.rglob("*"))
    assert dict(unpack(archive, {"data/a.bin": 5, "data/b.bin": 3})) == {"data/a.bin": b"12345", "data/b.bin": b"678"}
    assert sorted(tmp_path.rglob("*")) == before


def test_archives_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar.gz", (member("a.bin"), bytes(9)), (member("l", tarfile.LNKTYPE, "a.bin"), b""))
    for wanted, said in (({"a.bin": 5}, "has 9 bytes, expected are 5"), ({"l": 0}, "holds no l"), ({"z": 1}, "no z")):
        with pytest.raises(ExplorerError, match=said):
            list(unpack(archive, wanted))
    data = archive.read_bytes()
    for broken in (data[: len(data) // 2], b"no archive", gzip.compress(b"no archive"), data[:40] + bytes(40)):
        archive.write_bytes(broken)
        with pytest.raises(ExplorerError, match=r"damaged archive|holds no"):
            list(unpack(archive, {"a.bin": 9}))


# ---- the published data sets -----------------------------------------------------------------------------------------


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
