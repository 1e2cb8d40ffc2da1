"""The ES modules of this folder, and the addresses at which the app serves them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@cache
def modules() -> dict[str, bytes]:
    """All ES modules by path below this folder, read once: a running app never mixes two versions of them."""
    # git may have ended the lines in the way of Windows
    paths = sorted(FOLDER.rglob("*.js"))
    return {path.relative_to(FOLDER).as_posix(): path.read_bytes().replace(b"\r\n", b"\n") for path in paths}


@cache
def version() -> str:
    """A fingerprint of all modules: part of their addresses, so that a browser may keep them for good."""
    digest = hashlib.sha256()
    for name, content in modules().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def address(name: str) -> str:
    """Where the app's page finds a module, relative to the page: the same behind a proxy or below a root path."""
    return f"web/{version()}/{name}"
