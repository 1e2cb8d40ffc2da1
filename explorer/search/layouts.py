"""Triplets from the files that published data sets come as: which layout it is, is found by what is there.

- Deep Ranking (Wang et al. 2014) and one's own: a text file with ``query,positive,negative`` in each line, names or
  addresses; of an address the last part is the file's name.
- DISC (Image Similarity Challenge 2021): ``query_id,reference_id`` in each line; another reference is the negative.
- UKBench (Nister & Stewenius 2006): ``ukbench00000.jpg`` and so on, four pictures of each thing.
- Copydays (Jegou et al. 2008): ``200100.jpg`` and its copies ``200101.jpg`` and so on, in folders of their own.
- Any folder with a sub-folder per class, or list of files with their classes.

None of these data sets is downloaded or contained here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import numpy as np

from explorer.data.datasets import DATASETS, open_dataset
from explorer.data.manifest import is_manifest
from explorer.errors import ExplorerError
from explorer.files import user_path
from explorer.numbers import counted
from explorer.search.sources import read_pictures
from explorer.search.triplets import Triplets, triplets_of_classes

MOST = 1_000_000
"""Lines of a file that are read at most."""

UKBENCH = re.compile(r"ukbench(\d{5})\.\w+")
COPYDAYS = re.compile(r"(\d{4})\d\d\.\w+")
COPIES = {"original", "strong", "crops", "jpeg", "jpegqual", "copydays_original", "copydays_strong"}
"""Folders of Copydays."""


def read_triplets(path: str | Path, folder: str | Path | None = None, *, seed: int = 0) -> Triplets:
    """Read triplets, whatever layout they come in.

    Args:
        path: A file of triplets or pairs, a folder, or the name of a labelled data set.
        folder: Where the pictures are that a file names; by default beside it.
        seed: Of what is drawn: positives and negatives of folders, negatives of DISC.

    Returns:
        The triplets. Lines whose pictures are not there are left out and counted.

    Raises:
        ExplorerError: If nothing is there, or no line can be used.
    """
    where = user_path(path)
    if str(path) in DATASETS or not where.exists():
        return triplets_of_classes(open_dataset(path), seed=seed)
    if where.is_dir():
        return _of_folder(where, seed)
    if _is_list(where):
        return triplets_of_classes(open_dataset(where), seed=seed)
    lines = _lines(where)
    return _of_lines(where, lines, user_path(folder) if folder else where.parent, seed)


def _is_list(path: Path) -> bool:
    """Whether a file lists pictures with their classes (``explorer.data.manifest``)."""
    if path.suffix.lower() not in {".csv", ".tsv"}:
        return is_manifest(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = re.split(r"[,;\t]", file.readline(10_000).strip().lower())
    except (OSError, UnicodeDecodeError):
        return False
    return bool({"file", "file_name", "filename", "path"} & set(head))


def _of_folder(folder: Path, seed: int) -> Triplets:
    source = read_pictures(folder)
    data = source.data
    if data is None or not len(source):
        raise ExplorerError(f"{folder} holds no pictures.")
    files = [PurePosixPath(name) for name in source.names]
    things = [UKBENCH.fullmatch(name.name) for name in files]
    if all(things):
        labels = [int(one[1]) // 4 for one in things if one]
    elif {part.lower() for name in files for part in name.parts[:-1]} & COPIES:
        scenes = [COPYDAYS.fullmatch(name.name) for name in files]
        labels = [int(one[1]) if one else -1 for one in scenes]
    else:
        return triplets_of_classes(source, seed=seed)
    numbers = np.unique(labels, return_inverse=True)[1]
    known = np.where(np.asarray(labels) >= 0, numbers, -1)
    return triplets_of_classes(replace(source, data=replace(data, labels=known)), each=3, seed=seed)


def _lines(path: Path) -> list[list[str]]:
    """The cells of each line, without a head."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter="\t" if "\t" in sample else "," if "," in sample else " ")
            found = [[cell.strip() for cell in row] for row, _ in zip(reader, range(MOST), strict=False) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ExplorerError(f"{path.name} is not a text file of triplets: {error}.") from None
    if found and {cell.lower() for cell in found[0]} & {"query", "query_id", "anchor", "positive"}:
        found = found[1:]
    widths = {len(row) for row in found}
    if len(widths) != 1 or not widths <= {2, 3}:
        raise ExplorerError(
            f"{path.name} should hold query,positive,negative in each line, or query_id,reference_id as DISC has it."
        )
    return found


def _of_lines(path: Path, lines: Sequence[Sequence[str]], folder: Path, seed: int) -> Triplets:
    source = read_pictures(folder)
    rows: dict[str, int] = {}
    for row, name in enumerate(source.names):  # by whole name, by file name, and without its ending
        for key in (name, PurePosixPath(name).name, PurePosixPath(name).stem):
            rows.setdefault(key, row)
    named = [[rows.get(_name(cell), rows.get(cell, -1)) for cell in line] for line in lines]
    known = np.array([line for line in named if min(line) >= 0], np.int64).reshape(-1, len(lines[0]))
    if not len(known):
        raise ExplorerError(f"None of the pictures that {path.name} names is in {folder}; name their folder.")
    notes = [*source.notes]
    if missing := len(lines) - len(known):
        notes.append(f"{missing:,} of {counted(len(lines), 'line')} of {path.name} name pictures that are not there.")
    if known.shape[1] == 3:
        return Triplets(source, known, None, tuple(notes))
    references = np.unique(known[:, 1])
    if len(references) < 2:
        raise ExplorerError(f"{path.name} names one reference only, so there is no negative.")
    drawn = np.random.default_rng(seed).integers(len(references) - 1, size=len(known))
    drawn += drawn >= np.searchsorted(references, known[:, 1])  # any but its own
    return Triplets(source, np.column_stack([known, references[drawn]]), None, tuple(notes))


def _name(cell: str) -> str:
    """A file's name, of an address its last part."""
    return PurePosixPath(urlsplit(cell).path).name if "://" in cell else cell
