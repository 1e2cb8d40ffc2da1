"""Requests that Gradio or FastAPI would stumble over: one sentence, the right status, no traceback."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.app_server import Server

EMPTY: dict[str, Any] = {"data": []}
PART = {"data": 1, "fn_name": "ask", "session_hash": "s"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/gradio_api/run/no_such", EMPTY, 404),
        ("/gradio_api/run/%00", EMPTY, 404),
        ("/gradio_api/call/no_such", EMPTY, 404),
        ("/gradio_api/call/v2/no_such", {}, 404),
        ("/gradio_api/run/compare", EMPTY | {"fn_index": 999}, 404),
        ("/gradio_api/run/compare", EMPTY | {"fn_index": 0}, 404),  # a step of the page
        ("/gradio_api/run/compare", {"data": ["cat"], "batched": True}, 400),
        ("/gradio_api/run/compare", EMPTY, 400),
        ("/gradio_api/run/compare", {"data": 5}, 422),
        ("/gradio_api/run/compare", b"x", 422),
        ("/gradio_api/run/compare", b"[" * 200_000, 400),
        ("/gradio_api/cancel", b'{"data": [NaN]}', 422),
        ("/gradio_api/reset", b'{"data": ["\\ud800"]}', 422),
        ("/gradio_api/component_server", PART | {"component_id": 99_999}, 400),
        ("/gradio_api/run/", EMPTY, 404),
        ("/gradio_api/info", EMPTY, 405),
        ("/web/0/no_such.js", None, 404),
        (f"/static/{'a' * 5000}", None, 404),
        (f"/assets/{'a' * 5000}", None, 404),
    ],
    ids=lambda given: str(given)[:40],
)
def test_one_sentence_and_the_right_status(server: Server, path: str, body: Any, status: int) -> None:
    found, told = server.ask(path, body, {"Content-Type": "application/json"})
    sentence = told if isinstance(told, str) else told.get("detail", told.get("error"))
    assert (found, isinstance(sentence, str)) == (status, True), told
    assert "\n" not in sentence
    assert "Traceback" not in server.said


@pytest.mark.parametrize("form", [b"", b"--x--\r\n", b"nothing of the kind"])
def test_forms_without_what_they_should_say(server: Server, form: bytes) -> None:
    status, told = server.ask("/gradio_api/component_server", form, FORM)
    assert (status, told["detail"].count("\n")) == (400, 0)
    assert "Traceback" not in server.said


def test_a_session_of_before_the_last_start_ends_and_leaves_no_trace_in_the_terminal(server: Server) -> None:
    before = server.said
    status, told = server.ask("/gradio_api/queue/data?session_hash=gone")
    assert (status, '"session_not_found":true' in told) == (200, True)
    assert server.said == before
