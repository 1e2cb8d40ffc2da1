"""Doubt over the rows of a survey: areas by hand, images as units, attacks of a model on itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from explorer import load_dataset, load_model
from explorer.errors import ExplorerError
from explorer.evaluation.doubts import area_interval
from explorer.survey import Survey, make_plan, run
from explorer.survey.doubt import survey_doubts

MODEL = "digits/lenet/standard"


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    models, data = [load_model(MODEL, device="cpu")], load_dataset("digits")
    folder = tmp_path_factory.mktemp("doubt") / "survey"
    plan = make_plan(models, data, ["gaussian_noise=0.5", "fgsm=0.06"], seeds=(0, 1), limit=40)
    run(models, data, plan, folder)
    return Survey(folder)


def test_areas_are_those_of_the_rows_and_images_are_the_units(survey: Survey) -> None:
    noise = survey.sql("SELECT * FROM rows WHERE distortion = 'gaussian_noise'")
    found = survey_doubts(survey, "gaussian_noise")
    assert [(one.question, one.score) for one in found.rows] == [("wrong", "control"), ("wrong", "margin")]
    for one, own in zip(found.rows, (noise.confidence * (1 - noise.confidence), 1 - noise.margin), strict=True):
        assert one.auc == pytest.approx(roc_auc_score(~noise.correct.astype(bool), own), abs=1e-6)
        assert one.risk[100] == pytest.approx(1 - noise.correct.mean())
        failed = noise[~noise.correct.astype(bool)].image.nunique()
        right = noise[noise.correct.astype(bool)].image.nunique()
        assert one.doubtful + one.others == 80
        assert one.interval == pytest.approx(area_interval(one.auc, failed, right))
    found.figure()


def test_attacked_pictures_stand_against_clean_ones(survey: Survey) -> None:
    attacked = survey_doubts(survey).of("attacked").rows
    assert [(one.score, one.others) for one in attacked] == [("control", 40)]
    assert 0 < attacked[0].doubtful <= 80
    with pytest.raises(ExplorerError, match="no rows of 'jpeg'; there are gaussian_noise, fgsm"):
        survey_doubts(survey, "jpeg")


def test_a_survey_without_classes_tells_changed_answers(tmp_path: Path) -> None:
    from PIL import Image

    for i in range(12):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.linear_gradient("L").rotate(30 * i).save(tmp_path / "pictures" / f"{i}.png")
    from explorer.data.datasets import open_dataset

    models, data = [load_model(MODEL, device="cpu")], open_dataset(str(tmp_path / "pictures"))
    run(models, data, make_plan(models, data, ["gaussian_noise=0.5"]), tmp_path / "out")
    found = survey_doubts(Survey(tmp_path / "out"))
    rows = Survey(tmp_path / "out").sql("SELECT * FROM rows")
    assert {one.doubtful for one in found.rows} == {int(rows.flipped.sum())}
