"""What ``explorer doctor`` finds: versions, device, data, checkpoints, browser; every problem with a command that fixes
it.

Nothing here prints or changes anything: ``examine`` returns findings, the command line renders them.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from explorer.errors import ExplorerError

Status = Literal["ok", "optional", "broken"]
PYTHONS = ((3, 11), (3, 14))  # from, up to but without: as in pyproject.toml
UI_LIBRARIES = {"gradio", "plotly", "ipywidgets", "jupyterlab"}  # training and scanning do without
DISTRIBUTION = "stability-explorer"  # what pip calls this package
PROJECT = Path(__file__).resolve().parents[1]
DOWNLOADS = ("cifar10", "mnist")


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        area: What was examined.
        status: ``ok``; ``optional`` if something that not everybody needs is missing; ``broken`` if it is needed.
        what: What was found.
        fix: A command to type; empty if there is nothing to fix.
    """

    area: str
    status: Status
    what: str
    fix: str = ""


def examine() -> list[Finding]:
    """Examine this installation.

    Returns:
        Findings in the order of the report.
    """
    return [
        python_version(),
        *libraries(),
        device(),
        *data(),
        *checkpoints(),
        browser(),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Whether nothing that is needed is broken.

    Args:
        findings: The findings of ``examine``.

    Returns:
        True if none is broken.
    """
    return all(finding.status != "broken" for finding in findings)


def python_version(version: tuple[int, int] | None = None) -> Finding:
    """Check that the project supports this Python.

    Args:
        version: Major and minor version; the running one by default.

    Returns:
        The finding.
    """
    version = version or sys.version_info[:2]
    first, end = PYTHONS
    if first <= version < end:
        return Finding(
            "python", "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
        )
    fix = f"make clean install PYTHON=python{end[0]}.{end[1] - 1}"
    return Finding("python", "broken", f"Python {version[0]}.{version[1]} is not supported", fix)


def libraries() -> list[Finding]:
    """Check every requirement of the project: installed, and in a version that fits.

    Returns:
        One finding per requirement or group of them.
    """
    from packaging.requirements import Requirement

    installed, texts = _requirements()
    found = []
    for requirement in map(Requirement, texts):
        name = requirement.name
        needed: Status = "broken" if installed or name not in UI_LIBRARIES else "optional"
        fix = f'{_python()} -m pip install "{name}{requirement.specifier}"'
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            purpose = " (app and notebooks need it)" if name in UI_LIBRARIES else ""
            found.append(Finding("library", needed, f"{name} is not installed{purpose}", fix))
            continue
        if requirement.specifier.contains(version, prereleases=True):
            found.append(Finding("library", "ok", f"{name} {version}"))
        else:
            found.append(Finding("library", "broken", f"{name} {version} does not fit {requirement.specifier}", fix))
    return found


def device() -> Finding:
    """Find out where models run, and whether there is an NVIDIA card that this torch cannot use.

    Returns:
        The finding.
    """
    try:
        import torch
    except (ImportError, OSError) as error:
        fix = f"{_python()} -m pip install --force-reinstall torch torchvision"
        return Finding("device", "broken", f"torch cannot be imported: {str(error).splitlines()[0]}", fix)
    if torch.cuda.is_available():
        return Finding("device", "ok", f"CUDA: {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Finding("device", "ok", "MPS (Apple)")
    cpu = f"CPU, {torch.get_num_threads()} threads"
    if _has_nvidia_card():
        what = f"{cpu}; there is an NVIDIA card, but this torch ({torch.__version__}) does not use it"
        return Finding("device", "optional", what, f"{_python()} -m pip install --force-reinstall torch torchvision")
    return Finding("device", "ok", cpu)


def data() -> list[Finding]:
    """Check the data sets: digits must load, the others are optional.

    Returns:
        One finding per data set.
    """
    from explorer.data.datasets import load_dataset, local_file

    found = []
    try:
        found.append(Finding("data", "ok", f"digits: {len(load_dataset('digits'))} test images, bundled"))
    except (ImportError, OSError, ValueError) as error:
        fix = f"{_python()} -m pip install --force-reinstall scikit-learn"
        found.append(Finding("data", "broken", f"digits does not load: {error}", fix))
    for name in DOWNLOADS:
        if path := local_file(name):
            found.append(Finding("data", "ok", f"{name}: {path}"))
        else:
            command = f"from explorer.data.datasets import load_dataset; load_dataset('{name}')"
            what = f"{name} is not here (only training and evaluating on it need it)"
            if os.environ.get("EXPLORER_DATA"):
                what += f"; EXPLORER_DATA={os.environ['EXPLORER_DATA']} has no {name}.npz"
            found.append(Finding("data", "optional", what, f'{_python()} -c "{command}"'))
    return found


def checkpoints(folder: Path | None = None) -> list[Finding]:
    """Check the shipped models: every card readable, every file present with the hash of its card.

    Args:
        folder: Folder of checkpoints; by default the one that models are loaded from.

    Returns:
        The findings.
    """
    from explorer.models.checkpoints import checkpoint_folder

    folder = folder or checkpoint_folder()
    weights = {path.with_suffix("") for path in folder.glob("*/*/*.safetensors")}
    cards = {path.with_suffix("") for path in folder.glob("*/*/*.json")}
    if not weights | cards:
        return [Finding("models", "broken", f"there are no checkpoints in {folder}", _restore(folder, folder))]
    troubles = []
    for stem in sorted(weights | cards):
        if trouble := _trouble(stem, has_card=stem in cards, has_weights=stem in weights):
            name = stem.relative_to(folder).as_posix()
            troubles.append(Finding("models", "broken", f"{name}: {trouble}", _restore(folder, stem)))
    good = len(weights | cards) - len(troubles)
    return (
        [Finding("models", "ok", f"{good} checkpoints match their cards, in {folder}"), *troubles] if good else troubles
    )


def browser() -> Finding:
    """Look for Chromium, which the browser tests and the latency benchmark need. The app runs in any browser.

    Returns:
        The finding.
    """
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return Finding("browser", "ok", f"{path}, for the browser tests")
    fix = f"{_python()} -m playwright install chromium"
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        fix = f"{_python()} -m pip install playwright && {fix}"
    else:
        with suppress(Error), sync_playwright() as playwright:
            path = playwright.chromium.executable_path
            if Path(path).is_file():
                return Finding("browser", "ok", f"{path}, for the browser tests")
    return Finding("browser", "optional", "no Chromium (only the browser tests need it)", fix)


def _requirements() -> tuple[bool, Iterator[str]]:
    """Whether the project is installed as a package, and its requirements without the extras."""
    try:
        texts = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        path = PROJECT / "pyproject.toml"
        texts = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"] if path.is_file() else []
        return False, iter(texts)
    return True, (text for text in texts if "extra ==" not in text)


def _trouble(stem: Path, *, has_card: bool, has_weights: bool) -> str:
    from explorer.models.checkpoints import file_sha256, read_card

    if not has_card:
        return "its card (.json) is missing"
    if not has_weights:
        return "its weights (.safetensors) are missing"
    try:
        card = read_card(stem.with_suffix(".json"))
    except ExplorerError as error:
        return str(error)
    if card.sha256 != file_sha256(stem.with_suffix(".safetensors")):
        return "its weights differ from what the card says (sha256)"
    return ""


def _restore(folder: Path, stem: Path) -> str:
    """The command that brings a checkpoint back: from git in a clone, else by installing again."""
    if (folder.parent / ".git").exists():
        what = "." if stem == folder else f"'{stem.relative_to(folder).as_posix()}.*'"
        return f"git -C {folder} checkout HEAD -- {what}"
    return f'{_python()} -m pip install --force-reinstall --no-deps "{_origin()}"'


def _origin() -> str:
    """Where pip took this package from: the address of a wheel or folder, else its name and version on the index."""
    try:
        package = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return str(PROJECT)
    address = json.loads(package.read_text("direct_url.json") or "{}").get("url")
    return str(address or f"{DISTRIBUTION}=={package.version}")


def _has_nvidia_card() -> bool:
    if not (tool := shutil.which("nvidia-smi")):
        return False
    try:
        return subprocess.run([tool, "-L"], capture_output=True, check=False, timeout=20).stdout.startswith(b"GPU")  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _python() -> str:
    """This interpreter as one types it: relative where that is shorter."""
    try:
        return str(Path(sys.executable).relative_to(Path.cwd()))
    except ValueError:
        return sys.executable
