"""The speed budget, measured: ``make bench``, or ``python -m benchmarks.run --only compare``.

Each row is a ratio of two things timed in turns in the same run, after a warm-up; medians, with the quartiles of the
single ratios beside them. Writes ``benchmarks/results/latest.json`` and ``.md`` with machine and versions. Nothing
fails when a budget is missed, for a busy machine is no bug: the report says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.clips import measure_frames
from benchmarks.search import measure_search
from benchmarks.survey import measure_photographs, measure_queries, measure_survey
from benchmarks.timing import Row, machine, quartiles, race
from benchmarks.training import measure_training

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MODELS = ("cifar10/resnet20/standard", "cifar10/resnet20/stability")


def measure_compare(models: Sequence[str]) -> list[Row]:
    """compare() of two models on one image, against the forward passes that it cannot do without."""
    import torch

    from explorer import Recipe, compare
    from explorer.distortions import apply

    loaded, image = _setup(models)
    recipe = Recipe.parse("gaussian_noise=0.1;seed=7")
    batch = torch.cat([image, apply(recipe, image)])

    def bare() -> None:
        with torch.inference_mode():
            for model in loaded:
                model(batch)

    ours = ("compare()", lambda: compare(loaded, image, recipe))
    theirs = (f"{len(loaded)} bare forwards, batch 2", bare)
    return [race("core compare(), 2 models, one image", ours, theirs, budget=1.3, rounds=200, warm_up=20)]


def measure_sweep(models: Sequence[str]) -> list[Row]:
    """sweep() over 32 amounts, against a bare forward of as many images per model."""
    import torch

    from explorer import Recipe, sweep
    from explorer.distortions import apply

    loaded, image = _setup(models)
    amounts = 32
    recipes = [Recipe.parse(f"gaussian_noise={0.5 * i / amounts};seed=0") for i in range(amounts + 1)]
    batch = torch.cat([apply(recipe, image) for recipe in recipes])  # the clean image and 32 distorted ones

    def bare() -> None:
        with torch.inference_mode():
            for model in loaded:
                model(batch)

    ours = ("sweep()", lambda: sweep(loaded, image, "gaussian_noise"))
    theirs = (f"{len(loaded)} bare forwards, batch {len(batch)}", bare)
    return [race("sweep, 32 amounts x 2 models", ours, theirs, budget=1.25, rounds=60)]


def measure_import(_: Sequence[str]) -> list[Row]:
    """Import times in fresh interpreters; ``import explorer`` is lazy, so that the whole core is timed as well."""
    everything = "import explorer\nfor name in explorer.__all__: getattr(explorer, name)"
    theirs = ("import torch", _interpreter("import torch"))
    return [
        race(
            "import explorer",
            ("import explorer", _interpreter("import explorer")),
            theirs,
            budget=1.5,
            rounds=7,
            warm_up=1,
        ),
        race("the whole core", ("all of its names", _interpreter(everything)), theirs, budget=1.5, rounds=7, warm_up=1),
    ]


def measure_app(models: Sequence[str]) -> list[Row]:
    """From the command to the first page answered, three times, after one that warms the disk cache."""
    times = [_serve_once(models) for _ in range(4)][1:]
    ready = statistics.median(times)
    return [Row("app ready to serve", "explorer app (ms)", ready, "", None, None, quartiles(times), len(times), 8000)]


MEASURES: dict[str, Callable[[Sequence[str]], list[Row]]] = {
    "compare": measure_compare,
    "sweep": measure_sweep,
    "import": measure_import,
    "app": measure_app,
    "survey": measure_survey,
    "photographs": measure_photographs,
    "frames": measure_frames,
    "queries": measure_queries,
    "search": measure_search,
    "training": measure_training,
}


def measure_browser() -> dict[str, Any]:
    """The latency in a real browser, from ``benchmarks/browser.py``."""
    found: dict[str, Any] = import_module("benchmarks.browser").measure()
    return found


def measure_notebook() -> dict[str, Any]:
    """The same in JupyterLab, against the app, from ``benchmarks/notebook.py``."""
    found: dict[str, Any] = import_module("benchmarks.notebook").measure()
    return found


def measure_camera() -> dict[str, Any]:
    """The live camera, from ``benchmarks/camera.py``."""
    found: dict[str, Any] = import_module("benchmarks.camera").measure()
    return found


def measure_gallery() -> dict[str, Any]:
    """Scrolling through ten thousand cases, from ``benchmarks/gallery.py``."""
    found: dict[str, Any] = import_module("benchmarks.gallery").measure()
    return found


def measure_load() -> dict[str, Any]:
    """Ten visitors at once, from ``benchmarks/load.py``."""
    found: dict[str, Any] = import_module("benchmarks.load").measure()
    return found


PAGES: dict[str, Callable[[], dict[str, Any]]] = {
    "browser": measure_browser,
    "notebook": measure_notebook,
    "camera": measure_camera,
    "gallery": measure_gallery,
    "load": measure_load,
}
"""What is measured through the served app, in a table of its own each."""


TITLES = {
    "browser": "In the browser, slider moved to answer painted:",
    "notebook": "In a notebook, slider moved to answer painted:",
    "camera": "The live camera, two networks of 224 px:",
    "gallery": "In the gallery of failures, while it is scrolled through:",
    "load": "Ten visitors at once:",
}


def markdown(report: dict[str, Any]) -> str:
    """The report as people read it."""
    lines = ["# Speed budget", "", f"Measured {report['when']} on:", ""]
    lines += [f"- {key}: {value}" for key, value in report["machine"].items()]
    lines += [
        "",
        "| what | ours | against | ratio | quartiles | budget | |",
        "| --- | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    for row in report["rows"]:
        against = "" if row["theirs"] is None else f"{row['theirs_name']}: {row['theirs']:.1f} ms"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        low, high = (f"{value:.2f}" if row["ratio"] is not None else f"{value:.0f}" for value in row["spread"])
        budget, verdict = "", ""
        if row["budget"] is not None:
            budget = f"≤ {row['budget']:.4g}" + (" ms" if row["ratio"] is None else "")
            verdict = "kept" if row["within"] else "MISSED"
        lines.append(
            f"| {row['what']} | {row['ours']:.1f} ms | {against} | {ratio} | {low} to {high} | {budget} | {verdict} |"
        )
    for name, what in TITLES.items():
        if found := report.get(name):
            lines += ["", what, "", "| | |", "| --- | ---: |"]
            lines += [f"| {key} | {_plain(value)} |" for key, value in found.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what was asked for and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", choices=[*MEASURES, *PAGES], help="measure these only")
    parser.add_argument("--models", default=",".join(MODELS), help="two models of one input size, separated by a comma")
    options = parser.parse_args()
    models = options.models.split(",")
    wanted = options.only or [*MEASURES, *PAGES]
    report: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "models": models,
        "rows": [],
        **{name: {} for name in PAGES},
    }
    for name in wanted:
        print(f"measuring {name} ...", file=sys.stderr)
        if name in MEASURES:
            report["rows"] += [row.to_dict() for row in MEASURES[name](models)]
        else:
            report[name] = PAGES[name]()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (RESULTS / "latest.md").write_text(markdown(report), encoding="utf-8")
    print(markdown(report))


def _setup(names: Sequence[str]) -> tuple[list[Any], Any]:
    """The models on the CPU and the cat as they take it."""
    from explorer import fit, load_model
    from explorer.data.images import sample_images

    loaded = [load_model(name, device="cpu") for name in names]
    cat = next(iter(sample_images().values()))()
    return loaded, fit(cat, loaded[0].size, loaded[0].channels)


def _interpreter(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def _serve_once(models: Sequence[str]) -> float:
    """Milliseconds from starting `explorer app` to its first page."""
    command = [sys.executable, "-m", "explorer", "app", "--port", "7980", "--models", ",".join(models)]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    started = perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as app:
        assert app.stdout is not None  # noqa: S101  # it was asked for
        try:
            address = next(found[0] for line in app.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            opener.open(address, timeout=60).read()
            return (perf_counter() - started) * 1000
        finally:
            app.terminate()


def _plain(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
