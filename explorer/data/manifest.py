"""Lists of image files with their classes, as CSV, JSON Lines or Parquet, read as if they were a folder."""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from explorer.data.classes import listed, natural_key
from explorer.data.layout import MAX_FILES, Tree, split_of
from explorer.errors import ExplorerError

MANIFESTS = {".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"}
"""The endings of manifests."""

MAX_CLASSES = 100_000
"""Largest ``class_index`` that is believed."""

_FILE = ("file", "file_name", "filename", "path")  # the second one is Hugging Face's
_CLASS = ("class", "label")
_COLUMNS = {*_FILE, *_CLASS, "class_index", "split"}


class _Row(NamedTuple):
    """One image of a manifest."""

    split: str
    name: str


def is_manifest(path: Path) -> bool:
    """Whether a path is a manifest's, by its ending.

    Args:
        path: A path.

    Returns:
        True for files in CSV, JSON Lines and Parquet.
    """
    return path.suffix.lower() in MANIFESTS and path.is_file()


def read_manifest(path: Path) -> Tree:
    """Read which images a manifest names, in which splits and classes.

    Every row has a ``file``, from the manifest's folder on or from the folder of its name (``test.csv`` and ``test/``),
    and a class: its name in ``class`` or ``label``, its number in ``class_index``, or both. Rows without a class are
    images whose class is unknown. ``split`` is optional.

    Args:
        path: A CSV file with a header, JSON Lines, or Parquet.

    Returns:
        What a folder of these files would give; its classes are in the order of ``class_index``, else in natural order.

    Raises:
        ExplorerError: If it cannot be read, or contradicts itself.
    """
    manifest = _Manifest(path)
    manifest.read(_rows(path))
    return manifest.tree()


def listed_tree(tree: Tree) -> Tree:
    """A folder as the lists in it say, which Hugging Face's imagefolder calls metadata.

    Args:
        tree: What the folder holds by its sub-folders.

    Returns:
        The classes that the lists name, in the splits of the folder or of the lists, without the images that no list
        names; the tree as it is where no list names classes.

    Raises:
        ExplorerError: If a list cannot be read, or contradicts itself or another one.
    """
    used = [path for path in tree.lists if _names_classes(next(_rows(path), (0, {}))[1])]
    bare = [f"{path.parent.name}/{path.name}" for path in tree.lists if path not in used]
    said = _said((bare, "list without classes", "lists without classes"))
    if not used:
        return replace(tree, left_out=(*tree.left_out, *said))
    manifest = _Manifest(used[0])
    for path in used:
        manifest.path = path
        manifest.read(_rows(path))
    return manifest.tree(tree, said)


def _names_classes(row: Mapping[str, Any]) -> bool:
    return bool(row.keys() & set(_FILE)) and bool(row.keys() & {*_CLASS, "class_index"} or _marks(row))


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix.lower() == ".parquet":
        yield from _parquet(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield from _lines(text, path)
    except UnicodeDecodeError:
        raise ExplorerError(f"{path.name} is not a text in UTF-8; save it as one.") from None
    except OSError as error:
        raise ExplorerError(f"{path} cannot be read ({error.strerror}).") from error


def _lines(text: TextIO, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every row with the number of its line, the columns that are known in lower case."""
    if path.suffix.lower() in {".csv", ".tsv"}:
        first = text.readline()
        text.seek(0)
        rows = csv.DictReader(text, delimiter=max(",;\t", key=first.count), restkey="", restval="", strict=True)
        try:
            for row in rows:
                yield rows.line_num, {_column(key): value for key, value in row.items() if key}
        except csv.Error as error:
            raise ExplorerError(f"{path.name}, line {rows.line_num}: not CSV ({error}).") from None
        return
    for number, line in enumerate(text, 1):
        if line.strip():
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                found = None
            if not isinstance(found, dict):
                wanted = '{"file": "a.png", "label": "cat"}'
                raise ExplorerError(f"{path.name}, line {number}: expected a JSON object such as {wanted}.")
            yield number, {_column(key): value for key, value in found.items()}


def _column(name: str) -> str:
    name = name.strip()
    return name.lower() if name.lower() in _COLUMNS else name


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            columns = [name for name in names if _column(name) in _COLUMNS]
            if not set(map(_column, columns)) & set(_FILE):
                raise ExplorerError(
                    f"{path.name} names no files, it holds {listed(names)}; pictures inside a Parquet file are read by "
                    "datasets.load_dataset('parquet', data_files=...), whose result explorer.load_dataset takes."
                )
            batches = file.iter_batches(columns=columns)  # without the others, which may hold whole pictures
            rows = (row for batch in batches for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield number, {_column(key): value for key, value in row.items()}
    except ExplorerError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ExplorerError(
            f"{path.name} is not a readable Parquet file ({str(error).splitlines()[0][:200]})."
        ) from None


class _Manifest:
    """Reads one manifest, or several that belong together; notes on the way what is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: dict[Path, _Row] = {}
        self._named: dict[int, str] = {}  # classes by their index
        self._absent: list[str] = []
        self._again: list[str] = []
        self._apart: list[str] = []  # of no split, where others are of one

    def read(self, lines: Iterator[tuple[int, Mapping[str, Any]]]) -> None:
        for number, row in lines:
            try:
                self._add(row)
            except ExplorerError as error:
                raise ExplorerError(f"{self.path.name}, line {number}: {error}") from None

    def tree(self, folder: Tree | None = None, said: tuple[str, ...] = ()) -> Tree:
        """What the rows name; of a folder that was read before, in the splits where it has them."""
        classes = self._classes()
        splits: dict[str, dict[str, list[Path]]] = {}
        of_folder = {} if folder is None else _splits_by_path(folder)
        for path, (split, name) in self._rows.items():
            place = split if split != "all" else of_folder.get(_plain(path), "all")
            splits.setdefault(place, {}).setdefault(name, []).append(path)
        if folder is not None:
            named = {_plain(path) for path in self._rows}
            others = [Path(path).name for path in of_folder if path not in named]
            words = f"that {self.path.name} does not name"
            said = (*folder.left_out, *_said((others, f"image {words}", f"images {words}")), *said)
        if not splits:
            where = f": none of its files is there ({listed(self._absent, 3)})" if self._absent else ""
            raise ExplorerError(f"{self.path.name} names no images{where}.")
        if len(splits) > 1 and "all" in splits:
            self._apart = [path.name for paths in splits.pop("all").values() for path in paths]
        return Tree(splits, classes, (*said, *self._said()))

    def _add(self, row: Mapping[str, Any]) -> None:
        file = _text(row, _FILE)
        if not file:
            raise ExplorerError(
                f"there is no file, only {listed(row) or 'nothing'}; expected file, and label, class_index or class."
            )
        if not {*_CLASS, "class_index"} & row.keys() and not _marks(row):
            raise ExplorerError(f"there is no class, only {listed(row)}; expected label, class_index or class.")
        found = _Row(_split(row), self._class(row))
        path = self._find(file)
        if path is None:
            self._absent.append(file)
            return
        if (other := self._rows.setdefault(path, found)) != found:
            told = (f"{name or 'no class'} of {split}" for split, name in (other, found))
            raise ExplorerError(f"{file} is named before with another class or split: {' and '.join(told)}.")
        if other is not found:
            self._again.append(file)
        if len(self._rows) > MAX_FILES:
            raise ExplorerError(f"there are more than {MAX_FILES:,} images; name a smaller list.")

    def _find(self, file: str) -> Path | None:
        if "://" in file:
            raise ExplorerError(f"{file[:80]} is an address; only files on this machine are read.")
        names = (file, file.replace("\\", "/")) if os.sep == "/" and "\\" in file else (file,)
        with suppress(OSError, ValueError):  # names too long for a path, or with a zero byte
            folders = (self.path.parent, self.path.with_suffix(""))
            return next((path for one in folders for name in names if (path := one / name).is_file()), None)
        return None

    def _class(self, row: Mapping[str, Any]) -> str:
        if marks := _marks(row):
            return _marked(marks)
        name, number = _text(row, _CLASS), _text(row, ("class_index",)).removesuffix(".0")  # as pandas writes gaps
        if not number:
            return name
        if not (number.isdecimal() and int(number) < MAX_CLASSES):
            raise ExplorerError(f"class_index is {number[:40]}; it counts classes from 0.")
        index = int(number)
        name = name or str(index)
        if (before := self._named.setdefault(index, name)) != name:
            raise ExplorerError(f"class_index {index} is {before} before and {name} here.")
        return name

    def _classes(self) -> tuple[str, ...]:
        names = {row.name for row in self._rows.values() if row.name}
        if not self._named:
            return tuple(sorted(names, key=natural_key))
        classes = [self._named.get(index, str(index)) for index in range(max(self._named) + 1)]
        if twice := [name for name, count in Counter(classes).items() if count > 1]:
            raise ExplorerError(f"{self.path.name} gives several class_index to {listed(twice)}; tell them apart.")
        if lost := sorted(names - set(classes)):
            raise ExplorerError(f"{self.path.name} gives no class_index to {listed(lost)}, but to other classes.")
        return tuple(classes)

    def _said(self) -> tuple[str, ...]:
        return _said(
            (self._absent, "file that is not there", "files that are not there"),
            (self._apart, "image of no split", "images of no split"),
            (self._again, "row that repeats another", "rows that repeat others"),
        )


def _said(*parts: tuple[Sequence[str], str, str]) -> tuple[str, ...]:
    """How many there are of what is left out, and the first ones."""
    return tuple(
        f"{len(names):,} {one if len(names) == 1 else many} ({listed(names, 3)})" for names, one, many in parts if names
    )


def _marks(row: Mapping[str, Any]) -> dict[str, bool]:
    """The classes of Roboflow's ``_classes.csv``, which has a column of 0 and 1 for each of them."""
    if row.keys() & {*_CLASS, "class_index"}:
        return {}
    columns = {name: value for name, value in row.items() if name not in _COLUMNS}
    if len(columns) < 2 or not all(str(value).strip() in {"0", "1"} for value in columns.values()):
        return {}
    return {name: str(value).strip() == "1" for name, value in columns.items()}


def _marked(marks: Mapping[str, bool]) -> str:
    names = [name for name, there in marks.items() if there]
    if len(names) > 1:
        raise ExplorerError(f"{listed(names)} are marked; expected one class per image.")
    return names[0] if names else ""


def _plain(path: Path) -> str:
    """A path without "..", so that the same file has one name."""
    return os.path.normpath(path)


def _splits_by_path(tree: Tree) -> dict[str, str]:
    return {_plain(path): split for split, groups in tree.splits.items() for files in groups.values() for path in files}


def _text(row: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    """The first of some columns that says something, as text."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, float) and (value.is_integer() or math.isnan(value)):
            return "" if math.isnan(value) else str(int(value))
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is not None and not isinstance(value, str):
            raise ExplorerError(f"{column} is {str(value)[:40]}; expected one text or whole number.")
    return ""


def _split(row: Mapping[str, Any]) -> str:
    text = _text(row, ("split",))
    found = split_of(text) if text else "all"
    if found is None:
        raise ExplorerError(f"split is {text[:40]}; expected train, val or test.")
    return found
