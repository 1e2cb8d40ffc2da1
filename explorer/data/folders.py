"""Folders and lists of images as data sets: which files, in which order, with which classes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.data.fitting import Takes
from explorer.data.image_files import MAX_SIDE, ImageFiles, usual_side
from explorer.data.layout import Tree, read_tree, synonyms
from explorer.data.manifest import listed_tree, read_manifest
from explorer.data.sampling import held_out, mixed_order
from explorer.errors import ExplorerError

LABELLED = ("test", "valid", "all", "train")
"""The splits of a folder in the order in which one is taken where none is named."""


@dataclass(frozen=True)
class Folder:
    """A folder, read as far as its names.

    Attributes:
        name: What it is called.
        split: ``train``, ``test``, or ``all`` where it has none and none was asked for.
        files: Its images.
        labels: Class of each (N,); -1 where the images are in no class folders.
        classes: Class names.
        notes: What was noticed, one sentence each.
        mixed: Whether the first images are a stratified sample of all; else they come by name.
    """

    name: str
    split: str
    files: ImageFiles
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    mixed: bool


def read_folder(path: Path, split: str | None, side: int | None = None) -> Folder:
    """Read a folder, or the files that a manifest names, as far as their names.

    Args:
        path: The folder, or a CSV or JSON Lines file.
        split: ``train``, ``test``, or None for its test split, and where it has none, for all of it.
        side: Side in px of the images; by default ``size`` of the folder's ``dataset.json``, or the median of the
            images' shorter sides.

    Returns:
        Its images, in a seeded order in which every beginning holds the classes in their proportions; without classes
        in the order of their names.

    Raises:
        ExplorerError: If it cannot be read, holds no images, or has no such split.
    """
    folder, manifest = (path.parent, True) if path.is_file() else (path, False)
    tree, called = read_manifest(path) if manifest else listed_tree(read_tree(path)), synonyms(folder)
    name = path.stem if manifest else path.name if path.name not in {"", ".."} else path.resolve().name or "folder"
    classes = tuple(dict.fromkeys(called.get(group, group) for group in tree.classes))
    groups, part, note = _choose(tree, path, split)
    found = [(file, called.get(group, group)) for group, files in groups.items() for file in files]
    if not found:
        raise ExplorerError(f"{path} holds no images; expected one sub-folder per class with image files in it.")
    index = {class_name: i for i, class_name in enumerate(classes)}
    labels = np.array([index.get(group, -1) for _, group in found], np.int64)
    files = ImageFiles(folder, [file for file, _ in found], Takes(1, 3))
    mixed = bool(labels.max() >= 0)
    rows = mixed_order(labels, files.names) if mixed else np.arange(len(labels))
    if part is not None:
        test = held_out(labels, files.names)
        rows = rows[test[rows] == (part == "test")]
        if not len(rows):
            raise ExplorerError(f"{path} has too few images to hold some out for testing; give each class two.")
    files, labels = files.select(rows), labels[rows]
    wanted = side or named_side(folder) or usual_side([file for file, _ in found])
    left = f"Left out of {path.name}: {'; '.join(tree.left_out)}." if tree.left_out else ""
    notes = tuple(text for text in (left, note) if text)
    return Folder(name, split or _shown(tree), files.at(Takes(min(wanted, MAX_SIDE), 3)), labels, classes, notes, mixed)


def _choose(tree: Tree, path: Path, split: str | None) -> tuple[dict[str, list[Path]], str | None, str]:
    """The files of a split by class, which part of them ("train", "test", None for all), and what there is to say."""
    splits = tree.splits
    tests = sorted((name for name in ("test", "valid") if name in splits), key=lambda name: not _named(splits[name]))
    if split == "test" and tests:
        return splits[tests[0]], None, ""
    if split == "train" and "train" in splits and tests:
        return splits["train"], None, ""
    if split == "train" and tests:
        more = "rows of the split" if path.is_file() else "a folder"
        raise ExplorerError(f"{path} holds {' and '.join(splits)} but no training images; add {more} train.")
    if split is None:
        return splits[_taken(tree)], None, ""
    whole = splits.get("train") or splits["all"]
    if not _named(whole):  # without classes there is nothing to train on or to test
        return whole, None, ""
    kept = "a seeded 20 % of each class (seed 0) is held out for testing"
    return whole, split, f"{path.name} has no test split: {kept}."


def _taken(tree: Tree) -> str:
    """The split that is meant where none is named: the first one with classes."""
    return min((name for name in LABELLED if name in tree.splits), key=lambda name: not _named(tree.splits[name]))


def _shown(tree: Tree) -> str:
    taken = _taken(tree)
    return "test" if taken == "valid" else "all" if taken == "train" else taken


def _named(groups: dict[str, list[Path]]) -> bool:
    return any(name and paths for name, paths in groups.items())


def named_side(root: Path) -> int | None:
    """Read the image size from a folder's ``dataset.json``.

    Args:
        root: The folder.

    Returns:
        ``size`` in px; None without the file.

    Raises:
        ExplorerError: If the file is damaged or the size is invalid.
    """
    settings = root / "dataset.json"
    if not settings.is_file():
        return None
    try:
        side = json.loads(settings.read_text(encoding="utf-8"))["size"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        side = None
    if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MAX_SIDE:
        raise ExplorerError(f'{settings} should hold the side in px of the images, such as {{"size": 96}}.')
    return side
