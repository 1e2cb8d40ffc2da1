"""The panel alone, in a real browser, with a back end of a few lines: it needs neither Gradio nor a model."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from explorer.web import stylesheets
from explorer.web.bundle import bundle
from tests.support.bare_page import bare_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def _url(level: int) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (level, level, level)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def answer(probabilities: dict[str, float], **changes: Any) -> dict[str, Any]:
    """An answer of one model that was sure of a cat and now gives these probabilities."""
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    distorted = [{"label": label, "probability": value} for label, value in ranked]
    model = {
        "name": "test/net/standard",
        "title": "Standard",
        "method": "standard",
        "baseline": True,
        "clean": [{"label": "cat", "probability": 1.0}],
        "distorted": distorted,
        "flipped": ranked[0][0] != "cat",
        "confidence": ranked[0][1],
        "margin": ranked[0][1] - ranked[1][1],
        "kl": 0.5,
        "feature_distance": {"penultimate": {"l2": 2.5, "cosine": 0.5}},
        "feature_percentile": 12.5,
        "masking": {"verdict": "no sign", "help": "No sign of masking."},
    }
    return {
        "images": {"clean": _url(100), "distorted": _url(140)},
        "size": [4, 4],
        "pixels": "8-bit",
        "image_hash": "0123456789abcdef",
        "label": None,
        "input": {"psnr": None, "ssim": None, "l2": 0.0, "linf": 0.0},
        "models": [model | changes],
        "timing": {"distort": 0.1, "infer": 1.0},
    }


SURE = {"cat": 0.6, "dog": 0.2, "frog": 0.1, "bird": 0.06, "deer": 0.04}
SWAYED = {"dog": 0.6, "cat": 0.2, "frog": 0.1, "bird": 0.06, "deer": 0.04}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with the panel; the test answers its questions with ``reply(answer)``, one after another."""
    html = f"<style>{stylesheets.css(*stylesheets.PANEL)}</style><div id=here></div>"
    with bare_page(browser, html, 1000, 800) as page:
        page.evaluate(
            """async (source) => {
              const { mount } = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
              window.asked = []; window.waiting = [];
              const ask = (state) => new Promise((...ends) => { asked.push(state.n); waiting.push(ends); });
              window.remount = (settle) => {
                window.panel?.destroy();
                asked.length = waiting.length = 0;
                window.panel = mount(document.getElementById('here'), { ask, state: { n: 0, models: ['a'] }, settle });
              };
              remount(3600_000); // no drag ends by itself
            }""",
            bundle("panel/panel.js"),
        )
        yield page


def reply(page: Page, value: dict[str, Any] | None) -> None:
    """Answer the question under way and wait until it is painted."""
    page.wait_for_function("waiting.length > 0")
    page.evaluate(
        """(value) => new Promise((done) => {
          document.getElementById('here').addEventListener('answer', () => done(), { once: true });
          const [resolve, reject] = waiting.shift();
          value === null ? reject(new Error('gone')) : resolve(value);
        })""",
        value,
    )


def rows(page: Page) -> list[str]:
    return page.locator(".row:not(.blank) .label").all_inner_texts()


def ask(page: Page, n: int, *, live: bool) -> None:
    page.evaluate("([n, live]) => panel.update({ n, models: ['a'] }, { live })", [n, live])


def test_the_newest_question_wins_and_nothing_queues(page: Page) -> None:
    for n in range(1, 30):
        ask(page, n, live=True)
    reply(page, answer(SURE))
    page.wait_for_function("waiting.length === 1")
    assert page.evaluate("asked") == [0, 29]
    reply(page, answer(SURE))
    ask(page, 29, live=False)  # nothing new: nothing is asked
    assert page.evaluate("[asked.length, waiting.length]") == [2, 0]


def test_the_order_holds_during_a_drag_and_follows_when_it_ends(page: Page) -> None:
    reply(page, answer(SURE))
    assert rows(page) == ["cat", "dog", "frog", "bird", "deer"]
    ask(page, 1, live=True)
    reply(page, answer(SWAYED))
    assert rows(page) == ["cat", "dog", "frog", "bird", "deer"]
    assert page.locator(".answer").inner_text() == "cat→dog"
    assert page.locator(".badge").inner_text() == "flipped"
    ask(page, 1, live=False)  # let go
    assert rows(page) == ["dog", "cat", "frog", "bird", "deer"]
    ask(page, 2, live=True)
    reply(page, answer({"ship": 0.9, **dict.fromkeys(("cat", "dog", "frog", "bird", "deer"), 0.02)}))
    assert "ship" in rows(page)  # the answer is always among the rows


def test_a_drag_that_rests_has_ended(page: Page) -> None:
    page.evaluate("remount(100)")
    reply(page, answer(SURE))
    ask(page, 1, live=True)
    reply(page, answer(SWAYED))
    page.wait_for_function("document.querySelector('.row .label').textContent === 'dog'")


def test_cards_keep_their_size(page: Page) -> None:
    reply(page, answer(SURE))
    before = page.locator(".card").bounding_box()
    ask(page, 1, live=True)
    far = {"penultimate": {"l2": 1e4, "cosine": 2.0}}
    reply(page, answer(SWAYED, feature_percentile=100.0, kl=123.4, feature_distance=far))
    assert page.locator(".card").bounding_box() == before


def test_an_error_is_said_and_the_next_answer_takes_it_away(page: Page) -> None:
    reply(page, {"error": "There is no such picture."})
    assert page.locator(".message").inner_text() == "There is no such picture."
    ask(page, 0, live=False)  # the same question may be asked again after an error
    reply(page, None)
    assert "does not answer" in page.locator(".message").inner_text()
    ask(page, 2, live=False)
    reply(page, answer(SURE))
    assert not page.locator(".message").is_visible()
    ask(page, 3, live=False)
    reply(page, {"models": "nonsense"})
    assert page.locator(".message").is_visible()
    assert rows(page) == ["cat", "dog", "frog", "bird", "deer"]  # the last answer is still there


def test_labels_are_text_and_never_markup(page: Page) -> None:
    evil = "<img src=x onerror='window.broken = 1'>"
    said = answer({evil: 0.9, "cat": 0.1}, title=evil, name=evil, subtitle=evil)
    said["label"] = said["pixels"] = evil
    reply(page, said)
    reply_error = {"error": evil}
    ask(page, 1, live=False)
    reply(page, reply_error)
    assert page.locator(".message").inner_text() == evil
    assert page.locator("h3 img, .answer img, .row img, .message img, .facts img").count() == 0
    assert page.evaluate("window.broken") is None


def test_it_says_the_answer_to_screen_readers_and_leaves_without_a_trace(page: Page) -> None:
    reply(page, answer(SWAYED))
    page.wait_for_function("document.querySelector('[aria-live=polite]').textContent.length > 0")
    assert page.locator("[aria-live=polite]").inner_text() == "Standard: flipped from cat to dog, 60 percent."
    page.evaluate("panel.destroy()")
    assert page.locator("#here").inner_html() == ""
