"""Create .venv where there is none and install the project into it, with the versions of constraints.txt.

    python tools/install.py              what the app, the command line and the notebooks need
    python tools/install.py dev          the tools for tests and documentation, too

`make` calls this; where there is no make (Windows), call it with the Python that .venv shall have. It needs nothing but
the standard library, and uses uv where uv is installed, pip otherwise.

The usual torch wheel for Linux carries CUDA and unpacks to more than 5 GB. Without an NVIDIA driver torch therefore
comes from PyTorch's own index of CPU wheels (200 MB) if that index answers. TORCH_INDEX names another index for torch.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 14))  # from, up to but without: as in pyproject.toml
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
MAX_WAIT = 6  # seconds for the index to answer; a machine without a network should not wait longer than this
CONSTRAINTS = ROOT / "constraints.txt"
NAMES = ("torch", "torchvision")


class Installer:
    """uv or pip, installing into one environment with the versions of constraints.txt.

    Args:
        python: The environment's interpreter.
        uv: The path of uv, or None to use pip.
    """

    def __init__(self, python: Path, uv: str | None) -> None:
        pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
        self.command = [uv, "pip", "install", "--python", str(python)] if uv else pip
        self.python = python

    def install(self, *arguments: str) -> None:
        """Run one installation; raises CalledProcessError when it fails."""
        subprocess.run([*self.command, "-c", str(CONSTRAINTS), *arguments], check=True, cwd=ROOT)

    def torch(self, index: str) -> None:
        """Install torch and torchvision from an index. Nothing else is taken from there."""
        self.install("--no-deps", "--index-url", index, *NAMES)

    def has_torch(self) -> bool:
        """Whether the pinned torch and torchvision are installed, in any build."""
        code = f"from importlib.metadata import version; print(*[version(name) for name in {NAMES}])"
        done = subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=False)
        return [text.partition("+")[0] for text in done.stdout.split()] == [pinned(name) for name in NAMES]


def pinned(name: str) -> str:
    """The version of a package in constraints.txt."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))


def has_nvidia_driver() -> bool:
    """Whether this machine has an NVIDIA driver, Windows' own seen from inside WSL included."""
    paths = (Path("/proc/driver/nvidia/version"), Path("/usr/lib/wsl/lib/nvidia-smi"))
    return shutil.which("nvidia-smi") is not None or any(path.exists() for path in paths)


def offers_torch(index: str, max_wait: float = MAX_WAIT) -> bool:
    """Whether a package index answers in time and lists the pinned torch and torchvision.

    Args:
        index: The address that pip would take as ``--index-url``.
        max_wait: Seconds for all of it. A name server that does not answer counts, too, so a thread asks.
    """
    listed: list[str] = []

    def ask() -> None:
        for name in NAMES:
            try:
                with urllib.request.urlopen(f"{index}/{name}/", timeout=max_wait) as page:  # noqa: S310  # the address is ours
                    text = page.read().decode(errors="replace").replace("%2B", "+")
            except (OSError, ValueError):
                return
            if f"{name}-{pinned(name)}+" in text or f"{name}-{pinned(name)}-" in text:
                listed.append(name)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max_wait)
    return listed == list(NAMES)


def choose_index(named: str) -> str:
    """The index to take torch from, said in one line; empty for the usual one.

    Args:
        named: The index the user has asked for, or an empty string.
    """
    if named:
        print(f"torch comes from {named}", flush=True)
        return named
    if not sys.platform.startswith("linux") or has_nvidia_driver():
        return ""
    if offers_torch(CPU_INDEX):
        print("No NVIDIA driver here: torch comes from PyTorch's index of CPU wheels (200 MB).", flush=True)
        return CPU_INDEX
    print(
        "No NVIDIA driver here, but PyTorch's index of CPU wheels does not answer: "
        "taking the usual torch, with CUDA (5 GB).",
        flush=True,
    )
    return ""


def create(folder: Path, uv: str | None) -> Path:
    """The interpreter of the environment in ``folder``, which is created if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"Creating {folder.name} with Python {sys.version.split()[0]}", flush=True)
        own = [uv, "venv", "--quiet", "--seed", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
        try:
            subprocess.run([*own, str(folder)], check=True)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # half an environment would be taken for a whole one
            raise
    return python


def main(extras: list[str]) -> None:
    """Install the project with these extras."""
    first, end = PYTHONS
    if not first <= sys.version_info[:2] < end:
        found = f"{sys.executable} is Python {sys.version.split()[0]}"
        sys.exit(f"install: Python {first[0]}.{first[1]} to {end[0]}.{end[1] - 1} is needed; {found}")
    uv = shutil.which("uv")
    try:
        installer = Installer(create(ROOT / ".venv", uv), uv)
        print(
            f"Installing the pinned versions into .venv with {'uv' if uv else 'pip'} (once; some minutes)", flush=True
        )
        if not installer.has_torch() and (index := choose_index(os.environ.get("TORCH_INDEX", ""))):
            installer.torch(index)
        installer.install("-e", f".[{','.join(extras)}]" if extras else ".")
    except subprocess.CalledProcessError as error:
        sys.exit(f"install: this failed, see above: {' '.join(map(str, error.cmd))}")


if __name__ == "__main__":
    main(sys.argv[1:])
