"""The shipped surveys, and cases made again from their numbers, to the very hash."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer import evaluate, load_dataset, load_model
from explorer.analysis import compare_image
from explorer.data import images
from explorer.errors import ExplorerError
from explorer.models import list_models
from explorer.survey import Survey, accuracy, condition_of, data_of, make_plan, models_of, open_cases, run, shipped


def test_two_finished_surveys_of_the_shipped_models_travel_along() -> None:
    names = {card.name for card in list_models()}
    folders = shipped()
    assert [folder.name for folder in folders] == ["digits", "cifar10"]
    assert sum(path.stat().st_size for folder in folders for path in folder.rglob("*")) < 10e6
    for folder in folders:
        survey = Survey(folder)
        plan = survey.plan
        assert set(plan.models) <= names
        assert len(plan.models) == 6
        assert survey.unread() == {}
        assert survey.sql("SELECT count(*) AS n FROM rows").n[0] == plan.answers
        assert not list(folder.rglob(".lock"))


def test_the_shipped_surveys_are_of_the_shipped_weights() -> None:
    for folder in shipped():
        survey = Survey(folder)
        assert len(models_of(survey)) == len(survey.plan.models)


def test_shipped_rows_are_the_answers_to_the_same_pixels() -> None:
    survey = Survey(shipped()[0])
    cases = [3, 360 * 5 + 17, 360 * 12 + 359]
    (standard,) = models_of(survey, [survey.plan.models[0]])
    for case in open_cases(survey, cases):
        row = survey.sql('SELECT * FROM rows WHERE "case" = ? AND model = ?', [case.case, standard.name]).iloc[0]
        assert images.image_hash(case.distorted) == row.hash
        assert images.image_hash(case.clean) == row.image_hash
        assert case.label == row.label
        found = compare_image([standard], case.clean, case.recipe, label=case.label)
        assert found.image_hash == row.hash
        assert found.models[0].flipped == row.flipped
        assert found.models[0].confidence == pytest.approx(row.confidence, abs=1e-4)


def test_cases_come_in_the_order_asked_for_and_unknown_ones_are_refused() -> None:
    survey = Survey(shipped()[0])
    assert [case.case for case in open_cases(survey, [725, 4, 725])] == [725, 4, 725]
    assert condition_of(survey.plan, 725) == (survey.plan.conditions[2], 5)
    for wrong in (-1, survey.plan.rows * len(survey.plan.conditions)):
        with pytest.raises(ExplorerError, match="There is no case"):
            open_cases(survey, [wrong])


def test_cifar_pictures_that_are_not_here_are_said_to_be_missing_and_not_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setattr("explorer.data.datasets.cache_folder", lambda: tmp_path)
    with pytest.raises(ExplorerError, match=r"images of cifar10 are not here.*EXPLORER_DATA"):
        data_of(Survey(shipped()[1]))


def test_other_images_and_other_weights_are_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped()[0], tmp_path / "copy")
    text = (folder / "plan.json").read_text()
    plan = Survey(folder).plan
    (folder / "plan.json").write_text(text.replace(plan.pixels, "0" * 64))
    with pytest.raises(ExplorerError, match="different images"):
        data_of(Survey(folder))
    (folder / "plan.json").write_text(text.replace(plan.weights[1], "0" * 64))
    with pytest.raises(ExplorerError, match="different weights"):
        models_of(Survey(folder))
    with pytest.raises(ExplorerError, match="no model named"):
        models_of(Survey(folder), ["nobody"])
    (folder / "plan.json").write_text(text.replace('"data": "digits"', '"data": "mine"'))
    with pytest.raises(ExplorerError, match="not a named data set"):
        data_of(Survey(folder))


def test_attacks_on_images_without_a_class_go_against_the_models_own_answer(tmp_path: Path) -> None:
    models = [load_model(f"digits/lenet/{name}", device="cpu") for name in ("standard", "stability")]
    data = load_dataset("digits")
    labels = np.where(np.arange(len(data)) % 3 == 0, -1, data.labels)
    data = replace(data, labels=labels)
    plan = make_plan(models, data, ["fgsm=8/255"], limit=9)
    run(models, data, plan, tmp_path / "out")
    survey = Survey(tmp_path / "out")
    query = 'SELECT "case", hash FROM rows WHERE model = ? ORDER BY "case"'
    hashes = survey.sql(query, [models[0].name]).hash
    for case in open_cases(survey, range(9), data=data, models=models):
        label = None if case.label < 0 else case.label
        assert compare_image(models, case.clean, case.recipe, label=label).image_hash == hashes[case.case]
        assert images.image_hash(case.distorted) == hashes[case.case]
        assert not torch.equal(case.clean, case.distorted)


def test_each_model_is_attacked_on_itself_unless_one_is_named(tmp_path: Path) -> None:
    models = [load_model("digits/lenet/standard"), load_model("digits/lenet/bang")]
    names = [model.name for model in models]
    data = load_dataset("digits")
    surveys: list[Survey] = []
    for against in (None, names[0]):
        plan = make_plan(models, data, ["fgsm_margin=0.1", "jpeg=50"], limit=24, against=against)
        run(models, data, plan, tmp_path / str(len(surveys)))
        surveys.append(Survey(tmp_path / str(len(surveys))))
    own, borrowed = surveys
    for name in names:
        recipe = f"fgsm_margin=0.1;against={name}"
        right = evaluate(name, data, recipe, limit=24).accuracy
        query = "SELECT avg(correct::INT) AS a FROM rows WHERE model = ? AND distortion = 'fgsm_margin'"
        assert own.sql(query, [name]).a[0] == pytest.approx(right)
        (case,) = open_cases(own, [5], models=models, model=name)
        assert case.recipe.against == name
        hashed = own.sql('SELECT hash FROM rows WHERE "case" = 5 AND model = ?', [name]).hash[0]
        assert images.image_hash(case.distorted) == hashed
    pixels = 'SELECT count(DISTINCT hash) AS n FROM rows WHERE "case" = 5'
    assert (own.sql(pixels).n[0], borrowed.sql(pixels).n[0]) == (2, 1)
    for survey, crafted, tested in ((own, "each", True), (borrowed, names[0], False)):
        table = accuracy(survey, names).set_index("distortion")
        assert table.crafted_on["fgsm_margin"] == crafted
        assert bool(table.p.notna()["fgsm_margin"]) == tested, "a transferred attack gets no p"
        assert (table.crafted_on["jpeg"], bool(table.p.notna()["jpeg"])) == ("", True)
