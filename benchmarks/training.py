"""The trainer against a bare loop of forward and backward passes on random images that lie on the device.

One epoch of ours (order, crop, mirror, objective, optimizer, metrics) and as many bare steps of the same network, batch
and precision, in turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.timing import Row, race

BATCH = 128
STEPS = {"cpu": 5, "mps": 40, "cuda": 200}
METHODS = {"standard": 1, "stability": 2, "stability_mix": 2}  # and the images a step sends through the network
BUDGET = 1 / 0.85


def measure_training(_: Sequence[str]) -> list[Row]:
    """ResNet-20 on the best device there is; the budget was set for a GPU."""
    from explorer.models import pick_device

    device = pick_device("auto")
    return [_row(method, times, device) for method, times in METHODS.items()]


def _row(method: str, times: int, device: Any) -> Row:
    import numpy as np
    import torch
    import torch.nn.functional as F

    from explorer.data.datasets import Dataset
    from explorer.training import TrainConfig
    from explorer.training.trainer import prepare

    steps = STEPS[device.type]
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (BATCH * steps, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, BATCH * steps)
    names = tuple("0123456789")
    data = Dataset("random", "train", pixels, labels, names, (0.5,) * 3, (0.25,) * 3)
    config = TrainConfig(method=method, data="random", batch_size=BATCH, epochs=100)
    run, bare = (prepare(config, data, device=device) for _ in range(2))
    x, y = torch.rand(times * BATCH, 3, 32, 32, device=device), torch.as_tensor(labels[:BATCH], device=device)

    def synchronize() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def ours() -> None:
        run.epoch(0, lambda *_: None)
        synchronize()

    def theirs() -> None:
        bare.model.train()
        for _ in range(steps):
            with torch.autocast(device.type, torch.bfloat16, enabled=bare.bf16):
                loss = F.cross_entropy(bare.model(x).float()[:BATCH], y)
            bare.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        synchronize()

    what = f"training, ResNet-20, {method}, {device.type}"
    passes = f"{steps} bare steps of {times * BATCH} images"
    return race(what, (f"{steps} steps of the trainer", ours), (passes, theirs), budget=BUDGET, rounds=8, warm_up=1)
