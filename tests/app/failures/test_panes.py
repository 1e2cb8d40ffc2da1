"""The panes of the page "Failures" in a browser: charts, the map, a run, and that all fit."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from explorer.survey import QUADRANTS, Survey
from tests.support.app_page import PATIENCE, AppPage, artifacts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

from tests.support.failures_page import FailuresPage, pairs

pytestmark = pytest.mark.browser

# in one breath: on a busy machine the survey is finished before a second command arrives
CANCELLED = """() => {
  const dialog = document.querySelector("dialog[open]");
  if (!(dialog?.querySelector("progress")?.value > 0)) return false;
  [...dialog.querySelectorAll("button")].find((one) => one.textContent === "Cancel").click();
  return true;
}"""


def test_charts_show_what_the_survey_says_and_lead_to_the_cases(visitor: FailuresPage, folder: Path) -> None:
    page = visitor.page
    frame = pairs(folder)
    page.get_by_role("tab", name="Accuracy").click()
    page.wait_for_selector(".f-chart")
    assert page.locator(".f-chart").count() == 4
    noise = frame[(frame.distortion == "gaussian_noise") & (frame.amount == 0.5)]
    point = page.locator(".f-chart").first.get_by_role("button").nth(1)
    assert f"Standard {100 * noise.correct.mean():.1f} %" in (point.get_attribute("aria-label") or "")
    page.locator("#f-accuracy summary").click()
    assert page.locator("#f-accuracy tbody tr").count() == 6
    point.press("Enter")
    page.wait_for_function("document.querySelector('#f-tab-gallery').getAttribute('aria-selected') === 'true'")
    visitor.until_total(int(noise.quadrant.isin(QUADRANTS[:2]).sum()))
    page.get_by_role("tab", name="Confusion").click()
    shown = noise[noise.quadrant.isin(QUADRANTS[:2])]
    page.wait_for_selector(".f-matrix")
    total = page.locator(".f-matrix").first.locator("button").all_inner_texts()
    assert sum(int(text.replace(",", "")) for text in total) == len(shown)
    cell = page.locator(".f-matrix").nth(1).locator("td:not(.same) button").first
    number = int(cell.inner_text())
    cell.click()
    visitor.until_total(number)
    assert page.get_by_label("Model", exact=True).input_value() == "other"


DRAWN = """(count) => document.querySelectorAll('.f-map:not([aria-busy]) .f-dot').length === count
  && document.querySelector('.f-map').checkVisibility()"""
TAKEN = """([x, y]) => {
  const ends = (document.querySelector('.f-lasso').getAttribute('d') ?? '').match(/([-\\d.]+) ([-\\d.]+)Z$/);
  return ends !== null && Math.hypot(ends[1] - x, ends[2] - y) < 4;
}"""
"""The lasso's newest point is this one, in px of the map, but for its border."""


def test_what_is_computed_for_other_filters_does_not_replace_the_map_that_is_wanted_again(
    visitor: FailuresPage,
) -> None:
    page = visitor.page
    page.get_by_role("tab", name="Map").click()
    page.wait_for_selector(".f-map:not([aria-busy]) .f-dot", state="attached")
    count = page.locator(".f-map .f-dot").count()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "survey_map" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/component_server/**", hold)
    visitor.choose("Distortion", "jpeg")
    page.wait_for_selector(".f-map[aria-busy]")
    page.get_by_role("button", name="Reset filters").click()
    page.wait_for_function(DRAWN, arg=count)
    with page.expect_response(lambda response: "survey_map" in (response.request.post_data or "")):
        for route in held:
            route.continue_()
    page.unroute_all(behavior="wait")
    page.locator("#f-tab-gallery").click()
    visitor.until_cases()
    page.get_by_role("tab", name="Map").click()
    page.wait_for_function(DRAWN, arg=count)


def test_a_loop_on_the_map_picks_the_cases_in_it(visitor: FailuresPage) -> None:
    page = visitor.page
    for name in QUADRANTS[2:]:
        page.locator(f"[data-quadrant={name}]").click()
    visitor.until_total(600)
    page.get_by_role("tab", name="Map").click()
    page.wait_for_function(DRAWN, arg=600)
    box = page.locator(".f-map").bounding_box()
    assert box
    x, y = box["x"], box["y"]
    middle = x + box["width"] / 2
    page.mouse.move(x + 2, y + 2)
    page.mouse.down()
    for to in ((middle, y + 2), (middle, y + box["height"] - 2), (x + 2, y + box["height"] - 2), (x + 2, y + 2)):
        page.mouse.move(*to, steps=4)
        page.wait_for_function(TAKEN, arg=[to[0] - x, to[1] - y])  # a busy page merges moves; this corner must stay
    left = page.eval_on_selector_all(
        ".f-map .f-dot",
        "(all, edge) => all.filter(one => { const box = one.getBoundingClientRect();"
        " return box.x + box.width / 2 < edge; }).length",
        middle,
    )
    assert 0 < left < 600
    page.mouse.up()
    page.wait_for_function("document.querySelector('#f-tab-gallery').getAttribute('aria-selected') === 'true'")
    visitor.until_total(left)
    page.get_by_role("button", name=re.compile("picked on the map")).click()
    visitor.until_total(600)
    page.get_by_role("tab", name="Map").click()
    page.wait_for_function(DRAWN, arg=600)
    page.locator(".f-map").focus()
    page.wait_for_function("document.activeElement.classList.contains('f-map')")
    for press in ("+", "+", "ArrowLeft"):
        page.keyboard.press(press)
    found = re.match(r"(\d+) cases in the circle", page.locator("#f-map .f-line > small").inner_text())
    assert found
    assert int(found[1]) > 0
    page.keyboard.press("Enter")
    visitor.until_total(int(found[1]))


def open_new(page: Page, images: str) -> None:
    page.get_by_role("button", name="New survey").click()
    dialog = page.locator("dialog[open]")
    families = dialog.get_by_label("Trained on")
    families.select_option(label=next(one for one in families.locator("option").all_inner_texts() if "Digits" in one))
    dialog.get_by_label("Images at most").fill(images)
    dialog.get_by_label("JPEG", exact=True).check()
    dialog.get_by_label("Amounts of JPEG").fill("50, 20")
    page.wait_for_selector("dialog[open] .turn button:not([disabled])")  # what it takes is known


def test_a_survey_is_priced_run_stopped_and_gone_on_with(visitor: FailuresPage, folder: Path) -> None:
    page = visitor.page
    try:
        open_new(page, "40")
        told = page.locator(".f-report").inner_text()
        assert "560 rows (40 images, 7 conditions), about" in told
        page.screenshot(path=artifacts() / "failures-new.png")
        assert len(list(folder.parent.iterdir())) == 1  # nothing is written before it is started
        page.get_by_role("button", name="Start").click()
        visitor.app.until_notice("The survey is finished")
        page.wait_for_function("document.querySelector('.f-head small').textContent.startsWith('40 images of digits')")
        visitor.until_cases()
        assert sum(visitor.counts.values()) == 40 * 7
        made = next(one for one in folder.parent.iterdir() if one != folder)
        assert len(Survey(made).sql("SELECT * FROM rows")) == 560

        open_new(page, "360")
        page.get_by_role("button", name="Start").click()
        page.wait_for_function(CANCELLED)
        visitor.app.until_notice("The survey was stopped")
        open_new(page, "40")
        assert "40 of 40 images are finished already" in page.locator(".f-report").inner_text()
        page.keyboard.press("Escape")
    finally:
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)


def test_a_new_survey_opens_with_what_is_on_the_screen(browser: Browser, url: str) -> None:
    explore = (
        url + "/?models=digits/lenet/stability,digits/lenet/standard&picture=digits:4&recipe=rotate=12,jpeg=30;seed=0"
    )
    with AppPage.visiting(browser, explore) as visitor:
        page = visitor.page
        page.get_by_role("button", name="Failures", exact=True).click()
        page.get_by_role("button", name="New survey").click()
        dialog = page.locator("dialog[open]")
        assert "Digits" in dialog.get_by_label("Trained on").locator("option:checked").inner_text()
        checked = dialog.locator(".f-checks input:checked")
        assert [one.input_value() for one in checked.all()] == ["digits/lenet/stability", "digits/lenet/standard"]
        assert dialog.get_by_label("Data set").input_value() == "digits"
        distortions = dialog.locator(".f-distortions input[type=checkbox]:checked")
        assert sorted(one.input_value() for one in distortions.all()) == ["jpeg", "rotate"]
        assert dialog.get_by_label("Amounts of JPEG").input_value() == "30, 40, 50, 58, 65, 80"
        usual = dialog.get_by_label("Amounts of Gaussian noise").get_attribute("placeholder")
        assert usual == "0.04, 0.06, 0.08, 0.09, 0.1"
        assert dialog.locator("h4").first.inner_text() == "noise"
        page.wait_for_selector("dialog[open] .turn button:not([disabled])")
        assert "conditions), about" in page.locator(".f-report").inner_text()
        page.screenshot(path=artifacts() / "failures-new-filled.png")
        families = dialog.get_by_label("Trained on")
        families.select_option(
            label=next(one for one in families.locator("option").all_inner_texts() if "CIFAR" in one)
        )
        dialog.locator(".f-checks input").first.uncheck()
        for one in dialog.locator(".f-checks input:checked").all():
            one.uncheck()
        page.wait_for_selector(".f-report[role=alert]")  # said before anything begins
        assert page.locator("dialog[open] .turn button").is_disabled()


@pytest.mark.parametrize(("theme", "size"), [("light", (1024, 768)), ("dark", (1920, 1080))])
def test_every_pane_fits(browser: Browser, url: str, theme: str, size: tuple[int, int]) -> None:
    visitor = FailuresPage(browser, url, viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page = visitor.page
    for pane in ("gallery", "accuracy", "confusion", "map"):
        page.locator(f"#f-tab-{pane}").click()
        if pane != "gallery":
            page.wait_for_selector(f"#f-{pane} :is(.f-chart, .f-matrix, .f-map)", timeout=PATIENCE)
            page.wait_for_function("!document.querySelector('.f-pane:not([hidden]) [aria-busy=true]')")
        page.screenshot(path=artifacts() / f"failures-{pane}-{size[0]}-{theme}.png")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{pane} is {wide} px too wide"
        cut = page.eval_on_selector_all(
            ".f-quadrant .words, .f-head select",
            "all => all.filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.textContent)",
        )
        assert cut == []
    assert visitor.app.complaints == []
    visitor.close()
