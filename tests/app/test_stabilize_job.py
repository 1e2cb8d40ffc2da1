"""A model is stabilized by the app's jobs: its cost first, one at a time, the new model beside the old."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS, StoppedError
from explorer.app.links import read_link
from explorer.errors import ExplorerError
from tests.support.questions import DIGITS, SEVEN, silent

RUN = "0123456789abcdef"
QUESTION: dict[str, Any] = {
    "model": DIGITS[0],
    "data": "digits",
    "under": [["gaussian_noise", 0, 0.5], ["jpeg", 5, 40]],
    "layers": "head",
    "keep": 0.9,
    "minutes": 0.002,
    "limit": 120,
    "control": False,
}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    return make_context(DIGITS)


def ask(context: Context, handler: str, progress: Any = silent, **question: Any) -> dict[str, Any]:
    return HANDLERS[handler](context, question, progress)


def test_the_new_model_stands_beside_the_old_and_is_written(context: Context, tmp_path: Path) -> None:
    cost = ask(context, "stabilize_cost", **QUESTION)
    assert (cost["train"], cost["watched"], cost["weights"]) == (102, 18, 5010)
    news: list[dict[str, Any]] = []

    def progress(done: int, total: int) -> None:
        news.append(ask(context, "stabilize_news", run=RUN))
        if len(news) > 1:
            return
        with pytest.raises(ExplorerError, match="Another model is being stabilized"):
            ask(context, "stabilize_run", run=RUN[::-1], **QUESTION)

    found = ask(context, "stabilize_run", progress, run=RUN, **QUESTION)
    stages = list(dict.fromkeys(one["stage"] for one in news if one))
    assert {"features", "training", "report"} <= set(stages)
    assert {"step", "agreement", "flips"} == set(news[-1]["curve"][0])
    assert ask(context, "stabilize_news", run=RUN) == {}
    name = found["name"]
    assert found["examples"]
    for one in found["examples"]:
        read = read_link(context.workspace, one["query"], max_models=4, max_steps=4)
        assert not read["messages"]
        state = read["state"]
        assert state["models"] == [DIGITS[0], found["name"]]
        assert state["picture"]["dataset"] == "digits"
    assert name == cost["name"] == "stability of digits lenet standard"
    family = next(family for family in found["families"] if family["key"] == found["family"])
    assert family["models"][-1]["name"] == name
    assert family["defaults"] == DIGITS
    told = [(model["title"], model["subtitle"]) for model in family["models"]]
    assert told.count(told[-1]) == 1
    dataset, _, row = SEVEN.partition(":")
    recipe = {"steps": [["gaussian_noise", 0.3]], "seed": 0}
    state = {"picture": {"dataset": dataset, "index": int(row)}, "models": [DIGITS[0], name], "recipe": recipe}
    assert [one["name"] for one in context.workspace.answer(state)["models"]] == [DIGITS[0], name]
    report = json.loads((Path(found["folder"]) / "report.json").read_text(encoding="utf-8"))
    assert found["report"]["agreement"] == next(r for r in report["rows"] if r["role"] == "stabilized")["agreement"]
    assert report["counts"] == {key: cost[key] for key in ("train", "watched", "reported")}
    assert "<html" in found["html"]
    assert found["folder"] == cost["folder"]
    assert str(tmp_path) in found["folder"]
    (weights,) = Path(found["folder"]).glob("*.safetensors")
    assert explorer.load_model(weights).name == name
    assert ask(context, "stabilize_cost", **QUESTION)["name"] == f"{name} 2"


def test_it_can_be_stopped_and_kept_or_cancelled(context: Context) -> None:
    long = QUESTION | {"layers": "all", "minutes": 200, "control": True}

    def stop(done: int, total: int) -> None:
        if ask(context, "stabilize_news", run=RUN).get("stage") == "training":
            ask(context, "stabilize_stop", run=RUN)

    found = ask(context, "stabilize_run", stop, run=RUN, **long)
    assert found["report"]["steps"] < 10

    def cancel(done: int, total: int) -> None:
        if ask(context, "stabilize_news", run=RUN).get("stage") == "training":
            raise StoppedError

    before = len(context.workspace.cards)
    with pytest.raises(StoppedError):
        ask(context, "stabilize_run", cancel, run=RUN, **long)
    assert len(context.workspace.cards) == before
    assert ask(context, "stabilize_cost", **QUESTION)["name"].endswith(" 2")  # nothing was written
    assert ask(context, "stabilize_run", stop, run=RUN, **long)["name"].endswith(" 2")


def test_what_hurts_is_found_on_these_pictures(context: Context) -> None:
    asked = {key: QUESTION[key] for key in ("model", "data", "limit")}
    hurts = ask(context, "stabilize_proposal", **asked)["hurts"]
    assert hurts
    assert all(set(one) == {"name", "low", "high", "flips", "n"} for one in hurts)
    under = [[one["name"], one["low"], one["high"]] for one in hurts]
    assert ask(context, "stabilize_cost", **QUESTION | {"under": under})["weights"] == 5010
    with pytest.raises(ExplorerError, match="There is no such data set here"):
        ask(context, "stabilize_proposal", **asked | {"data": "/etc"})


def test_pictures_that_a_visitor_brought(context: Context) -> None:
    tokens = [context.workspace.pictures.bring(png(seed))["token"] for seed in range(12)]
    own = QUESTION | {"data": None, "pictures": tokens}
    assert ask(context, "stabilize_cost", **own)["train"] == 8
    found = ask(context, "stabilize_run", run=RUN, **own)
    assert found["report"]["n"] == 2
    with pytest.raises(ExplorerError, match="Choose 10 to 400 pictures of your own"):
        ask(context, "stabilize_cost", **own | {"pictures": tokens[:9]})
    with pytest.raises(ExplorerError, match="no longer held here"):
        ask(context, "stabilize_cost", **own | {"pictures": [*tokens, "x"]})


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(file := io.BytesIO(), "png")
    return file.getvalue()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "/etc/passwd"}, "There is no model named"),
        ({"data": "/etc"}, "There is no such data set here"),
        ({"under": []}, "Choose 1 to 12 distortions"),
        ({"under": [["gaussian_noise", 0]]}, "Choose 1 to 12 distortions"),
        ({"under": [["fgsm", 0, 0.1]]}, "computed against a model"),
        ({"under": [["gaussian_noise", 0, 99]]}, "gaussian_noise"),
        ({"layers": "some"}, "the head, the last ones or all"),
        ({"keep": 98}, "0 to 100 per cent"),
        ({"minutes": 0}, "at most 240 minutes"),
        ({"limit": 3}, "Give 10 to 10,000 pictures"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(context: Context, change: dict[str, Any], sentence: str) -> None:
    for handler, more in (("stabilize_cost", {}), ("stabilize_run", {"run": RUN})):
        with pytest.raises(ExplorerError, match=sentence):
            ask(context, handler, **QUESTION | change | more)
