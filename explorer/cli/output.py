"""What commands print: text, tables, JSON, and progress on stderr; rich is imported when something is printed."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from explorer.models import Classifier
    from explorer.progress import Progress
    from explorer.results import Result

PIPE_WIDTH = 10_000  # characters: a program that reads a table wants each row in one line


def forgive_encoding() -> None:
    """Where output goes into a file of another encoding than UTF-8, as on Windows, signs it lacks become "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_parts(*parts: RenderableType) -> None:
    """Print lines and tables on stdout; the terminal wraps the lines. In a pipe, a table is as wide as it needs.

    Args:
        parts: What to print, in order.
    """
    from rich.console import Console
    from rich.table import Table

    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    console = Console(highlight=False, width=PIPE_WIDTH if piped else None)
    for part in parts:
        table = isinstance(part, Table)
        console.print(part, markup=False, soft_wrap=not table, crop=not table)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout.

    Args:
        value: Plain values with finite numbers only; others raise ``ValueError``.
    """
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=not unicode, allow_nan=False))


def print_csv(records: Sequence[Mapping[str, Any]]) -> None:
    """Print records as CSV on stdout; a column for every key that occurs, and JSON where a value is no number or text.

    Args:
        records: Plain values by name.
    """
    columns = list(dict.fromkeys(key for record in records for key in record))
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for record in records:
        nested = {k: json.dumps(v, ensure_ascii=False) for k, v in record.items() if isinstance(v, dict | list | tuple)}
        writer.writerow({**record, **nested})


def deliver_records(
    records: Sequence[Mapping[str, Any]], parts: Callable[[], Sequence[RenderableType]], *, as_json: bool, as_csv: bool
) -> None:
    """Print a list of records in the form that was asked for.

    Args:
        records: Plain values by name.
        parts: Makes what people read.
        as_json: Whether to print JSON.
        as_csv: Whether to print CSV.
    """
    if as_json:
        print_json(records)
    elif as_csv:
        print_csv(records)
    else:
        print_parts(*parts())


def check_outs(out: Sequence[Path] | None) -> None:
    """Check every ``--out`` before anything is computed.

    Args:
        out: The files; an ``ExplorerError`` says if one cannot be written.
    """
    from explorer.results import check_out

    for path in out or ():
        check_out(path)


def deliver(found: Result, out: Sequence[Path] | None, *, as_json: bool, as_csv: bool) -> None:
    """Print a result and save it.

    Args:
        found: The result.
        out: Files to save it in; the ending decides the format.
        as_json: Whether to print JSON in place of tables.
        as_csv: Whether to print CSV.
    """
    from explorer.cli import tables
    from explorer.results import FORMATS

    if as_csv:
        print(FORMATS[".csv"](found).decode(), end="")
    else:
        print_json(found.to_dict()) if as_json else print_parts(*tables.result_parts(found))
    for path in out or ():
        written(found.save(path))


def written(path: Path) -> None:
    """Report on stderr that a file was written; stdout is for the result.

    Args:
        path: The file.
    """
    print(f"Written: {path}", file=sys.stderr)


def tell_warnings(models: Sequence[Classifier]) -> None:
    """Report on stderr what was found about models, for commands whose result does not hold it.

    Args:
        models: The models.
    """
    for model in models:
        for warning in model.warnings:
            print(f"Note: {warning}", file=sys.stderr)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """Show a progress bar on stderr.

    Args:
        title: Its title.

    Yields:
        A function to report progress to; None if stderr is not a terminal.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
