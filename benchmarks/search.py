"""Searches: vectors against bare forward passes, all pairs of 10,000 pictures and copies, neighbours among 100,000."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time
from typing import Any

from benchmarks.timing import Row, clock, quartiles, race

PICTURES, BATCH = 512, 64
COPIES, DIMENSIONS = 10_000, 1280
SEARCHED, SHORT = 100_000, 128
EMBEDDING = 1 / 0.9
PAIRS_MS, NEIGHBOURS_MS = 10_000, 60_000


def measure_search(_: Sequence[str]) -> list[Row]:
    """The three budgets of searches; the last two are times on two cores."""
    return [_embedding(), _pairs(), _neighbours()]


def _embedding() -> Row:
    import numpy as np
    import torch

    from explorer.data.datasets import Dataset
    from explorer.models import load_model
    from explorer.search import embed

    model = load_model("cifar10/resnet20/standard", device="cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, 32, 32, 3), dtype=np.uint8)
    data = Dataset("random", "test", pixels, np.zeros(PICTURES, np.int64), ("none",), (0.0,) * 3, (1.0,) * 3)
    x = data.batch(slice(None))[0]

    def bare() -> None:
        with torch.inference_mode():
            for part in x.split(BATCH):
                model.features(part)

    ours = ("vectors of 512 pictures", lambda: embed(model, data, cache=False))
    return race("embedding, ResNet-20", ours, ("bare forward passes", bare), budget=EMBEDDING, rounds=10, warm_up=2)


def _pairs() -> Row:
    from explorer.search import all_pairs

    first, second = _vectors(COPIES, DIMENSIONS, 0), _vectors(COPIES, DIMENSIONS, 1)
    return _timed(f"{COPIES:,} x {COPIES:,} pairs, exact", lambda: all_pairs(first, second), PAIRS_MS, rounds=3)


def _neighbours() -> Row:
    from explorer.search import nearest

    searched = _vectors(SEARCHED, SHORT, 0)
    return _timed(f"30 nearest of {SEARCHED:,} for each", lambda: nearest(searched, k=30), NEIGHBOURS_MS, rounds=1)


def _timed(what: str, ours: Callable[[], object], budget: int, *, rounds: int) -> Row:
    times = [clock(ours) for _ in range(rounds)]
    return Row(what, "all of it", median(times), "", None, None, quartiles(times), rounds, budget)


def _vectors(count: int, dimensions: int, seed: int) -> Any:
    import numpy as np

    from explorer.distortions import Recipe
    from explorer.search import Embeddings

    vectors = np.random.default_rng(seed).standard_normal((count, dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = ("",) * count
    none = np.full(count, -1)
    return Embeddings(vectors, names, names, tuple(range(count)), "m", "m", "", "euclidean", Recipe(), none, (), {})


def main() -> None:
    """Print processor seconds and memory of the two times, which another load on the machine does not change."""
    for row in (_pairs, _neighbours):
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
        found = row()
        spent = (process_time() - started) / found.rounds
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
        print(f"{found.what}: {spent:.1f} s of processor time with making the vectors, {grown:.2f} GiB more memory")


if __name__ == "__main__":
    main()
