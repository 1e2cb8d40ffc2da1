"""The wheel, installed in an environment of its own somewhere else, is the whole explorer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # a wheel is built and installed

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = sorted(path.with_suffix("") for path in (ROOT / "checkpoints").glob("*/*/*.safetensors"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the clone with the wheel installed in ``env``; the libraries are those of this environment.

    A path in a .pth file is searched, but .pth files found there are not read: the clone's editable install stays out.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=240)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", symlinks=os.name != "nt")
    purelib = Path(run(folder, "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (purelib / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", program(folder, "python")]
    install = [*pip, "install", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    return folder


def program(folder: Path, name: str) -> str:
    return str(folder / "env" / ("Scripts" if os.name == "nt" else "bin") / name)


def environment() -> dict[str, str]:
    dropped = ("EXPLORER_", "PYTHON", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if not key.startswith(dropped)} | {"PYTHONUNBUFFERED": "1"}


def run(folder: Path, name: str, *arguments: str) -> str:
    done = subprocess.run(
        [program(folder, name), *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_runs_from_its_own_files(elsewhere: Path) -> None:
    where = run(elsewhere, "python", "-c", "import explorer; print(explorer.__file__)")
    assert Path(where.strip()).is_relative_to(elsewhere)


def test_its_checkpoints_are_whole(elsewhere: Path) -> None:
    assert SHIPPED
    findings = json.loads(run(elsewhere, "explorer", "doctor", "--json"))
    (models,) = [finding for finding in findings if finding["area"] == "models"]
    assert models["what"].startswith(f"{len(SHIPPED)} checkpoints match their cards, in {elsewhere}")


def test_nothing_unfinished_travels_along(elsewhere: Path) -> None:
    files = [path for path in (elsewhere / "env").rglob("explorer/checkpoints/**/*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json", ".md"}


@pytest.fixture
def address(elsewhere: Path) -> Iterator[str]:
    """Where `explorer app` says it serves."""
    command = [program(elsewhere, "explorer"), "app", "--port", "7960"]
    with subprocess.Popen(
        command, cwd=elsewhere, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as app:
        assert app.stdout is not None
        lines = []
        try:
            for line in app.stdout:  # ends when the app ends
                lines.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    break
            else:
                pytest.fail("explorer app ended: " + "".join(lines))
        finally:
            app.terminate()


def test_the_app_answers(address: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=60) as page:
        assert page.status == 200
        assert "Stability Explorer" in page.read().decode()
