"""The API beside the page: it waits for sliders, refuses crowds, keeps no picture and says no secret."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.loops import finish
from tests.support.pictures import data_url, png

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]


def endpoints(idle: Any) -> Any:
    from explorer.app.api import Api

    return Api(SimpleNamespace(workspace=None, idle=idle), SimpleNamespace(upload_file_set=set()))  # type: ignore[arg-type]


def test_work_waits_while_a_slider_is_moved() -> None:
    from explorer.app.idle import IdleGate

    idle = IdleGate()
    api = endpoints(idle)
    begun = threading.Event()
    with idle:
        asking = threading.Thread(target=lambda: finish(api._run(lambda _: begun.set())))
        asking.start()
        assert not begun.wait(0.2)
    assert begun.wait(30)
    asking.join()


def test_too_many_questions_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.app import api as module

    monkeypatch.setattr(module, "WAITING", 3)
    api = endpoints(SimpleNamespace(wait=lambda: None))
    hold = threading.Event()

    async def crowd() -> list[Any]:
        held = [asyncio.create_task(api._run(lambda _: hold.wait(30))) for _ in range(4)]
        await asyncio.wait(held, return_when=asyncio.FIRST_EXCEPTION)
        hold.set()
        return await asyncio.gather(*held, return_exceptions=True)

    found = finish(crowd())
    assert found[:3] == [True] * 3
    assert "explorer is busy" in str(found[3])
    assert finish(api._run(lambda _: "free again")) == "free again"


def test_an_unexpected_failure_is_one_sentence_and_the_terminal_has_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    from explorer.app.api import RefusedError

    def fail(_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    api = endpoints(SimpleNamespace(wait=lambda: None))
    with pytest.raises(RefusedError, match=r"^An unexpected error") as caught:
        finish(api._run(fail))
    assert "secret" not in str(caught.value)
    assert "secret detail" in caplog.text


def test_gradio_keeps_no_picture_that_was_sent_inside_the_text() -> None:
    from gradio.state_holder import SessionState

    from explorer.app import api as module

    sent = [data_url(png()), MODELS, "clean", False]

    async def session() -> tuple[Any, SessionState, Any]:
        with module.Blocks(analytics_enabled=False) as blocks:
            module.add(SimpleNamespace(workspace=None), blocks)  # type: ignore[arg-type]
        compared = next(fn for fn in blocks.fns.values() if fn.api_name == "compare")
        kept = SessionState(blocks)
        return await blocks.preprocess_data(compared, sent, kept), kept, blocks

    given, kept, blocks = finish(session())
    assert given == sent
    assert data_url(png()) not in str(kept.config_values)
    assert blocks.delete_cache == (module.UPLOADS_KEPT, module.UPLOADS_KEPT)
