"""A seeded order in which every beginning is a stratified sample, and a seeded part that is held out.

Both follow from the names of the files (or the numbers of the rows) alone: the same on every machine and with every
version of a library, and a file that is added moves no other file from one part to the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SEED = 0
"""Of the order and of the part that is held out."""

HOLDOUT = 0.2
"""Share of each class that is held out for testing where a data set has no test split."""


def mixed_order(labels: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """An order in which the first n rows hold the classes in their proportions, for every n.

    The k-th image of a class with m images, in the order of a hash of their names, stands at (k + u) / m, where u in
    [0, 1) follows from the hash: systematic sampling with a random start within each step.

    Args:
        labels: Class of each row (N,).
        names: A name of each row.

    Returns:
        The rows (N,) in this order.
    """
    drawn = _drawn(names, "order")
    places = np.empty(len(labels))
    for rows in _classes(labels):
        ranked = rows[np.argsort(drawn[rows, 0], kind="stable")]
        places[ranked] = (np.arange(len(ranked)) + drawn[ranked, 1] / 2**64) / len(ranked)
    return np.argsort(places, kind="stable")


def held_out(labels: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows are held out for testing: ``HOLDOUT`` of each class, at least one of two or more.

    Args:
        labels: Class of each row (N,).
        names: A name of each row.

    Returns:
        Booleans (N,).
    """
    drawn = _drawn(names, "test")
    out = np.zeros(len(labels), np.bool_)
    for rows in _classes(labels):
        count = max(1, round(HOLDOUT * len(rows))) if len(rows) > 1 else 0
        out[rows[np.argsort(drawn[rows, 0], kind="stable")][:count]] = True
    return out


def class_by_class(labels: NDArray[np.int64]) -> bool:
    """Whether rows come sorted by class, so that the first ones do not stand for all.

    Args:
        labels: Class of each row (N,).

    Returns:
        True if neighbours differ in class less than a tenth as often as in a random order.
    """
    if len(labels) < 2:
        return False
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    expected = 1 - float((shares**2).sum())
    return len(shares) > 1 and float((labels[1:] != labels[:-1]).mean()) < expected / 10


def _classes(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each class, ascending."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, starts) if len(labels) else []


def _drawn(names: Sequence[str], purpose: str) -> NDArray[np.uint64]:
    """Two random numbers of 64 bits per name, (N, 2)."""
    key = f"{SEED} {purpose} ".encode()
    digests = (hashlib.blake2b(key + name.encode(errors="surrogatepass"), digest_size=16).digest() for name in names)
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(len(names), 2)
