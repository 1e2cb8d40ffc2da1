"""Long questions: they tell how far they are, end when they are cancelled or overtaken, and wait for sliders."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from explorer.app import jobs
from explorer.app.live import Live
from explorer.errors import ExplorerError
from explorer.models.inference import Progress
from tests.support.loops import finish

PAGE = "0123456789abcdef0123456789abcdef:"


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    serving = Live()
    yield serving
    serving.close()


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds of jobs for the tests, which are forgotten afterwards."""
    monkeypatch.setattr(jobs, "KINDS", dict(jobs.KINDS))

    @jobs.job("count")
    def count(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        for i in range(question["to"]):
            progress(i, question["to"])
            time.sleep(0.01)
        return {"counted": question["to"]}

    @jobs.job("complain")
    def complain(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        raise ExplorerError("This cannot be done.")

    @jobs.job("crash")
    def crash(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        return {"never": 1 / 0}


def ask(live: Live, function: str, question: Any) -> Any:
    return json.loads(finish(getattr(live, function)(question)).body)


def start(live: Live, kind: str, key: str = "a", **more: Any) -> str:
    started = ask(live, "start_job", {"kind": kind, "group": PAGE + key, **more})
    return str(started["job"])


def until_end(live: Live, token: str) -> list[dict[str, Any]]:
    """Everything that was said of a job, its end last."""
    said = [ask(live, "poll_job", {"job": token})]
    while "total" in said[-1]:
        said.append(ask(live, "poll_job", {"job": token}))
    return said


def test_a_job_tells_how_far_it_is_and_then_its_result(live: Live) -> None:
    *progress, last = until_end(live, start(live, "count", to=30))
    assert last == {"result": {"counted": 30}}
    done = [news["done"] for news in progress if news["total"] == 30]
    assert done == sorted(done)
    assert len(set(done)) > 2


def test_errors_are_one_sentence(live: Live) -> None:
    assert until_end(live, start(live, "complain"))[-1] == {"error": "This cannot be done."}
    assert "Something went wrong" in until_end(live, start(live, "crash"))[-1]["error"]


@pytest.mark.parametrize(
    "question",
    [None, [], "count", {}, {"kind": "nothing", "group": PAGE}, {"kind": ["count"], "group": PAGE}, {"kind": "count"}]
    + [{"kind": "count", "group": group} for group in ("", "short", 7, "x" * 1000)],
)
def test_nonsense_is_refused_in_a_sentence(live: Live, question: Any) -> None:
    assert "reload" in ask(live, "start_job", question)["error"]


@pytest.mark.parametrize("question", [None, {}, {"job": 3}, {"job": "guessed"}])
def test_only_who_has_the_token_hears_of_a_job(live: Live, question: Any) -> None:
    assert "error" in ask(live, "poll_job", question)
    assert ask(live, "cancel_job", question) == {}


def test_a_cancelled_job_ends_early(live: Live) -> None:
    token = start(live, "count", to=2000)
    ask(live, "cancel_job", {"job": token})
    assert until_end(live, token)[-1]["cancelled"] is True


def test_a_newer_question_of_the_same_page_overtakes_the_older_one_of_its_kind(live: Live) -> None:
    first, other = start(live, "count", to=2000), start(live, "count", key="b", to=3)
    second = start(live, "count", to=3)
    assert until_end(live, first)[-1]["cancelled"] is True
    assert until_end(live, second)[-1] == {"result": {"counted": 3}}
    assert until_end(live, other)[-1] == {"result": {"counted": 3}}


def test_a_job_waits_while_a_slider_is_moved_but_not_for_ever(live: Live) -> None:
    token = start(live, "count", to=100_000)
    job = live._jobs.find({"job": token})
    stop = threading.Event()

    def drag() -> None:
        while not stop.is_set():
            with live.quiet:
                time.sleep(0.005)
            time.sleep(0.02)

    def pace(seconds: float) -> float:
        before, start = job.done, time.perf_counter()
        time.sleep(seconds)
        return (job.done - before) / (time.perf_counter() - start)

    while job.done < 5:
        time.sleep(0.01)
    alone = pace(1.0)
    dragging = threading.Thread(target=drag)
    dragging.start()
    beside = pace(2.5)
    stop.set()
    dragging.join()
    ask(live, "cancel_job", {"job": token})
    assert 0 < beside < alone / 4


def test_a_page_that_is_gone_leaves_no_job_behind(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HELD_SECONDS", 0.2)
    token = start(live, "count", to=100_000)
    job = live._jobs.find({"job": token})
    end = time.monotonic() + 30
    while job.answer is None and time.monotonic() < end:
        time.sleep(0.05)
    assert job.answer is not None
    assert job.answer["cancelled"] is True


def test_too_many_jobs_are_refused(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    token = start(live, "count", key="many", to=100_000)
    monkeypatch.setattr(jobs, "HELD", 1)
    refused = ask(live, "start_job", {"kind": "count", "group": PAGE + "more", "to": 1})
    ask(live, "cancel_job", {"job": token})
    assert "too much to do" in refused["error"]


def test_numbers_that_are_not_finite_are_said_to_be_so(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "answer", lambda _: {"distance": float("inf")})
    assert "not finite" in ask(live, "ask", {})["error"]


def test_a_finished_job_is_forgotten_after_a_while(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    import explorer.app.jobs as module

    token = start(live, "count", to=1)
    until_end(live, token)
    monkeypatch.setattr(module, "HELD_SECONDS", -1)
    assert "no longer" in ask(live, "poll_job", {"job": token})["error"]
