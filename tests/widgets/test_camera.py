"""The live camera in JupyterLab: frames of a fake device, through the widget's own channel, answered one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from explorer.defaults import RECIPE
from explorer.widgets import Explorer
from tests.support.camera import filming
from tests.support.lab import LabPage, running
from tests.support.pictures import png
from tests.support.questions import MODELS

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_frame_is_the_picture_and_its_answer_bears_its_token(w: Explorer) -> None:
    pushed: list[object] = []
    w._panel.observe(lambda change: pushed.append(change["new"].get("frame")), "answer")
    for token, colour in (("0", (9, 9, 9)), ("1", (200, 9, 9))):
        content = {"event": "frame", "token": token, "live": True}
        w._panel._on_message(w._panel, content, [memoryview(png(colour, 40))])
        assert w.image == png(colour, 40)
    w.recipe = "jpeg=20;seed=0"
    assert pushed == ["0", "1", None]


def test_what_is_no_picture_leaves_the_last_one(w: Explorer) -> None:
    before = w.image
    w._panel._on_message(w._panel, {"event": "frame", "token": "0", "live": True}, [b"none"])
    assert w.image == before
    assert "error" in w._panel.answer


@pytest.fixture
def camera(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with filming(browser, tmp_path_factory.mktemp("camera")) as found:
        yield found


@pytest.mark.browser
@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_runs_is_held_and_stepped_through(camera: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("lab")) as server, camera.new_context(permissions=["camera"]) as context:
        server.write("camera.ipynb", ["import explorer", f"w = explorer.show('cat', {MODELS}, '{RECIPE}')"])
        lab = LabPage(context, server, "camera.ipynb")
        lab.run_all()
        page = lab.page
        page.get_by_role("button", name="Live camera").click()
        page.wait_for_function(
            "[...document.querySelectorAll('.f-title small')].filter((one) => /in 12 frames/.test(one.textContent))"
            ".length === 2"
        )
        page.get_by_role("button", name="Hold").click()
        status = "document.querySelector('.stability-camera [role=status]').textContent"
        page.wait_for_function(f"{status}.startsWith('Held')")
        track = page.locator(".f-track").first
        track.focus()
        page.keyboard.press("Home")
        assert track.get_attribute("aria-valuenow") == "1"
        page.get_by_role("button", name="Stop the camera").click()
        page.wait_for_function(f"{status}.includes('is off')")
