from __future__ import annotations

import threading

import pytest

from explorer.errors import ExplorerError
from explorer.files import WriteError, whole, write_whole


def test_a_file_appears_whole_with_its_folders(tmp_path):
    path = tmp_path / "new" / "folder" / "page.md"
    write_whole(path, "σ = 0.1\n")
    assert path.read_bytes() == "σ = 0.1\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "state.pt"
    write_whole(path, b"older")

    def fail() -> None:
        with whole(path) as part:
            part.write_bytes(b"new")
            assert path.read_bytes() == b"older"
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_system_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"could not be written \(.+\); nothing was left there\.$") as caught:
        write_whole(tmp_path / "file" / "below.txt", "")
    assert isinstance(caught.value, ExplorerError)
    assert caught.value.reason


def test_two_threads_never_mix(tmp_path):
    path, gate = tmp_path / "both", threading.Barrier(2)

    def write(letter: bytes) -> None:
        with whole(path) as part, part.open("wb") as file:
            for _ in range(100):
                file.write(letter)
                file.flush()
            gate.wait()
            file.write(letter)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in (b"a" * 101, b"b" * 101)
    assert list(tmp_path.iterdir()) == [path]
