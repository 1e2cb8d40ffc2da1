"""The jobs of data sets in the app: the next disagreement, and what may be downloaded."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS, StoppedError
from explorer.errors import ExplorerError
from tests.support.disagreements import DATA, STRONG, answers
from tests.support.questions import DIGITS, silent


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context(DIGITS)


def digit_state(**changes: Any) -> dict[str, Any]:
    return {"picture": {"dataset": "digits", "index": 0}, "models": DIGITS, "recipe": STRONG} | changes


def test_the_next_disagreement_is_the_first_one_and_the_search_goes_round(context: Context) -> None:
    apart = (row for row in range(360) if len(answers(row)) > 1)
    first, second = next(apart), next(apart)
    last = next(row for row in reversed(range(360)) if len(answers(row)) > 1)
    assert second < last, "a few disagreements make no test"

    def ask(**more: Any) -> dict[str, Any]:
        return HANDLERS["disagree"](context, {"state": digit_state(), "dataset": "digits", **more}, silent)

    found = ask(after=first)["item"]
    assert (found["index"], found["label"]) == (second, str(int(DATA.labels[second])))
    assert found["thumb"].startswith("data:image/png")
    assert ask(after=last)["item"]["index"] == first
    assert ask(after=second, back=True)["item"]["index"] == first
    wanted = int(DATA.labels[last])
    of_class = next(row for row in range(360) if DATA.labels[row] == wanted and len(answers(row)) > 1)
    assert ask(after=359, label=str(wanted))["item"]["index"] == of_class


def test_without_a_disagreement_all_rows_were_looked_at(context: Context) -> None:
    told: list[tuple[int, int]] = []
    clean = STRONG | {"steps": []}
    ones = [row for row in range(360) if DATA.labels[row] == 0]
    assert all(len(answers(row, clean)) == 1 for row in ones)
    question = {"state": digit_state(recipe=clean), "dataset": "digits", "after": 0, "label": "0"}
    assert HANDLERS["disagree"](context, question, lambda *far: told.append(far)) == {"item": None}
    assert told
    assert told[-1][0] <= told[-1][1]


def test_a_search_can_be_stopped_and_bad_questions_are_explained(context: Context) -> None:
    def stop(done: int, total: int) -> None:
        raise StoppedError

    question = {"state": digit_state(recipe=STRONG | {"steps": []}), "dataset": "digits", "after": 0}
    with pytest.raises(StoppedError):
        HANDLERS["disagree"](context, question, stop)
    for change in (
        {"after": -1},
        {"after": "0"},
        {"after": 360},
        {"dataset": "nothing"},
        {"label": "ten"},
        {"state": None},
        {"state": digit_state(models=DIGITS[:1])},
    ):
        with pytest.raises(ExplorerError, match=r"^[A-Za-z].{10,300}$"):
            HANDLERS["disagree"](context, question | change, silent)


def test_only_published_data_sets_are_downloaded(context: Context) -> None:
    for name in (None, "digits", "http://127.0.0.1/x", "../x", ["mnist"]):
        with pytest.raises(ExplorerError):
            HANDLERS["download"](context, {"dataset": name}, silent)
