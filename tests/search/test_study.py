"""The study of pairs, its files, and the command."""

from __future__ import annotations

import json
import re

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_allclose

from explorer.errors import ExplorerError
from explorer.search import embed, find_duplicates, pair_study, rank_triplets, read_triplets
from explorer.search.store import save_study
from explorer.search.study import read_copies
from tests.search.conftest import run
from tests.support.hostile_files import HOSTILE

MODELS = ["digits/lenet/standard", "digits/lenet/stability", "pixels"]


@pytest.fixture
def study(shelf, classes):
    return pair_study(MODELS, classes, "gaussian_noise=0.3,thumbnail=20+jpeg=30")


def test_each_kind_of_copy_has_a_row_for_each_model_and_differences_from_the_first(study):
    assert [(row.distortion, row.model) for row in study.rows] == [
        (kind, model) for kind in ("gaussian_noise=0.3", "thumbnail=20+jpeg=30") for model in MODELS
    ]
    assert study.rows[0].differences is None
    gap = study.rows[1].differences["average_precision"]
    assert gap.value == study.rows[1].copies.curve.average_precision - study.rows[0].copies.curve.average_precision
    assert gap.interval[0] <= gap.value <= gap.interval[1]
    assert "8 positive and 56 negative pairs" in str(study)


def test_its_numbers_become_json_and_a_table(study):
    assert json.loads(json.dumps(study.to_dict(), allow_nan=False))["negatives"] == 56
    frame = study.to_frame()
    assert len(frame) == 6
    assert frame["recall_at_0.995_difference"].isna().tolist() == [True, False, False] * 2


def test_its_rows_are_parquet_that_duckdb_asks(study, tmp_path):
    written = save_study(study, tmp_path / "out")
    assert [path.name for path in written] == [*("000000.parquet", "pairs.json", "pairs.csv", "report.html")]
    table = duckdb.read_parquet(f"{tmp_path}/out/rows/*.parquet")
    found = table.aggregate("model, distortion, count(*), avg(distance)").fetchall()
    assert len(found) == 6
    expected = {(row.model, row.distortion.partition("=")[0]): row.copies.distances.mean() for row in study.rows[:3]}
    told = {(model, kind): mean for model, kind, n, mean in found if n == 8}
    for key, mean in expected.items():
        assert_allclose(told[key], mean, atol=1e-9)
    others = table.filter("model = 'pixels'").project("name, nearest_other, nearest_other_distance")
    assert all(name != other and away > 0 for name, other, away in others.fetchall())


@pytest.mark.parametrize("background", [None, "digits"], ids=["distances", "normalised"])
def test_a_copy_and_the_nearest_other_in_a_row_are_measured_alike(classes, tmp_path, background):
    study = pair_study(["pixels"], classes, "gaussian_noise=0.3", background=background)
    save_study(study, tmp_path)
    rows = duckdb.read_parquet(f"{tmp_path}/rows/*.parquet").project("distance, nearest_other_distance").fetchnumpy()
    copies = study.rows[0].copies
    assert_allclose(rows["distance"], copies.distances, atol=1e-9)
    assert_allclose(rows["nearest_other_distance"].min(), copies.false.distance[0], atol=1e-9)


def test_the_report_is_one_file_that_asks_no_host(study, tmp_path):
    save_study(study, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "digits/lenet/stability" in page
    assert page.count('<img class="picture"') == 2  # the curves of each kind of copy
    assert "corpus and prior differ" in page
    assert not re.search(r'(src|href)="https?:', page)


def test_copies_that_are_not_distorted_are_none():
    with pytest.raises(ExplorerError, match="have to differ"):
        read_copies(" , ")
    ((text, recipe),) = read_copies("thumbnail=20+jpeg=30", seed=4)
    assert (text, str(recipe)) == ("thumbnail=20+jpeg=30", "thumbnail=20,jpeg=30;seed=4;on=photograph")


def test_the_command_prints_json_and_writes_its_folder(shelf, classes, tmp_path, capsys):
    options = ["--models", "digits/lenet/standard,pixels", "--distortions", "jpeg=20", "--json"]
    assert run("pairs", "--data", str(classes), *options, "--out", str(tmp_path / "made")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in printed["rows"]] == ["digits/lenet/standard", "pixels"]
    assert (tmp_path / "made" / "report.html").is_file()
    assert (tmp_path / "made" / "pairs-jpeg-20.png").is_file()
    assert "| jpeg=20 | digits/lenet/standard |" in (tmp_path / "made" / "pairs.md").read_text(encoding="utf-8")
    assert run("pairs", "--data", str(classes), "--models", "nobody") == 2
    assert "nobody" in capsys.readouterr().err


def test_the_nearest_pictures_and_how_ranks_move(shelf, classes, capsys):
    picture = str(classes / "a" / "0.png")
    words = ["neighbours", picture, "--data", str(classes), "--model", "digits/lenet/standard", "-k", "3", "--json"]
    assert run(*words, "--recipe", "gaussian_noise=0.4;on=photograph") == 0
    found = json.loads(capsys.readouterr().out)
    everything = embed("digits/lenet/standard", classes)
    asked = embed("digits/lenet/standard", [picture], recipe="gaussian_noise=0.4;on=photograph")
    distances = np.linalg.norm(everything.vectors - asked.vectors, axis=1)
    assert [row["name"] for row in found["rows"]] == [everything.names[i] for i in np.argsort(distances)[:3]]
    before = {row["name"]: row["before"] for row in found["rows"]}
    assert before.get("a/0.png", 1) == 1


def test_harmful_files_among_pictures_are_left_out_of_all_searches(classes):
    slow = ("100-", "225-", "profile-bomb")  # made of hundreds of megabytes; they are read elsewhere
    harmful = {name: made for name, (made, _) in HOSTILE.items() if not name.startswith(slow)}
    for name, made in harmful.items():
        (classes / "a" / f"{name}.png").write_bytes(made())
    found = embed("pixels", classes)
    assert len(found) == 8
    assert len(found.unread) == len(harmful)
    study = pair_study(["pixels"], classes, "jpeg=30")
    assert study.n == 8
    assert "could not be read" in " ".join(study.notes)
    assert find_duplicates("pixels", classes, threshold=0.0).n == 8
    assert {row.queries for row in rank_triplets(["pixels"], read_triplets(classes), k=2).rows} == {8}
