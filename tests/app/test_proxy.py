"""The app behind a real reverse proxy, under a sub-path, and inside a frame of another page, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from explorer.app import read_root_path
from explorer.errors import ExplorerError
from tests.support.app_page import START, TOURED, AppPage
from tests.support.app_server import PATIENCE, Server, running
from tests.support.proxy import Host, proxying
from tests.support.questions import MODELS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PREFIX = "/tools/explorer"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as it is started for a sub-path: its root is stated, which the other tests' app does not know."""
    folder = tmp_path_factory.mktemp("below")
    options = (
        "--models",
        ",".join(MODELS),
        "--port",
        "7990",
        "--root-path",
        PREFIX,
        "--name",
        "127.0.0.1",
        "--name",
        "localhost",
    )
    with running(folder, *options, environment={"EXPLORER_CACHE": str(folder / "cache")}) as started:
        yield started
        assert "Traceback" not in started.said


@pytest.mark.parametrize(("strips", "host"), [(True, "kept"), (False, "kept"), (True, "forwarded"), (False, "lost")])
def test_the_page_works_under_a_sub_path(browser: Browser, below: Server, *, strips: bool, host: Host) -> None:
    with proxying(below.url, PREFIX, strips=strips, host=host) as proxy:
        with AppPage.visiting(browser, f"{proxy.origin}{PREFIX}/") as visitor:
            page, before = visitor.page, visitor.hash
            visitor.slider().press("ArrowRight")  # asks, and the curves come by a stream
            visitor.until_other_hash(before)
            page.wait_for_selector("#view-curves svg")
            icon = page.locator("link[rel=icon]").first.evaluate("link => link.href")
            assert icon == f"{proxy.origin}{PREFIX}/favicon.ico"
            page.get_by_role("button", name="Methods").click()
            page.wait_for_selector("#methods svg")
            assert page.url.startswith(f"{proxy.origin}{PREFIX}/?")
            page.get_by_role("button", name="Explore").click()
            page.get_by_role("button", name="Share").click()
            link = page.locator(".share-row textarea").first.input_value()
            assert link.startswith(f"{proxy.origin}{PREFIX}/?")
            shown = visitor.hash
            page.goto(link)
            visitor.until_hash(shown)
        assert proxy.failed == []


def test_without_its_last_slash_the_address_leads_to_the_page(browser: Browser, below: Server) -> None:
    with proxying(below.url, PREFIX, strips=False, host="kept") as proxy:
        with AppPage.visiting(browser, f"{proxy.origin}{PREFIX}?recipe=jpeg%3D20%3Bseed%3D0") as visitor:
            assert visitor.page.url.startswith(f"{proxy.origin}{PREFIX}/?")
            visitor.until_recipe("jpeg=20;seed=0")
        assert proxy.failed == []


def test_a_proxy_that_takes_the_sub_path_off_needs_no_option_for_it(browser: Browser, server: Server) -> None:
    """As Jupyter's does: ``/user/ada/proxy/7860/``."""
    with (
        proxying(server.url, "/user/ada/proxy/7860", strips=True, host="kept") as proxy,
        AppPage.visiting(browser, f"{proxy.origin}/user/ada/proxy/7860/{START}") as visitor,
    ):
        assert len(visitor.answers) == 2
    assert proxy.failed == []


def test_behind_a_proxy_that_it_was_not_told_of_the_page_says_how_to_start_it(browser: Browser, server: Server) -> None:
    with (
        proxying(server.url, "/tools", strips=True, host="lost") as proxy,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(f"{proxy.origin}/tools/")
        page.get_by_text("start it with 'explorer app --name 127.0.0.1'").first.wait_for(timeout=1000 * PATIENCE)


def test_the_page_works_inside_a_frame_of_another_site(browser: Browser, below: Server) -> None:
    with (
        proxying(below.url, PREFIX, strips=True, host="kept") as proxy,
        browser.new_context(viewport={"width": 1440, "height": 900}) as context,
    ):
        context.add_init_script(f"try {{ {TOURED} }} catch {{}}")  # a frame of another site may have no storage
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{proxy.origin}/frame")  # at 127.0.0.1; what it shows is at localhost, another site
        inside: Any = page.frame_locator("iframe")
        digest = inside.locator("figcaption span[title*='SHA-256']")
        inside.locator(".card .badge").first.wait_for()
        before = digest.inner_text()
        inside.locator("#step-0 input[type=range]").press("ArrowRight")
        inside.locator(f"figcaption span[title*='SHA-256']:not(:text-is('{before}'))").wait_for()
        inside.get_by_role("button", name="Enlarge the clean picture").click()
        inside.locator("dialog.large").wait_for()
        page.keyboard.press("Escape")
        inside.get_by_role("button", name="Share").click()
        inside.locator(".share-row button").first.click()
        inside.get_by_text("Link copied.").or_(inside.get_by_text("press Ctrl+C")).wait_for()
        refused = "Permissions policy violation: The Clipboard API"  # after which the page copies in the old way
        assert [text for text in complaints if not text.startswith(refused)] == []
        assert proxy.failed == []


@pytest.mark.parametrize("text", ["tools/explorer", "/tools/explorer", "/tools/explorer/", " /tools/explorer"])
def test_slashes_around_a_root_path_are_free(text: str) -> None:
    assert read_root_path(text) == PREFIX


@pytest.mark.parametrize("text", ["https://lab.example.org/x", "/a/../b", "/a b", "/a?b", "/a//b", "/a#b", "/.."])
def test_a_root_path_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ExplorerError, match=r"write it as /tools/explorer"):
        read_root_path(text)


def test_no_root_path_is_none() -> None:
    assert read_root_path("") == read_root_path("/") == ""
