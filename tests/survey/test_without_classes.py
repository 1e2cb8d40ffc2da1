"""A folder of pictures without classes: each model is measured against its own answer to the clean picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.data import images
from explorer.data.datasets import open_dataset
from explorer.errors import ExplorerError
from explorer.models import load_model
from explorer.survey import Survey, make_plan, open_cases, run

NAMES = ["digits/lenet/standard", "digits/lenet/stability"]
RECIPE = "gaussian_noise=0.5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample photographs, in no folders of classes."""
    found = tmp_path_factory.mktemp("photographs")
    for name, load in images.sample_images().items():
        (found / f"{name}.png").write_bytes(images.encode_png(images.fit(load(), 48, 3)))
    return found


def test_a_model_fails_where_its_answer_leaves_its_clean_answer(folder: Path, tmp_path: Path) -> None:
    models = [load_model(name, device="cpu") for name in NAMES]
    data = open_dataset(str(folder))
    plan = make_plan(models, data, [RECIPE])
    survey = Survey(run(models, data, plan, tmp_path / "survey").folder)
    found = explorer.compare(NAMES, data, f"{RECIPE};seed=0")
    a, b = (found.flipped(name).numpy() for name in NAMES)
    assert 0 < a.sum() < len(a)
    (counts,) = survey.view("quadrants").to_dict("records")
    assert counts["only_baseline_fails"] == np.sum(a & ~b)
    assert counts["only_other_fails"] == np.sum(b & ~a)
    assert counts["neither_fails"] == np.sum(~a & ~b)
    (case,) = open_cases(survey, [3], data=data)
    assert case.label == -1
    assert images.image_hash(case.distorted) == found[case.image].image_hash


def test_models_of_different_classes_are_refused(folder: Path) -> None:
    digits, other = (load_model(name, device="cpu") for name in NAMES)
    models = [digits, explorer.wrap(other.net, size=28, channels=1, classes=list("abcdefghij"))]
    with pytest.raises(ExplorerError, match="know different ones; survey them apart"):
        make_plan(models, open_dataset(str(folder)), [RECIPE])
