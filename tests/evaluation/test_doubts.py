"""Scores of doubt: their formulas, the areas and curves, the control, and the attack that knows of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import Tensor

from explorer import compare, load_model
from explorer.analysis.doubt import CONTROL, DOUBTS, evade, scores
from explorer.data.datasets import load_dataset
from explorer.errors import ExplorerError
from explorer.evaluation import doubts
from explorer.evaluation.doubts import GRID, Doubts, _OfModel, area, area_interval, risk_curve, roc_curve
from explorer.models import inference as inputs
from explorer.models.remedies import put_around
from explorer.reports.doubt_tables import doubts_sheet
from tests.support.networks import formula, grey

MODEL = "digits/lenet/standard"


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    x, labels = load_dataset("digits", "test").batch(slice(0, 4))
    return torch.nn.functional.interpolate(x, 28), labels


def test_the_scores_of_an_answer_alone_are_their_formulas() -> None:
    model = formula(lambda p: torch.tensor([[0.0, math.log(3)]]).expand(len(p), 2))  # probabilities 1/4 and 3/4
    found = {name: float(scores(name, model, grey(0.5))) for name in (CONTROL, "margin", "entropy", "energy")}
    assert found[CONTROL] == pytest.approx(3 / 16)
    assert found["margin"] == pytest.approx(1 / 2)
    assert found["entropy"] == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))
    assert found["energy"] == pytest.approx(-math.log(4))
    for name in ("jpeg", "squeezing", "flips"):
        assert float(scores(name, model, grey(0.5))) == pytest.approx(0, abs=1e-6), "this model answers all alike"
    many = formula(lambda p: torch.arange(1000.0).expand(len(p), -1), classes=tuple(map(str, range(1000))))
    assert float(scores("flips", many, grey(0.5))) == 0, "none of a thousand classes takes a share of the votes"
    shown = put_around(many, "+smoothing(n=10)")(grey(0.5)).softmax(1)
    assert float(shown.max()) == pytest.approx(1, abs=2e-6)


@pytest.mark.parametrize("name", sorted(set(DOUBTS) - {"energy"}))
def test_a_model_of_one_class_raises_no_doubt(name: str) -> None:
    assert float(scores(name, formula(lambda p: p[:, :1], classes=("only",)), grey(0.5))) == pytest.approx(0)


@pytest.mark.parametrize("name", DOUBTS)
def test_every_score_has_a_gradient_and_the_same_values_alone(name: str, digits) -> None:
    x, model = digits[0][:2], load_model(MODEL, device="cpu")
    place = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(DOUBTS[name].function(model, place, model(place)).sum(), place)
    assert found.isfinite().all()
    assert found.flatten(1).any(1).all()
    alone = torch.cat([scores(name, model, one) for one in x.split(1)])
    assert torch.allclose(scores(name, model, x), alone, atol=1e-5)


def test_areas_are_scikit_learns_and_their_intervals_have_a_width_at_the_ends() -> None:
    rng = np.random.default_rng(0)
    doubtful, others = (rng.integers(low, low + 6, n).astype(np.float64) for low, n in ((1, 30), (0, 50)))
    truth = np.r_[np.ones(30), np.zeros(50)]
    assert area(doubtful, others) == pytest.approx(roc_auc_score(truth, np.r_[doubtful, others]))
    low, high = area_interval(1.0, 30, 50)
    assert 0.9 < low < 1
    assert high == 1
    low, high = area_interval(0.8, 30, 50)
    assert low < 0.7
    assert high > 0.87


def test_the_roc_curve_counts_whole_false_alarms_and_is_straight_where_scores_are_equal() -> None:
    others = np.arange(100.0)
    assert roc_curve(others + 0.5, others)[:100] == pytest.approx([(i + 1) / 100 for i in range(100)])
    assert roc_curve(np.zeros(7), np.zeros(9)) == pytest.approx(GRID), "all alike: the diagonal, an area of one half"
    rng = np.random.default_rng(0)
    doubtful, others = (rng.integers(low, low + 6, 100).astype(np.float64) for low in (1, 0))
    curve = roc_curve(doubtful, others)
    assert np.trapezoid(curve, GRID) == pytest.approx(area(doubtful, others))


def test_a_threshold_judges_every_answer_and_goes_into_all_forms() -> None:
    models, noisy = [MODEL, "digits/lenet/bang"], "gaussian_noise=0.4"
    found = compare(models, "digits:7", noisy, doubt="entropy=0.2")
    for answer, row in zip(found.models, found.records(), strict=True):
        assert answer.doubt is not None
        assert answer.doubt.distorted == pytest.approx(answer.entropy, abs=1e-5)
        assert answer.doubt.clean == pytest.approx(answer.entropy_clean, abs=1e-5)
        assert answer.doubt.unsure == (answer.entropy > 0.2)
        assert (row["doubt_score"], row["doubt_limit"], row["unsure"]) == ("entropy", 0.2, answer.doubt.unsure)
        assert answer.to_dict()["doubt"]["unsure"] == answer.doubt.unsure
    assert {answer.doubt.unsure for answer in found.models if answer.doubt} == {True, False}
    assert "doubt" not in compare(models, "digits:7", noisy).models[0].to_dict()
    for wrong in ("entropy", "entropy=nan", "entropy=x"):
        with pytest.raises(ExplorerError, match=r"such as entropy=0\.5"):
            compare(models, "digits:7", noisy, doubt=wrong)


def test_risk_falls_where_the_score_is_good_and_ties_count_with_their_mean() -> None:
    wrong = np.array([False] * 8 + [True] * 2)
    good = risk_curve(np.arange(10.0), wrong)
    assert (good[80], good[100]) == (0, 0.2)
    assert risk_curve(np.zeros(10), wrong)[1:] == pytest.approx([0.2] * 100)


def test_the_attack_that_knows_of_a_score_raises_less_doubt_than_the_plain_one(digits) -> None:
    x, labels = digits
    model = load_model(MODEL, device="cpu")
    plain = doubts(model, "digits", names=["entropy"], size=0.3, limit=4)
    knows = evade(model, x, labels, "entropy", 0.3)
    assert (knows - x).abs().max() <= 0.3 + 1e-6
    assert torch.equal((knows * 255).round() / 255, knows)
    fooled = inputs.predictions(model, knows) != labels
    assert fooled.float().mean() > 0.7
    told = {(one.question, one.score): one.auc for one in plain.rows}
    assert told["evading", "entropy"] <= told["attacked", "entropy"]
    assert float(scores("entropy", model, knows[fooled]).mean()) < 0.1


def test_the_attack_on_an_image_does_not_depend_on_which_others_are_answered_rightly(digits) -> None:
    x, labels = digits
    model, other = load_model(MODEL, device="cpu"), labels.clone()
    other[0] = (labels[0] + 1) % 10
    whole, without = (_OfModel(model, x, known, 0.3, 0) for known in (labels, other))
    assert torch.equal(whole._attacked()[1:], without._attacked())
    assert torch.allclose(whole._evading("margin")[1:], without._evading("margin"), atol=1e-5)


def test_a_result_names_what_there_is_and_always_has_the_control() -> None:
    model = formula(lambda p: torch.stack([0 * p[:, 0], 20 * (p.mean(1) - 0.2)], 1), size=8, classes=("0", "1"))
    data = load_dataset("digits", "test")
    two = data.select([i for i, label in enumerate(data.labels) if label < 2][:40])
    found = doubts(model, two, names=["margin"], size=0, unknown="digits", limit=30)
    assert isinstance(found, Doubts)
    assert {one.score for one in found.rows} == {"control", "margin"}
    assert [one.question for one in found.rows] == ["wrong", "wrong", "unknown", "unknown"]
    assert len(found.records()) == 4
    assert doubts_sheet(found).tables[0].head[-2].startswith("wrong among")
    found.figure()
    found.of("unknown").figure()
    with pytest.raises(ExplorerError, match="Nothing was measured of 'attacked'; there are wrong, unknown"):
        found.of("attacked")
    with pytest.raises(ExplorerError, match="There is no score of doubt named 'entropi': did you mean entropy"):
        doubts(model, two, names=["entropi"])


def test_pictures_of_unknown_classes_may_have_any_size_and_those_that_cannot_be_read_are_named(tmp_path) -> None:
    for i, side in enumerate((20, 40)):
        folder = tmp_path / str(i)
        folder.mkdir()
        Image.new("L", (side, 2 * side), 90 * i).save(folder / "one.png")
    (tmp_path / "1/two.png").write_bytes(b"not an image")
    found = doubts(MODEL, "digits", names=["entropy"], size=0, unknown=str(tmp_path), limit=20)
    (row, _) = found.of("unknown").rows
    assert (row.doubtful, row.others) == (2, 20)
    assert any("1 of 3 images could not be read" in note for note in found.notes)
