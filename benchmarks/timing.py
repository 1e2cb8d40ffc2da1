"""How the benchmarks measure: warm up, take turns, medians with their spread, and say on what machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "gradio")


@dataclass(frozen=True)
class Row:
    """One line of the speed budget. Times in ms are medians; ``ratio`` is ours over theirs, of the medians.

    ``spread`` holds the quartiles of the ratios of single rounds. Where only a time is budgeted, ``theirs`` and
    ``ratio`` are None and ``spread`` holds the quartiles of the times. ``budget`` is in the unit of what is budgeted,
    None for what is only told.
    """

    what: str
    ours_name: str
    ours: float
    theirs_name: str
    theirs: float | None
    ratio: float | None
    spread: tuple[float, float]
    rounds: int
    budget: float | None

    @property
    def within(self) -> bool:
        """Whether the budget is kept, where there is one."""
        if self.budget is None:
            return True
        return (self.ours if self.ratio is None else self.ratio) <= self.budget

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"within": self.within}


def clock(function: Callable[[], object], timer: Callable[[], float] = perf_counter) -> float:
    """Milliseconds of one call."""
    started = timer()
    function()
    return (timer() - started) * 1000


def race(
    what: str,
    ours: tuple[str, Callable[[], object]],
    theirs: tuple[str, Callable[[], object]],
    *,
    budget: float,
    rounds: int,
    warm_up: int = 5,
    timer: Callable[[], float] = perf_counter,
) -> Row:
    """Time two functions in turns, so that other load on the machine affects both; the order alternates."""
    for _ in range(warm_up):
        ours[1]()
        theirs[1]()
    times: list[tuple[float, float]] = []
    for i in range(rounds):
        if i % 2:
            second = clock(theirs[1], timer)
            times.append((clock(ours[1], timer), second))
        else:
            times.append((clock(ours[1], timer), clock(theirs[1], timer)))
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    spread = quartiles([a / b for a, b in times])
    return Row(what, ours[0], mine, theirs[0], other, mine / other, spread, rounds, budget)


def quartiles(values: list[float]) -> tuple[float, float]:
    """First and third quartile; of a single value that value twice."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    import torch

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0] if models else name
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "load when it began": load,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{library: metadata.version(library) for library in LIBRARIES},
    }
