"""Surveys run from the page "Failures": what one takes, stopped, gone on with, refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from explorer import load_dataset, load_model
from explorer.app.context import Context, make_context
from explorer.app.failures.open_surveys import OpenSurveys
from explorer.app.failures.page import Failures
from explorer.app.jobs import HANDLERS, StoppedError
from explorer.errors import ExplorerError
from explorer.survey import Survey, make_plan, run
from tests.support.questions import silent

PAIR = ["digits/lenet/standard", "digits/lenet/stability"]
NEW = {
    "models": PAIR,
    "data": "digits",
    "distortions": [["gaussian_noise", [0.3, 0.5]], ["jpeg", None]],
    "seeds": [0],
    "limit": 80,
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield make_context(PAIR)


@pytest.mark.slow
def test_a_run_tells_its_cost_first_is_stopped_and_goes_on(context: Context, tmp_path: Path) -> None:
    context = replace(context, surveys=OpenSurveys(context.workspace, (tmp_path,)))
    page = Failures(context.workspace, context.surveys)
    takes = HANDLERS["survey_cost"](context, NEW, silent)
    assert (takes["rows"], takes["done"], takes["images"]) == (80 * 7 * 2, 0, 80)
    assert takes["bytes"] > 0
    assert takes["seconds"] > 0
    assert not list(tmp_path.iterdir())  # nothing is written before the person says so

    def stop(done: int, total: int) -> None:
        assert total in {0, takes["rows"]}
        if done > takes["rows"] // 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        HANDLERS["survey_run"](context, NEW, stop)
    (held,) = [one for one in page.answer({"ask": "surveys"})["surveys"] if one["origin"] == "named"]
    assert held["done"] < 80
    with pytest.raises(ExplorerError, match="no finished rows yet"):
        page.answer({"ask": "open", "survey": held["key"]})
    done = HANDLERS["survey_run"](context, {"survey": held["key"]}, silent)
    assert done["survey"] == held["key"]
    found = page.answer({"ask": "open", "survey": held["key"]})
    assert (found["cases"], found["done"]) == (80 * 7, 80)
    assert HANDLERS["survey_cost"](context, NEW, silent)["done"] == 80
    (folder,) = tmp_path.iterdir()
    models = [load_model(name, device="cpu") for name in PAIR]
    data = load_dataset("digits")
    plan = make_plan(models, data, ["gaussian_noise=0.3:0.5", "jpeg"], limit=80)
    run(models, data, plan, tmp_path / "same")
    ordered = 'SELECT * FROM rows ORDER BY "case", model'
    assert Survey(folder).sql(ordered).equals(Survey(tmp_path / "same").sql(ordered))


@pytest.mark.parametrize(
    "change",
    [
        {"models": []},
        {"models": ["nobody"]},
        {"models": [PAIR[0], "cifar10/resnet20/standard"]},
        {"data": "nothing"},
        {"data": "/etc"},
        {"distortions": []},
        {"distortions": [["nope", None]]},
        {"distortions": [["jpeg=50", None]]},
        {"distortions": [["jpeg", [500]]]},
        {"distortions": [["jpeg", ["50"]]]},
        {"distortions": [["jpeg", []]]},
        {"distortions": "jpeg"},
        {"seeds": []},
        {"seeds": [1.5]},
        {"seeds": [1, 1]},
        {"seeds": list(range(100))},
        {"limit": 0},
        {"limit": "80"},
    ],
    ids=str,
)
@pytest.mark.parametrize("handler", ["survey_cost", "survey_run"])
def test_a_run_that_makes_no_sense_is_refused(context: Context, handler: str, change: dict[str, Any]) -> None:
    with pytest.raises(ExplorerError, match=r"^[A-Z'a-z0-9].{10,600}\.$"):
        HANDLERS[handler](context, NEW | change, silent)
