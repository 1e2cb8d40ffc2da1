"""Ten visitors at once: nobody is given another's picture or numbers, and the server asks no other host.

How long they wait and how much memory it takes is measured by ``benchmarks/load.py``.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.app_page import START, AppPage, artifacts
from tests.support.app_server import Server
from tests.support.questions import MODELS
from tests.support.visitors import AMOUNTS, Own, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.load

VISITORS = 10


# ---- in browsers -----------------------------------------------------------------------------------------------------

DRAG = """(amounts) => {
  const panel = document.getElementById("panel");
  const slider = document.querySelector("#step-0 input[type=range]");
  const found = { hashes: {}, clean: [] };
  const moved = (amount) => new Promise((resolve, reject) => {
    const seen = [];
    setTimeout(() => reject(new Error(`no answer to ${amount} but ${JSON.stringify(seen)}`)), 240000);
    const heard = ({ detail }) => {
      seen.push(detail.error ?? detail.state.recipe);
      if (detail.state?.recipe.steps[0][1] !== amount) return;
      panel.removeEventListener("answer", heard); // announced after the frame that shows it
      const { image_hash, images } = detail.answer;
      (found.hashes[amount] ??= []).includes(image_hash) || found.hashes[amount].push(image_hash);
      found.clean.includes(images.clean) || found.clean.push(images.clean);
      resolve();
    };
    panel.addEventListener("answer", heard);
    slider.value = amount;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  window.dragged = (async () => {
    // where the slider stands already, nothing is asked
    for (const amount of amounts) if (slider.valueAsNumber !== amount) await moved(amount);
    return found;
  })();
}"""


class Dragging:
    """One visitor in a browser of their own, with their own picture and seed, moving the slider."""

    def __init__(self, browser: Browser, url: str, own: Own) -> None:
        self.own = own
        # A small window: ten people have ten machines to draw on, here all of them share the server's.
        self.context = browser.new_context(viewport={"width": 500, "height": 400})
        self.page = AppPage(self.context, url + START)
        before = self.page.hash
        self.page.upload("own.png", own.png)
        self.page.until_other_hash(before)  # else, on a busy machine, the first amounts are still asked of the cat
        self.page.write_recipe(str(own.recipe(0.09)))  # which is read by the server: until then the seed is another one
        self.page.until_hash(own.hash_of(0.09))

    def start(self) -> None:
        self.page.page.evaluate(DRAG, AMOUNTS)

    def finish(self) -> None:
        """Wait for the last answer; AssertionError where anything shown was not this visitor's own."""
        found = self.page.page.evaluate("() => window.dragged")
        for amount, hashes in found["hashes"].items():
            for image_hash in hashes:
                for clean in found["clean"]:
                    self.own.check(float(amount), image_hash, clean)
        width, height, shown = self.page.pixels("clean")
        assert np.array_equal(np.asarray(shown, np.uint8).reshape(height, width, 4)[..., :3], self.own.pixels)
        assert self.page.complaints == []
        assert self.page.foreign == set()


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_ten_browsers_dragging_at_once(browser: Browser, server: Server) -> None:
    crowd = [Dragging(browser, server.url, Own(number)) for number in range(VISITORS)]
    for visitor in crowd:
        visitor.start()
    for visitor in crowd:
        visitor.finish()
    crowd[3].page.page.screenshot(path=artifacts() / "load-one-of-ten.png")
    for visitor in crowd:
        visitor.context.close()
    assert server.foreign() == []
    assert "Traceback" not in server.said


# ---- without a browser: what the page asks, asked by threads ---------------------------------------------------------


def test_ten_visitors_at_once_each_get_their_own_answers(server: Server) -> None:
    crowd = [Visitor(server, Own(number)) for number in range(VISITORS)]
    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(lambda visitor: visitor.drag(2 * len(AMOUNTS)), crowd))
    assert server.foreign() == []
    assert "Traceback" not in server.said


def test_a_visitors_picture_is_not_to_be_had_by_others(server: Server) -> None:
    mine, other = (Visitor(server, Own(number)) for number in (10, 11))
    assert mine.token != other.token
    assert len(mine.token) >= 32
    guess = mine.token[:-1] + ("a" if mine.token[-1] != "a" else "b")
    state = {"picture": {"token": guess}, "models": MODELS, "recipe": mine.own.recipe(0.1).to_dict()}
    _, told = mine.panel.ask(state)
    assert "no longer held" in told["error"]


def test_the_slider_is_answered_while_programs_sweep(server: Server) -> None:
    visitor = Visitor(server, Own(12))
    answers: list[tuple[int, str | None]] = []

    def program() -> None:
        status, told = server.run("sweep", "cat", "gaussian_noise", MODELS, "clean", None, 16)
        answers.append((status, told.get("error")))

    programs = [threading.Thread(target=program) for _ in range(4)]
    for one in programs:
        one.start()
    visitor.drag(3)
    before = len(answers)
    for one in programs:
        one.join()
    assert before < len(programs), "the slider waited for all of the sweeps"
    assert answers == [(200, None)] * len(programs)
