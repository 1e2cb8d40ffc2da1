"""Writing a file whole or not at all: it appears under its name in one step, once all of it is on the disk."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from explorer.errors import ExplorerError


class WriteError(ExplorerError):
    """A file could not be written; nothing was left in its place. ``reason`` is the system's, in a few words."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.reason = error.strerror or str(error) or "out of space"
        super().__init__(f"{path} could not be written ({self.reason}); nothing was left there.")


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # two letters at least: C:/ is a drive


def user_path(name: str | Path) -> Path:
    """A path as people write it: ``~`` is their home.

    Args:
        name: The path.

    Returns:
        The path; as it was written where it names an unknown user.

    Raises:
        ExplorerError: If it is an address such as https://...
    """
    if _ADDRESS.match(str(name)) and not Path(name).exists():
        raise ExplorerError(
            f"{str(name)[:200]} is an address; nothing is fetched from there: save it here, give its path."
        )
    return Path(os.path.expanduser(name))  # noqa: PTH111  # Path's own raises where the user is unknown


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path to write to that becomes ``path`` when the block ends, or is removed when it fails.

    The temporary file lies beside ``path`` and ends in ``.part``; its name is this thread's own, so that two writers
    never mix. An older file at ``path`` stays until it is replaced in one step. Missing folders are made.

    Args:
        path: The file to write.

    Yields:
        The path to write to.

    Raises:
        WriteError: The file cannot be written, for example because the disk is full.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise WriteError(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file whole or not at all.

    Args:
        path: The file; an existing one is replaced.
        data: Bytes, or text that is written as UTF-8 with its line ends as they are.

    Raises:
        WriteError: If the file cannot be written.
    """
    content = data.encode() if isinstance(data, str) else data
    with whole(path) as part:
        part.write_bytes(content)
