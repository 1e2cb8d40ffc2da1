"""What a folder of images means: which of its sub-folders are splits, which are classes, and what is left out.

Read are the layouts of torchvision's ImageFolder, Hugging Face's imagefolder, Keras' directory loader and of exports
from Roboflow, Kaggle and ImageNet: class folders, split folders of class folders, either of them inside a folder or
two that hold nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.data.classes import listed, natural_key
from explorer.data.decoding import suffixes
from explorer.errors import ExplorerError

MAX_FILES = 200_000
"""A folder with more image files than this is refused: it is hardly the one that was meant."""

SPLITS = {
    "train": ("train", "training", "trainset", "traindata"),
    "valid": ("val", "valid", "validation", "validate", "dev"),
    "test": ("test", "testing", "testset", "testdata", "eval", "evaluation"),
}
"""The names of split folders, without case."""

_UNLABELLED = {"pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled"}
"""Folders beside splits whose images have no classes: Kaggle's ``seg_pred``."""

_SPLIT_OF = {name: split for split, names in SPLITS.items() for name in names}
_RUBBISH = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information",
    "lost+found", "__pycache__", "icon\r",
}  # fmt: skip
_SETTINGS = {"dataset.json", "classes.json"}
# Hugging Face's lists of the files beside them and below, and Roboflow's
_METADATA = {"metadata.csv", "metadata.jsonl", "metadata.parquet", "_classes.csv"}
_WRAPPERS = {"images", "image", "imgs", "img", "jpegimages", "jpegs", "pictures", "photos"}


@dataclass(frozen=True)
class Listing:
    """A folder's own contents, in natural order.

    Attributes:
        folders: Its sub-folders.
        images: Its image files.
        others: Everything else, except rubbish.
    """

    folders: list[Path]
    images: list[Path]
    others: list[Path]


@dataclass(frozen=True)
class Tree:
    """What a folder holds.

    Attributes:
        splits: For each split ("train", "valid", "test"), or "all" where there are none, the image files of each
            class; under the class "" where they lie in no class folder.
        classes: Names of the class folders of all splits, in natural order.
        left_out: What is not read, a few words each.
        lists: Hugging Face's ``metadata.csv``, ``.jsonl`` and ``.parquet`` and Roboflow's ``_classes.csv`` in it, which
            may name other classes.
    """

    splits: dict[str, dict[str, list[Path]]]
    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    lists: tuple[Path, ...] = ()


def is_rubbish(name: str) -> bool:
    """Whether operating systems and programs put it there: ``.DS_Store``, ``Thumbs.db``, ``__MACOSX``, ``._a.jpg``.

    Args:
        name: Name of a file or a folder.

    Returns:
        True for these, and for everything hidden.
    """
    return name.startswith(".") or name.casefold() in _RUBBISH


def read_tree(folder: Path) -> Tree:
    """Find out what a folder holds.

    Args:
        folder: The folder.

    Returns:
        Its splits, classes and files.

    Raises:
        ExplorerError: If it cannot be read, or holds more than ``MAX_FILES`` images.
    """
    try:
        return _Reader(folder).tree()
    except OSError as error:
        raise ExplorerError(f"The folder {folder} cannot be read ({error.strerror}).") from error


def synonyms(folder: Path) -> dict[str, str]:
    """What a folder's ``classes.json`` says its class folders are called.

    Args:
        folder: The folder.

    Returns:
        Names by folder; empty without the file.

    Raises:
        ExplorerError: If the file is damaged.
    """
    path = folder / "classes.json"
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise ExplorerError(f'{path} should name the class of each folder, such as {{"n02124075": "Egyptian cat"}}.')
    return found


class _Reader:
    """Reads one folder; notes on the way what is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._others: list[Path] = []  # files that are no images
        self._lists: set[Path] = set()
        self._outside: list[Path] = []  # images beside split or class folders
        self._closed: list[Path] = []  # folders that cannot be read
        self._circles: set[Path] = set()  # links to folders in which they lie

    def tree(self) -> Tree:
        root = self._unwrap(self._folder, splits=True)
        parts = split_folders(self._full(root)) or {"all": [root]}
        if "all" not in parts:
            self._beside(root, [path for paths in parts.values() for path in paths])
        splits = {split: self._classes(paths) for split, paths in parts.items()}
        names = {name for groups in splits.values() for name in groups if name}
        return Tree(splits, tuple(sorted(names, key=natural_key)), self._said(), tuple(sorted(self._lists)))

    def look_into(self, folder: Path) -> Listing:
        """The folder's contents; a sub-folder that may not be read is empty and counted."""
        found = Listing([], [], [])
        try:
            with os.scandir(folder) as entries:
                inside = [entry for entry in entries if not is_rubbish(entry.name)]
        except OSError:
            if folder == self._folder:
                raise
            self._closed.append(folder)
            return found
        known = suffixes()
        for entry in sorted(inside, key=lambda entry: natural_key(entry.name)):
            path = folder / entry.name
            if entry.is_symlink() and _is(entry, "is_dir") and _leads_up(path):
                self._circles.add(path)
            elif _is(entry, "is_dir"):
                found.folders.append(path)
            elif path.suffix.lower() in known and _is(entry, "is_file"):
                found.images.append(path)
            elif entry.name in _METADATA:
                self._lists.add(path)
            elif entry.name not in _SETTINGS:
                found.others.append(path)
        return found

    def walk(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """All images and all other files below a folder; links are followed, each real folder is read once."""
        images: list[Path] = []
        others: list[Path] = []
        for inside in _below(folder, self.look_into):
            images += inside.images
            others += inside.others
            if self._count + len(images) > MAX_FILES:
                raise ExplorerError(f"{self._folder} holds more than {MAX_FILES:,} images; name a smaller folder.")
        return images, others

    def _full(self, folder: Path) -> list[Path]:
        """The sub-folders that hold an image, however deep."""
        return [path for path in self._look_quietly(folder).folders if self._holds_image(path)]

    def _holds_image(self, folder: Path) -> bool:
        return any(inside.images for inside in _below(folder, self._look_quietly))

    def _look_quietly(self, folder: Path) -> Listing:
        closed = len(self._closed)
        found = self.look_into(folder)
        del self._closed[closed:]  # it is counted when its files are read
        return found

    def _unwrap(self, folder: Path, *, splits: bool) -> Path:
        """Go down through folders that hold nothing but one folder, as archives leave them, or ``images``."""
        seen = set[tuple[int, int]]()
        while (place := _identity(folder)) not in seen:
            seen.add(place)
            inside = self._look_quietly(folder)
            full = self._full(folder)
            if inside.images or len(full) != 1 or (splits and split_folders(full)):
                return folder
            (only,) = full
            deeper = self._look_quietly(only)
            alone = len(inside.folders) == 1 and not deeper.images and bool(deeper.folders)
            again = not splits and bool(split_folders(full))  # train/train/cat
            if not (alone or again or only.name.casefold() in _WRAPPERS):
                return folder
            self._others += inside.others
            folder = only
        return folder

    def _beside(self, root: Path, parts: Sequence[Path]) -> None:
        inside = self._look_quietly(root)
        self._others += inside.others
        self._outside += inside.images
        for path in inside.folders:
            if path not in parts:
                images, others = self.walk(path)
                self._outside += images
                self._others += others

    def _classes(self, roots: Sequence[Path]) -> dict[str, list[Path]]:
        """The files of each class folder of a split; under "" those of a split without class folders."""
        groups: dict[str, list[Path]] = {}
        loose: list[Path] = []
        for given in roots:
            root = self._unwrap(given, splits=False)
            inside = self.look_into(root)
            self._others += inside.others
            loose += inside.images
            for path in inside.folders:
                images, others = self.walk(path)
                self._count += len(images)
                self._others += others
                groups.setdefault(path.name, []).extend(images)
        if any(groups.values()):
            self._outside += loose
            return groups
        self._count += len(loose)
        if self._count > MAX_FILES:
            raise ExplorerError(f"{self._folder} holds more than {MAX_FILES:,} images; name a smaller folder.")
        return {"": loose} if loose else groups

    def _said(self) -> tuple[str, ...]:
        parts = (
            (self._outside, "image outside the class folders", "images outside the class folders"),
            (self._others, "file that is not an image", "files that are not images"),
            (self._closed, "folder that cannot be read", "folders that cannot be read"),
            (sorted(self._circles), "link to a folder around it", "links to folders around them"),
        )
        return tuple(
            f"{len(paths):,} {one if len(paths) == 1 else many} ({listed((path.name for path in paths), 3)})"
            for paths, one, many in parts
            if paths
        )


def split_folders(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Which folders are splits, if they are.

    They are where all of them have the name of a split, alone or within a longer one ("seg_train", "test set"), except
    those of images without classes ("seg_pred"), or where two different splits are among them; a class may be called
    "train", but hardly another one "test".

    Args:
        folders: The sub-folders of a folder that hold images.

    Returns:
        The folders of each split, in the order train, valid, test; empty where these are no splits.
    """
    exact = {path: _SPLIT_OF.get(path.name.casefold()) for path in folders}
    loose = {path: split_of(path.name) for path in folders if not _UNLABELLED & _words(path.name)}
    if len({split for split in exact.values() if split}) >= 2 or all(exact.values()):
        found = exact
    elif loose and all(loose.values()):
        found = loose
    else:
        return {}
    return {split: own for split in SPLITS if (own := [path for path, other in found.items() if other == split])}


def split_of(name: str) -> str | None:
    """The split that a name tells: "Val", "seg_train", "training-set", "Test Images".

    Args:
        name: Any name.

    Returns:
        "train", "valid" or "test"; None where it tells none, or several.
    """
    if name.casefold() in _SPLIT_OF:
        return _SPLIT_OF[name.casefold()]
    found = {_SPLIT_OF[word] for word in _words(name) if word in _SPLIT_OF}
    return found.pop() if len(found) == 1 else None


def _words(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", name.casefold()))


def _below(folder: Path, look: Callable[[Path], Listing]) -> Iterator[Listing]:
    """A folder and all below it, in natural order; links are followed, each real folder is looked into once."""
    waiting, seen = [folder], set[tuple[int, int]]()
    while waiting:
        here = waiting.pop()
        if (place := _identity(here)) in seen:
            continue
        seen.add(place)
        inside = look(here)
        yield inside
        waiting += reversed(inside.folders)


def _is(entry: os.DirEntry[str], what: str) -> bool:
    try:
        return bool(getattr(entry, what)())  # follows links
    except OSError:  # a link in a circle
        return False


def _leads_up(link: Path) -> bool:
    """Whether a link leads to a folder in which it lies, by its path or in truth: what is there is read already."""
    around = {_identity(path) for path in (*link.absolute().parents, *link.parent.resolve().parents, link.parent)}
    return _identity(link) in around


def _identity(folder: Path) -> tuple[int, int]:
    """What is the same for all names of a folder."""
    try:
        found = folder.stat()
    except OSError:
        return (-1, hash(folder))
    return (found.st_dev, found.st_ino)
