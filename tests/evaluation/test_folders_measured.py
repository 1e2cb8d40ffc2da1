"""Folders measured: by name, as a sample, with damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.data.datasets import load_dataset
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import Calibration, evaluate, evaluate_many, run_suite
from explorer.evaluation.running import RunningAccuracy
from explorer.models import Classifier
from explorer.survey import Survey, make_plan, run
from tests.support.networks import formula

SIDE = 8
NAMES = ("cat", "fire truck", "dog", "10")


def grey(classes: tuple[str, ...] = NAMES) -> Classifier:
    """Class k for images of grey level 20 k."""
    levels = torch.arange(len(classes)) * 20 / 255
    return formula(
        lambda p: -((p.mean(1)[:, None] - levels) ** 2) * 1e4,
        classes=classes,
        size=SIDE,
        channels=3,
        name="test/grey/own",
    )


def png(path: Path, value: int, side: int = SIDE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (value,) * 3).save(path)


def test_classes_are_found_by_name_in_every_measure(tmp_path: Path) -> None:
    for i in range(3):
        png(tmp_path / "own" / "Dog" / f"{i}.png", 40)
        png(tmp_path / "own" / "Fire_truck" / f"{i}.png", 20)
    data, model = load_dataset(str(tmp_path / "own")), grey()
    assert data.classes == ("Dog", "Fire_truck")
    assert evaluate(model, data).accuracy == 1
    suite = run_suite(model, data, "calibration")
    assert isinstance(suite, Calibration)
    assert suite.summaries[0].clean < 0.01
    plan = make_plan([model], data, ["brightness=0.5"])
    assert plan.classes == NAMES
    run([model], data, plan, tmp_path / "out")
    found = Survey(tmp_path / "out").sql("select label, clean_correct from rows")
    assert sorted(found.label) == [1, 1, 1, 2, 2, 2]
    assert found.clean_correct.all()
    png(tmp_path / "own" / "plane" / "1.png", 0)
    for measure in (evaluate, run_suite):
        with pytest.raises(ExplorerError, match=r"1 of the 3 classes of own \(plane\) is not among the 4 classes"):
            measure(model, load_dataset(str(tmp_path / "own")))


def test_a_limit_is_a_stratified_sample_and_says_so(tmp_path: Path) -> None:
    for i in range(60):
        png(tmp_path / "own" / "cat" / f"{i:02}.png", 0)
        png(tmp_path / "own" / "dog" / f"{i:02}.png", 0)
    found = evaluate_many([grey()], load_dataset(str(tmp_path / "own")), limit=40)
    assert abs(found[0].accuracy - 0.5) <= 0.03
    assert found.heading == "own, 40 of 120 images, stratified, seed 0, clean;seed=0"
    assert found.to_dict()["sample"] == "40 of 120 images, stratified, seed 0"
    shipped = evaluate_many("digits/lenet/standard", "digits", limit=30)
    assert shipped.heading == "digits, the first 30 of 360 images, clean;seed=0"
    assert (
        evaluate_many("digits/lenet/standard", load_dataset("digits").select(range(30))).heading
        == "digits, clean;seed=0"
    )


def test_images_that_are_sorted_and_not_ours_to_sort_are_noticed() -> None:
    data = load_dataset("digits")
    data = data.select(np.argsort(data.labels, kind="stable"))
    with pytest.warns(ExplorerWarning, match="come class by class: the first 40 hold 2 of 10 classes"):
        evaluate("digits/lenet/standard", data, limit=40)


def test_damaged_files_are_counted_and_end_nothing(tmp_path: Path) -> None:
    for i in range(10):
        png(tmp_path / "own" / "cat" / f"{i}.png", 0)
        png(tmp_path / "own" / "dog" / f"{i}.png", 40)
    for i in range(3):
        path = tmp_path / "own" / "cat" / f"{i}.png"
        path.write_bytes(path.read_bytes()[:40])
    (tmp_path / "own" / "dog" / "0.png").write_bytes(b"")
    data = load_dataset(str(tmp_path / "own"))
    with pytest.warns(
        ExplorerWarning, match=r"4 of 20 images could not be read and are left out: .*\.png: .* And 1 more"
    ):
        found = evaluate(grey(), data)
    assert (found.n, found.accuracy) == (16, 1)
    with pytest.warns(ExplorerWarning, match="4 of 20 images"):
        suite = run_suite(grey(), data, "corruptions")
    assert {row.n for row in suite.rows} == {suite.n} == {16}
    curves = RunningAccuracy((grey(),), data, "brightness", (0.0,)).up_to(20)
    assert (curves[0].n, curves[0].accuracy) == (16, (1.0,))
    for path in (tmp_path / "own").rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(ExplorerError, match="None of the 20 images of own can be measured"):
        evaluate(grey(), data.select(range(20)))  # a data set that has read none of them yet


def test_one_tiny_picture_does_not_lower_the_others(tmp_path: Path) -> None:
    board = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    (tmp_path / "own" / "fine").mkdir(parents=True)
    for i in range(5):
        Image.fromarray(board).convert("RGB").save(tmp_path / "own" / "fine" / f"{i}.png")
        png(tmp_path / "own" / "plain" / f"{i}.png", 120, 32)
    png(tmp_path / "own" / "plain" / "tiny.png", 120, 4)
    busy = formula(
        lambda p: torch.stack([100 * p.var(1) - 1, 0 * p.var(1)], 1), classes=("fine", "plain"), size=32, channels=3
    )
    with pytest.warns(ExplorerWarning, match="1 of 11 images is smaller than 32 x 32 px and was enlarged"):
        assert evaluate(busy, str(tmp_path / "own")).accuracy == 1
