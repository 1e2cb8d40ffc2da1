"""The report: one page, nothing from elsewhere, exact pixels, both directions alike, and how to do it again."""

from __future__ import annotations

import base64
import io
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from explorer import load_dataset, load_model
from explorer.cli import app
from explorer.data import images
from explorer.reports.survey import survey_report
from explorer.survey import QUADRANTS, Survey, make_plan, open_cases, run, shipped
from explorer.survey.annotations import Annotation, put_annotation
from explorer.survey.report import RULES, SHOWN, Findings, command, findings, telling

PAIR = ("digits/lenet/standard", "digits/lenet/bang")


@pytest.fixture(scope="module")
def survey() -> Survey:
    return Survey(shipped()[0])


@pytest.fixture(scope="module")
def found(survey: Survey) -> Findings:
    return findings(survey, baseline=PAIR[0], other=PAIR[1])


@pytest.fixture(scope="module")
def page(found: Findings) -> str:
    return survey_report(found, "2025-01-01")


@pytest.mark.slow
def test_nothing_comes_from_elsewhere(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)[^\"]*", page)
    assert not re.findall(r"url\((?!#|['\"]?data:)", page)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<script") == 1


def test_every_group_shows_its_cases_with_the_very_pixels(page: str, found: Findings, survey: Survey) -> None:
    shown = [int(case) for name in QUADRANTS for case in found.telling[name]["case"]]
    assert all(len(found.telling[name]) == SHOWN for name in QUADRANTS)
    pictures = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 2 * len(shown) == 2 * 4 * SHOWN
    for i, case in list(enumerate(open_cases(survey, shown)))[::7]:
        for place, x in enumerate((case.clean, case.distorted)):
            own = np.asarray(Image.open(io.BytesIO(base64.b64decode(pictures[2 * i + place]))))
            assert np.array_equal(own.reshape(-1), images.to_uint8(x).reshape(-1))
        assert images.image_hash(case.distorted) in page


def test_the_numbers_are_those_of_the_survey(page: str, found: Findings, survey: Survey) -> None:
    counted = survey.view("quadrants", baseline=PAIR[0], other=PAIR[1])
    for name in QUADRANTS:
        assert found.quadrants[name] == counted[name].sum()
    assert f'<p class="count">{found.quadrants["only_baseline_fails"]:,}</p>' in page
    assert f'<p class="count">{found.quadrants["only_other_fails"]:,}</p>' in page
    for row in found.accuracy.itertuples():
        assert f"{100 * row.baseline:.2f} ({100 * row.baseline_low:.2f} to {100 * row.baseline_high:.2f})" in page
    assert page.count("<figure>") == len({condition.distortion for condition in survey.plan.conditions})


@pytest.mark.slow
def test_turned_round_gains_become_losses_of_the_same_size(survey: Survey, found: Findings) -> None:
    turned = findings(survey, baseline=PAIR[1], other=PAIR[0])
    assert turned.quadrants["only_baseline_fails"] == found.quadrants["only_other_fails"]
    assert list(turned.telling["only_baseline_fails"]["case"]) == list(found.telling["only_other_fails"]["case"])
    assert list(turned.telling["both_fail"]["case"]) == list(found.telling["both_fail"]["case"])


@pytest.mark.parametrize("name", QUADRANTS)
def test_the_most_telling_cases_follow_the_rule(survey: Survey, name: str) -> None:
    rows = survey.view(name, baseline=PAIR[0], other=PAIR[1])
    score = {
        "only_baseline_fails": rows.other_margin_true - rows.margin_true,
        "only_other_fails": rows.margin_true - rows.other_margin_true,
        "both_fail": -rows.margin_true - rows.other_margin_true,
        "neither_fails": -np.minimum(rows.margin_true, rows.other_margin_true),
    }[name]
    rows = rows.assign(score=score).sort_values(["score", "case"], ascending=[False, True]).drop_duplicates("image")
    rows["turn"] = rows.groupby("distortion").cumcount()
    wanted = rows.sort_values(["turn", "score", "case"], ascending=[True, False, True])["case"].head(SHOWN)
    chosen = telling(survey, name, PAIR)
    assert list(chosen["case"]) == list(wanted)
    assert chosen.image.is_unique
    assert RULES[name][0].endswith(".")


@pytest.mark.parametrize("folder", shipped(), ids=lambda folder: folder.name)
def test_the_command_makes_the_same_plan_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Survey(folder).plan
    words = shlex.split(command(plan))
    assert words[:3] == ["explorer", "survey", "run"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    if plan.data != "digits":  # its images may not be here
        assert given["--data"] == plan.data
        return
    again = make_plan(
        [load_model(name, device="cpu") for name in given["--models"].split(",")],
        load_dataset(given["--data"]),
        given["--distortions"].split(","),
        seeds=[int(seed) for seed in given["--seeds"].split(",")],
        limit=int(given["--limit"]),
    )
    assert replace(again, versions=plan.versions).key == plan.key


def test_attacks_floats_and_seeds_stand_in_the_command() -> None:
    models = [load_model(f"digits/lenet/{name}", device="cpu") for name in ("standard", "stability")]
    how: dict[str, Any] = {"seeds": (3, 5), "against": models[1].name, "quantised": False, "limit": 20}
    plan = make_plan(models, load_dataset("digits"), ["gaussian_noise=0.1:0.25", "fgsm=8/255"], **how)
    text = command(plan)
    assert "--seeds 3,5" in text
    assert f"--against {models[1].name}" in text
    assert "--float" in text
    given = shlex.split(text)[8].split(",")
    assert make_plan(models, load_dataset("digits"), given, **how).key == plan.key


@pytest.mark.slow
def test_without_the_images_the_page_says_so_and_has_the_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setattr("explorer.data.datasets.cache_folder", lambda: tmp_path)
    page = survey_report(findings(Survey(shipped()[1])), "today")
    assert "The images of cifar10 are not here" in page
    assert "<img" not in page
    assert page.count('class="case"') > SHOWN


def test_names_and_notes_are_text_and_unknown_classes_are_said(tmp_path: Path) -> None:
    models = [load_model(f"digits/lenet/{name}", device="cpu") for name in ("standard", "stability")]
    data = load_dataset("digits")
    data = replace(data, labels=np.full(len(data), -1), name="<script>alert(1)</script>")
    run(models, data, make_plan(models, data, ["gaussian_noise=0.5"], limit=30), tmp_path / "out")
    survey = Survey(tmp_path / "out")
    case = int(
        survey.sql("SELECT * FROM pairs(?, ?) WHERE quadrant = 'neither_fails'", [m.name for m in models])["case"][0]
    )
    put_annotation(survey, case, Annotation(star=True, tags=("odd",), note="<img src=x>"))
    found = findings(survey, data=data)
    page = survey_report(found, "today")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "true class not known" in page
    assert sum(found.quadrants.values()) == 30


@pytest.mark.slow
def test_the_command_line_writes_the_page(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped()[0], tmp_path / "digits")
    done = CliRunner().invoke(app, ["survey", "report", str(folder), "--out", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
