"""Surveys of folders of photographs: on the input and on the photograph, models of two sizes, evaluate's numbers."""

from __future__ import annotations

import json
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image

import explorer
from explorer.analysis import compare_image
from explorer.cli import main
from explorer.data import images
from explorer.data.datasets import Dataset, open_dataset
from explorer.data.photographs import read_rows as read_photographs
from explorer.defaults import WORKING_SIDE
from explorer.errors import ExplorerError
from explorer.evaluation import evaluate_many
from explorer.models import Classifier, load_model
from explorer.models.photos import LITE0
from explorer.survey import Plan, Survey, cost, data_of, finished_images, make_plan, open_cases, run
from explorer.survey.maps import features
from explorer.survey.plan import fingerprint
from explorer.survey.report import command

pytestmark = pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")
DISTORTIONS = ["gaussian_noise=0.1", "thumbnail=40", "jpeg=10"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine photographs of several sizes, one of them larger than a working copy, in three of ImageNet's classes."""
    where = tmp_path_factory.mktemp("photographs")
    for i, load in enumerate(([*images.sample_images().values()] * 2)[:9]):
        picture = Image.fromarray(images.to_uint8(load())[0])
        sides = (1300, 900) if i == 4 else (300 + 20 * i, 300)
        picture.thumbnail(sides) if i != 4 else None
        place = where / ("tabby", "tiger cat", "Egyptian cat")[i % 3]
        place.mkdir(exist_ok=True)
        (picture.resize(sides) if i == 4 else picture).save(place / f"{i}.png")
    return where


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Classifier]:
    """The embedded network, and a tiny one of 160 px with random weights."""
    torch.manual_seed(0)
    weights = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), weights)
    return [load_model(LITE0, device="cpu"), load_model(f"timm:test_efficientnet@{weights}", device="cpu")]


@pytest.fixture(scope="module")
def data(folder: Path) -> Dataset:
    return open_dataset(str(folder))


@pytest.fixture(scope="module", params=["input", "photograph"])
def done(
    request: pytest.FixtureRequest, models: list[Classifier], data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Survey:
    out = tmp_path_factory.mktemp("survey") / request.param
    run(models, data, make_plan(models, data, DISTORTIONS, on=request.param), out)
    return Survey(out)


def rows(survey: Survey) -> pd.DataFrame:
    return survey.sql('SELECT * FROM rows ORDER BY "case", model')


@pytest.mark.slow
def test_every_number_is_that_of_evaluate(done: Survey, models: list[Classifier], data: Dataset) -> None:
    found = rows(done)
    assert len(found) == done.plan.answers == 9 * 3 * 2
    for text in DISTORTIONS:
        on = ";on=photograph" if done.plan.photographs else ""
        wanted = evaluate_many(models, data, f"{text};seed=0{on}")
        for model, one in zip(models, wanted, strict=True):
            own = found[(found.distortion == text.partition("=")[0]) & (found.model == model.name)]
            assert (own.correct.sum(), len(own)) == (round(one.accuracy * one.n), one.n)
    clean = evaluate_many(models, data, "clean;on=photograph" if done.plan.photographs else "clean")
    for model, one in zip(models, clean, strict=True):
        assert found[found.model == model.name].groupby("image").clean_correct.first().mean() == one.accuracy


def test_a_case_is_what_compare_shows(done: Survey, models: list[Classifier], data: Dataset) -> None:
    found = rows(done).set_index(["case", "model"])
    for case in (4, 9 + 4, 18 + 2):
        (made,) = open_cases(done, [case], data=data, models=models)
        wanted = compare_image(
            [pictured(model, models, done.plan) for model in models], made.clean, made.recipe, label=made.label
        )
        assert wanted.image_hash == images.image_hash(made.distorted)
        for i, model in enumerate(models):
            row = found.loc[case, model.name]
            assert (row.hash, row.image_hash) == (wanted.image_hash, images.image_hash(made.clean))
            assert row.confidence == pytest.approx(wanted.models[i].confidence, abs=1e-5)
            assert row.l2 == pytest.approx(wanted.input.l2, rel=1e-5)
            assert row.ssim == pytest.approx(wanted.input.ssim, rel=1e-5)


def pictured(model: Classifier, models: list[Classifier], plan: Plan) -> Classifier:
    from explorer.models.views import of_photographs, of_window

    return of_photographs(model) if plan.photographs else of_window(model, models[0])


def test_photographs_are_distorted_at_their_size_or_as_the_working_copy(done: Survey, data: Dataset) -> None:
    shapes = {tuple(one.distorted.shape[2:]) for one in open_cases(done, range(9), data=data)}
    if not done.plan.photographs:
        assert shapes == {(224, 224)}
        assert "working_side" not in done.plan.to_dict()
        return
    assert done.plan.to_dict()["working_side"] == WORKING_SIDE
    assert len(shapes) > 5
    assert max(map(max, shapes)) == WORKING_SIDE
    assert "--on photograph" in command(done.plan)


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(done: Survey, models: list[Classifier], data: Dataset, tmp_path: Path) -> None:
    small = replace(done.plan, batch=2, shard=2)

    def stop(count: int, total: int) -> None:
        if count > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(models, data, small, tmp_path / "half", progress=stop)
    assert finished_images(small, tmp_path / "half") == 6
    run(models, data, small, tmp_path / "half")
    whole, again = rows(done), rows(Survey(tmp_path / "half"))
    exact = ["case", "model", "hash", "image_hash", "prediction", "correct", "l2", "image_seed"]
    pd.testing.assert_frame_equal(whole[exact], again[exact], check_categorical=False)


@pytest.mark.slow
def test_a_map_and_a_forecast(done: Survey, models: list[Classifier], data: Dataset) -> None:
    for model in models:
        found = features(done, range(5), model.name, data=data, models=models)
        assert found.distorted.shape == (5, 2)
    said = cost(models, data, done.plan)
    assert said.rows == done.plan.answers
    assert said.seconds > 0


def test_memory_does_not_grow_with_the_folder(
    models: list[Classifier], data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(make_plan(models[1:], data, ["jpeg=10"], on="photograph"), batch=1, shard=1)
    held, most = list[Any](), 0
    read = read_photographs

    def watched(*given: Any) -> Any:
        nonlocal most
        found, unread = read(*given)
        held.extend(weakref.ref(one) for one in found.values())
        most = max(most, sum(one() is not None for one in held))
        return found, unread

    monkeypatch.setattr("explorer.survey.pictures.read_photographs", watched)
    run(models[1:], data, plan, tmp_path / "out")
    assert len(held) == 9
    assert most <= 3, "one that is read ahead, one under way, one that was just left"


def test_what_cannot_be_surveyed_is_said(models: list[Classifier], data: Dataset) -> None:
    with pytest.raises(ExplorerError, match="acts on a network's input"):
        make_plan(models, data, ["fgsm=0.01"], on="photograph")
    with pytest.raises(ExplorerError, match=r"is shown the input of .* and cannot be attacked"):
        make_plan(models, data, ["fgsm=0.01"])
    assert make_plan(models, data, ["fgsm=0.01"], against=LITE0).against == LITE0
    with pytest.raises(ExplorerError, match="on=input or on=photograph"):
        make_plan(models, data, ["jpeg=10"], on="window")


def test_the_transform_is_part_of_what_names_a_model(models: list[Classifier]) -> None:
    other = load_model(LITE0, device="cpu")
    assert fingerprint(other) == fingerprint(models[0])
    other.card = replace(other.card, transform={"resize": 224, "interpolation": "bicubic"})
    assert fingerprint(other) != fingerprint(models[0])


@pytest.mark.slow
def test_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "survey",
        "run",
        "--models",
        LITE0,
        "--data",
        str(folder),
        "--distortions",
        "jpeg=10",
        "--on",
        "photograph",
    ]
    for more in (["--dry-run"], []):
        with pytest.raises(SystemExit) as end:
            main([*words, "--limit", "2", "--out", str(tmp_path / "out"), "--json", *more])
        assert end.value.code == 0
        assert json.loads(capsys.readouterr().out)["working_side"] == WORKING_SIDE
    survey = Survey(tmp_path / "out")
    assert survey.plan.photographs
    wanted = explorer.evaluate(LITE0, str(folder), "jpeg=10;seed=0;on=photograph", limit=2)
    assert np.mean(rows(survey).correct) == wanted.accuracy
    assert len(data_of(survey, str(folder))) == 9
