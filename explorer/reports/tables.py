"""Tables of finished text: the same in the terminal, in a notebook and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.results import plain


@dataclass(frozen=True)
class Table:
    """A table of finished text. The first ``left`` columns are aligned left, the others, numbers, right.

    ``unbroken``: the columns whose text is kept on one line. ``caption`` says what the numbers are.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    caption: str = ""
    unbroken: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Sheet:
    """A result in text: a line above (where the tables do not say it themselves), tables, and notes below."""

    tables: Sequence[Table]
    heading: str = ""
    notes: Sequence[str] = ()


def plain_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Any columns, as a query gives them; numbers with three significant digits, words to the left."""
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
    """PSNR (∞ for equal pictures) and SSIM (– where the pictures are too small) of an input distance, as text.

    Args:
        change: ``InputDistance.to_dict()``.
        psnr: How the number is formatted.
        ssim: The same.
    """
    return {
        "psnr": "∞" if change["psnr"] is None else format(change["psnr"], psnr),
        "ssim": "–" if change["ssim"] is None else format(change["ssim"], ssim),
    }


def short(value: float) -> str:
    """A number with four significant digits."""
    return f"{value:.4g}"
