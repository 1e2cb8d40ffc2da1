"""The pictures in a window of their own: exact pixels, zoom and pan in step, the wipe, the keyboard."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.app_page import AppPage, artifacts

pytestmark = pytest.mark.browser


def stage(visitor: AppPage, name: str) -> np.ndarray:
    """What a stage of the window shows, (height, width, RGBA) in device pixels."""
    canvas = visitor.page.locator(f'dialog.large canvas[aria-label^="{name}"]')
    url = canvas.evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))


def picture(visitor: AppPage, name: str) -> np.ndarray:
    width, height, data = visitor.pixels(name)
    return np.asarray(data, np.uint8).reshape(height, width, 4)


def enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, 0).repeat(scale, 1)


def scale(visitor: AppPage) -> int:
    return int(visitor.page.locator("dialog.large .level").inner_text().removesuffix(":1"))


def middle(shown: np.ndarray, size: int) -> np.ndarray:
    top, left = (round((side - size) / 2 + 1e-9) for side in shown.shape[:2])
    return shown[top : top + size, left : left + size]


@pytest.fixture
def window(visitor: AppPage) -> Any:
    visitor.page.get_by_role("button", name="Enlarge the clean picture").click()
    visitor.page.wait_for_function("/^[0-9]+:1$/.test(document.querySelector('dialog.large .level')?.textContent)")
    return visitor.page.locator("dialog.large")


def test_every_pixel_is_a_square_of_the_same_size(visitor: AppPage, window: Any) -> None:
    factor = scale(visitor)
    assert factor > 5
    for name in ("clean", "distorted"):
        shown = stage(visitor, name)
        expected = enlarged(picture(visitor, name), factor)
        assert np.array_equal(middle(shown, len(expected)), expected)
    visitor.page.screenshot(path=artifacts() / "large-pictures.png")


def test_zoom_and_pan_move_all_three_pictures_in_step(visitor: AppPage, window: Any) -> None:
    visitor.page.locator(".amplify").evaluate("menu => { menu.value = '1'; menu.dispatchEvent(new Event('change')) }")
    before = scale(visitor)
    canvas = window.locator("canvas").nth(1)
    box = canvas.bounding_box()
    visitor.page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2)
    visitor.page.mouse.wheel(0, -120)
    visitor.page.wait_for_function(
        "before => document.querySelector('dialog.large .level').textContent !== before", arg=f"{before}:1"
    )
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 90, box["y"] + box["height"] / 2 + 40)
    visitor.page.mouse.up()
    clean, distorted, difference = (
        stage(visitor, name)[..., :3].astype(int) for name in ("clean", "distorted", "diff")
    )
    drawn = stage(visitor, "clean")[..., 3] == 255
    assert drawn.mean() > 0.5
    assert np.abs(difference - (127.5 + (distorted - clean) / 2))[drawn].max() <= 0.5
    window.get_by_role("button", name="Fit").click()
    assert scale(visitor) == before


def test_the_wipe_shows_the_clean_picture_up_to_its_handle(visitor: AppPage, window: Any) -> None:
    visitor.page.keyboard.press("w")
    window.locator("canvas").nth(1).wait_for(state="hidden")
    handle = window.get_by_role("slider", name="Where the clean picture ends")
    handle.focus()
    for _ in range(5):
        visitor.page.keyboard.press("ArrowRight")
    assert handle.get_attribute("aria-valuenow") == "60"
    factor = scale(visitor)
    clean, distorted = (enlarged(picture(visitor, name), factor) for name in ("clean", "distorted"))
    shown = stage(visitor, "clean")
    edge = round(0.6 * shown.shape[1]) - round((shown.shape[1] - len(clean)) / 2 + 1e-9)
    found = middle(shown, len(clean))
    assert np.array_equal(found[:, :edge], clean[:, :edge])
    assert np.array_equal(found[:, edge:], distorted[:, edge:])


def test_the_pixel_below_the_pointer_is_read(visitor: AppPage, window: Any) -> None:
    box = window.locator("canvas").first.bounding_box()
    visitor.page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
    said = window.locator(".readout").inner_text()
    before, after = (picture(visitor, name)[16, 16, :3].astype(int) for name in ("clean", "distorted"))
    assert said.startswith("Column 16, row 16: clean " + " ".join(map(str, before)))
    assert "distorted " + " ".join(map(str, after)) in said


def test_a_new_answer_is_painted_while_the_window_is_open(visitor: AppPage, window: Any) -> None:
    before, pixels = visitor.hash, stage(visitor, "distorted")
    visitor.page.evaluate(
        "() => { const field = document.querySelector('#step-0 input[type=range]'); field.value = 0.2;"
        " field.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    visitor.until_other_hash(before)
    assert not np.array_equal(stage(visitor, "distorted"), pixels)
    factor = scale(visitor)
    expected = enlarged(picture(visitor, "distorted"), factor)
    assert np.array_equal(middle(stage(visitor, "distorted"), len(expected)), expected)


def test_escape_gives_the_page_and_the_focus_back(visitor: AppPage, window: Any) -> None:
    visitor.page.keyboard.press("Escape")
    window.wait_for(state="detached")
    assert visitor.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Enlarge the clean picture"
    visitor.page.get_by_role("button", name="Enlarge the difference picture").click()
    window.wait_for(state="visible")
    window.get_by_role("button", name="Close").click()
    window.wait_for(state="detached")
