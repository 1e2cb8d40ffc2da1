"""Data sets in the browser: windows, filters, rows, the next disagreement."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from explorer.app.dataset_catalog import BROWSED
from explorer.data.datasets import load_dataset
from tests.support.app_page import START, AppPage, artifacts, open_window, until_row, until_rows
from tests.support.app_server import running
from tests.support.disagreements import DATA, answers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A visitor's own data set: 3 blue pictures and 50 red ones, no two alike."""
    root = tmp_path_factory.mktemp("own") / "colours"
    for name, colour, many in (("blue", (20, 40, 220), 3), ("red", (220, 30, 20), 50)):
        (root / name).mkdir(parents=True)
        for i in range(many):
            Image.new("RGB", (48, 40), (colour[0], colour[1] + i, colour[2])).save(root / name / f"{i:02}.png")
    return root


@pytest.fixture(scope="module")
def url(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app of its own, since data of one's own stand in the first place."""
    with running(tmp_path_factory.mktemp("app"), "--data", str(own_folder)) as server:
        yield server.url


def test_pictures_are_found_by_keyboard_and_class(browser: Browser, url: str) -> None:
    with AppPage.visiting(browser, url + START, viewport={"width": 1024, "height": 768}) as visitor:
        page = visitor.page
        open_window(page, "digits")
        until_rows(page, "1 to 40 of 360")
        page.screenshot(path=artifacts() / "browser.png")
        page.get_by_label("Class of the pictures").select_option("3")
        three = [row for row in range(360) if DATA.labels[row] == 3]
        until_rows(page, f"of {len(three)}")
        page.locator(".row-of-data").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        at = page.evaluate("document.activeElement.dataset.row")
        assert int(at) == three[9]  # eight in a line
        page.keyboard.press("Enter")
        until_row(page, three[9])
        page.wait_for_function("document.querySelector('.facts').innerText.includes('true class')")
        assert page.locator(".facts").inner_text().split()[-1] == "3"
        page.get_by_role("button", name="Next row").press("Enter")
        until_row(page, three[10])
        page.screenshot(path=artifacts() / "browser-rail.png")


def test_pages_turn_and_a_row_is_gone_to(visitor: AppPage) -> None:
    page = visitor.page
    open_window(page, "digits")
    until_rows(page, "1 to 40 of 360")
    page.locator(".row-of-data").first.focus()
    page.keyboard.press("PageDown")
    until_rows(page, f"{BROWSED + 1} to {2 * BROWSED} of 360")
    page.keyboard.press("PageUp")
    until_rows(page, "1 to 40 of 360")
    page.get_by_label("Go to row").fill("359")
    page.get_by_label("Go to row").press("Enter")
    until_rows(page, "321 to 360 of 360")
    page.wait_for_function("document.activeElement.dataset.row === '359'")
    assert page.get_by_role("button", name="Next", exact=True).is_disabled()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.browser", state="detached")


def test_rows_are_stepped_through_in_the_rail(visitor: AppPage) -> None:
    page = visitor.page
    before = visitor.hash
    page.get_by_role("button", name="coffee", exact=True).click()
    page.wait_for_selector(".rows-of-data", state="hidden")  # the coffee is no row
    before = visitor.until_other_hash(before)
    open_window(page, "digits")
    page.locator(".row-of-data").first.click()
    until_row(page, 0)
    before = visitor.until_other_hash(before)  # the rail is ahead of the picture
    page.get_by_role("button", name="Previous row").click()
    until_row(page, 359)
    before = visitor.until_other_hash(before)
    page.get_by_label("Row", exact=True).fill("12")
    page.get_by_label("Row", exact=True).press("Enter")
    visitor.until_other_hash(before)
    expected = DATA.images[12, ..., 0]
    assert np.array_equal(np.asarray(visitor.pixels("clean")[2]).reshape(28, 28, 4)[..., 0], expected)
    page.get_by_label("Row", exact=True).fill("360")
    page.get_by_label("Row", exact=True).press("Enter")
    visitor.until_notice("digits has the rows 0 to 359")
    until_row(page, 12)
    page.get_by_role("button", name="cat", exact=True).click()
    page.wait_for_selector(".rows-of-data", state="hidden")


def test_the_next_disagreement_is_shown_and_the_models_do_disagree(visitor: AppPage) -> None:
    page = visitor.page
    open_window(page, "digits")
    page.locator(".row-of-data").first.click()
    until_row(page, 0)
    visitor.write_recipe("gaussian_noise=0.5;seed=3")
    visitor.until_recipe("gaussian_noise=0.5;seed=3")
    expected = next(row for row in range(1, 360) if len(answers(row)) > 1)
    page.locator(".rows-of-data").get_by_role("button", name="Next disagreement").click()
    until_row(page, expected)
    page.wait_for_function(
        "() => new Set([...document.querySelectorAll('.card .answer')].map(one => one.innerText.split('→')[1]))"
        ".size === 2"
    )


def test_a_search_is_stopped_by_its_button(visitor: AppPage) -> None:
    page = visitor.page
    open_window(page, "digits")
    page.locator(".row-of-data").first.click()
    until_row(page, 0)
    before = visitor.hash
    visitor.write_recipe("clean")
    visitor.until_other_hash(before)
    page.get_by_label("Class", exact=True).select_option("0")  # on which clean models agree
    button = page.locator(".rows-of-data").get_by_role("button", name=re.compile("disagreement|Stop"))
    button.click()
    visitor.until_notice("the models agree on every picture of the class 0 of Digits")
    page.get_by_label("Class", exact=True).select_option("")

    def slowly(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/component_server/**", slowly)
    button.click()
    page.wait_for_function("document.querySelector('.rows-of-data').textContent.includes('Stop searching')")
    button.click()
    page.wait_for_function("document.querySelector('.rows-of-data').textContent.includes('Next disagreement')")
    page.unroute_all(behavior="wait")
    until_row(page, 0)


def test_what_was_only_looked_at_in_the_window_leaves_the_rail_alone(visitor: AppPage, own_folder: Path) -> None:
    page = visitor.page
    open_window(page, "digits")
    page.get_by_label("Class of the pictures").select_option("3")
    page.wait_for_function("document.querySelector('.row-of-data').title.endsWith(': 3')")
    before = visitor.hash
    page.locator(".row-of-data").first.click()
    visitor.until_other_hash(before)
    classes = page.get_by_label("Class", exact=True)
    assert classes.input_value() == "3"  # a class that was chosen with its picture goes on in the rail
    button = page.locator(".rows-of-data").get_by_role("button", name="Next disagreement")
    assert button.is_enabled()
    for dataset in ("stl10", own_folder.name):  # not here; of other classes
        open_window(page, dataset)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog.browser", state="detached")
        assert (classes.input_value(), button.is_enabled()) == ("3", True)
    open_window(page, "digits")
    page.get_by_label("Class of the pictures").select_option("5")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.browser", state="detached")
    assert classes.input_value() == "3"
    with page.expect_request(lambda request: '"handler":"disagree"' in (request.post_data or "")) as sent:
        button.click()
    assert '"dataset":"digits"' in (sent.value.post_data or "")
    assert '"label":"3"' in (sent.value.post_data or "")
    page.wait_for_function("document.querySelector('.rows-of-data').textContent.includes('Next disagreement')")


def test_a_folder_of_ones_own_is_browsed_with_its_classes(visitor: AppPage, own_folder: Path) -> None:
    page, data = visitor.page, load_dataset(str(own_folder))
    blue = data.rows(data.classes.index("blue")).tolist()
    page.get_by_role("button", name="Data set").click()
    until_rows(page, "1 to 40 of 53")  # people's own comes first
    page.get_by_label("Class of the pictures").select_option("blue")
    until_rows(page, "1 to 3 of 3")
    before = visitor.hash
    page.locator(".row-of-data").nth(2).click()
    visitor.until_other_hash(before)
    until_row(page, blue[2])
    assert visitor.pixels("clean")[:2] == [32, 32]
    assert visitor.pixels("clean")[2][:3] == data.images[blue[2]][0, 0].tolist()
    before = visitor.hash
    page.get_by_role("button", name="Next row").click()
    until_row(page, blue[0])  # round the end of the blue ones
    before = visitor.until_other_hash(before)
    page.locator("#family").get_by_text("Digits").click()  # other models look at it, too: what people brought stays
    visitor.until_other_hash(before)
    assert visitor.pixels("clean")[:2] == [28, 28]
    until_row(page, blue[0])
