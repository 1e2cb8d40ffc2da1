"""Files that are written whole or not at all: a reader never meets half of one, also after a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import ExplorerError


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A file to write to that replaces ``out`` at the end, or is gone where anything went wrong.

    Args:
        out: The file to write. Its folder is made where it does not exist.

    Yields:
        A path beside ``out``; what is written there becomes ``out``.

    Raises:
        ExplorerError: The file could not be written.
    """
    part = out.with_name(f"{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        raise ExplorerError(
            f"{out} could not be written ({error.strerror or error}); nothing was left there."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def write_whole(out: Path, data: bytes) -> None:
    """Write bytes into a file, whole or not at all.

    Args:
        out: The file to write. Its folder is made where it does not exist.
        data: The content.

    Raises:
        ExplorerError: The file could not be written.
    """
    with whole(out) as part:
        part.write_bytes(data)
