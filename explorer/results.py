"""The base of all results: a short text, HTML with a figure, JSON, a table, a Plotly figure, and files of these."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from explorer.errors import ExplorerError
from explorer.files import user_path, write_whole

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# Results are on a lower layer than figures and reports, so that the core needs no plotting library. Those register a
# function for each result type (functools.singledispatch); they are named here as data and loaded when a figure or a
# page is asked for. Nothing here depends on what they contain.
FIGURES = "explorer.figures.results"
PAGES = "explorer.reports.results"


class Result:
    """The base of everything that an analysis, an evaluation or a survey returns.

    A subclass gives ``__str__`` (a few lines with the numbers that matter), ``to_dict`` and ``records``; its figure is
    registered in ``explorer.figures.results`` and its table in ``explorer.reports.tables``.
    """

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the figure as a picture and the numbers as a table; no script, nothing fetched."""
        html: str = import_module(PAGES).fragment(self)
        return html

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain dictionaries, lists, strings, booleans, None and finite numbers.
        """
        raise NotImplementedError

    def records(self) -> list[dict[str, Any]]:
        """The rows of ``to_frame``, one dictionary each, all with the same keys.

        Returns:
            One observation per row, for example one model at one amount.
        """
        raise NotImplementedError

    def to_frame(self) -> pd.DataFrame:
        """The result as a tidy table.

        Returns:
            A pandas DataFrame with one observation per row and one variable per column.
        """
        import pandas as pd

        return pd.DataFrame(self.records())

    def figure(self) -> Any:
        """The result as a figure.

        Returns:
            An ``explorer.figures.Figure`` (a ``plotly.graph_objects.Figure``).
        """
        return import_module(FIGURES).draw(self)

    def save(self, path: str | Path) -> Path:
        """Write the result into a file, whole or not at all.

        Args:
            path: The file; its ending chooses the format. ``.html`` is a page that opens without a network, ``.json``
                is ``to_dict``, ``.csv`` is ``to_frame``, ``.png`` and ``.svg`` are the figure.

        Returns:
            The path that was written.

        Raises:
            ExplorerError: The ending is not one of these, the folder does not exist, or the file cannot be written.
        """
        target = check_out(path)
        write_whole(target, FORMATS[target.suffix.lower()](self))
        return target


@dataclass(frozen=True, repr=False)
class Results(Result, Sequence[T], Generic[T]):
    """Several results of one type, in order: a sequence that is itself a result.

    Attributes:
        items: The results.
    """

    items: tuple[T, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.items[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


def check_out(path: str | Path) -> Path:
    """Check that a result can be saved under this name, before time is spent on computing it.

    Args:
        path: The file to be written.

    Returns:
        The path.

    Raises:
        ExplorerError: The ending is not a format of ``Result.save``, the folder does not exist, or a folder has that
            name.
    """
    target = user_path(path)
    if target.suffix.lower() not in FORMATS:
        *most, last = FORMATS
        raise ExplorerError(f"{str(path)!r} does not name a format; end it with {', '.join(most)} or {last}.")
    if not target.parent.is_dir():
        raise ExplorerError(f"The folder {target.parent} does not exist, so {target.name} cannot be written there.")
    if target.is_dir():
        raise ExplorerError(f"{target} is a folder; give the name of a file.")
    return target


def percent(share: float) -> str:
    """Format a share.

    Args:
        share: A number, usually in [0, 1].

    Returns:
        Per cent with one decimal: 0.125 gives "12.5 %".
    """
    return f"{100 * share:.1f} %"


def distinct_titles(titles: Sequence[str], names: Sequence[str]) -> list[str]:
    """Titles under which models can be told apart.

    Args:
        titles: Titles of the models.
        names: Their names.

    Returns:
        One text per model: its title, or its whole name where the title occurs more than once.
    """
    return [title if titles.count(title) == 1 else name for title, name in zip(titles, names, strict=True)]


def short_names(names: Sequence[str]) -> list[str]:
    """Short names under which models can be told apart.

    Args:
        names: Names such as "digits/lenet/stability".

    Returns:
        The last part of each name; whole names where last parts are equal.
    """
    last = [name.rpartition("/")[2] for name in names]
    return distinct_titles(last, names)


def plain(value: Any) -> Any:
    """Convert a value to what JSON can hold.

    Args:
        value: Numbers, arrays, tensors, sequences and mappings, nested.

    Returns:
        Plain values; arrays become lists, missing and non-finite numbers become None.
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(one) for one in value]
    missing = value is None or value != value  # noqa: PLR0124  # NaN, NaT
    return None if missing or value in {float("inf"), -float("inf")} else value


def plain_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as JSON objects.

    Args:
        frame: The table.

    Returns:
        One dictionary per row; missing and non-finite numbers are None.
    """
    return [{str(key): plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _page(result: Result) -> bytes:
    html: str = import_module(PAGES).page(result)
    return html.encode()


def _json(result: Result) -> bytes:
    return (json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _csv(result: Result) -> bytes:
    return result.to_frame().to_csv(index=False, lineterminator="\n").encode()


FORMATS: Mapping[str, Callable[[Any], bytes]] = {
    ".html": _page,
    ".json": _json,
    ".csv": _csv,
    ".png": lambda result: result.figure().static("png"),
    ".svg": lambda result: result.figure().static("svg"),
}
"""The formats of ``Result.save``, by the ending of the file's name."""
