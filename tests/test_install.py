"""tools/install.py: where torch comes from, with indexes that answer, refuse, hang or lack the version; pip and uv."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import install

NOWHERE = "http://127.0.0.1:9"  # nothing listens there


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def wheel(folder: Path, name: str, version: str) -> None:
    """A page of a package index with one small wheel."""
    (folder / name).mkdir(parents=True)
    path = folder / name / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        info = f"{name}-{version}.dist-info"
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    quoted = path.name.replace("+", "%2B")
    (folder / name / "index.html").write_text(f'<a href="{quoted}">{path.name}</a>')


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index as PyTorch's: CPU wheels of the pinned versions."""
    for name in install.NAMES:
        wheel(tmp_path / "index", name, f"{install.pinned(name)}+cpu")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "index"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_an_index_that_lists_the_pinned_versions_offers_torch(index: str) -> None:
    assert install.offers_torch(index)


def test_an_index_that_refuses_hangs_or_lacks_the_version_offers_none(index: str, silent: str, tmp_path: Path) -> None:
    assert not install.offers_torch(NOWHERE)
    assert not install.offers_torch(silent, max_wait=0.2)
    page = tmp_path / "index/torchvision/index.html"
    page.write_text(page.read_text().replace(install.pinned("torchvision"), "0.1.0"))
    assert not install.offers_torch(index)


@pytest.mark.parametrize(
    ("system", "driver", "word"),
    [("linux", False, "CPU wheels (200 MB)"), ("linux", True, ""), ("darwin", False, ""), ("win32", False, "")],
)
def test_the_cpu_index_is_for_linux_without_a_driver(
    system: str,
    word: str,
    index: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    driver: bool,
) -> None:
    monkeypatch.setattr(install, "CPU_INDEX", index)
    monkeypatch.setattr(install, "has_nvidia_driver", lambda: driver)
    monkeypatch.setattr(sys, "platform", system)
    assert install.choose_index("") == (index if word else "")
    said = capsys.readouterr().out
    assert word in said
    assert said.count("\n") == bool(word)


def test_without_an_answer_the_usual_torch_is_taken_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "CPU_INDEX", NOWHERE)
    monkeypatch.setattr(install, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert install.choose_index("") == ""
    assert "does not answer: taking the usual torch" in capsys.readouterr().out


def test_an_index_that_the_user_names_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "has_nvidia_driver", lambda: True)
    assert install.choose_index(NOWHERE) == NOWHERE


@pytest.mark.slow
@pytest.mark.parametrize("program", ["pip", "uv"])
def test_torch_is_installed_from_the_index_once(program: str, index: str, tmp_path: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv")) if program == "uv" else None
    venv.create(tmp_path / "env", with_pip=uv is None, symlinks=os.name != "nt")
    python = install.create(tmp_path / "env", uv)  # it is there already
    installer = install.Installer(python, uv)
    assert not installer.has_torch()
    installer.torch(index)
    assert installer.has_torch()
    code = "from importlib.metadata import version; print(version('torch'))"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{install.pinned('torch')}+cpu"
    shutil.rmtree(tmp_path / "index")
    installer.install("--no-deps", "--no-index", *install.NAMES)  # the build for the CPU is good enough for the pin


def test_half_an_environment_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(FileNotFoundError):
        install.create(tmp_path / "env", None)
    assert not (tmp_path / "env").exists()
