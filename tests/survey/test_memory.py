"""A survey's memory does not grow with the data: however many images, only those under way and their rows are held.

How many MiB that takes is measured by ``benchmarks/load.py``.
"""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer import load_model
from explorer.data.datasets import Dataset
from explorer.survey import make_plan, run
from explorer.survey.store import Store


class Alive:
    """Counts how many of the things that it was shown are held by anybody."""

    def __init__(self) -> None:
        self.seen: list[weakref.ref[Any]] = []
        self.most = 0

    def show(self, thing: Any) -> None:
        self.seen.append(weakref.ref(thing))
        self.most = max(self.most, sum(one() is not None for one in self.seen))


def test_only_the_images_under_way_and_their_rows_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [load_model("digits/lenet/standard", device="cpu")]
    pixels = np.random.default_rng(0).integers(0, 256, (96, 28, 28, 1), dtype=np.uint8)
    data = Dataset("noise", "test", pixels, np.zeros(96, np.int64), models[0].classes, (0.5,), (0.25,))
    plan = replace(make_plan(models, data, ["gaussian_noise=0.1"]), shard=8, batch=8)
    batches, columns = Alive(), Alive()
    read, put = Dataset.batch, Store.put

    def watched_read(self: Dataset, rows: Any) -> Any:
        found = read(self, rows)
        batches.show(found[0])
        return found

    def watched_put(self: Store, plan: Any, shard: int, found: Any, unread: Any) -> None:
        columns.show(found["confidence"])
        put(self, plan, shard, found, unread)

    monkeypatch.setattr(Dataset, "batch", watched_read)
    monkeypatch.setattr(Store, "put", watched_put)
    run(models, data, plan, tmp_path / "survey")
    assert (len(batches.seen), len(columns.seen)) == (12, 12)
    assert batches.most <= 3, "one that is read ahead, one under way, one that was just left"
    assert columns.most <= 2
