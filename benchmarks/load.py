"""Ten visitors at once: how much longer each waits than one alone, beside sweeps, and what memory all of it takes.

``python -m benchmarks.load`` prints the figures. That each visitor is given their own answers, that pictures are
decoded one after another and that a survey holds no more images for more images is tested, not measured.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.background import Sweeps
from tests.support.app_server import Panel, Server, running
from tests.support.hostile_files import HOSTILE, noise, saved
from tests.support.questions import MODELS
from tests.support.visitors import Own, Visitor

VISITORS = 10
ANSWERS = 40
ROUNDS = 3
MIB = 2**20


def p95(seconds: Sequence[float]) -> float:
    """The 95th percentile in ms."""
    return 1000 * statistics.quantiles(seconds, n=20)[-1]


def in_use(server: Server) -> int:
    """Bytes in use by the process itself; the smallest of some readings, because garbage comes and goes."""
    import psutil  # type: ignore[import-untyped]

    process = psutil.Process(server.process.pid)
    readings = []
    for _ in range(5):
        readings.append(process.memory_full_info().uss)
        time.sleep(0.1)
    return int(min(readings))


class Peak:
    """The most memory that a server takes from now on, where Linux counts it."""

    def __init__(self, server: Server) -> None:
        self._folder = Path(f"/proc/{server.process.pid}")
        (self._folder / "clear_refs").write_text("5", encoding="utf-8")  # begin a new peak
        self._start = self._read("VmRSS")

    def _read(self, name: str) -> float:
        status = (self._folder / "status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name)) / 1024

    def more(self) -> float:
        """The MiB beyond what was in use at the start."""
        return self._read("VmHWM") - self._start


def measure_uploads(server: Server) -> dict[str, Any]:
    """What hostile files and large photographs take."""
    panel = Panel(server)
    panel.upload(saved(noise(), "PNG"))  # what is imported at the first upload is imported now
    peak = Peak(server)
    for make, _ in HOSTILE.values():
        panel.upload(make())
    hostile = peak.more()
    photograph = saved(noise(100).resize((7900, 6200)), "JPEG", quality=60)  # 49 million pixels
    peak = Peak(server)
    panel.upload(photograph)
    alone = peak.more()
    peak = Peak(server)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(panel.upload, [photograph] * 3))
    return {
        "peak with hostile files (MiB)": hostile,
        "peak with a photograph of 49 megapixels (MiB)": alone,
        "peak with three of them at once (MiB)": peak.more(),
    }


def measure_survey(images: int) -> float:
    """The peak of a process that runs a survey of so many images, less their bytes, in MiB."""
    return float(subprocess.run(
        [sys.executable, "-m", "benchmarks.load", str(images)], capture_output=True, text=True, check=True
    ).stdout)  # fmt: skip


def run_survey(images: int) -> float:
    """Run it in this process; see ``measure_survey``."""
    import numpy as np
    import torch

    from explorer import load_model
    from explorer.data.datasets import Dataset
    from explorer.survey import make_plan, run

    torch.set_num_threads(1)
    models = [load_model("digits/lenet/standard", device="cpu")]
    pixels = np.random.default_rng(0).integers(0, 256, (images, 28, 28, 1), dtype=np.uint8)
    data = Dataset("noise", "test", pixels, np.zeros(images, np.int64), models[0].classes, (0.5,), (0.25,))
    with TemporaryDirectory() as folder:
        run(models, data, make_plan(models, data, ["gaussian_noise=0.1:0.2:0.3"]), Path(folder) / "survey")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - pixels.nbytes / MIB


def measure() -> dict[str, Any]:
    """The figures, by what they say; ratios are medians over the rounds."""
    with TemporaryDirectory() as folder, running(Path(folder)) as server, ThreadPoolExecutor(VISITORS) as pool:
        crowd = [Visitor(server, Own(number)) for number in range(VISITORS)]

        def together() -> list[float]:
            return [time for times in pool.map(lambda visitor: visitor.drag(ANSWERS), crowd) for time in times]

        together()  # warm: every picture cached, every buffer grown
        before = in_use(server)
        rounds = [(p95(crowd[0].drag(ANSWERS)), p95(together())) for _ in range(ROUNDS)]
        growth = in_use(server) - before
        sweeps = Sweeps(server.url, MODELS)
        alone = crowd[0].drag(ANSWERS)
        with sweeps.running():
            beside = crowd[0].drag(ANSWERS)
        uploads = measure_uploads(server) if sys.platform == "linux" else {}
    return {
        "one visitor, p95 (ms)": statistics.median(one for one, _ in rounds),
        "ten visitors, p95 (ms)": statistics.median(ten for _, ten in rounds),
        "ten to one": statistics.median(ten / one for one, ten in rounds),
        "growth of the server's memory (MiB)": growth / MIB,
        "beside sweeps to alone, median": statistics.median(beside) / statistics.median(alone),
        "sweeps meanwhile": sweeps.done,
        **uploads,
        "peak of a survey of 1,024 images (MiB)": measure_survey(1024),
        "peak of a survey of 4,096 images (MiB)": measure_survey(4096),
    }


if __name__ == "__main__":
    print(run_survey(int(sys.argv[1])) if sys.argv[1:] else json.dumps(measure(), indent=2))
