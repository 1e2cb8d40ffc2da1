"""Statistics against published and known values, and against sums made by hand from the rows."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer import load_dataset, load_model
from explorer.errors import ExplorerError
from explorer.evaluation.statistics import holm, mcnemar
from explorer.survey import Survey, make_plan, run, shipped
from explorer.survey.statistics import accuracy, confusion, extremes, instability

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]


@pytest.fixture(scope="module")
def survey() -> Survey:
    return Survey(shipped()[0])


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """Every image under three seeds."""
    models = [load_model(name, device="cpu") for name in MODELS]
    data = load_dataset("digits")
    folder = tmp_path_factory.mktemp("survey") / "seeded"
    run(models, data, make_plan(models, data, ["gaussian_noise=0.5"], seeds=(0, 1, 2), limit=60), folder)
    return Survey(folder)


# ---- accuracy --------------------------------------------------------------------------------------------------------


def test_accuracy_is_what_the_rows_say(survey: Survey) -> None:
    baseline, other = survey.plan.models[:2]
    found = accuracy(survey)
    rows = survey.sql("SELECT * FROM rows")
    assert len(found) == 1 + len(survey.plan.conditions)
    assert found.distortion[0] == "clean"
    assert math.isnan(found.amount[0])
    for row in found.itertuples():
        own = (
            rows
            if row.distortion == "clean"
            else rows[(rows.distortion == row.distortion) & (rows.amount == row.amount)]
        )
        column = "clean_correct" if row.distortion == "clean" else "correct"
        a, b = (own[own.model == name].groupby("image")[column].first().astype(bool) for name in (baseline, other))
        assert (row.n, row.images) == (360, 360)
        assert row.baseline == pytest.approx(a.mean())
        assert row.other == pytest.approx(b.mean())
        assert row.difference == pytest.approx(b.mean() - a.mean(), abs=1e-12)
        assert (row.only_baseline_fails, row.only_other_fails) == ((~a & b).sum(), (a & ~b).sum())
        assert row.p == mcnemar((~a & b).sum(), (a & ~b).sum())
        assert row.baseline_low <= row.baseline <= row.baseline_high
        assert row.difference_low <= row.difference <= row.difference_high


def test_amounts_go_from_mild_to_strong(survey: Survey) -> None:
    found = accuracy(survey)
    assert list(found.amount[found.distortion == "jpeg"]) == [50, 20, 10, 5]
    assert list(dict.fromkeys(found.distortion))[:3] == ["clean", "gaussian_noise", "jpeg"]


def test_turned_round_the_difference_changes_its_sign_and_the_p_value_stays(survey: Survey) -> None:
    models = survey.plan.models
    one, two = accuracy(survey, models[:2]), accuracy(survey, models[1::-1])
    assert one.difference.to_numpy() == pytest.approx(-two.difference.to_numpy(), abs=1e-12)
    assert one.difference_low.to_numpy() == pytest.approx(-two.difference_high.to_numpy())
    assert list(one.p) == list(two.p)
    assert list(one.verdict) == [{"better": "worse", "worse": "better", "": ""}[word] for word in two.verdict]


def test_a_difference_is_called_one_where_interval_and_test_agree(survey: Survey) -> None:
    found = accuracy(survey, ("digits/lenet/standard", "digits/lenet/bang"))
    assert list(found.p_holm) == holm(list(found.p))
    for row in found.itertuples():
        outside = not row.difference_low <= 0 <= row.difference_high
        assert (row.verdict != "") == (outside and row.p < 0.05)
    assert 0 < (found.p_holm < 0.05).sum() < (found.p < 0.05).sum()
    assert survey.view("differences", other="digits/lenet/bang").p_holm.tolist() == found.p_holm.tolist()


def test_the_test_counts_images_and_not_seeds(seeded: Survey) -> None:
    found = accuracy(seeded).iloc[1]
    rows = seeded.sql("SELECT image, model, correct::INT AS right FROM rows")
    right = rows.pivot_table(index="image", columns="model", values="right", aggfunc="sum")
    gap = right[MODELS[1]] - right[MODELS[0]]
    assert found.p == mcnemar((gap > 0).sum(), (gap < 0).sum())
    assert found.only_baseline_fails - found.only_other_fails == gap.sum()
    assert found.only_baseline_fails + found.only_other_fails > (gap != 0).sum()


def test_seeds_of_one_image_are_one_cluster(seeded: Survey) -> None:
    found = accuracy(seeded).iloc[1]
    assert (found.n, found.images) == (180, 60)
    rows = seeded.sql("SELECT * FROM rows WHERE model = 'digits/lenet/standard'")
    shares = rows.groupby("image").correct.mean().to_numpy(float)
    assert found.baseline == pytest.approx(shares.mean())
    rng = np.random.default_rng(1)
    drawn = np.quantile([rng.choice(shares, 60).mean() for _ in range(4000)], [0.025, 0.975])
    assert [found.baseline_low, found.baseline_high] == pytest.approx(drawn, abs=0.02)


def test_without_classes_unchanged_answers_count(tmp_path: Path) -> None:
    models = [load_model(name, device="cpu") for name in MODELS]
    data = load_dataset("digits")
    data = replace(data, labels=np.full(len(data), -1))
    run(models, data, make_plan(models, data, ["gaussian_noise=0.5"], limit=40), tmp_path / "out")
    survey = Survey(tmp_path / "out")
    found = accuracy(survey)
    assert found.baseline[0] == found.other[0] == 1
    flipped = survey.sql("SELECT avg(flipped::INT) AS f FROM rows WHERE model = 'digits/lenet/standard'").f[0]
    assert found.baseline[1] == pytest.approx(1 - flipped)
    assert instability(survey).empty


# ---- confusion, instability ------------------------------------------------------------------------------------------


def test_confusion_counts_every_case_once(survey: Survey) -> None:
    model = survey.plan.models[2]
    found = confusion(survey, model)
    assert found.shape == (10, 10)
    assert list(found.index) == list(found.columns) == list(survey.plan.classes)
    rows = survey.sql("SELECT * FROM rows WHERE model = ?", [model])
    wanted = pd.crosstab(rows.clean_prediction, rows.prediction)
    assert found.to_numpy()[3, 5] == wanted.loc[3, 5]
    assert found.to_numpy().sum() == len(rows)
    part = confusion(survey, model, distortion="jpeg", amount=5)
    assert part.to_numpy().sum() == 360
    with pytest.raises(ExplorerError, match="no model named"):
        confusion(survey, "nobody")


def test_instability_is_the_share_of_images_right_here_and_wrong_there(survey: Survey) -> None:
    found = instability(survey).set_index("distortion")
    rows = survey.sql("SELECT * FROM rows WHERE distortion = 'jpeg'")
    for column, name in zip(("baseline", "other"), survey.plan.models[:2], strict=True):
        own = rows[rows.model == name]
        answers = pd.concat(
            [own[["image", "correct"]], own[["image", "clean_correct"]].set_axis(["image", "correct"], axis=1)]
        )
        right = answers.groupby("image").correct.agg(lambda column: column.astype(bool).nunique())
        assert found.loc["jpeg", column] == pytest.approx((right == 2).mean())
    view = survey.view("instability").set_index(["model", "distortion"]).instability
    assert found.loc["crop", "baseline"] == pytest.approx(view[survey.plan.models[0], "crop"])
    assert (found.difference_low <= found.difference).all()
    assert (found.difference <= found.difference_high).all()


def test_extremes_are_the_largest_gain_and_loss_of_each_model_that_a_test_confirms() -> None:
    survey = Survey(shipped()[1])
    found = extremes(survey)
    assert not set(found.model) & {survey.plan.models[0]}
    rows = survey.sql("SELECT model, distortion, amount, avg(correct::INT) AS share FROM rows GROUP BY ALL")
    shares = rows.pivot_table(index=["distortion", "amount"], columns="model", values="share")
    gaps = shares.sub(shares[survey.plan.models[0]], axis=0)
    for row in found.itertuples():
        gap = gaps[row.model].max() if row.what == "gain" else gaps[row.model].min()
        assert row.difference == pytest.approx(gap) == pytest.approx(gaps.loc[(row.distortion, row.amount), row.model])
        assert row.p < 0.05
    lost = found[found.what == "loss"].set_index("model").distortion.to_dict()
    assert lost["cifar10/resnet20/stability"] == lost["cifar10/resnet20/lipschitz"] == "contrast"
    assert "cifar10/resnet20/stability_mix" not in lost, "none of its losses is told from chance"
    other = extremes(survey, "cifar10/resnet20/stability")
    assert "cifar10/resnet20/standard" in set(other.model)
