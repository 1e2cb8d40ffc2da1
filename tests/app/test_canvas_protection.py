"""The page where the browser alters what is read back from a canvas, as Brave and Firefox can."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.support.app_page import START, TOURED, AppPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PROTECTED = """
const honest = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...box) {
  const image = honest.apply(this, box);
  for (let i = 0; i < image.data.length; i++) if (i % 4 !== 3) image.data[i] ^= 1 + (i % 97);
  return image;
};
window.shown = (canvas) => [...honest.call(canvas.getContext("2d"), 0, 0, canvas.width, canvas.height).data];
"""
"""Noise on every pixel that is read; ``shown`` gives what is on screen."""


@pytest.fixture
def protected(browser: Browser, url: str) -> Iterator[AppPage]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(PROTECTED + TOURED)
        visitor = AppPage(context, url + START)
        yield visitor
        assert visitor.complaints == []


def sent(visitor: AppPage, which: str) -> np.ndarray:
    """The pixels of a picture as the server sent it, (height, width, RGB)."""
    source = visitor.page.locator(f'.frame img[alt^="{which}"]').get_attribute("src") or ""
    with visitor.page.expect_download() as saved:
        visitor.page.evaluate(
            "url => Object.assign(document.createElement('a'), {href: url, download: 'x'}).click()", source
        )
    return np.asarray(Image.open(io.BytesIO(saved.value.path().read_bytes())).convert("RGB")).astype(int)


@pytest.mark.parametrize("sample", ["cat", "digit"])
def test_the_difference_is_that_of_the_servers_pixels(protected: AppPage, sample: str) -> None:
    page = protected.page
    if sample == "digit":  # grey
        page.get_by_role("button", name="Data set").click()
        page.locator(".row-of-data").nth(2).click()
        page.wait_for_function("document.querySelector('figcaption span:last-child').textContent === '28 × 28'")
    page.locator(".amplify").select_option("1")
    clean, distorted = (sent(protected, which) for which in ("clean", "distorted"))
    shown = np.reshape(page.locator(".frame canvas").evaluate("shown"), (*clean.shape[:2], 4))[..., :3]
    assert (clean != distorted).any()
    assert np.abs(shown - (127.5 + (distorted - clean) / 2)).max() <= 0.5


def test_the_values_below_the_pointer_are_the_servers(protected: AppPage) -> None:
    page = protected.page
    clean = sent(protected, "clean")
    page.get_by_role("button", name="Enlarge the clean picture").click()
    page.wait_for_function("/^[0-9]+:1$/.test(document.querySelector('dialog.large .level')?.textContent)")
    box = page.locator("dialog.large canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
    said = page.locator("dialog.large .readout").inner_text()
    assert said.startswith("Column 16, row 16: clean " + " ".join(map(str, clean[16, 16])))


def test_what_needs_a_canvas_read_back_says_so(protected: AppPage) -> None:
    protected.page.get_by_role("button", name="Camera").click()
    protected.until_notice("canvas protection")
    protected.page.get_by_role("button", name="Share").click()
    protected.page.get_by_role("button", name="Figure (PNG)").click()
    protected.page.get_by_text("or save the SVG").wait_for()
