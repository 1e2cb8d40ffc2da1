"""Folders that belong to somebody else: the app starts and takes pictures all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.app.temporary import upload_folder
from tests.support.app_server import Panel, running
from tests.support.pictures import png

SOMEBODY = 54321


def anothers(folder: Path) -> None:
    """Make a folder as another user would have it: not to be written to, and, where we may give it away, not ours."""
    folder.mkdir()
    if os.geteuid() == 0:  # whom nothing keeps from writing
        os.chown(folder, SOMEBODY, SOMEBODY)
    else:
        folder.chmod(0o500)


def a_file(path: Path) -> None:
    path.write_text("in the way")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere each user has a temporary folder")
@pytest.mark.parametrize("occupy", [anothers, a_file])
def test_the_usual_folder_of_somebody_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, occupy: Callable[[Path], None]
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert upload_folder() == str(tmp_path / "gradio")
    (tmp_path / "gradio").rmdir()
    occupy(tmp_path / "gradio")
    chosen = Path(upload_folder())
    assert (chosen.parent, chosen.name[:19]) == (tmp_path, "stability-explorer-")
    assert chosen.stat().st_mode & 0o77 == 0, "others could read what is uploaded"


def test_a_stated_folder_is_used_where_it_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "a" / "b"))
    assert upload_folder() == str(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file" / "b"))
    assert "stability-explorer-" in upload_folder()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="elsewhere each user has a temporary folder")
def test_the_app_starts_where_neither_temporary_folder_nor_caches_are_its_users(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    anothers(shared / "gradio")
    a_file(tmp_path / "taken")
    places = {name: str(tmp_path / "taken" / name) for name in ("HOME", "EXPLORER_CACHE", "XDG_CACHE_HOME")}
    environment = places | {"TMPDIR": str(shared), "GRADIO_TEMP_DIR": ""}
    with running(tmp_path / "app", "--port", "7880", environment=environment) as server:
        status, told = Panel(server).upload(png())
        assert (status, "token" in told) == (200, True)
        assert list((shared / "gradio").iterdir()) == []
        assert "Traceback" not in server.said
