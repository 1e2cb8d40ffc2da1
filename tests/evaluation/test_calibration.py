"""Calibration against cases counted by hand, and against the suite of corruptions."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch

from explorer.data.datasets import Dataset
from explorer.distortions.protocols import CORRUPTIONS
from explorer.errors import ExplorerError
from explorer.evaluation import calibration, evaluate
from explorer.evaluation.statistics import basic_interval, resampled_sums
from explorer.models import Classifier
from tests.support.networks import formula


def data(values: list[int], labels: list[int]) -> Dataset:
    """Uniform grey pictures of 4 px in two classes."""
    x = np.repeat(np.array(values, np.uint8), 16).reshape(-1, 4, 4, 1)
    return Dataset("greys", "test", x, np.array(labels), ("low", "high"), (0.0,), (1.0,))


def sayer(low: float, high: float, name: str = "test/formula/standard") -> Classifier:
    """Gives the second class the probability ``low`` for dark pictures and ``high`` for bright ones."""

    def logits(p):
        share = low + (high - low) * (p.mean(1) > 0.5).double()
        return torch.stack([torch.log1p(-share), share.log()], 1)

    return formula(logits, name=name)


TWENTY = data([50] * 10 + [200] * 10, [1] * 3 + [0] * 7 + [1] * 8 + [0] * 2)


def test_the_clean_reading_by_hand():
    found = calibration([sayer(0.62, 0.9)], TWENTY)
    clean = found.rows[0]
    assert (clean.distortion, clean.severity, clean.n) == ("clean", 0, 20)
    assert clean.accuracy == pytest.approx(0.55)
    assert clean.confidence == pytest.approx(0.76)
    assert clean.ece == pytest.approx(0.5 * (0.62 - 0.3) + 0.5 * (0.9 - 0.8))
    # right at p: 2 (1 - p)^2, wrong: 2 p^2
    dark, bright = 0.3 * 2 * 0.38**2 + 0.7 * 2 * 0.62**2, 0.8 * 2 * 0.1**2 + 0.2 * 2 * 0.9**2
    assert clean.brier == pytest.approx((dark + bright) / 2)
    filled = {i: one for i, one in enumerate(clean.bins) if one.n}
    assert len(clean.bins) == 15
    assert {i: (one.n, one.accuracy) for i, one in filled.items()} == {9: (10, 0.3), 13: (10, 0.8)}
    assert [one.confidence for one in filled.values()] == pytest.approx([0.62, 0.9])
    assert [one.low for one in filled.values()] == pytest.approx([9 / 15, 13 / 15])
    assert [one.high for one in filled.values()] == pytest.approx([10 / 15, 14 / 15])
    assert found.summaries[0].clean == clean.ece
    assert found.summaries[0].clean_brier == clean.brier


def test_answers_that_are_quite_sure_share_the_last_bin():
    """Probabilities of exactly 1 and of nearly 1 are one bin: errors of opposite sign cancel there."""
    [clean, *_] = calibration([sayer(1 - 1e-12, 0.95)], data([50] * 10 + [200] * 10, [1] * 9 + [0] + [1] * 10)).rows
    assert clean.bins[-1].n == 20
    assert clean.ece == pytest.approx(abs((1 + 0.95) / 2 - 19 / 20), abs=1e-6)


@pytest.fixture(scope="module")
def found():
    x = np.random.default_rng(0).integers(0, 256, (24, 4, 4, 1), dtype=np.uint8)
    labels = np.random.default_rng(1).integers(0, 2, 24)
    grains = Dataset("grains", "test", x, labels, ("low", "high"), (0.0,), (1.0,))
    models = [
        formula(lambda p: 8 * p[:, :2], name="test/formula/0"),
        formula(lambda p: 1.5 * p[:, 4:6], name="test/formula/1"),
    ]
    return models, grains, calibration(models, grains, seed=3, batch_size=7)


def test_a_reading_per_model_and_condition_on_the_pixels_of_evaluate(found):
    models, grains, result = found
    assert len(result.rows) == 2 * 76
    for row in result.rows[::13]:
        model = next(model for model in models if model.name == row.model)
        assert row.accuracy == evaluate(model, grains, row.recipe).accuracy
        assert row.recipe.seed == 3
        assert sum(one.n for one in row.bins) == row.n == 24
        gaps = [one.n / 24 * abs(one.confidence - one.accuracy) for one in row.bins if one.n]
        assert row.ece == pytest.approx(sum(gaps), abs=1e-6)
        assert 0 <= row.interval[0] <= row.interval[1]
    assert calibration(models, grains, seed=3) == result


def test_means_by_hand(found):
    _, _, result = found
    for summary in result.summaries:
        own = [row for row in result.rows if row.model == summary.model]
        assert list(summary.by_distortion) == list(CORRUPTIONS)
        for key, name in (("ece", "by_distortion"), ("brier", "brier_by_distortion")):
            for corruption, mean in getattr(summary, name).items():
                assert mean == pytest.approx(np.mean([getattr(r, key) for r in own if r.distortion == corruption]))
        assert summary.mean == pytest.approx(np.mean(list(summary.by_distortion.values())))
        assert summary.mean_brier == pytest.approx(np.mean(list(summary.brier_by_distortion.values())))
        assert 0 <= summary.interval[0] < summary.interval[1]


def test_json(found):
    result = found[2].to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["name"], result["n"], result["rows"][0]["recipe"]) == ("calibration", 24, "clean;seed=3")


def test_intervals_hold_what_they_should():
    rng = np.random.default_rng(0)
    gaps = 0.9 - (rng.random(1000) < 0.7).astype(np.float64)  # one bin, far from calibrated: the error is a plain mean
    mean = gaps.mean()
    low, high = basic_interval(mean, np.abs(resampled_sums(gaps, np.zeros(1000, np.int64), 1))[:, 0] / 1000)
    half = 1.96 * gaps.std() / 1000**0.5
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.1 * half)


def test_intervals_allow_for_the_error_that_chance_adds():
    """Answers 5 points too sure, 300 images: the interval holds the true error, a percentile interval hardly ever."""
    rng = np.random.default_rng(0)
    hits = np.zeros(2)
    for _ in range(40):
        sure = rng.uniform(0.5, 1, 300)
        gaps, places = sure - (rng.random(300) < sure - 0.05), (15 * sure).astype(np.int64)
        again = np.abs(resampled_sums(gaps, places, 15)).sum(1) / 300
        low, high = basic_interval(np.abs(np.bincount(places, gaps)).sum() / 300, again)
        hits += [low <= 0.05 <= high, np.quantile(again, 0.025) <= 0.05]
    assert hits[0] >= 32
    assert hits[1] <= 20


def test_resamples_are_drawn_image_by_image():
    values, groups = np.array([1.0, 10.0, 100.0]), np.array([0, 1, 1])
    sums = resampled_sums(values, groups, 2)
    counts = resampled_sums(np.ones(3), np.arange(3), 3)
    assert (counts.sum(1) == 3).all()
    assert np.array_equal(sums, np.stack([counts[:, 0], 10 * counts[:, 1] + 100 * counts[:, 2]], 1))


def test_without_torchmetrics_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.classification", None)
    with pytest.raises(ExplorerError, match="needs the package torchmetrics; 'explorer doctor'"):
        calibration([sayer(0.6, 0.9)], TWENTY)


def test_one_class_is_refused():
    single = formula(lambda p: p[:, :1], classes=["all"])
    one = Dataset("greys", "test", TWENTY.images, TWENTY.labels * 0, ("all",), (0.0,), (1.0,))
    with pytest.raises(ExplorerError, match="only one class"):
        calibration([single], one)
