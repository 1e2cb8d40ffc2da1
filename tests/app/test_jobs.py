"""Long questions: they tell how far they are, end when they are cancelled or overtaken, and wait for sliders."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from explorer.app import idle, jobs
from explorer.app.context import Context, make_context
from explorer.app.endpoints import Endpoints
from explorer.app.jobs import scheduler
from explorer.app.validation import Request
from explorer.errors import ExplorerError
from explorer.progress import Progress
from tests.support.loops import finish

PAGE = "0123456789abcdef0123456789abcdef:"


@pytest.fixture(scope="module")
def endpoints() -> Iterator[Endpoints]:
    serving = Endpoints(make_context())
    yield serving
    serving.close()


class CountRequest(Request):
    """How far to count."""

    to: int


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Job handlers for the tests, which are forgotten afterwards."""
    monkeypatch.setattr(jobs.HANDLERS, "_things", dict(jobs.HANDLERS))

    @jobs.job("count", CountRequest)
    def count(context: Context, question: CountRequest, progress: Progress) -> dict[str, Any]:
        for i in range(question.to):
            progress(i, question.to)
            time.sleep(0.01)
        return {"counted": question.to}

    @jobs.job("complain", Request)
    def complain(context: Context, question: Request, progress: Progress) -> dict[str, Any]:
        raise ExplorerError("This cannot be done.")

    @jobs.job("crash", Request)
    def crash(context: Context, question: Request, progress: Progress) -> dict[str, Any]:
        return {"never": 1 / 0}


def ask(endpoints: Endpoints, function: str, question: Any) -> Any:
    return json.loads(finish(getattr(endpoints, function)(question)).body)


def start(endpoints: Endpoints, handler: str, key: str = "a", **more: Any) -> str:
    started = ask(endpoints, "start_job", {"handler": handler, "group": PAGE + key, **more})
    return str(started["job"])


def until_end(endpoints: Endpoints, token: str) -> list[dict[str, Any]]:
    """Everything that was said of a job, its end last."""
    said = [ask(endpoints, "poll_job", {"job": token})]
    while "total" in said[-1]:
        said.append(ask(endpoints, "poll_job", {"job": token}))
    return said


def test_a_job_tells_how_far_it_is_and_then_its_result(endpoints: Endpoints) -> None:
    *progress, last = until_end(endpoints, start(endpoints, "count", to=30))
    assert last == {"result": {"counted": 30}}
    done = [news["done"] for news in progress if news["total"] == 30]
    assert done == sorted(done)
    assert len(set(done)) > 2


def test_errors_are_one_sentence(endpoints: Endpoints) -> None:
    assert until_end(endpoints, start(endpoints, "complain"))[-1] == {"error": "This cannot be done."}
    assert "An unexpected error" in until_end(endpoints, start(endpoints, "crash"))[-1]["error"]


@pytest.mark.parametrize(
    "question",
    [
        None,
        [],
        "count",
        {},
        {"handler": "nothing", "group": PAGE},
        {"handler": ["count"], "group": PAGE},
        {"handler": "count"},
    ]
    + [{"handler": "count", "group": group} for group in ("", "short", 7, "x" * 1000)],
)
def test_nonsense_is_refused_in_a_sentence(endpoints: Endpoints, question: Any) -> None:
    assert "reload" in ask(endpoints, "start_job", question)["error"]


@pytest.mark.parametrize("question", [None, {}, {"job": 3}, {"job": "guessed"}])
def test_only_who_has_the_token_hears_of_a_job(endpoints: Endpoints, question: Any) -> None:
    assert "error" in ask(endpoints, "poll_job", question)
    assert ask(endpoints, "cancel_job", question) == {}


def test_a_cancelled_job_ends_early(endpoints: Endpoints) -> None:
    token = start(endpoints, "count", to=2000)
    ask(endpoints, "cancel_job", {"job": token})
    assert until_end(endpoints, token)[-1]["cancelled"] is True


def test_a_newer_question_of_the_same_page_overtakes_the_older_one_of_its_kind(endpoints: Endpoints) -> None:
    first, other = start(endpoints, "count", to=2000), start(endpoints, "count", key="b", to=3)
    second = start(endpoints, "count", to=3)
    assert until_end(endpoints, first)[-1]["cancelled"] is True
    assert until_end(endpoints, second)[-1] == {"result": {"counted": 3}}
    assert until_end(endpoints, other)[-1] == {"result": {"counted": 3}}


def test_a_job_waits_while_a_slider_is_moved_but_not_for_ever(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "MAX_WAIT", 3600)
    token = start(endpoints, "count", to=100_000)
    job = endpoints._jobs.find({"job": token})

    def goes_on() -> None:
        before = job.done
        while job.done <= before + 1:  # one step may have begun already
            time.sleep(0.01)

    goes_on()
    with endpoints._context.idle:
        time.sleep(0.1)  # the step that had begun ends
        before = job.done
        time.sleep(0.3)
        assert job.done <= before + 1
    goes_on()
    monkeypatch.setattr(idle, "MAX_WAIT", 0.01)
    with endpoints._context.idle:
        goes_on()
    ask(endpoints, "cancel_job", {"job": token})


def test_a_page_that_is_gone_leaves_no_job_behind(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_SILENCE", 0.2)
    token = start(endpoints, "count", to=100_000)
    job = endpoints._jobs.find({"job": token})
    while job.answer is None:  # the test's own limit ends it
        time.sleep(0.05)
    assert job.answer["cancelled"] is True


def test_too_many_jobs_are_refused(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    token = start(endpoints, "count", key="many", to=100_000)
    monkeypatch.setattr(scheduler, "MAX_JOBS", 1)
    refused = ask(endpoints, "start_job", {"handler": "count", "group": PAGE + "more", "to": 1})
    ask(endpoints, "cancel_job", {"job": token})
    assert "explorer is busy" in refused["error"]


def test_numbers_that_are_not_finite_are_said_to_be_so(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints._context.workspace, "answer", lambda _: {"distance": float("inf")})
    assert "not finite" in ask(endpoints, "ask", {})["error"]


def test_a_finished_job_is_forgotten_after_a_while(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    token = start(endpoints, "count", to=1)
    until_end(endpoints, token)
    monkeypatch.setattr(scheduler, "MAX_SILENCE", -1)
    assert "ended or expired" in ask(endpoints, "poll_job", {"job": token})["error"]
