"""Vectors of pictures that do not exist."""

from __future__ import annotations

import numpy as np

from explorer.distortions import Recipe
from explorer.search import Embeddings


def embeddings(vectors: np.ndarray, *, metric: str = "euclidean", model: str = "made", labels=None) -> Embeddings:
    """These vectors, brought to length 1."""
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    n = len(vectors)
    return Embeddings(
        vectors.astype(np.float32), tuple(f"picture {i}" for i in range(n)), tuple(f"{i:016x}" for i in range(n)),
        tuple(range(n)), model, model, "penultimate", metric, Recipe(),
        np.full(n, -1) if labels is None else np.asarray(labels), (), {},
    )  # fmt: skip


def bits(n: int, seed: int, flips: int) -> tuple[Embeddings, Embeddings]:
    """Fingerprints of 64 bits and copies in which up to ``flips`` of them differ: many distances are equal."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 2, (n, 64)) * 2 - 1
    second = first.copy()
    for row in second:
        row[rng.choice(64, rng.integers(0, flips + 1), replace=False)] *= -1
    first[1], second[1] = first[0], second[0]  # the same picture twice
    return embeddings(first, metric="hamming"), embeddings(second, metric="hamming")


def features(n: int, seed: int, noise: float, d: int = 32) -> tuple[Embeddings, Embeddings]:
    """Features and those of copies, which are moved by more or less."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d))
    second = first + rng.normal(size=(n, d)) * rng.uniform(0, noise, (n, 1))
    second[0] = first[0]
    return embeddings(first), embeddings(second)
