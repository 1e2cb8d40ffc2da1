"""Provenance of numbers: versions of the libraries, the device, the commit of this package."""

from __future__ import annotations

import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.version import __version__

if TYPE_CHECKING:
    import torch


def versions(*names: str) -> dict[str, str]:
    """Installed versions.

    Args:
        names: "explorer", "python", or names of libraries as pip knows them.

    Returns:
        Version by name, in the order given.

    Raises:
        importlib.metadata.PackageNotFoundError: If a library is not installed.
    """
    known = {"explorer": __version__, "python": platform.python_version()}
    return {name: known.get(name) or metadata.version(name) for name in names}


def hardware(device: torch.device) -> str:
    """The name of a device.

    Args:
        device: A torch device.

    Returns:
        The name of the GPU, or that of the processor with the number of threads that torch uses.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"{platform.machine()} (MPS)"
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {torch.get_num_threads()} threads"


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the running code in 12 hex digits, with " with changes" where files of the package differ from it.

    Returns:
        The commit, or "" outside a git clone.
    """
    home = Path(__file__).resolve().parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(home), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()  # noqa: S603

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(home))
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""
