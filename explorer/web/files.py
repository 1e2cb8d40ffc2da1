"""The ES modules of this folder, and the addresses at which the app serves them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@cache
def modules() -> dict[str, bytes]:
    """All ES modules, read once, so that a running app never mixes two versions of them.

    Returns:
        Contents by path below this folder.
    """
    # git may have ended the lines in the way of Windows
    paths = sorted(FOLDER.rglob("*.js"))
    return {path.relative_to(FOLDER).as_posix(): path.read_bytes().replace(b"\r\n", b"\n") for path in paths}


@cache
def version() -> str:
    """A fingerprint of all modules, which is part of their addresses.

    Returns:
        Hex digits; a browser may cache a module under its address for good.
    """
    digest = hashlib.sha256()
    for name, content in modules().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def address(name: str) -> str:
    """The address of a module.

    Args:
        name: Path of the module below this folder.

    Returns:
        An address relative to the app's page, so that it also works behind a proxy or below a root path.
    """
    return f"web/{version()}/{name}"
