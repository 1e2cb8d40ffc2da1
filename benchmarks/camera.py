"""The live camera in a real browser: frames a second against bare forwards, memory, lag behind the hand.

Chromium's fake device shows a clip made here; two networks of 224 px answer each frame, clean and under noise. The
camera runs and is held in turns; while it is held, the bare forwards of the same batches are counted. A frame is taken
when the answer to the last is painted, so that the time from answer to answer is the most by which one lags.
``python -m benchmarks.camera 600`` runs for ten minutes and prints the figures.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.pages import chromium, served, version

TURN = 12  # s of camera between two counts of bare forwards
BARE = 4  # s of these
WATCH = """() => {
  window.seen = [];
  document.addEventListener('answer', ({ detail }) => {
    if (detail.answer && detail.state?.picture.token?.startsWith('live:')) window.seen.push(performance.now());
  });
}"""


def measure(seconds: float = 120) -> dict[str, Any]:
    """Rates, their ratio, and growth from the first to the last turn."""
    import psutil  # type: ignore[import-untyped]
    import torch

    from explorer import Recipe, load_model
    from explorer.app import build
    from explorer.distortions import apply
    from explorer.models.photos import LITE0
    from explorer.models.reading import renamed
    from tests.support.clips import coded, wandering

    models = [load_model(LITE0, device="cpu"), renamed(load_model(LITE0, device="cpu"), "again")]
    frame = torch.rand(1, 3, 224, 224)
    both = torch.cat([frame, apply(Recipe.parse("gaussian_noise=0.1;seed=0"), frame)])
    film = Path(tempfile.mkdtemp()) / "film.mjpeg"
    film.write_bytes(coded(wandering(40, 224), "mjpeg", "mjpeg"))
    device = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    here = psutil.Process()

    def bare() -> float:
        count, began = 0, perf_counter()
        with torch.inference_mode():
            while perf_counter() - began < BARE:
                for model in models:
                    model(both)
                count += 1
        return count / (perf_counter() - began)

    rates: list[tuple[float, float]] = []
    gaps: list[list[float]] = []
    server: list[float] = []
    page_heap: list[float] = []
    with (
        served(build(models)) as url,
        chromium(
            *device, f"--use-file-for-fake-video-capture={film}", "--enable-precise-memory-info", permissions=["camera"]
        ) as context,
    ):
        page = context.new_page()
        page.goto(f"{url}?recipe=gaussian_noise=0.1;seed=0&tab=frames")
        page.wait_for_selector(".step[data-used]")
        page.evaluate(WATCH)
        page.get_by_role("button", name="Live camera").click()
        page.wait_for_function("window.seen.length > 5")
        hold = page.get_by_role("button", name="Hold")
        end = perf_counter() + seconds
        while perf_counter() < end or len(gaps) < 2:
            page.evaluate("window.seen = []")
            page.wait_for_timeout(1000 * TURN)
            times = page.evaluate("window.seen")
            hold.click()
            page.wait_for_timeout(500)
            gaps.append([later - sooner for sooner, later in pairwise(times)])
            rates.append((1000 * (len(times) - 1) / (times[-1] - times[0]), bare()))
            server.append(here.memory_full_info().uss / 2**20)
            page_heap.append(page.evaluate("performance.memory.usedJSHeapSize") / 2**20)
            hold.click()
        found: dict[str, Any] = {"Chromium": version(context)}
    medians = [statistics.median(one) for one in gaps]
    ours, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    return found | {
        "seconds": round(seconds),
        "frames": sum(map(len, gaps)) + len(gaps),
        "frames a second, camera": ours,
        "frames a second, bare forwards of both networks, batch 2": theirs,
        "camera against bare forwards, median of turns": statistics.median(a / b for a, b in rates),
        "from answer to answer, first turn (ms)": medians[0],
        "from answer to answer, last turn (ms)": medians[-1],
        "server's memory after the second turn (MiB)": server[1],
        "server's memory at the end (MiB)": server[-1],
        "page's heap after the second turn (MiB)": page_heap[1],
        "page's heap at the end (MiB)": page_heap[-1],
        "load of the machine at the end": os.getloadavg()[0],
    }


if __name__ == "__main__":
    print(json.dumps(measure(*map(float, sys.argv[1:])), indent=2))
