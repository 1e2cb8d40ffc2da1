"""What commands print: text, tables, JSON, and progress on stderr; rich is imported when there is something to say."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from explorer.progress import Progress


def forgive_encoding() -> None:
    """Where output goes into a file of another encoding than UTF-8, as on Windows, signs it lacks become "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_parts(*parts: RenderableType) -> None:
    """Lines and tables on stdout; lines are left to the terminal to wrap."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for part in parts:
        console.print(part, markup=False, soft_wrap=not isinstance(part, Table))


def print_json(value: Any) -> None:
    """A value as JSON on stdout; ValueError where it holds a number that is not finite."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=not unicode, allow_nan=False))


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """A progress bar on stderr; nothing where that is not a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
