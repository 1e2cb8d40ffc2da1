"""Folders of many photographs: the memory and the time that ``evaluate`` and a survey take, for more and more of them.

``python -m benchmarks.folders`` prints the figures; each is of a process of its own. Memory is the process's peak above
what it took after the first 512 images, and should not grow with their number.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

MODEL = "cifar10/resnet20/standard"
SIDES = ((320, 240), (240, 320), (480, 360))  # px
WARM = 512  # images: a batch or two, and what libraries take once


def photographs(folder: Path, count: int) -> None:
    """Write JPEGs in one sub-folder per class: smooth colours with noise, as photographs compress."""
    import numpy as np
    from PIL import Image

    from explorer import load_model

    rng = np.random.default_rng(0)
    classes = load_model(MODEL, device="cpu").classes
    for name in classes:
        (folder / name).mkdir(parents=True)
    for i in range(count):
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        small.resize(SIDES[i % 3], Image.Resampling.BICUBIC).save(folder / classes[i % 10] / f"{i}.jpg", quality=90)


def peak() -> float:
    """The most memory that this process took so far, in MiB."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / 1024 / (1024 if sys.platform == "darwin" else 1)


def measure(what: str, folder: Path, count: int) -> dict[str, float]:
    """What one run over a folder takes: peak memory in MiB above the start, and images per second."""
    from explorer import evaluate, load_dataset, load_model
    from explorer.survey import make_plan, run

    model = load_model(MODEL, device="cpu")

    def ask(limit: int, out: Path) -> None:
        if what == "evaluate":
            evaluate(model, str(folder), limit=limit)
        else:
            data = load_dataset(str(folder))
            run([model], data, make_plan([model], data, ["brightness=0.1"], limit=limit), out)

    with TemporaryDirectory() as name:
        ask(WARM, Path(name) / "warm")
        start, begun = peak(), perf_counter()
        ask(count, Path(name) / "all")
        return {"MiB": round(peak() - start, 1), "images/s": round(count / (perf_counter() - begun), 1)}


def main() -> None:
    """Make the folder and measure in fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000, help="JPEGs in the folder.")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "FOLDER", "COUNT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        what, folder, count = chosen.one
        print(json.dumps(measure(what, Path(folder), int(count))))
        return
    with TemporaryDirectory() as name:
        photographs(Path(name) / "own", chosen.images)
        print("| what | images | MiB above the start | images/s |", "| --- | ---: | ---: | ---: |", sep="\n")
        for what in ("evaluate", "survey"):
            for count in (chosen.images // 5, chosen.images):
                one = [sys.executable, "-m", "benchmarks.folders", "--one", what, f"{name}/own", str(count)]
                found = json.loads(subprocess.run(one, capture_output=True, text=True, check=True).stdout)
                print(f"| {what} | {count:,} | {found['MiB']} | {found['images/s']} |", flush=True)


if __name__ == "__main__":
    main()
