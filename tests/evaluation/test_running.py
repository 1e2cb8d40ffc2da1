"""Running accuracy: the numbers of `evaluate`, and more images go on from fewer."""

from __future__ import annotations

import pytest

from explorer import load_dataset, load_model
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.evaluation import evaluate
from explorer.evaluation.running import RunningAccuracy


def running() -> RunningAccuracy:
    models = tuple(load_model(f"digits/lenet/{method}", device="cpu") for method in ("standard", "stability"))
    return RunningAccuracy(models, load_dataset("digits"), "gaussian_noise", (0.0, 0.4), seed=3)


def test_every_number_is_that_of_evaluate() -> None:
    found = running()
    for model, curve in zip(found.models, found.up_to(30), strict=True):
        for amount, accuracy, interval in zip(found.amounts, curve.accuracy, curve.intervals, strict=True):
            one = evaluate(model, found.dataset, Recipe((("gaussian_noise", amount),), seed=3), limit=30)
            assert (curve.name, accuracy, interval) == (model.name, one.accuracy, one.interval)


def test_more_images_go_on_from_fewer() -> None:
    found, at_once = running(), running()
    calls: list[tuple[int, int]] = []
    found.up_to(40)
    assert found.up_to(60, lambda done, total: calls.append((done, total))) == at_once.up_to(60)
    assert found.measured == (40, 60)
    assert calls[-1][0] == calls[-1][1]
    calls.clear()
    found.up_to(40, lambda done, total: calls.append((done, total)))
    assert calls == []


def test_no_images_are_refused() -> None:
    with pytest.raises(ExplorerError, match="limit is 0; it must be a whole number, 1 or more"):
        running().up_to(0)
