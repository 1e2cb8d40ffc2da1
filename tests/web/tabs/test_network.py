"""The tab "In the network" alone, on a plain page with made-up answers."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tabs import EVIL, FAIL, MODELS, SILENT, answer, texts

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


def bytes_of(*levels: int) -> str:
    return base64.b64encode(bytes(levels)).decode()


def grid(*levels: int, **more: Any) -> dict[str, Any]:
    """A map of 2 x 2 values, one byte each."""
    return {"width": 2, "height": 2, "data": bytes_of(*levels), **more}


def moved(near: float, far: float) -> dict[str, Any]:
    """The panel's answer, as far as the bars need it: the second stage's features have turned by a right angle."""
    distance = {"stage1": {"l2": near, "cosine": 0.0}, "penultimate": {"l2": far, "cosine": 1.0}}
    image = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
    models = [{"name": name, "method": name.split("/")[-1], "feature_distance": distance} for name in MODELS]
    return {"models": models, "images": {"clean": image, "distorted": image}}


CHANNEL = {
    "index": 7,
    "distance": 2.5,
    "clean": grid(0, 51, 102, 255),
    "distorted": grid(255, 0, 0, 0),
    "difference": grid(255, 0, 128, 128),
}
CHANNELS = {
    "layer": "stage1",
    "models": [
        {"name": MODELS[0], "total": 16, "low": 0.0, "high": 10.0, "swing": 4.0, "channels": [CHANNEL]},
        {"name": MODELS[1], "error": f"It has no such layer {EVIL}."},
    ],
}
EVIDENCE = {
    "models": [
        {
            "name": name,
            "layer": "stage1",
            "grid": [8, 8],
            "limit": 0.5,
            "clean": grid(255, 0, 128, 204, **{"class": "cat"}),
            "distorted": grid(0, 255, 255, 255, **{"class": "cat"}),
            "other": None if name == MODELS[1] else grid(255, 255, 255, 255, **{"class": EVIL}),
        }
        for name in MODELS
    ]
}


@pytest.fixture
def network(page: Page) -> Page:
    """The view "In the network" with its maps."""
    answer(page, "channels", CHANNELS)
    answer(page, "evidence", EVIDENCE)
    page.evaluate("open_('network')")
    page.evaluate("(said) => tell(said)", moved(1.0, 4.0))
    page.wait_for_selector(".evidence .model")
    page.wait_for_selector(".channels .model")
    return page


def test_bars_follow_a_drag_and_nothing_is_asked_before_its_end(network: Page) -> None:
    assert texts(network.locator("tbody tr").nth(3).locator(".bar b")) == ["90.0°", "4.00"]
    widths = "(all) => all.map((one) => one.style.width)"
    bars = network.locator("tbody tr").first.locator(".bar i")
    assert bars.evaluate_all(widths) == ["0%", "25%"]
    before = network.evaluate("asked.length")
    network.evaluate("(said) => { recipe.seed = 1; tell(said, true); }", moved(1.0, 2.0))
    assert bars.evaluate_all(widths) == ["0%", "25%"]  # the scale does not shrink under the hand
    assert texts(network.locator("tbody tr").nth(3).locator(".bar b")) == ["90.0°", "2.00"]
    assert network.evaluate("asked.length") == before
    assert network.locator(".stale").count() == 2
    network.evaluate("(said) => tell(said, false)", moved(1.0, 2.0))
    network.wait_for_function("document.querySelectorAll('.stale').length === 0")
    assert bars.evaluate_all(widths) == ["0%", "50%"]
    assert [handler for handler, _ in network.evaluate("asked")[before:]] == ["channels", "evidence"]
    network.evaluate("(said) => tell(said, false)", moved(1.0, 2.0))
    assert network.evaluate("asked.length") == before + 2  # the same question is not asked twice


def test_a_stage_shows_its_channels(network: Page) -> None:
    assert network.evaluate("asked[0]")[1]["layer"] == "stage1"
    assert "stage 1" in network.locator("h4").nth(1).inner_text()
    network.get_by_role("button", name="last before the answer").click()
    network.wait_for_function("asked.at(-1)[1].layer === 'penultimate'")
    assert network.get_by_role("button", name="last before the answer").get_attribute("aria-pressed") == "true"
    assert [handler for handler, _ in network.evaluate("asked")] == ["channels", "evidence", "channels"]
    assert texts(network.locator(".channels .line").first.locator("b")) == ["7 Δ 2.50"]
    assert texts(network.locator(".channels .line > .soft")) == [
        "clean 0 to 10.0",
        "distorted 0 to 10.0",
        "difference −4.00 to +4.00",
    ]
    assert EVIL in network.locator(".channels").inner_text()


def test_a_stage_without_places_shows_single_values(network: Page) -> None:
    def one(level: int) -> dict[str, Any]:
        return {"width": 1, "height": 1, "data": bytes_of(level)}

    channel = {"index": 3, "distance": 6.0, "clean": one(255), "distorted": one(51), "difference": one(0)}
    model = {"name": MODELS[0], "total": 1, "low": 0.0, "high": 10.0, "swing": 8.0, "channels": [channel]}
    answer(network, "channels", {"layer": "penultimate", "models": [model]})
    network.get_by_role("button", name="last before the answer").click()
    network.wait_for_selector(".single")
    assert texts(network.locator(".channels .read")) == ["10", "2", "−8"]
    assert "1 of 1" not in network.locator(".channels h5").inner_text()


def shade(page: Page, frame: Locator, column: int, row: int, *, of: int = 2) -> list[list[int]]:
    """The colours [r, g, b, alpha] at the edge and in the middle of one value of a map."""
    script = """(canvas, [column, row, of]) => {
      const dot = canvas.width / of;
      const pen = canvas.getContext('2d');
      const at = (x, y) => [...pen.getImageData(column * dot + x, row * dot + y, 1, 1).data];
      return [at(0, 0), at(Math.floor(dot / 2), Math.floor(dot / 2))];
    }"""
    return list(frame.locator("canvas").evaluate(script, [column, row, of]))


def test_maps_show_their_numbers(network: Page) -> None:
    clean = network.locator(".channels .map").first
    assert shade(network, clean, 0, 0)[0] == [236, 239, 242, 255]  # --track: the lower end
    assert shade(network, clean, 1, 1)[0] == [20, 24, 31, 255]  # --text: the upper end
    mixed = [round(236 + 0.4 * (20 - 236)), round(239 + 0.4 * (24 - 239)), round(242 + 0.4 * (31 - 242)), 255]
    assert shade(network, clean, 0, 1)[0] == pytest.approx(mixed, abs=2)


def test_evidence_for_and_against_are_told_apart_by_shape(network: Page) -> None:
    shown = network.locator(".evidence .map").first
    edge, middle = shade(network, shown, 0, 0)
    assert edge == middle == [213, 94, 0, 255]  # the method's colour, solid
    edge, middle = shade(network, shown, 1, 0)
    assert (edge, middle[3]) == ([20, 24, 31, 255], 0)  # hollow
    assert shade(network, shown, 0, 1)[0][3] <= 1  # nothing to tell
    captions = texts(network.locator(".evidence figcaption"))
    assert captions == [
        "clean for cat",
        "distorted for cat",
        f"distorted for {EVIL}",
        "clean for cat",
        "distorted for cat",
    ]


def test_the_colours_of_maps_follow_the_theme(network: Page) -> None:
    network.evaluate("document.body.classList.add('dark')")
    network.wait_for_function(
        "document.querySelector('.evidence canvas').getContext('2d').getImageData(0, 0, 1, 1).data[0] === 0xf0"
    )
    assert shade(network, network.locator(".channels .map").first, 1, 1)[0] == [232, 235, 239, 255]


def test_the_cross_hair_stands_in_all_maps_and_reads_their_values(network: Page) -> None:
    maps = network.locator(".evidence .map")
    box = maps.nth(1).bounding_box()
    assert box is not None
    network.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    assert texts(network.locator(".evidence .read")) == ["−0.5", "+0.5", "+0.5", "−0.5", "+0.5"]
    assert network.locator(".where").nth(1).inner_text() == "column 2, row 1"
    parts = network.locator(".evidence .down").evaluate_all(
        "(all) => all.map((one) => one.checkVisibility() && one.offsetLeft / one.parentElement.clientWidth)"
    )
    assert parts == pytest.approx([0.75] * 5, abs=0.02)
    network.mouse.move(2, 2)
    assert texts(network.locator(".evidence .read")) == [""] * 5


def test_maps_are_looked_at_by_keyboard_all_together(network: Page) -> None:
    network.locator(".evidence").focus()
    network.keyboard.press("ArrowRight")  # the cross-hair appears in the middle
    network.keyboard.press("ArrowLeft")
    assert texts(network.locator(".evidence .read"))[0] == "0"  # column 1, row 2 holds 128
    network.keyboard.press("ArrowUp")
    assert (
        network.locator(".spoken")
        .nth(1)
        .inner_text()
        .startswith("column 1, row 1: Evidence for cat in the clean picture +0.5")
    )
    assert texts(network.locator(".evidence .read"))[0] == "+0.5"
    widths = "(all) => all.map((one) => Math.round(one.getBoundingClientRect().width / one.parentElement.clientWidth))"
    network.keyboard.press("+")
    network.keyboard.press("+")
    assert network.locator(".evidence .sheet").evaluate_all(widths) == [2] * 5
    lefts = "(all) => new Set(all.map((one) => getComputedStyle(one).transform)).size"
    network.keyboard.press("Shift+ArrowRight")
    assert network.locator(".evidence .sheet").evaluate_all(lefts) == 1
    assert (
        network.locator(".channels .sheet").first.evaluate("(one) => getComputedStyle(one).transform")
        == "matrix(1, 0, 0, 1, 0, 0)"
    )
    network.keyboard.press("0")
    assert network.locator(".evidence .sheet").evaluate_all(widths) == [1] * 5
    network.keyboard.press("Escape")
    assert texts(network.locator(".evidence .read"))[0] == ""


def test_zooming_keeps_what_is_under_the_pointer_there(network: Page) -> None:
    shown = network.locator(".evidence .map").first
    box = shown.bounding_box()
    assert box is not None
    network.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"])
    before = texts(network.locator(".evidence .read"))
    network.keyboard.down("Control")
    for _ in range(5):
        network.mouse.wheel(0, -100)
    network.keyboard.up("Control")
    network.wait_for_function("document.querySelector('.evidence').style.getPropertyValue('--zoom') > 3")
    network.mouse.move(box["x"] + 0.9 * box["width"] + 1, box["y"] + 0.1 * box["height"])
    assert texts(network.locator(".evidence .read")) == before
    sheet = shown.locator(".sheet").bounding_box()
    assert sheet is not None
    zoom = sheet["width"] / box["width"]
    assert (box["x"] + 0.9 * box["width"] - sheet["x"]) / sheet["width"] == pytest.approx(0.9, abs=0.02)
    network.mouse.down()
    network.mouse.move(box["x"] + 0.9 * box["width"] + 31, box["y"] + 0.1 * box["height"])
    network.mouse.up()
    dragged = shown.locator(".sheet").bounding_box()
    assert dragged is not None
    assert dragged["x"] - sheet["x"] == pytest.approx(30, abs=2)
    assert dragged["width"] / box["width"] == pytest.approx(zoom)


def test_a_network_view_that_fails_says_so_and_tries_again_on_another_question(network: Page) -> None:
    answer(network, "evidence", {"error": "Class-evidence maps need the package captum."})
    network.evaluate("(said) => { recipe.seed = 2; tell(said); }", moved(1.0, 4.0))
    assert network.get_by_role("alert").inner_text() == "Class-evidence maps need the package captum."
    count = network.evaluate("asked.length")
    network.evaluate("(said) => tell(said)", moved(1.0, 4.0))
    assert network.evaluate("asked.length") == count
    answer(network, "evidence", EVIDENCE)
    network.evaluate("(said) => { recipe.seed = 3; tell(said); }", moved(1.0, 4.0))
    network.wait_for_selector(".evidence .model")


def test_a_network_view_without_an_answer_says_why(page: Page) -> None:
    page.evaluate("open_('network')")
    said = page.locator("#view-network .failed")
    assert texts(said) == ["This follows as soon as the panel above has its answer."] * 2
    page.evaluate("(said) => tell(said, true)", moved(1.0, 4.0))  # the panel's answer is to another question
    assert said.count() == 2
    page.evaluate(FAIL, SILENT)
    assert texts(page.locator("#view-network .where")) == [SILENT, SILENT]
    page.evaluate("(said) => tell(said, true)", moved(1.0, 4.0))
    assert texts(page.locator("#view-network .where")) == [SILENT, SILENT]
    answer(page, "channels", CHANNELS)
    answer(page, "evidence", {})
    page.evaluate("document.dispatchEvent(new CustomEvent('answer', { detail: {} }))")
    page.evaluate("(said) => tell(said)", moved(1.0, 4.0))
    page.wait_for_selector(".channels .model")
    assert texts(page.locator("#view-network .where")) == ["", ""]
    assert texts(said) == ["This was cancelled; change something to ask again."]


def test_a_pinned_picture_is_not_called_clean(network: Page) -> None:
    network.evaluate("(said) => { recipe.seed = 4; tell({ ...said, pinned: 'jpeg=10;seed=0' }); }", moved(1.0, 4.0))
    network.wait_for_function("document.querySelector('.evidence figcaption').textContent === 'pinned for cat'")
    assert texts(network.locator(".channels .line > .soft"))[0] == "pinned 0 to 10.0"
