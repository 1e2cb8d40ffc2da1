"""Folders of many photographs: the memory and the time that they take to open, to evaluate and to survey.

``python -m benchmarks.folders`` prints the figures; each is of a process of its own. Memory is the process's peak; its
ratio is that to a fifth of the images, and should be 1 where the folder is read. Opening reads names and takes seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

MODEL = "cifar10/resnet20/standard"
SIDES = ((320, 240), (240, 320), (480, 360))  # px
WARM = 512  # images: a batch or two, and what libraries take once
DISTINCT = 300  # files; the others are further names of these
WHAT = ("open", "evaluate", "survey")
SHARE = 5  # of the images the first figures are of one in so many


def photographs(folder: Path, count: int) -> None:
    """Write JPEGs in one sub-folder per class: smooth colours with noise, as photographs compress."""
    import numpy as np
    from PIL import Image

    from explorer import load_model

    rng = np.random.default_rng(0)
    classes = load_model(MODEL, device="cpu").classes
    for name in classes:
        (folder / name).mkdir(parents=True)
    written: list[Path] = []
    for i in range(count):
        path = folder / classes[i % 10] / f"{i}.jpg"
        if i >= DISTINCT:
            os.link(written[i % DISTINCT], path)
            continue
        written.append(path)
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        small.resize(SIDES[i % 3], Image.Resampling.BICUBIC).save(path, quality=90)


def peak() -> float:
    """The most memory that this process took so far, in MiB."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / 1024 / (1024 if sys.platform == "darwin" else 1)


def measure(what: str, folder: Path, count: int) -> dict[str, float]:
    """What one run over a folder takes: peak memory in MiB, and seconds."""
    from explorer import evaluate, load_dataset, load_model
    from explorer.data.datasets import open_dataset
    from explorer.survey import make_plan, run

    model = load_model(MODEL, device="cpu")

    def ask(limit: int, out: Path) -> None:
        if what == "open":
            open_dataset(str(folder)).batch(slice(0, 64))
        elif what == "evaluate":
            evaluate(model, str(folder), limit=limit)
        else:
            data = load_dataset(str(folder))
            run([model], data, make_plan([model], data, ["brightness=0.1"], limit=limit), out)

    with TemporaryDirectory() as name:
        if what != "open":
            ask(WARM, Path(name) / "warm")
        begun = perf_counter()
        ask(count, Path(name) / "all")
        return {"MiB": peak(), "s": perf_counter() - begun}


def main() -> None:
    """Make the folder and measure in fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000, help="JPEGs in the folder.")
    parser.add_argument("--what", nargs="+", default=WHAT, choices=WHAT, help="What to measure.")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "FOLDER", "COUNT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        what, folder, count = chosen.one
        print(json.dumps(measure(what, Path(folder), int(count))))
        return
    with TemporaryDirectory() as name:
        few = chosen.images // SHARE
        photographs(Path(name) / "few", few)
        photographs(Path(name) / "all", chosen.images)
        print("| what | images | peak MiB | ratio | s | images/s |", "| --- |" + " ---: |" * 5, sep="\n")
        for what in chosen.what:
            first = None
            for folder, count in (("few", few), ("all", chosen.images)):
                one = [sys.executable, "-m", "benchmarks.folders", "--one", what, f"{name}/{folder}", str(count)]
                found = json.loads(subprocess.run(one, capture_output=True, text=True, check=True).stdout)
                first = first or found["MiB"]
                ratio, pace = found["MiB"] / first, count / found["s"]
                print(
                    f"| {what} | {count:,} | {found['MiB']:.0f} | {ratio:.2f} | {found['s']:.1f} | {pace:,.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
