"""Surveys: throughput against the bare forward passes, and the page's questions on five million rows."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.timing import Row, clock, quartiles, race

IMAGES = 256
PHOTOGRAPHS = 54
EVERYDAY = (
    *("gaussian_noise=0.1:0.2", "jpeg=50:10", "thumbnail=64", "crop=10"),
    *("gaussian_blur=2", "brightness=0.2", "contrast=0.4", "rotate=10"),
)
DISTORTIONS = ("gaussian_noise=0.06:0.1", "jpeg=30", "thumbnail=20", "gaussian_blur=1")
CASES, CONDITIONS = 2_500_000, 50  # of two models: five million rows
BUDGET = 200  # ms for a question
ROUNDS = 9


def measure_survey(models: Sequence[str]) -> list[Row]:
    """A whole run, files included, against the forward passes that it cannot do without, in batches as large."""
    import numpy as np
    import torch

    from explorer import load_model
    from explorer.data.datasets import Dataset
    from explorer.survey import make_plan, run

    loaded = [load_model(name, device="cpu") for name in models]
    size, channels = loaded[0].size, loaded[0].channels
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, channels), dtype=np.uint8)
    data = Dataset(
        "noise", "test", pixels, np.zeros(IMAGES, np.int64), loaded[0].classes, (0.5,) * channels, (0.25,) * channels
    )
    plan = make_plan(loaded, data, DISTORTIONS)
    batches = data.batch(slice(None))[0].split(plan.batch)

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run(loaded, data, plan, Path(folder) / "survey")

    def theirs() -> None:
        with torch.inference_mode():
            for _ in range(1 + len(plan.conditions)):  # the clean images, and those of each condition
                for model in loaded:
                    for batch in batches:
                        model(batch)

    what = f"survey, {IMAGES} images x {len(plan.conditions)} conditions x {len(loaded)} models"
    other = f"bare forwards, batches of {plan.batch}"
    return [race(what, ("run()", ours), (other, theirs), budget=1 / 0.85, rounds=7, warm_up=1)]


def measure_photographs(_: Sequence[str]) -> list[Row]:
    """A survey of a folder of photographs at 224 px, decoding included, against bare forward passes in batches.

    The bare ones keep freed memory between layers as the survey does; without that they take twice as long.
    """
    import torch
    from PIL import Image

    from explorer import load_model
    from explorer.data.datasets import open_dataset
    from explorer.data.images import sample_images, to_uint8
    from explorer.models.memory import kept_memory
    from explorer.models.photos import LITE0
    from explorer.models.reading import renamed
    from explorer.survey import make_plan, run

    loaded = [load_model(LITE0, device="cpu"), renamed(load_model(LITE0, device="cpu"), "again")]
    samples = [Image.fromarray(to_uint8(load())[0]) for load in sample_images().values()]
    rows = []
    with tempfile.TemporaryDirectory() as home:
        for i in range(PHOTOGRAPHS):
            (place := Path(home) / "photographs" / "tabby").mkdir(parents=True, exist_ok=True)
            samples[i % len(samples)].resize((500, 375 - i)).save(place / f"{i}.jpg", quality=90)
        data = open_dataset(str(place.parent))
        batches = torch.rand(PHOTOGRAPHS, 3, 224, 224).split(27)
        for on in ("input", "photograph"):
            plan = make_plan(loaded, data, EVERYDAY, on=on)

            def ours(plan: Any = plan) -> None:
                with tempfile.TemporaryDirectory() as folder:
                    run(loaded, data, plan, Path(folder) / "survey")

            def theirs(count: int = 1 + len(plan.conditions)) -> None:
                with torch.inference_mode(), kept_memory():
                    for model in loaded * count:
                        for batch in batches:
                            model(batch)

            what = f"survey on the {on}, {PHOTOGRAPHS} photographs x {len(plan.conditions)} conditions x 2 models"
            other = ("bare forwards, batches of 27", theirs)
            rows.append(race(what, ("run()", ours), other, budget=1 / 0.9, rounds=3, warm_up=1))
    return rows


def measure_queries(_: Sequence[str]) -> list[Row]:
    """The questions behind the page "Failures" and the ready-made tables, on five million generated rows."""
    from explorer.app.context import make_context
    from explorer.app.failures.page import Failures
    from explorer.survey import VIEWS, Survey

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "generated"
        generate(folder)
        context = make_context(["digits/lenet/standard", "digits/lenet/stability"], surveys=[folder])
        page = Failures(context.workspace, context.surveys)
        key = page.listed({})["surveys"][0]["key"]
        about = {"survey": key}
        narrow = {"model": "other", "low": -0.5, "high": 0.5, "distortion": "gaussian_noise", "label": "3"}
        rows = [_timed("open the survey, 5 million rows", lambda: page.open(about), rounds=1, budget=None)]
        asked: dict[str, Callable[[], object]] = {}
        for by in ("case", "apart", "margin", "amount"):
            asked[f"cases by {by}"] = _fresh(page, {**about, "order": {"by": by, "falling": True}})
        asked["cases, filtered"] = _fresh(page, {**about, "filters": narrow, "order": {"by": "margin"}})
        asked["accuracy"] = _fresh(page, about, "accuracy")
        asked["confusion"] = _fresh(page, about, "confusion")
        rows += [_timed(f"Failures, {name}", ask) for name, ask in asked.items()]
        survey = Survey(folder)
        rows += [_timed(f"explorer survey show --view {name}", _view(survey, name)) for name in VIEWS]
    return rows


def _view(survey: Any, name: str) -> Callable[[], object]:
    return lambda: survey.view(name, limit=20)


def _fresh(page: Any, question: dict[str, Any], kind: str = "cases") -> Callable[[], object]:
    """The question, asked as if for the first time: nothing that was kept of its answer is used."""

    def ask() -> None:
        page.forget()
        page.answer({"ask": kind, **question})

    return ask


def _timed(what: str, ask: Callable[[], object], *, rounds: int = ROUNDS, budget: float | None = BUDGET) -> Row:
    if rounds > 1:
        ask()
    times = [clock(ask) for _ in range(rounds)]
    return Row(what, what, statistics.median(times), "", None, None, quartiles(times), rounds, budget)


def generate(folder: Path) -> None:
    """A survey of ``CASES`` cases and two models with random answers, in files as a run writes them."""
    import numpy as np

    from explorer import load_dataset, load_model
    from explorer.survey import Store, make_plan

    rng = np.random.default_rng(0)
    models = [load_model(f"digits/lenet/{name}", device="cpu") for name in ("standard", "stability")]
    amounts = ":".join(f"{0.01 * (i + 1):g}" for i in range(CONDITIONS))
    plan = replace(
        make_plan(models, load_dataset("digits"), [f"gaussian_noise={amounts}"]), rows=CASES // CONDITIONS, shard=2000
    )
    store = Store(folder)
    folder.mkdir(parents=True)
    store.begin(plan)
    for shard in range(plan.shards):
        images = np.array(plan.images_of(shard))
        n = len(images)
        case = np.repeat(np.arange(CONDITIONS) * plan.rows, 2 * n) + np.tile(images, 2 * CONDITIONS)
        image, condition = case % plan.rows, case // plan.rows
        total = len(case)
        label = (image * 7 % 10).astype(np.int16)
        clean = np.where(rng.random(total) < 0.97, label, rng.integers(0, 10, total)).astype(np.int16)
        wrong = rng.random(total) < 0.9 * condition / CONDITIONS
        found = np.where(wrong, rng.integers(0, 10, total), clean).astype(np.int16)
        margin = np.where(found == label, rng.random(total), -rng.random(total)).astype(np.float32)
        number = {name: rng.random(total, np.float32) for name in NUMBERS}
        columns: dict[str, Any] = {
            "case": case,
            "image": image.astype(np.int32),
            "label": label,
            "distortion": np.full(total, "gaussian_noise"),
            "amount": np.array([one.amount for one in plan.conditions])[condition],
            "seed": np.zeros(total, np.int64),
            "image_seed": image.astype(np.int64),
            "model": np.tile(np.repeat(np.arange(2, dtype=np.int16), n), CONDITIONS),
            "image_hash": image.astype("U16"),
            "hash": case.astype("U16"),
            "prediction": found,
            "clean_prediction": clean,
            "margin": np.abs(margin),
            "margin_true": margin,
            "flipped": found != clean,
            "correct": found == label,
            "clean_correct": clean == label,
            "layers": rng.random((total, max(map(len, plan.layers))), np.float32),
            **number,
        }
        store.put(plan, shard, columns, {})


NUMBERS = (
    "confidence",
    "confidence_true",
    "kl",
    "clean_confidence",
    "clean_confidence_true",
    "feature_l2",
    "feature_cosine",
    "l2",
    "linf",
    "psnr",
    "ssim",
)
