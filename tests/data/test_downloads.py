"""Downloads against a server that breaks off, lies, or ignores what it is asked; and archives that mean harm."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import shutil
import tarfile
from pathlib import Path

import pytest

from explorer.data import downloads
from explorer.data.downloads import download, megabytes, unpack
from explorer.errors import ExplorerError
from tests.support.mirror import BODY, SHA, Mirror, member, tar_of


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
