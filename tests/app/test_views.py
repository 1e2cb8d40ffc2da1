"""The tabs under the panel in the running app, all of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.app_page import AppPage
from tests.support.questions import DIGITS
from tests.support.tabs import search, texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_the_tabs_in_the_running_app(browser: Browser, url: str) -> None:
    address = f"{url}/?picture=cat&models={','.join(DIGITS)}"
    with AppPage.visiting(browser, address, viewport={"width": 1440, "height": 1000}) as app:
        page = app.page
        if page.locator("dialog[open]").count():
            page.keyboard.press("Escape")
        before = app.recipe
        page.locator("#tab-weakness").click()
        search(page, among="jpeg")
        page.locator("#view-weakness tbody th button").click()
        page.wait_for_function("document.querySelector('#recipe textarea').value.startsWith('jpeg=')")
        assert page.locator("#view-weakness .outcome").inner_text().startswith("JPEG breaks Standard")
        assert app.badges[0] == "flipped"
        page.keyboard.press("Control+z")
        app.until_recipe(before)

        page.locator("#tab-attacks").click()
        page.locator("#view-attacks td button").nth(2).click()
        page.wait_for_function("document.querySelector('#recipe textarea').value.includes('against=')")
        assert app.recipe.endswith(f"against={DIGITS[1]}")
        page.wait_for_function("document.querySelectorAll('#view-attacks td button[aria-pressed=true]').length === 2")
        shown = texts(page.locator("#view-attacks tbody tr").nth(2).locator(".badge"))
        page.wait_for_function("document.querySelectorAll('.card .badge').length === 2")
        assert app.badges == shown

        page.locator("#tab-network").click()
        page.wait_for_selector("#view-network .evidence .model")
        page.wait_for_selector("#view-network .channels .model")
        assert page.locator("#view-network .evidence .model").count() == 2

        # other models while a search and an attack are under way
        page.locator("#tab-weakness").click()
        page.get_by_label("Distortions to search").select_option("all")
        page.get_by_role("button", name="What separates").click()
        page.locator("#tab-attacks").click()
        page.locator("#view-attacks select").select_option("pgd_l2")
        page.evaluate("window.stabilityExplorer.chooseFamily('cifar10-32-3-10')")
        page.wait_for_function("document.querySelector('#view-attacks .own strong')?.textContent.match(/^[a-z]+$/)")
        page.locator("#tab-weakness").click()
        page.wait_for_function("/Stopped|separate/.test(document.querySelector('#view-weakness .outcome').textContent)")
