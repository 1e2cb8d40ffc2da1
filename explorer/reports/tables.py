"""Tables of finished text: the same in the terminal, in a notebook and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.results import plain


@dataclass(frozen=True)
class Table:
    """A table of finished text.

    Attributes:
        head: Titles of the columns.
        rows: One text per column each.
        left: Number of columns that are aligned left; the others hold numbers and are aligned right.
        caption: What the numbers are.
        unbroken: Indices of the columns whose text is kept on one line.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    caption: str = ""
    unbroken: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Sheet:
    """A result as text.

    Attributes:
        tables: The tables.
        heading: A line above them, where they do not say it themselves.
        notes: Lines below them.
    """

    tables: Sequence[Table]
    heading: str = ""
    notes: Sequence[str] = ()


def plain_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table of any columns, such as those of a query.

    Args:
        head: Titles of the columns.
        rows: Values; numbers get three significant digits.

    Returns:
        The table; its leading columns of words are aligned left.
    """
    values = [list(row) for row in rows]
    words = next((i for i, column in enumerate(zip(*values, strict=True)) if not _words(column)), len(head))
    return Table(head, [[_cell(value) for value in row] for row in values], max(1, words))


def _words(column: Sequence[object]) -> bool:
    return all(isinstance(value, str) for value in column)


def _cell(value: Any) -> str:
    value = plain(value)
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def measured(change: Mapping[str, float | None], *, psnr: str = ".1f", ssim: str = ".3f") -> dict[str, str]:
    """Format an input distance.

    Args:
        change: ``InputDistance.to_dict()``.
        psnr: Format of the PSNR in dB.
        ssim: Format of the SSIM.

    Returns:
        PSNR (∞ for equal pictures) and SSIM (– where the pictures are too small) as text, by name.
    """
    return {
        "psnr": "∞" if change["psnr"] is None else format(change["psnr"], psnr),
        "ssim": "–" if change["ssim"] is None else format(change["ssim"], ssim),
    }


def short(value: float) -> str:
    """Format a number.

    Args:
        value: The number.

    Returns:
        Four significant digits.
    """
    return f"{value:.4g}"
