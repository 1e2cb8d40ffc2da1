"""The page "Failures" in a browser: counts, gallery, opening a case, filters, marks, keys, addresses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from explorer.survey import QUADRANTS
from tests.support.app_page import artifacts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

from tests.support.failures_page import PAIR, FailuresPage, pairs

pytestmark = pytest.mark.browser


def test_counts_are_those_of_the_survey_and_both_directions_are_as_loud(visitor: FailuresPage, folder: Path) -> None:
    frame = pairs(folder)
    counted = frame.quadrant.value_counts()
    assert visitor.counts == {name: int(counted.get(name, 0)) for name in QUADRANTS}
    boxes = [visitor.page.locator(f"[data-quadrant={name}]").bounding_box() for name in QUADRANTS[:2]]
    sizes = [(round(box["width"]), round(box["height"]), round(box["y"])) for box in boxes if box]
    assert sizes[0] == sizes[1]
    apart = frame[frame.quadrant.isin(QUADRANTS[:2])].sort_values("apart", ascending=False, kind="stable")
    visitor.until_total(len(apart))
    assert visitor.cases[:10] == apart["case"].tolist()[:10]
    visitor.page.locator("[data-quadrant=only_baseline_fails]").click()
    visitor.page.wait_for_function("document.querySelector('[data-quadrant]').getAttribute('aria-pressed') === 'false'")
    visitor.until_total(int(counted["only_other_fails"]))
    assert set(visitor.cases) <= set(frame[frame.quadrant == "only_other_fails"]["case"])


def test_a_case_opens_in_the_live_view_with_its_very_pixels(visitor: FailuresPage, folder: Path) -> None:
    page = visitor.page
    hashes = pairs(folder).set_index("case").hash
    for place, key in ((0, "click"), (3, "Enter")):
        cell = page.locator(f".case[data-index='{place}']")
        case = int(cell.get_attribute("data-case") or -1)
        before = visitor.app.hash
        if key == "click":
            cell.click()
        else:
            cell.focus()
            page.keyboard.press(key)
        visitor.app.until_other_hash(before)
        assert hashes[case].startswith(visitor.app.hash)
        page.wait_for_function("document.body.dataset.page === 'explore'")
        assert page.locator("#stage").is_visible()
        assert page.locator("#failures").is_hidden()
        assert "place" not in visitor.search()
        page.go_back()
        page.wait_for_function("document.body.dataset.page === 'failures'")
        assert page.locator(f".case[data-index='{place}']").is_visible()
        page.wait_for_function("location.search.includes('place=failures')")


def test_an_attack_opens_with_the_model_it_was_made_against(visitor: FailuresPage, folder: Path) -> None:
    page = visitor.page
    frame = pairs(folder).set_index("case")
    visitor.choose("Distortion", "fgsm")
    for name in QUADRANTS[2:]:
        page.locator(f"[data-quadrant={name}]").click()
    visitor.until_total(120)
    before = visitor.app.hash
    cell = page.locator(".case").first
    case = int(cell.get_attribute("data-case") or -1)
    cell.click()
    visitor.app.until_other_hash(before)
    assert frame.hash[case].startswith(visitor.app.hash)
    assert f"against={PAIR[0]}" in visitor.app.recipe


def test_both_places_keep_what_they_show(browser: Browser, url: str) -> None:
    visitor = FailuresPage(browser, url, "?picture=digits:7&recipe=gaussian_noise=0.3;seed=4")
    page = visitor.page
    assert page.locator("#failures").is_hidden()
    before = visitor.app.hash
    page.get_by_role("button", name="Failures", exact=True).click()
    visitor.until_cases()
    assert page.get_by_role("button", name="Failures", exact=True).get_attribute("aria-current") == "page"
    visitor.choose("True class", "8")
    page.wait_for_function('decodeURIComponent(location.search).includes(\'"label":"8"\')')
    page.locator(".f-scroll").focus()
    page.get_by_role("button", name="Explore", exact=True).click()
    assert visitor.app.hash == before
    assert visitor.app.recipe.startswith("gaussian_noise=0.3;seed=4")
    page.get_by_role("button", name="Failures", exact=True).click()
    assert page.get_by_label("True class", exact=True).input_value() == "8"
    assert visitor.app.complaints == []
    visitor.close()


def test_an_address_brings_back_survey_models_filters_order_and_pane(browser: Browser, url: str) -> None:
    first = FailuresPage(browser, url)
    first.choose("Survey", "digits")
    first.until_cases()
    first.page.get_by_role("button", name="Swap the two models").click()
    first.page.wait_for_function("document.querySelector('[aria-label=Baseline]').value.includes('stability')")
    first.choose("Distortion", "jpeg")
    first.choose("Sorted by", "margin")
    first.page.get_by_label("Margin to").fill("0.2")
    first.page.get_by_label("Margin to").press("Enter")
    first.page.wait_for_function("decodeURIComponent(location.search).includes('\"high\":0.2')")
    first.until_cases()
    wanted, counts = first.cases[:5], first.counts
    address = urlsplit(first.page.url).query
    first.close()
    second = FailuresPage(browser, url, f"?{address}")
    page = second.page
    assert page.get_by_label("Survey", exact=True).input_value() == "digits"
    assert page.get_by_label("Baseline", exact=True).input_value() == PAIR[1]
    assert page.get_by_label("Sorted by").input_value() == "margin"
    assert (second.cases[:5], second.counts) == (wanted, counts)
    assert second.app.complaints == []
    second.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("?place=failures&survey=../../etc", "not here"),
        ('?place=failures&find={"label":"<img src=x onerror=alert(1)>"}', "filters were taken off"),
        ('?place=failures&find={"quadrants":"all","by":["x"]}', "filters were taken off"),
        ("?place=failures&find={broken&pane=nothing&pair=A,B", None),
    ],
)
def test_an_address_that_makes_no_sense_opens_all_the_same(
    browser: Browser, url: str, address: str, said: str | None
) -> None:
    visitor = FailuresPage(browser, url, address)
    if said:
        visitor.app.until_notice(said)
    assert visitor.page.locator(".case").count() > 0
    assert visitor.app.complaints == []
    visitor.close()


def test_filters_narrow_and_an_empty_wall_says_how_to_go_on(visitor: FailuresPage, folder: Path) -> None:
    page = visitor.page
    frame = pairs(folder)
    apart = frame[frame.quadrant.isin(QUADRANTS[:2])]
    visitor.choose("Distortion", "gaussian_noise")
    visitor.until_total(int((apart.distortion == "gaussian_noise").sum()))
    page.locator("#failures").get_by_label("Amount", exact=True).select_option("0.5")
    visitor.until_total(int(((apart.distortion == "gaussian_noise") & (apart.amount == 0.5)).sum()))
    page.get_by_label("Margin from").fill("0.9")
    page.get_by_label("Margin from").press("Enter")
    page.get_by_label("Flipped", exact=True).select_option("yes")
    page.wait_for_selector(".f-empty:not([hidden])")
    assert "remove a filter" in page.locator(".f-empty").inner_text()
    page.screenshot(path=artifacts() / "failures-empty.png")
    page.get_by_role("button", name="Reset filters").click()
    visitor.until_total(len(apart))
    assert page.get_by_role("button", name="Reset filters").is_disabled()


def test_stars_tags_and_notes_are_kept_beside_the_survey(browser: Browser, url: str, folder: Path) -> None:
    visitor = FailuresPage(browser, url)
    page = visitor.page
    first, second = visitor.cases[:2]
    page.locator(".case").first.focus()
    page.keyboard.press("s")
    page.wait_for_selector(".f-cell[data-annotated]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Tags").fill("thin stroke, odd")
    dialog.get_by_label("Note").fill("Looks like a 7. <b>Ask</b>")
    dialog.get_by_role("button", name="Keep").click()
    page.wait_for_function("document.querySelectorAll('.f-cell[data-annotated]').length === 2")
    page.wait_for_function("document.querySelectorAll('[aria-label=Annotations] option').length === 5")
    visitor.choose("Annotations", "tag:thin stroke")
    visitor.until_total(1)
    assert visitor.cases == [second]
    assert json.loads((folder / "annotations.json").read_text(encoding="utf-8")) == {
        str(first): {"star": True, "tags": [], "note": ""},
        str(second): {"star": False, "tags": ["thin stroke", "odd"], "note": "Looks like a 7. <b>Ask</b>"},
    }
    visitor.close()
    again = FailuresPage(browser, url)
    assert again.page.locator(f"[data-case='{first}'] + .annotations [aria-pressed=true]").count() == 1
    again.page.locator(".case").first.focus()
    again.page.keyboard.press("s")
    again.page.wait_for_function("document.querySelectorAll('.f-cell[data-annotated]').length === 1")
    assert visitor.app.complaints == again.app.complaints == []
    again.close()
    (folder / "annotations.json").unlink()


def test_a_mark_that_cannot_be_kept_is_taken_back_and_said(visitor: FailuresPage) -> None:
    page = visitor.page

    def refuse(route: Route) -> None:
        if '"ask":"annotate"' in (route.request.post_data or ""):
            route.fulfill(status=200, content_type="application/json", body='{"error": "The disk is full."}')
        else:
            route.continue_()

    page.route("**/component_server/**", refuse)
    page.locator(".case").first.focus()
    page.keyboard.press("s")
    visitor.app.until_notice("The disk is full")
    assert page.locator(".f-cell[data-annotated]").count() == 0
    page.unroute_all(behavior="wait")


def test_the_wall_is_gone_through_by_keyboard(visitor: FailuresPage) -> None:
    page = visitor.page
    for name in QUADRANTS[2:]:
        page.locator(f"[data-quadrant={name}]").click()
    visitor.until_total(600)
    left = "[...document.querySelectorAll('.f-cell')].map(one => one.style.transform.split(',')[0])"
    columns = page.evaluate(f"new Set({left}).size")
    page.locator(".case[data-index='0']").focus()

    def at() -> int:
        return int(page.evaluate("document.activeElement.dataset.index ?? -1"))

    down = ("ArrowDown", 1 + columns)
    for key, place in (("ArrowRight", 1), down, ("ArrowLeft", columns), ("End", 599), ("Home", 0)):
        page.keyboard.press(key)
        page.wait_for_function("place => document.activeElement.dataset.index === String(place)", arg=place)
        assert at() == place
    page.keyboard.press("PageDown")
    page.wait_for_function("Number(document.activeElement.dataset.index) > 0")
    assert page.locator(".case[tabindex='0']").count() == 1
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert re.search(r"True class \d\. Standard answers \d with \d+ %, (right|fails); Stab", label)


def test_only_what_is_on_screen_is_in_the_page(visitor: FailuresPage) -> None:
    page = visitor.page
    for name in QUADRANTS[2:]:
        page.locator(f"[data-quadrant={name}]").click()
    visitor.until_total(600)
    for _ in range(12):
        page.locator(".f-scroll").evaluate("one => one.scrollBy(0, 900)")
        page.wait_for_timeout(30)
    page.wait_for_function(
        "[...document.querySelectorAll('.case')].some(one => Number(one.dataset.index) > 300)"
        " && [...document.querySelectorAll('.case')].every(one => one.querySelector('img[src]'))"
    )
    assert page.locator(".case").count() < 120


def test_without_an_answer_the_page_says_so_and_tries_again(browser: Browser, url: str) -> None:
    visitor = FailuresPage(browser, url, "?picture=digits:3")
    page = visitor.page
    page.route("**/component_server/**", lambda route: route.abort())
    page.get_by_role("button", name="Failures", exact=True).click()
    page.wait_for_selector(".f-message [role=alert]")
    assert "does not answer" in page.locator(".f-message").inner_text()
    page.screenshot(path=artifacts() / "failures-silent.png")
    page.unroute_all(behavior="wait")
    page.get_by_role("button", name="Try again").click()
    visitor.until_cases()
    visitor.close()
