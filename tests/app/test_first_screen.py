"""What the page opens on: every family one click away, the choice kept from visit to visit, also without storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app.test_blocked_storage import BLOCKED
from tests.support.app_page import PATIENCE, START, TOURED, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SELECTED = "#family label.selected"


def opened(page: Page, url: str) -> str:
    page.goto(url)
    page.wait_for_selector(".step[data-used]", state="attached")
    page.wait_for_selector(".card[data-model] .badge")
    return page.locator(SELECTED).inner_text()


def choose(page: Page, family: str, data: str) -> None:
    page.locator("#family").get_by_text(family).click()
    page.wait_for_selector(f'.card[data-model^="{data}/"] .badge')


def test_the_family_that_was_chosen_is_opened_again(browser: Browser, url: str) -> None:
    with window(browser, url) as context:
        page = context.new_page()
        page.add_init_script(TOURED)
        page.set_default_timeout(PATIENCE)
        assert opened(page, url) == "ImageNet · 224 px"
        page.wait_for_function("location.search.includes('picture=temple')")
        assert page.locator(".card .badge").all_inner_texts() == ["flipped", "holds"]
        assert page.locator("figcaption span:last-child").first.inner_text() == "224 × 224"
        choose(page, "CIFAR-10", "cifar10")
        page.wait_for_function("location.search.includes('picture=cat')")  # nobody had chosen the temple
        choose(page, "Digits", "digits")
        assert opened(page, url).startswith("Digits")
        page.wait_for_function("location.search.includes('picture=digits:0')")
        assert opened(page, url + START).startswith("CIFAR-10")  # an address says what it says
        assert opened(page, url).startswith("Digits")


def test_without_storage_it_opens_as_at_first(browser: Browser, url: str) -> None:
    with window(browser, url) as context:
        page = context.new_page()
        page.add_init_script(BLOCKED)
        page.set_default_timeout(PATIENCE)
        first = opened(page, url)
        page.keyboard.press("Escape")  # the tour
        choose(page, "Digits", "digits")
        assert opened(page, url) == first
