"""Names of classes: their natural order, and which class of a model each class of a data set is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.data.imagenet import imagenet_synsets
from explorer.errors import ExplorerError
from explorer.numbers import counted

SHOWN = 5
"""Names that a sentence lists before it says how many more there are."""

IMAGENET = 1000
"""Classes of ILSVRC 2012, whose WordNet ids in ascending order are the order of the labels."""

_NUMBER = re.compile(r"(?:class|label|c)?[\W_]*(\d+)", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:n\d{8}|\d+)[\W_]+(?=\D)")  # "n02085620-Chihuahua", "001.Black_footed_Albatross"
_WORDNET = re.compile(r"n\d{8}")


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which numbers within names count as numbers: "2" before "10", "b2" before "b10".

    Args:
        name: The name of a class, a folder or a file.

    Returns:
        The key; names that differ have different keys.
    """
    parts = re.split(r"(\d+)", name.casefold())
    numbers = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
    return numbers, name


def plain_name(name: str) -> str:
    """The name of a class without case, spaces, underscores, hyphens, accents' encoding and leading zeros.

    Args:
        name: The name.

    Returns:
        What is compared: "Fire_Truck", "fire-truck" and "fire truck" are one class.
    """
    text = re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", name).casefold())
    return str(int(text)) if text.isdecimal() else text


def listed(names: Iterable[str], count: int = SHOWN) -> str:
    """The first names as a list for a sentence.

    Args:
        names: The names.
        count: How many are spelt out.

    Returns:
        "a, b, c and 4 more".
    """
    every = list(names)
    more = f" and {len(every) - count:,} more" if len(every) > count else ""
    return ", ".join(printable(name)[:60] for name in every[:count]) + more


def printable(name: str) -> str:
    """A name for a sentence: in one line, and in signs that every terminal takes.

    Args:
        name: The name of a class or a file; those of files may hold line breaks and bytes that are no text.

    Returns:
        The name, other signs written as Python writes them.
    """
    return name if name.isprintable() else repr(name)[1:-1]


def unnamed(classes: Sequence[str]) -> bool:
    """Whether classes have only numbers: "0", "1", ... or "class 0", "c1", ...

    Args:
        classes: Class names.

    Returns:
        True if none of them has a name of its own.
    """
    return all(_NUMBER.fullmatch(name) for name in classes)


def match_classes(
    own: Sequence[str], used: Iterable[int], known: Sequence[str], data: str, model: str, *, guessed: bool = False
) -> tuple[NDArray[np.int64], str]:
    """Find for each class of a data set which of a model's classes it is: the one place where the two meet.

    Classes are matched by name, whatever their case, spaces, underscores and hyphens; some of the model's classes are
    enough. By position they are matched only where one side has mere numbers, and that is said.

    Args:
        own: The data set's classes.
        used: Indices of those that have images; the others need not be the model's.
        known: The model's classes.
        data: Name of the data set, for the sentence.
        model: Name of the model, likewise.
        guessed: Whether the model's names are a guess, which counts as mere numbers where they do not match.

    Returns:
        The index in ``known`` for each class of ``own``, -1 for those without images that the model does not know; and
        a sentence where they were matched by position, else "".

    Raises:
        ExplorerError: If the data set has no classes, or one with images is not among the model's.
    """
    if not own:
        raise ExplorerError(f"{data} does not say what is in its images; put them into one sub-folder per class.")
    if tuple(own) == tuple(known):
        return np.arange(len(own)), ""
    needed = sorted(set(used))
    by_id = len(known) == IMAGENET and all(map(_WORDNET.fullmatch, own))
    found = _by_name(own, imagenet_synsets() if by_id else known)
    missing = [own[i] for i in needed if found[i] < 0]
    if not missing:
        return found, ""
    by_number = _by_number(own, needed, len(known))
    alike = len(own) == len(known)
    if unnamed(own) and unnamed(known) and by_number is not None and alike and _in_order(by_number, known):
        return by_number, ""
    if unnamed(own) and by_number is not None and not unnamed(known):
        return by_number, f"The classes of {data} are numbers: they count the classes of {model} from 0 ({known[0]})."
    if alike and (unnamed(own) or unnamed(known) or guessed):
        first = f"{own[0]} is {known[0]}, {own[-1]} is {known[-1]}"
        return np.arange(len(own)), f"The classes of {data} and {model} were matched by their order: {first}."
    some = f"{len(missing)} of the {len(needed)} classes" if len(missing) < len(needed) else "The classes"
    which, verb = ("The class", "is") if len(needed) == 1 else (some, "is" if len(missing) == 1 else "are")
    raise ExplorerError(
        f"{which} of {data} ({listed(missing)}) {verb} not among the {counted(len(known), 'class')} of {model} "
        f"({listed(known)}); rename the folders, or name the model's class of each in a file classes.json beside them, "
        f'such as {{"{printable(missing[0])[:60]}": "{known[0][:60]}"}}.'
    )


def class_index(name: str | None, classes: Sequence[str]) -> int | None:
    """Find a class by its name.

    Args:
        name: The name, or None.
        classes: The classes.

    Returns:
        Its index; None where it is the name of none of them, or of several.
    """
    if name in classes:
        return classes.index(name)
    found = -1 if name is None else int(_by_name([name], classes)[0])
    return found if found >= 0 else None


def _by_name(own: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """The index in ``known`` of each name; -1 where it is the name of none, or of several."""
    whole = _index((i, name) for i, name in enumerate(known))
    parts = _index((i, part) for i, name in enumerate(known) for part in name.split(","))  # "tench, Tinca tinca"
    found = []
    for name in own:
        places = [index.get(plain_name(text), -1) for text in (name, _PREFIX.sub("", name)) for index in (whole, parts)]
        found.append(next((place for place in places if place >= 0), -1))
    return np.array(found, np.int64)


def _index(names: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Index by plain name; a name of several classes is that of none."""
    found: dict[str, int] = {}
    for i, name in names:
        key = plain_name(name)
        found[key] = i if found.setdefault(key, i) == i else -1
    return found


def _by_number(own: Sequence[str], needed: Sequence[int], count: int) -> NDArray[np.int64] | None:
    """The number in each name as an index; None where one is not below ``count``."""
    numbers = [int(found[1]) if (found := _NUMBER.fullmatch(name)) else -1 for name in own]
    if any(not 0 <= numbers[i] < count for i in needed):
        return None
    return np.array([number if number < count else -1 for number in numbers], np.int64)


def _in_order(numbers: NDArray[np.int64], known: Sequence[str]) -> bool:
    """Whether the numbers of one side and those in the names of the other count alike from 0."""
    counted = _by_number(known, range(len(known)), len(known))
    places = np.arange(len(known))
    return counted is not None and bool((counted == places).all() and (numbers == places).all())
