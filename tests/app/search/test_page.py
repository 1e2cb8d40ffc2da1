"""The page "Search" in a browser: a threshold that is dragged, the wall, relatives, and the window of choices."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from explorer import load_dataset
from explorer.search import all_pairs, embed
from tests.support.app_page import AppPage, artifacts
from tests.support.questions import DIGITS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Locator

pytestmark = pytest.mark.browser
WITHIN = f"?place=search&within=digits&most=60&by={','.join(DIGITS)},dhash&under=thumbnail=10,crop=2"


class SearchPage(AppPage):
    """One visitor of the page."""

    def rows(self) -> list[list[str]]:
        """The table's cells: model, distance, precision, recall, pairs found; without intervals."""
        script = "all => all.map(row => [...row.children].map(cell => cell.querySelector('span, .plain').textContent))"
        return list(self.page.eval_on_selector_all(".x-numbers tbody tr", script))

    def until_row(self, text: str) -> None:
        """Wait until the first model's row says so."""
        self.page.wait_for_function(
            "text => document.querySelector('.x-numbers tbody tr')?.textContent.includes(text)", arg=text
        )

    def tiles(self, kind: str) -> Locator:
        return self.page.locator(f".x-tile[data-kind={kind}]:visible")


@pytest.fixture
def visitor(browser: Browser, url: str) -> Iterator[SearchPage]:
    with SearchPage.visiting(browser, f"{url}/{WITHIN}") as page:
        yield page


def test_one_threshold_moves_points_numbers_and_the_wall(visitor: SearchPage) -> None:
    page = visitor.page
    page.locator(".x-numbers tbody tr").first.wait_for()
    data = load_dataset("digits").select(slice(60))
    curves = {}
    for name in (*DIGITS, "dhash"):
        originals = embed(name, data, cache=False)
        copies = embed(name, data, recipe="thumbnail=10", cache=False)
        curves[name] = all_pairs(originals, copies, device="cpu").curve
    page.get_by_role("button", name="90 %", exact=True).click()
    for (_, distance, _, recall, _), curve in zip(visitor.rows(), curves.values(), strict=True):
        assert recall == f"{100 * curve.recall_at(0.9):.1f} %"
        known = curve.threshold_at(0.9)
        assert known is not None
        assert float(distance.split()[0]) == pytest.approx(known, abs=0.001)
    assert "60 copies and 3,540 other pairs" in page.locator(".x-note").inner_text()
    page.wait_for_function("document.querySelector('.x-numbers small').textContent.includes('–')")  # the interval

    strip = page.get_by_role("slider", name="Threshold:", exact=False)
    before = sum(int(part) for part in visitor.rows()[0][4].split(" + "))
    strip.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "n => document.querySelector('.x-numbers tbody td:last-child').textContent.split(' + ')"
        ".reduce((a, b) => a + Number(b), 0) === n",
        arg=before + 1,
    )
    page.keyboard.press("Home")
    visitor.until_row("0 + 0")
    assert page.locator(".x-cut").inner_text() == "taken for copies up to 0.000"
    page.keyboard.press("End")
    visitor.until_row("60 + ")
    page.get_by_role("slider", name="Precision kept under Thumbnail", exact=False).focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('[aria-label^=\"Precision kept\"]').ariaValueText === '100.0 %'")
    assert [row[3] for row in visitor.rows()] == [f"{100 * one.recall_at(1):.1f} %" for one in curves.values()]

    box = page.locator(".x-panel .hit").nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelectorAll('.x-panel')[1].hasAttribute('data-chosen')")
    precision = float(page.locator(".x-panel .hit").nth(1).get_attribute("aria-valuenow") or "0")
    assert 5 < precision < 95
    assert "Crop" in page.locator(".x-numbers th").first.inner_text()
    page.locator(".x-tile:visible img[src]").first.wait_for()
    page.screenshot(path=artifacts() / "search-copies.png")


def test_a_pair_opens_with_its_pixels_and_the_page_is_as_it_was(visitor: SearchPage) -> None:
    page = visitor.page
    page.locator(".x-numbers tbody tr").first.wait_for()
    page.get_by_role("button", name="90 %", exact=True).click()
    page.locator(".x-chip").nth(1).click()  # missed copies
    missed = page.locator(".x-chip b").first.inner_text()
    assert visitor.tiles("copy").count() == int(missed) > 0
    assert visitor.tiles("other").count() == 0
    page.locator(".x-chip").nth(2).click()  # false friends
    assert visitor.tiles("copy").count() == 0
    for place in (3, 4):
        page.locator(".x-chip").nth(place).click()
        number = page.locator(".x-chip b").nth(place - 1).inner_text()
        assert page.locator(".x-tile:visible").count() == int(number)
    page.locator(".x-chip").nth(1).click()
    tile = visitor.tiles("copy").first
    picture = tile.get_attribute("data-right")
    before = visitor.hash
    tile.focus()
    page.keyboard.press("Enter")
    visitor.until_other_hash(before)
    assert page.evaluate("document.body.dataset.page") == "explore"
    assert visitor.recipe == "thumbnail=10;seed=0"
    assert f"picture=digits:{picture}" in page.url
    page.go_back()
    page.wait_for_function("document.body.dataset.page === 'search'")
    assert page.locator(".x-chip b").first.inner_text() == missed


def test_relatives_follow_the_slider(browser: Browser, url: str) -> None:
    with SearchPage.visiting(browser, f"{url}/{WITHIN}&pane=relatives") as visitor:
        page = visitor.page
        page.locator(".x-band").nth(2).locator("path").first.wait_for(state="attached")
        assert page.locator(".x-before").first.locator("button").count() == 30
        page.locator(".x-choices button").nth(4).click()
        page.wait_for_function("document.querySelector('.x-name').textContent === 'digits:4'")
        before = page.locator("#x-relatives .x-asked > .plain").inner_text()
        assert page.locator(".x-how .x-output").inner_text().endswith("= 10 px")  # as the copies were made
        page.get_by_role("slider", name="Amount", exact=True).focus()
        page.keyboard.press("End")
        page.wait_for_function(
            "before => document.querySelector('#x-relatives .x-asked > .plain').textContent !== before", arg=before
        )
        assert page.locator(".x-band h3 span").first.inner_text() != ""
        wanted = page.locator("#x-relatives .x-asked > .plain").inner_text().split()[0].lstrip("#")
        page.locator("#x-relatives .x-asked > .plain").click()
        visitor.until_hash(wanted)


def test_own_pictures_are_chosen_and_what_does_not_fit_is_said(browser: Browser, url: str) -> None:
    with SearchPage.visiting(browser, f"{url}/{WITHIN}") as visitor:
        page = visitor.page
        page.locator(".x-numbers tbody tr").first.wait_for()
        page.get_by_role("button", name="Choose …").click()
        window = page.get_by_role("dialog")
        files: list[FilePayload] = []
        for i in range(3):
            data = io.BytesIO()
            Image.radial_gradient("L").rotate(30 * i).convert("RGB").crop((0, 0, 200, 120 + i)).save(data, "PNG")
            files.append({"name": f"mine{i}.png", "mimeType": "image/png", "buffer": data.getvalue()})
        window.locator("input[type=file]").set_input_files(files[:1])
        window.get_by_text("Your pictures (1)").wait_for(state="attached")
        window.get_by_role("button", name="Search").click()
        window.get_by_text("Choose at least 2 pictures.").wait_for()
        window.locator("input[type=file]").set_input_files(files[1:])
        window.get_by_text("Your pictures (3)").wait_for(state="attached")
        for name in DIGITS:
            window.locator(f"input[value='{name}']").uncheck()
        window.locator("input[value=pixels]").check()
        window.get_by_label("Amount of Crop").fill("0")
        window.get_by_role("button", name="Search").click()
        page.get_by_text("3 pictures of your own, by 2 models").wait_for()
        page.get_by_text("3 copies and 6 other pairs").wait_for()
        assert "mine" in (page.locator(".x-tile:visible").first.get_attribute("title") or "")
        page.get_by_role("tab", name="Clean up").click()
        page.locator(".x-group").first.wait_for()
        page.get_by_label("Largest distance of duplicates").focus()
        page.keyboard.press("End")
        page.wait_for_function("document.querySelectorAll('.x-member').length === 3")
        suggested = page.locator(".x-member[data-kept] b").inner_text()
        page.locator(".x-member:not([data-kept]) .x-keep").first.click()
        kept = page.locator(".x-member[data-kept] b").inner_text()
        assert kept != suggested
        page.screenshot(path=artifacts() / "search-cleanup.png")
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
        assert {row["name"] for row in rows} == {"mine0.png", "mine1.png", "mine2.png"}
        assert [row["name"] for row in rows if row["keep"] == "true"] == [kept]
