"""Ten visitors at once: how much longer each waits than one alone, beside sweeps, and what it costs in memory.

``python -m benchmarks.load`` prints the figures. That each visitor is given their own answers is tested, not measured.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.background import Sweeps
from tests.support.visitors import MODELS, Own, Visitor, watching

VISITORS = 10
ANSWERS = 40
ROUNDS = 3


def p95(seconds: Sequence[float]) -> float:
    """The 95th percentile in ms."""
    return 1000 * statistics.quantiles(seconds, n=20)[-1]


def measure() -> dict[str, Any]:
    """The figures, by what they say; ratios are medians over the rounds."""
    with TemporaryDirectory() as folder, watching(Path(folder)) as watched, ThreadPoolExecutor(VISITORS) as pool:
        crowd = [Visitor(watched.server, Own(number)) for number in range(VISITORS)]

        def together() -> list[float]:
            return [time for times in pool.map(lambda visitor: visitor.drag(ANSWERS), crowd) for time in times]

        together()  # warm: every picture cached, every buffer grown
        before = watched.memory
        rounds = [(p95(crowd[0].drag(ANSWERS)), p95(together())) for _ in range(ROUNDS)]
        growth = watched.memory - before
        sweeps = Sweeps(watched.server.url, MODELS)
        alone = crowd[0].drag(ANSWERS)
        with sweeps.running():
            beside = crowd[0].drag(ANSWERS)
    return {
        "one visitor, p95 (ms)": statistics.median(one for one, _ in rounds),
        "ten visitors, p95 (ms)": statistics.median(ten for _, ten in rounds),
        "ten to one": statistics.median(ten / one for one, ten in rounds),
        "growth of the server's memory (MiB)": growth / 2**20,
        "beside sweeps to alone, median": statistics.median(beside) / statistics.median(alone),
        "sweeps meanwhile": sweeps.done,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
