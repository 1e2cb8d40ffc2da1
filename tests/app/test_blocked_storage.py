"""The page where the browser keeps nothing: storage blocked, as private windows and foreign frames do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.app_page import PATIENCE, START, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

BLOCKED = """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
  get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
});"""


def test_the_page_works_with_storage_blocked(browser: Browser, url: str) -> None:
    with window(browser, url) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.add_init_script(BLOCKED)
        page.goto(url + START)
        page.wait_for_selector(".card .badge")
        page.wait_for_selector(".tour")
        page.keyboard.press("Escape")
        page.locator(".tour").wait_for(state="detached")
        page.locator("#theme").click()
        page.wait_for_function("document.body.classList.contains('dark')")
        before = page.locator("figcaption span[title*='SHA-256']").inner_text()
        page.locator("#step-0 input[type=range]").press("ArrowRight")
        page.wait_for_function(
            "before => document.querySelector(\"figcaption span[title*='SHA-256']\").textContent !== before", arg=before
        )
