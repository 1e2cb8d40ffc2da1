"""The server's side of the page "Failures": counts, filters, order, pictures, marks; nonsense from a browser."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer import load_dataset, load_model
from explorer.app.context import Context, make_context
from explorer.app.failures.open_surveys import OpenSurveys
from explorer.app.failures.page import Failures
from explorer.app.failures.table import load
from explorer.app.jobs import HANDLERS
from explorer.data import images
from explorer.errors import ExplorerError
from explorer.survey import QUADRANTS, Survey, accuracy, make_plan, read_annotations, run, shipped
from explorer.survey.statistics import paired
from tests.support.questions import silent

PAIR = ["digits/lenet/standard", "digits/lenet/stability"]
MODELS = [*PAIR, "digits/lenet/gaussian"]
DISTORTIONS = ["gaussian_noise=0.3:0.5", "jpeg=20", "fgsm=8/255"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of 60 digits under five conditions, beside nothing else."""
    folder = tmp_path_factory.mktemp("surveys") / "few"
    models = [load_model(name, device="cpu") for name in MODELS]
    data = load_dataset("digits")
    run(models, data, make_plan(models, data, DISTORTIONS, seeds=(0, 3), limit=60), folder)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        found = tmp_path_factory.mktemp("cache")
        patch.setenv("EXPLORER_CACHE", str(found))
        yield found


@pytest.fixture(scope="module")
def context(folder: Path, cache: Path) -> Context:
    return make_context(PAIR, surveys=[folder])


def beside(context: Context, folder: Path) -> Context:
    """The same models, and the surveys of another folder."""
    return replace(context, surveys=OpenSurveys(context.workspace, (folder,)))


def failures(context: Context) -> Failures:
    return Failures(context.workspace, context.surveys)


@pytest.fixture
def page(context: Context) -> Failures:
    return failures(context)


@pytest.fixture
def key(page: Failures) -> str:
    return next(one["key"] for one in page.answer({"ask": "surveys"})["surveys"] if one["origin"] == "named")


def cases(page: Failures, key: str, filters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found = page.answer({"ask": "cases", "survey": key, "pair": PAIR, "filters": filters, **more})
    return json.loads(json.dumps(found, allow_nan=False))


def pairs(folder: Path) -> Any:
    return Survey(folder).sql('SELECT * FROM pairs(?, ?) ORDER BY "case"', PAIR)


def test_the_named_survey_comes_first_and_shipped_ones_are_there(page: Failures, folder: Path) -> None:
    found = page.answer({"ask": "surveys"})
    assert [one["origin"] for one in found["surveys"]] == ["named", "shipped", "shipped"]
    assert found["surveys"][0]["title"] == "few"
    assert (found["surveys"][0]["images"], found["surveys"][0]["done"]) == (60, 60)
    assert found["messages"] == []
    assert found["home"] == str(folder.resolve().parent)


def test_a_damaged_survey_is_named_and_the_others_stay(context: Context, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "plan.json").write_text("{")
    found = failures(beside(context, tmp_path)).answer({"ask": "surveys"})
    assert [one["title"] for one in found["surveys"] if one["origin"] == "named"] == ["good"]
    assert len(found["messages"]) == 1
    assert "bad" in found["messages"][0]


def test_quadrants_and_items_are_those_of_the_rows(page: Failures, key: str, folder: Path) -> None:
    wanted = pairs(folder)
    found = cases(page, key, count=200)
    assert found["total"] == len(wanted) == 60 * 6
    counted = wanted.quadrant.value_counts().to_dict()
    assert found["counts"] == {name: counted.get(name, 0) for name in QUADRANTS}
    assert found["counts"]["only_baseline_fails"] > 0
    assert found["counts"]["only_other_fails"] > 0
    for item, (_, row) in zip(found["items"], wanted.iterrows(), strict=False):
        assert (item["case"], item["image"], item["quadrant"]) == (row["case"], row["image"], row.quadrant)
        assert (item["label"], item["baseline"]["answer"]) == (str(row.label), str(row.prediction))
        assert item["other"]["answer"] == str(row.other_prediction)
        assert item["other"]["confidence"] == pytest.approx(row.other_confidence, abs=1e-4)
        assert item["baseline"]["margin"] == pytest.approx(row.margin_true, abs=1e-4)
    turned = page.answer({"ask": "cases", "survey": key, "pair": PAIR[::-1], "filters": {}})
    assert turned["counts"]["only_other_fails"] == found["counts"]["only_baseline_fails"]


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"label": "3"}, "label == 3"),
    ({"distortion": "gaussian_noise"}, "distortion == 'gaussian_noise'"),
    ({"distortion": "gaussian_noise", "amount": 0.5}, "distortion == 'gaussian_noise' and amount == 0.5"),
    ({"quadrants": ["only_other_fails", "both_fail"]}, "quadrant in ['only_other_fails', 'both_fail']"),
    ({"quadrants": []}, "quadrant == ''"),
    ({"low": -0.2, "high": 0.3}, "margin_true >= -0.2 and margin_true <= 0.3"),
    ({"model": "other", "low": 0.9}, "other_margin_true >= 0.9"),
    ({"model": "other", "flipped": True}, "other_flipped"),
    ({"was": "8", "now": "1"}, "clean_prediction == 8 and prediction == 1"),
    ({"cases": [0, 7, 200]}, "case in [0, 7, 200]"),
    (
        {"label": "3", "quadrants": ["both_fail"], "high": 0},
        "label == 3 and quadrant == 'both_fail' and margin_true <= 0",
    ),
]


@pytest.mark.parametrize(("filters", "query"), FILTERS, ids=str)
def test_filters_keep_what_they_say(
    page: Failures, key: str, folder: Path, filters: dict[str, Any], query: str
) -> None:
    wanted = pairs(folder).query(query)
    found = cases(page, key, filters, count=200)
    assert found["total"] == len(wanted)
    assert [item["case"] for item in found["items"]] == wanted["case"].tolist()[:200]


def test_counts_leave_the_quadrants_out(page: Failures, key: str) -> None:
    everything = cases(page, key, {"label": "8"})
    one = cases(page, key, {"label": "8", "quadrants": ["both_fail"]})
    assert one["counts"] == everything["counts"]
    assert one["total"] == everything["counts"]["both_fail"]


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("by", ["apart", "margin", "confidence", "feature_l2", "kl", "case", "amount"])
def test_orders_sort_and_pages_join_without_a_gap(
    page: Failures, key: str, folder: Path, by: str, falling: bool
) -> None:
    frame = pairs(folder)
    frame["apart"] = (frame.other_margin_true - frame.margin_true).abs()
    frame["margin"] = frame.margin_true
    order = {"by": by, "falling": falling}
    got = [item["case"] for start in (0, 200) for item in cases(page, key, {}, order=order, start=start)["items"]]
    assert sorted(got) == frame["case"].tolist()
    if by != "amount":
        values = frame.set_index("case" if by != "case" else frame["case"])[by].loc[got].to_numpy()
        assert (np.diff(-values if falling else values) >= 0).all()


def test_millions_are_cut_to_the_first_ones_in_order() -> None:
    from explorer.app.failures.filters import Filters, Order
    from explorer.app.failures.table import Table

    n, rng = 50_000, np.random.default_rng(0)
    side = {"margin": rng.normal(size=n).astype(np.float32)}
    zeros = np.zeros(n, np.int32)
    table = Table(
        np.arange(n), np.zeros(n, np.int16), zeros, zeros, np.zeros(n, np.int8), {"baseline": side, "other": side}
    )
    for falling in (False, True):
        rows = table.ordered(np.ones(n, bool), Filters(), Order("margin", falling), 100)
        wanted = np.argsort(-side["margin"] if falling else side["margin"], kind="stable")[:100]
        assert rows.tolist() == wanted.tolist()


def test_pictures_are_the_pixels_of_the_hash_in_the_rows(page: Failures, key: str, folder: Path) -> None:
    wanted = pairs(folder).set_index("case")
    chosen = [0, 59, 61, 130, 250, 301, 345]  # every distortion is among them
    assert len(set(wanted.loc[chosen].distortion)) == 3
    found = page.answer({"ask": "pictures", "survey": key, "cases": chosen})["pictures"]
    again = page.answer({"ask": "pictures", "survey": key, "cases": chosen})["pictures"]
    assert found == again
    for case in chosen:
        assert _hash(found[str(case)]) == wanted.hash[case]


def _hash(url: str) -> str:
    decoded = images.load_image(base64.b64decode(url.removeprefix("data:image/png;base64,")))
    return images.image_hash(decoded[:, :1])


def test_a_case_opens_in_the_live_view_to_the_same_hash(
    page: Failures, context: Context, key: str, folder: Path
) -> None:
    wanted = pairs(folder).set_index("case")
    for case in (0, 59, 130, 250, 345):
        found = page.answer({"ask": "case", "survey": key, "pair": PAIR, "case": case})
        state = found["state"]
        recipe = {
            "steps": [[step["name"], step["amount"]] for step in state["steps"]],
            **{name: state[name] for name in ("seed", "against", "quantised")},
        }
        answer = context.workspace.answer({"picture": state["picture"], "models": state["models"], "recipe": recipe})
        assert answer["image_hash"] == found["hash"] == wanted.hash[case]
        assert answer["models"][0]["name"] == PAIR[0]
        assert answer["models"][1]["name"] == PAIR[1]


def test_confusion_counts_are_those_of_the_rows(page: Failures, key: str, folder: Path) -> None:
    frame = pairs(folder).query("distortion == 'jpeg'")
    found = page.answer({"ask": "confusion", "survey": key, "pair": PAIR, "filters": {"distortion": "jpeg"}})
    wanted = np.zeros((10, 10), int)
    np.add.at(wanted, (frame.clean_prediction.to_numpy(), frame.prediction.to_numpy()), 1)
    assert found["baseline"] == wanted.tolist()
    assert np.sum(found["other"]) == 60


def test_accuracy_has_intervals_around_each_share(page: Failures, key: str, folder: Path) -> None:
    rows = json.loads(json.dumps(page.answer({"ask": "accuracy", "survey": key, "pair": PAIR}), allow_nan=False))[
        "rows"
    ]
    assert [row["distortion"] for row in rows] == ["clean", "gaussian_noise", "gaussian_noise", "jpeg", "fgsm"]
    frame = pairs(folder)
    noise = frame[(frame.distortion == "gaussian_noise") & (frame.amount == 0.5)]
    assert rows[2]["baseline"] == pytest.approx(noise.correct.mean())
    for row in rows:
        assert row["baseline_low"] <= row["baseline"] <= row["baseline_high"]


def test_the_table_counts_what_the_files_say(folder: Path) -> None:
    for survey, pair in ((Survey(folder), PAIR), (Survey(folder), PAIR[::-1]), (Survey(shipped()[0]), PAIR)):
        counted, asked = load(survey, pair).patterns(survey.plan), paired(survey, pair)
        by = ["distortion", "amount", "seeds", "a_only", "b_only", "joint"]
        mine, theirs = (frame.sort_values(by).reset_index(drop=True) for frame in (counted, asked))
        pd.testing.assert_frame_equal(mine, theirs, check_dtype=False)
        pd.testing.assert_frame_equal(accuracy(survey, pair, patterns=counted), accuracy(survey, pair))


def test_annotations_are_kept_beside_the_survey_and_filter(page: Failures, key: str, folder: Path) -> None:
    def annotate(case: int, **what: Any) -> dict[str, Any]:
        given = {"star": False, "tags": [], "note": ""} | what
        return page.answer({"ask": "annotate", "survey": key, "case": case, "annotation": given})["annotation"]

    try:
        assert annotate(7, star=True)["star"]
        assert annotate(9, tags=[" thin  stroke ", "thin stroke"], note=" why? ") == {
            "star": False,
            "tags": ["thin stroke"],
            "note": "why?",
        }
        stored = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
        assert stored == {
            "7": {"star": True, "tags": [], "note": ""},
            "9": {"star": False, "tags": ["thin stroke"], "note": "why?"},
        }
        for what, wanted in (("star", [7]), ("note", [9]), ("tag:thin stroke", [9]), ("tag:none", [])):
            assert [item["case"] for item in cases(page, key, {"annotation": what})["items"]] == wanted
        assert set(page.answer({"ask": "open", "survey": key})["annotations"]) == {"7", "9"}
        annotate(7)
        assert list(read_annotations(Survey(folder))) == [9]
        assert [item["case"] for item in cases(page, key, {"annotation": "star"})["items"]] == []
        assert not list(folder.glob("*.part"))
    finally:
        (folder / "annotations.json").unlink(missing_ok=True)


def test_annotations_under_their_former_name_are_read(page: Failures, key: str, folder: Path) -> None:
    former, now = folder / "marks.json", folder / "annotations.json"
    former.write_text('{"7": {"star": true, "tags": [], "note": ""}}', encoding="utf-8")
    try:
        assert set(page.answer({"ask": "open", "survey": key})["annotations"]) == {"7"}
        given = {"star": False, "tags": ["odd"], "note": ""}
        page.answer({"ask": "annotate", "survey": key, "case": 9, "annotation": given})
        assert set(json.loads(now.read_text(encoding="utf-8"))) == {"7", "9"}
    finally:
        former.unlink()
        now.unlink(missing_ok=True)


def test_annotations_on_a_shipped_survey_stay_out_of_the_installation(page: Failures, cache: Path) -> None:
    what = {"star": True, "tags": [], "note": ""}
    page.answer({"ask": "annotate", "survey": "digits", "case": 1, "annotation": what})
    assert [path.parent.name for path in cache.rglob("*.json")] == ["annotations"]
    assert page.answer({"ask": "open", "survey": "digits"})["annotations"] == {"1": what}


NONSENSE: list[dict[str, Any]] = [
    {"ask": "drop"},
    {"ask": None},
    {"ask": "cases", "survey": "nothing"},
    {"ask": "cases", "survey": "../../etc"},
    {"ask": "cases", "survey": ["few"]},
    {"ask": "cases", "pair": ["A", "B"]},
    {"ask": "cases", "pair": [PAIR[0], PAIR[0]]},
    {"ask": "cases", "pair": "AB"},
    {"ask": "cases", "pair": [PAIR[0], "' OR 1=1 --"]},
    {"ask": "cases", "filters": []},
    {"ask": "cases", "filters": {"label": "'; DROP TABLE rows"}},
    {"ask": "cases", "filters": {"label": 3}},
    {"ask": "cases", "filters": {"distortion": "jpeg", "amount": "20"}},
    {"ask": "cases", "filters": {"distortion": "jpeg", "amount": 21}},
    {"ask": "cases", "filters": {"distortion": {"a": 1}}},
    {"ask": "cases", "filters": {"amount": 0.5}},
    {"ask": "cases", "filters": {"low": True}},
    {"ask": "cases", "filters": {"low": 10**400}},
    {"ask": "cases", "filters": {"low": float("nan")}},
    {"ask": "cases", "filters": {"model": "rows"}},
    {"ask": "cases", "filters": {"model": {}}},
    {"ask": "cases", "filters": {"quadrants": ["all"]}},
    {"ask": "cases", "filters": {"quadrants": [["both_fail"]]}},
    {"ask": "cases", "filters": {"quadrants": "both_fail"}},
    {"ask": "cases", "filters": {"flipped": 1}},
    {"ask": "cases", "filters": {"annotation": "notes"}},
    {"ask": "cases", "filters": {"annotation": "tag:" + "x" * 500}},
    {"ask": "cases", "filters": {"cases": [1.5]}},
    {"ask": "cases", "filters": {"cases": list(range(6000))}},
    {"ask": "cases", "order": {"by": "margin; DROP"}},
    {"ask": "cases", "order": {"by": ["margin"]}},
    {"ask": "cases", "order": {"by": "margin", "falling": 1}},
    {"ask": "cases", "start": -1},
    {"ask": "cases", "count": 10**9},
    {"ask": "pictures", "cases": [-1]},
    {"ask": "pictures", "cases": [360]},
    {"ask": "pictures", "cases": list(range(49))},
    {"ask": "pictures", "cases": "0"},
    {"ask": "case", "case": None},
    {"ask": "case", "case": True},
    {"ask": "annotate", "case": 0, "annotation": None},
    {"ask": "annotate", "case": 0, "annotation": {"star": 1, "tags": [], "note": ""}},
    {"ask": "annotate", "case": 0, "annotation": {"star": True, "tags": ["x" * 41], "note": ""}},
    {"ask": "annotate", "case": 0, "annotation": {"star": True, "tags": ["x"] * 5 + [1], "note": ""}},
    {"ask": "annotate", "case": 0, "annotation": {"star": True, "tags": "x", "note": ""}},
    {"ask": "annotate", "case": 0, "annotation": {"star": True, "tags": [], "note": "x" * 2001}},
    {"ask": "annotate", "case": 10**9, "annotation": {"star": True, "tags": [], "note": ""}},
]


@pytest.mark.parametrize("question", NONSENSE, ids=lambda question: str(question)[:60])
def test_nonsense_gets_one_sentence(page: Failures, key: str, folder: Path, question: dict[str, Any]) -> None:
    with pytest.raises(ExplorerError, match=r"^[A-Z0-9].{10,600}\.$"):
        page.answer({"survey": key, **question})
    assert not (folder / "annotations.json").exists()


@pytest.mark.parametrize("question", [None, 3, "surveys", []], ids=str)
def test_what_is_no_question_gets_one_sentence(page: Failures, question: Any) -> None:
    with pytest.raises(ExplorerError, match="reload"):
        page.answer(question)


def test_pictures_that_are_not_here_are_said_and_numbers_stay(context: Context, folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "foreign")
    plan = json.loads((copy / "plan.json").read_text())
    plan["data"] = "somebody's"
    (copy / "plan.json").write_text(json.dumps(plan))
    page = failures(beside(context, copy))
    key = page.answer({"ask": "surveys"})["surveys"][0]["key"]
    assert "somebody's" in page.answer({"ask": "open", "survey": key})["missing"]
    assert cases(page, key)["total"] == 360
    with pytest.raises(ExplorerError, match="somebody's"):
        page.answer({"ask": "pictures", "survey": key, "cases": [0]})


def test_a_map_places_the_cases_that_the_filters_keep(context: Context, key: str, folder: Path) -> None:
    filters = {"distortion": "gaussian_noise", "model": "other", "quadrants": ["neither_fails", "both_fail"]}
    question = {"survey": key, "pair": PAIR, "filters": filters, "method": "pca"}
    found = HANDLERS["survey_map"](context, question, silent)
    frame = pairs(folder)
    wanted = frame[(frame.distortion == "gaussian_noise") & frame.quadrant.isin(filters["quadrants"])]
    assert found["cases"] == wanted["case"].tolist()
    assert (found["total"], found["model"]) == (len(wanted), PAIR[1])
    assert [found["names"][i] for i in found["quadrants"]] == wanted.quadrant.tolist()
    assert len(found["x"]) == len(found["y"]) == len(wanted)
    assert 0 < found["explained"] <= 1
    changes: list[dict[str, Any]] = [{"method": "tsne"}, {"method": ["pca"]}, {"filters": {"quadrants": []}}]
    for change in changes:
        with pytest.raises(ExplorerError, match=r"\.$"):
            HANDLERS["survey_map"](context, question | change, silent)
