"""The curves in the served app: from the slider to the chart, from the chart to the slider, and out of the page."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.app_page import PATIENCE, AppPage, artifacts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
QUERY = "?picture=cat&models=cifar10/resnet20/standard,cifar10/resnet20/stability&recipe=gaussian_noise=0.06&tab=curves"


@pytest.fixture
def app(browser: Browser, url: str) -> Iterator[AppPage]:
    screen = {"width": 1440, "height": 1300}
    with AppPage.visiting(browser, f"{url}/{QUERY}", viewport=screen) as app:
        app.page.keyboard.press("Escape")  # the tour of a first visit
        app.page.wait_for_selector("#view-curves .band", state="attached")
        yield app


def test_a_drag_on_a_chart_sets_the_slider_and_the_slider_moves_the_line(app: AppPage) -> None:
    page = app.page
    drawing = page.locator("#view-curves .drawing svg").element_handle()
    box = page.locator("#view-curves .hit").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50, steps=5)
    page.mouse.up()
    app.until_recipe("gaussian_noise=0.25;seed=0")
    assert (app.slider().input_value(), app.number().input_value()) == ("0.25", "0.25")
    app.slider().focus()
    page.keyboard.press("ArrowLeft")
    app.until_recipe("gaussian_noise=0.245;seed=0")
    width = float(page.locator("#view-curves .hit").first.get_attribute("width") or "nan")
    page.wait_for_function(
        """(expected) => {
          const [move] = document.querySelector('#view-curves .now').transform.baseVal;
          return Math.abs(move.matrix.e - expected) < 0.1;
        }""",
        arg=width * 0.49,
    )
    assert drawing.evaluate("(svg) => svg.isConnected")  # nothing was drawn anew
    page.screenshot(path=artifacts() / "curves.png", full_page=True)


def test_the_flip_points_are_where_the_answer_changes(app: AppPage) -> None:
    page = app.page
    page.wait_for_selector("#step-0 .flips i")
    words = page.locator("#view-curves .legend").text_content() or ""
    found = re.findall(r"(Standard|Stability training)◆ flips at σ = ([\d.]+)", words)
    assert [title for title, _ in found] == ["Standard", "Stability training"]
    assert page.locator("#step-0 .flips i").count() == 2
    marks = page.locator("#step-0 .flips i").evaluate_all("(all) => all.map((mark) => mark.title)")
    assert marks == [f"{title} flips at σ = {amount}" for title, amount in found]
    for card, (_, amount) in enumerate(found):
        below = math.floor(float(amount) / 0.005) * 0.005  # the slider's steps on both sides of it
        for shown, badge in ((below + 0.005, "flipped"), (below, "holds")):
            app.number().fill(f"{shown:g}")
            app.number().press("Enter")
            app.until_recipe(f"gaussian_noise={shown:g};seed=0")
            assert app.badges[card] == badge


def test_what_the_rest_of_the_chain_flips_is_said_so_on_the_slider(app: AppPage) -> None:
    page = app.page
    app.number().fill("0.4")
    app.number().press("Enter")
    app.choose("add-step", "JPEG")
    page.wait_for_selector("#step-1 .flips i[title='Standard is flipped by the rest of the chain']")
    assert "Standard◆ flipped by the rest of the chain" in (page.locator("#view-curves .legend").text_content() or "")


def test_another_chain_has_other_curves(app: AppPage) -> None:
    page = app.page
    app.choose("add-step", "JPEG")
    page.wait_for_function("document.querySelector('#view-curves .chart').textContent.includes('JPEG')")
    page.wait_for_function("!document.querySelector('.stability-curves').classList.contains('stale')")
    flips = re.findall("◆ flip", page.locator("#view-curves .legend").text_content() or "")
    assert page.locator("#step-1 .flips i").count() == len(flips)
    page.locator("#step-1 [aria-label='Remove JPEG']").click()
    page.locator("#step-0 [aria-label='Remove Gaussian noise']").click()
    page.wait_for_function(
        "document.querySelector('#view-curves [role=status]').textContent.includes('Add a distortion')"
    )


def test_the_figure_and_the_report_leave_with_the_same_pixels(app: AppPage, browser: Browser, tmp_path: Path) -> None:
    page = app.page
    shown = app.hash
    page.locator("#tools").get_by_text("Share").click()
    saved = {}
    for button in ("Figure (SVG)", "Figure (PNG)", "Report (HTML)"):
        with page.expect_download() as waiting:
            page.get_by_text(button).click()
        saved[button] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved[button])
        assert shown in saved[button].name
    svg = saved["Figure (SVG)"].read_text(encoding="utf-8")
    ET.fromstring(svg)  # noqa: S314  # our own drawing
    assert f"#{shown}" in svg
    assert 'class="band"' in svg or 'class="curve"' in svg
    assert saved["Figure (PNG)"].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    context = browser.new_context(offline=True)
    report = context.new_page()
    report.set_default_timeout(PATIENCE)
    report.goto(saved["Report (HTML)"].as_uri())
    report.wait_for_selector(".band", state="attached")
    assert report.locator(".card .answer").all_inner_texts() == app.answers
    assert (report.locator("figcaption span[title*='SHA-256']").text_content() or "").replace(" ", "") == f"#{shown}"
    context.close()
