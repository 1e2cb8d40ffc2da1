"""The window "Stabilize this model": what it costs is said first, and the new model stands beside the old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.app_page import AppPage
from tests.support.app_server import Server, running
from tests.support.questions import DIGITS, SEVEN

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "stability of digits lenet standard"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of its own: what is added stays."""
    with running(
        tmp_path_factory.mktemp("app"), environment={"EXPLORER_CACHE": str(tmp_path_factory.mktemp("cache"))}
    ) as server:
        yield server


@pytest.mark.browser
def test_a_visitor_stabilizes_a_model(browser: Browser, own: Server) -> None:
    with AppPage.visiting(
        browser, f"{own.url}/?picture={SEVEN}&models={DIGITS[0]}&recipe=gaussian_noise=0.3"
    ) as visitor:
        page = visitor.page
        button = page.get_by_role("button", name="Stabilize this model")
        button.focus()
        page.keyboard.press("Enter")
        window = page.get_by_role("dialog")
        assert window.get_by_label("Gaussian noise", exact=False).first.is_checked()
        assert window.get_by_label("Gaussian noise, to").input_value() == "0.3"
        window.get_by_role("button", name="Find what hurts").click()
        page.get_by_text("Answers that flip, of").wait_for()
        first = window.locator(".s-range").first
        assert first.get_by_role("checkbox").is_checked()
        assert not window.get_by_role("checkbox", name="Gaussian noise").is_checked()  # another noise is worse here
        start = window.get_by_role("button", name="Start")
        window.get_by_label("Clean answers to keep, in per cent").fill("150")
        window.get_by_text("The share of clean answers to keep is 0 to 100 per cent.").wait_for()
        assert start.is_disabled()
        window.get_by_label("Clean answers to keep, in per cent").fill("90")
        window.get_by_label("Pictures at most").fill("30")
        window.get_by_role("radio", name="head").check()
        window.get_by_label("Train plain noise augmentation").uncheck()
        window.get_by_text("5,010 weights are trained on 26 pictures").wait_for()
        start.click()
        page.locator(".s-found").wait_for()
        assert page.locator(".s-curves svg").count() == 2  # of a training this short they may not be seen before
        assert page.get_by_text(f"“{NAME}” stands beside the model that it was made of.").count() == 1
        assert "Clean answers as before" in page.locator(".s-found").inner_text()
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Open the report").click()
        assert "stability of digits lenet standard" in opened.value.title()
        opened.value.close()
        page.keyboard.press("Escape")
        visitor.until_cards(2)
        names = page.locator(".card").evaluate_all("cards => cards.map((card) => card.dataset.model)")
        assert names == [DIGITS[0], NAME]
        page.wait_for_function(f"decodeURIComponent(location.search).replaceAll('+', ' ').includes('{NAME}')")
