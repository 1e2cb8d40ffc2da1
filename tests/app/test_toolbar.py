"""What stands around the live view, in a real browser: undo, the pin, addresses, sharing, help and the tour."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from explorer import Recipe
from explorer.data import images
from explorer.distortions import apply
from tests.support.app_page import START, AppPage, artifacts, window
from tests.support.pictures import png, png_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

DRAWN = {
    "curves": "#view-curves svg",
    "weakness": "#view-weakness button",
    "network": "#view-network canvas",
    "attacks": "#view-attacks .badge",
    "frames": "#view-frames button",
}
"""What stands in each tab once it has its answer; weak spots and frames wait to be asked."""


def until_address(visitor: AppPage, part: str) -> None:
    visitor.page.wait_for_function("part => decodeURIComponent(location.href).includes(part)", arg=part)


# ---- undo and redo ---------------------------------------------------------------------------------------------------


def test_everything_can_be_undone_and_redone_by_keyboard(visitor: AppPage) -> None:
    visitor.slider().focus()
    visitor.page.keyboard.press("ArrowRight")
    visitor.until_recipe("gaussian_noise=0.065;seed=0")
    until_address(visitor, "gaussian_noise=0.065")
    visitor.choose("add-step", "jpeg")
    visitor.until_recipe("gaussian_noise=0.065,jpeg=30;seed=0")
    visitor.page.get_by_role("button", name="Remove Stability training").click()
    visitor.until_cards(1)
    assert "Stability training removed" in (visitor.page.get_by_label("Undo").first.get_attribute("title") or "")
    visitor.page.keyboard.press("Control+z")
    visitor.until_cards(2)
    visitor.page.keyboard.press("Control+z")
    visitor.until_recipe("gaussian_noise=0.065;seed=0")
    visitor.page.keyboard.press("Control+z")
    visitor.until_recipe("gaussian_noise=0.06;seed=0")
    assert visitor.number().input_value() == "0.06"
    assert visitor.page.locator("#tools [aria-label=Undo]").is_disabled()
    visitor.page.keyboard.press("Control+Shift+z")
    visitor.until_recipe("gaussian_noise=0.065;seed=0")
    visitor.page.keyboard.press("Control+y")
    visitor.until_recipe("gaussian_noise=0.065,jpeg=30;seed=0")


def test_the_history_says_what_was_done_and_goes_back_to_it(visitor: AppPage) -> None:
    for amount in ("0.1", "0.2", "0.3"):
        visitor.number().fill(amount)
        visitor.until_recipe(f"gaussian_noise={amount};seed=0")
        until_address(visitor, f"gaussian_noise={amount}")
    history = visitor.page.get_by_label("History")
    assert history.locator("option").all_inner_texts() == [
        "History",
        "before: Gaussian noise 0.2 → 0.3",
        "before: Gaussian noise 0.1 → 0.2",
        "before: Gaussian noise 0.06 → 0.1",
    ]
    history.select_option(label="before: Gaussian noise 0.1 → 0.2")
    visitor.until_recipe("gaussian_noise=0.1;seed=0")


def test_undo_brings_back_a_picture_of_ones_own(visitor: AppPage) -> None:
    before = visitor.hash
    visitor.upload("red.png", png((200, 30, 30)))
    own = visitor.until_other_hash(before)
    visitor.page.get_by_role("button", name="astronaut").click()
    visitor.until_other_hash(own)
    visitor.page.locator("body").press("Control+z")
    visitor.page.wait_for_selector(".thumb[data-own][aria-pressed=true]")
    visitor.page.locator("#tools [aria-label=Undo]").click()
    visitor.page.wait_for_function("!document.querySelector('.thumb[data-own]')?.matches('[aria-pressed=true]')")


def test_typing_into_a_field_keeps_the_fields_own_undo(visitor: AppPage) -> None:
    visitor.number().fill("0.2")
    visitor.until_recipe("gaussian_noise=0.2;seed=0")
    until_address(visitor, "gaussian_noise=0.2")
    before = visitor.hash
    field = visitor.page.locator("#recipe textarea")
    field.press("End")
    field.press_sequentially("9")  # without it the browser takes back the last edit of another field
    assert visitor.recipe == "gaussian_noise=0.2;seed=09"
    field.press("Control+z")
    assert visitor.recipe == "gaussian_noise=0.2;seed=0"
    assert visitor.hash == before


# ---- the pin ---------------------------------------------------------------------------------------------------------


def test_a_pinned_state_is_what_others_are_compared_with(visitor: AppPage) -> None:
    pinned = visitor.pixels("distorted")
    visitor.page.locator("#pin").click()
    visitor.page.wait_for_selector(".stability-panel.pinned")
    assert visitor.pixels("clean") == pinned
    assert visitor.badges == ["holds", "holds"]  # nothing changed since
    before = visitor.hash
    visitor.number().fill("0.11")
    visitor.until_other_hash(before)
    assert visitor.answers[0].replace("\n", " ").startswith("frog")
    assert visitor.page.locator("figcaption").first.inner_text().startswith("pinned")
    visitor.page.screenshot(path=artifacts() / "shell-pinned.png")
    visitor.page.locator("#pin").click()
    visitor.page.wait_for_selector(".stability-panel:not(.pinned)")
    assert visitor.answers[0].replace("\n", " ").startswith("cat")


def test_a_pin_that_other_models_cannot_make_sense_of_is_taken_off_and_that_is_said(visitor: AppPage) -> None:
    visitor.page.locator("#pin").click()
    visitor.page.wait_for_selector(".stability-panel.pinned")
    visitor.page.locator("#family").get_by_text("Digits").click()
    visitor.until_notice("Unpinned")
    visitor.page.wait_for_selector(".stability-panel:not(.pinned)")
    visitor.page.locator(".notice").get_by_role("button", name="Undo").click()
    visitor.page.wait_for_selector(".stability-panel.pinned")


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_the_address_follows_and_opens_the_same_pixels(visitor: AppPage, browser: Browser) -> None:
    visitor.write_recipe("jpeg=20,gaussian_blur=1.5,gaussian_noise=0.1;seed=9;pixels=float")
    visitor.until_recipe("jpeg=20,gaussian_blur=1.5,gaussian_noise=0.1;seed=9;pixels=float")
    visitor.page.get_by_role("switch", name="Gaussian blur on").click()
    visitor.until_recipe("jpeg=20,gaussian_noise=0.1;seed=9;pixels=float")
    visitor.page.locator("#pin").click()
    visitor.number().fill("40")
    visitor.until_recipe("jpeg=40,gaussian_noise=0.1;seed=9;pixels=float")
    until_address(visitor, "recipe=jpeg=40,")
    with AppPage.visiting(browser, visitor.page.url) as other:
        assert other.hash == visitor.hash
        assert other.answers == visitor.answers
        assert other.pixels("clean") == visitor.pixels("clean")
        assert other.steps == ["JPEG", "Gaussian blur", "Gaussian noise"]
        assert other.page.get_by_role("switch", name="Gaussian blur on").get_attribute("aria-checked") == "false"
        assert other.page.url == visitor.page.url


def test_ones_own_picture_travels_in_the_part_of_the_address_that_no_server_sees(
    visitor: AppPage, browser: Browser
) -> None:
    before = visitor.hash
    generator = np.random.default_rng(0)
    visitor.upload("noise.png", png_of(generator.integers(0, 256, (70, 50, 3), np.uint8)))
    visitor.until_other_hash(before)
    until_address(visitor, "#pixels=")
    assert "token" not in visitor.page.url
    with AppPage.visiting(browser, visitor.page.url) as other:
        assert other.hash == visitor.hash
        assert other.page.locator(".thumb[data-own][aria-pressed=true]").count() == 1


def test_a_hostile_address_opens_safely_and_says_what_it_left_out(browser: Browser, url: str) -> None:
    script = "<img src=x onerror=window.hacked=1>"
    query = (
        f"picture={quote(script)}&models={quote(script)},cifar10/resnet20/bang&tab={quote(script)}&{quote(script)}=1"
        f"&recipe={quote('jpeg=30,' + script + '=1,gaussian_noise=nan;seed=-1')}#pixels={quote(script)}"
    )
    with AppPage.visiting(browser, f"{url}/?{query}") as visitor:
        said = visitor.page.locator("dialog .messages li").all_inner_texts()
        assert len(said) == 6
        assert script in " ".join(said)  # as text
        assert visitor.page.evaluate("window.hacked") is None
        assert visitor.recipe == "jpeg=30;seed=0"
        assert [name.split("\n")[0] for name in visitor.page.locator(".card h3").all_inner_texts()] == ["BANG"]
        visitor.page.screenshot(path=artifacts() / "shell-hostile-address.png")
        visitor.page.keyboard.press("Escape")
        visitor.page.locator("dialog").wait_for(state="detached")


# ---- sharing ---------------------------------------------------------------------------------------------------------


def test_files_to_take_along_hold_what_is_on_screen(visitor: AppPage, tmp_path: Path) -> None:
    visitor.page.locator("#share").click()
    visitor.page.wait_for_selector(".share-row textarea")
    texts = [field.input_value() for field in visitor.page.locator(".share-row textarea").all()]
    assert texts[0] == visitor.page.url
    assert texts[2].startswith("explorer compare cat ")
    assert json.loads(texts[3])["recipe"]["seed"] == 0
    visitor.page.screenshot(path=artifacts() / "shell-share.png")
    saved = {}
    for button in ("Clean pixels", "Distorted pixels", "Figure (SVG)", "Figure (PNG)", "Report (HTML)"):
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name=button).click()
        saved[button] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[button])
    cat = images.fit(images.sample_images()["cat"](), 32, 3)
    assert images.image_hash(images.load_image(saved["Clean pixels"])) == images.image_hash(cat)
    distorted = images.load_image(saved["Distorted pixels"])
    assert images.image_hash(distorted) == images.image_hash(apply(Recipe.parse(visitor.recipe), cat))
    assert saved["Figure (SVG)"].read_text(encoding="utf-8").startswith("<svg")
    with Image.open(saved["Figure (PNG)"]) as picture:
        assert picture.width > 1000
    report = saved["Report (HTML)"].read_text(encoding="utf-8")
    assert re.search(r"Content-Security-Policy", report)
    assert visitor.hash in report


# ---- help, tour, keyboard --------------------------------------------------------------------------------------------


def covered(page: Page, selector: str) -> float:
    """Square px of an element that lie below the tour."""
    one, other = (page.locator(which).first.bounding_box() for which in (".tour", selector))
    assert one is not None
    assert other is not None
    width = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return max(0, width) * max(0, height)


def test_the_tour_has_four_steps_comes_once_and_can_be_replayed(browser: Browser, url: str) -> None:
    with window(browser, url) as context:
        page = context.new_page()
        page.goto(url + START)
        page.wait_for_selector(".tour")
        page.keyboard.press("Escape")  # wherever the focus is
        assert page.locator(".tour").count() == 0
        page.evaluate("localStorage.clear()")
        page.reload()
        for step in range(1, 5):
            page.wait_for_selector(f".tour[aria-label='Tour, step {step} of 4']")
            box = page.locator(".tour").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 1440
            assert covered(page, ".toured") == 0
            assert covered(page, "#rail > .box:has(#models)") == 0
            page.screenshot(path=artifacts() / f"shell-tour-{step}.png")
            page.locator(".tour button").first.click()
        assert page.locator(".tour").count() == 0
        page.reload()
        page.wait_for_selector("#view-curves svg")
        assert page.locator(".tour").count() == 0
        page.keyboard.press("?")
        page.get_by_role("button", name="Take the tour").click()
        page.wait_for_selector(".tour")
        page.keyboard.press("Escape")
        assert page.locator(".tour").count() == 0
        page.evaluate("localStorage.clear()")
        page.reload()
        page.wait_for_selector(".tour")
        page.locator("#step-0 input[type=range]").press("ArrowRight")  # who drags has understood
        page.locator(".tour").wait_for(state="detached")
        page.evaluate("localStorage.clear()")
        page.goto(url + "/?place=search")
        page.locator("#pages").get_by_text("Explore").click()
        page.keyboard.press("?")
        page.get_by_role("button", name="Take the tour").click()
        page.locator("#pages").get_by_text("Search").click()  # nor does it stand on a page that it does not tell of
        page.locator(".tour").wait_for(state="detached")
        page.keyboard.press("?")
        page.get_by_role("button", name="Take the tour").click()
        page.wait_for_selector(".toured:visible")


def test_tabs_follow_the_arrow_keys_and_the_open_one_is_in_the_address(visitor: AppPage) -> None:
    first = visitor.page.locator("#more [role=tab]").first
    first.focus()
    visitor.page.keyboard.press("ArrowRight")
    until_address(visitor, "tab=weakness")
    assert visitor.page.evaluate("document.activeElement.id") == "tab-weakness"
    assert visitor.page.locator("#view-curves").is_hidden()
    visitor.page.keyboard.press("End")
    until_address(visitor, "tab=frames")
    visitor.page.keyboard.press("Home")
    until_address(visitor, "tab=curves")


def test_the_focus_stays_with_what_was_done_by_keyboard(visitor: AppPage) -> None:
    def focused() -> str:
        return str(
            visitor.page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")
        )

    visitor.choose("add-step", "jpeg")
    visitor.until_recipe("gaussian_noise=0.06,jpeg=30;seed=0")
    assert visitor.page.evaluate("document.activeElement.closest('.step')?.id") == "step-1"
    visitor.choose("add-model", "bang")
    visitor.until_cards(3)
    assert "BANG" in focused()
    visitor.page.get_by_role("button", name="Remove BANG").press("Enter")
    visitor.until_cards(2)
    assert "Stability training" in focused()
    undo = visitor.page.locator("#tools [aria-label=Undo]")
    for _ in range(3):
        undo.press("Enter")
    visitor.until_recipe("gaussian_noise=0.06;seed=0")
    assert focused() == "Redo"


def test_every_control_has_a_name_and_help(visitor: AppPage) -> None:
    nameless = visitor.page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, textarea, [role=slider]')]
          .filter((one) => one.checkVisibility() && !one.closest('[aria-hidden=true]'))
          .filter((one) => !(one.ariaLabel || one.title || one.textContent.trim() || one.labels?.length
                             || one.getAttribute('aria-labelledby') || one.placeholder))
          .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1024, 768), ("dark", 1920, 1080)])
def test_every_tab_fits_a_laptop_and_a_projector(
    browser: Browser, url: str, theme: str, width: int, height: int
) -> None:
    screen = {"width": width, "height": height}
    with AppPage.visiting(browser, url + START, viewport=screen, color_scheme=theme) as visitor:
        for tab in visitor.page.locator("#more [role=tab]").all():
            name = (tab.get_attribute("id") or "").removeprefix("tab-")
            tab.click()
            visitor.page.wait_for_selector(DRAWN[name])
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
            visitor.page.screenshot(path=artifacts() / f"shell-{name}-{theme}-{width}.png", full_page=True)
