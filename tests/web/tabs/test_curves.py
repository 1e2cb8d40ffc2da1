"""The tab "Curves" with a page and jobs of a few lines: what it asks, when, and what it leaves alone during a drag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from explorer.web import stylesheets
from explorer.web.bundle import bundle
from tests.support.bare_page import bare_page
from tests.support.curve_data import band, curves, model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The view on a page whose chain is ``steps``; jobs wait in ``jobs`` until the test answers them."""
    html = f"<style>{stylesheets.css(*stylesheets.PANEL)}</style><section id=view-curves></section>"
    with bare_page(browser, html) as page:
        page.evaluate(
            """async (source) => {
              const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
              const { makeCurvesView } = await import(url);
              const sides = { rotate: { identity: 0 } };
              Object.assign(window, {
                steps: [{ name: 'gaussian_noise', amount: 0.1, on: true }], touched: null, seed: 0,
                asked: [], cancelled: 0, set: [], marks: {}, answerJob: [],
              });
              const host = {
                state: () => ({ steps }), activeStep: () => touched,
                distortion: (name) => ({ title: name }), range: (step) => sides[step.name] ?? { identity: 0 },
                setAmount: (...said) => set.push(said), markFlips: (index, found) => (marks[index] = found),
              };
              const run = (handler, question, { progress }) => {
                progress(1, 10);
                asked.push([handler, question.step_index, question.seeds, question.state.recipe, question.coarse]);
                return new Promise((resolve) => answerJob.push(resolve));
              };
              const jobs = { run, cancel: () => (cancelled += 1) };
              const element = document.getElementById('view-curves');
              window.view = makeCurvesView({ element, page: host, jobs });
              window.tell = (live, answer = {}) => {
                const active = steps.filter((step) => step.on).map(({ name, amount }) => [name, amount]);
                const recipe = { steps: active, seed, against: null, quantised: true };
                view.update({ answer, question: { picture: { sample: 'cat' }, models: ['a'], recipe }, live });
              };
            }""",
            bundle("explore/tabs/curves.js"),
        )
        yield page


def tell(page: Page, change: str = "", *, live: bool = False) -> None:
    page.evaluate(f"() => {{ {change}; tell({str(live).lower()}); }}")


def reply(page: Page, value: dict[str, Any] | None, **more: Any) -> None:
    """Answer the oldest job under way and let the page take it in."""
    page.evaluate(
        "async (value) => { answerJob.shift()(value); await new Promise((done) => setTimeout(done)); }",
        value and value | more,
    )


def asked(page: Page) -> list[Any]:
    """[place, seeds] of the jobs so far."""
    return [[place, seeds] for _, place, seeds, *_ in page.evaluate("asked")]


def stale(page: Page) -> bool:
    return "stale" in (page.locator(".stability-curves").get_attribute("class") or "")


def line(page: Page) -> float:
    transform = page.locator(".now").get_attribute("transform") or ""
    width = float(page.locator(".hit").first.get_attribute("width") or "nan")
    return float(transform.removeprefix("translate(").split()[0]) / width


def test_random_chains_are_drawn_at_once_and_get_their_band_after(page: Page) -> None:
    tell(page)
    assert asked(page) == [[0, 1]]
    reply(page, curves(), random=True)
    assert page.locator(".curve").count() == 6
    assert page.locator(".band").count() == 0
    assert not stale(page)
    assert line(page) == pytest.approx(0.2)
    assert asked(page) == [[0, 1], [0, 8]]
    reply(page, curves(model(band=band())), random=True)
    assert page.locator(".band").count() == 3
    tell(page)
    assert len(asked(page)) == 2
    assert page.evaluate("marks") == {"0": [{"method": "standard", "title": "Standard", "amount": 0.25}]}


def test_large_networks_are_asked_about_fewer_amounts_first(page: Page) -> None:
    tell(page)
    assert page.evaluate("asked[0][4]") is True
    reply(page, curves(), random=True, exact=False, coarse=True)
    assert page.locator(".curve").count() == 6
    assert asked(page) == [[0, 1], [0, 1]]
    assert not stale(page)  # the coarse curves stand until the fine ones are there
    reply(page, curves(), random=True, exact=False, coarse=False)
    reply(page, curves(model(band=band())), random=True)
    assert asked(page) == [[0, 1], [0, 1], [0, 8]]
    assert page.evaluate("asked.slice(1).map(([, , , , coarse]) => coarse ?? false)") == [False, False]


def test_flip_points_are_marked_on_the_slider_once_they_were_searched(page: Page) -> None:
    tell(page)
    reply(page, curves(model()), random=False, exact=False)
    assert page.evaluate("marks[0]") == []
    assert asked(page) == [[0, 1], [0, 8]]
    reply(page, curves(model(flip_point=0.21)), random=False)
    assert page.evaluate("marks[0]") == [{"method": "standard", "title": "Standard", "amount": 0.21}]
    tell(page)
    assert len(asked(page)) == 2


def test_dragging_the_step_on_the_axis_only_moves_the_line(page: Page) -> None:
    tell(page)
    reply(page, curves(), random=False)
    page.evaluate(
        """() => {
          window.seen = [];
          const note = (records) => seen.push(...records.map(({ target }) => target.getAttribute?.('class') ?? 'text'));
          const everything = { subtree: true, childList: true, attributes: true, characterData: true };
          new MutationObserver(note).observe(document.getElementById('view-curves'), everything);
        }"""
    )
    for amount in (0.2, 0.3, 0.4):
        tell(page, f"steps[0].amount = {amount}", live=True)
        assert line(page) == pytest.approx(amount / 0.5)
    assert set(page.evaluate("seen")) <= {"now", "hit"}  # the line, and at rest what screen readers are told
    assert page.evaluate("seen.filter((name) => name === 'now').length") == 3
    tell(page)
    assert asked(page) == [[0, 1]]
    assert not stale(page)


def test_dragging_another_step_greys_the_curves_and_asks_when_it_rests(page: Page) -> None:
    tell(page, "steps.push({ name: 'jpeg', amount: 50, on: true }); touched = 0")
    reply(page, curves(), random=True)
    assert asked(page) == [[0, 1], [0, 8]]
    tell(page, "steps[1].amount = 40", live=True)  # the band of the old chain is not worth computing any more
    assert page.evaluate("cancelled") > 0
    assert stale(page)
    assert page.evaluate("marks[0]") == []
    reply(page, None)
    assert stale(page)
    tell(page)
    assert asked(page)[2:] == [[0, 1]]
    assert page.evaluate("asked.at(-1)[3].steps") == [["gaussian_noise", 0.1], ["jpeg", 40]]
    reply(page, curves(), random=False)
    assert not stale(page)


def test_the_axis_is_the_step_touched_last_and_one_that_is_on(page: Page) -> None:
    tell(page, "steps = ['a', 'b', 'c'].map((name) => ({ name, amount: 0.1, on: true }))")
    assert asked(page)[-1] == [2, 1]
    tell(page, "touched = 0")
    assert asked(page)[-1] == [0, 1]
    tell(page, "touched = 2; steps[1].on = false")
    assert asked(page)[-1] == [1, 1]  # the second of two in the recipe
    page.evaluate("answerJob.at(-1)(null)")
    tell(page, "steps[2].on = false; seed = 1")
    assert asked(page)[-1] == [0, 1]


def test_an_overtaken_answer_is_not_drawn(page: Page) -> None:
    tell(page)
    tell(page, "seed = 1")
    reply(page, curves(model(title="Old")), random=False)
    assert page.locator(".curve").count() == 0
    reply(page, curves(model(title="New")), random=False)
    assert "New" in (page.locator(".legend").text_content() or "")


def test_a_click_on_a_chart_sets_the_steps_amount(page: Page) -> None:
    tell(page, "steps.unshift({ name: 'jpeg', amount: 50, on: false })")
    reply(page, curves(), random=False)
    box = page.locator(".hit").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 30)
    assert page.evaluate("set") == [[1, 0.3, {"live": True}], [1, 0.3, {"live": False}]]


def test_the_other_side_of_a_slider_has_curves_of_its_own(page: Page) -> None:
    tell(page, "steps = [{ name: 'rotate', amount: 10, on: true }]")
    reply(page, curves(amounts=[0, 45, 90, 135, 180]), random=False)
    tell(page, "steps[0].amount = -5", live=True)
    assert stale(page)
    assert line(page) < -1
    tell(page)
    assert len(asked(page)) == 2
    tell(page, "steps[0].amount = 0")  # belongs to both
    assert len(asked(page)) == 2


def test_errors_and_empty_chains_are_said(page: Page) -> None:
    tell(page)
    reply(page, {"error": "There is no such picture."})
    assert page.locator("[role=status]").inner_text() == "There is no such picture."
    tell(page, "steps.length = 0")
    assert "Add a distortion" in page.locator("[role=status]").inner_text()
    tell(page, "steps.push({ name: 'jpeg', amount: 50, on: true })", live=False)
    reply(page, curves(), random=False)
    assert page.locator("[role=status]").is_hidden()


@pytest.mark.parametrize("change", ["steps.length = 0", "steps[0].on = false"])
def test_nothing_is_left_of_the_curves_of_a_distortion_that_is_gone(page: Page, change: str) -> None:
    tell(page)
    reply(page, curves(), random=False)
    page.evaluate("tell(false, { pinned: true })")
    assert page.locator("p.lead:visible").count() == 2
    tell(page, change)
    words = page.evaluate("document.getElementById('view-curves').innerText.trim()")
    assert words == "Add a distortion to see what happens while it grows."
    assert page.locator(".curve, .flip, .hit, .legend").count() == 0
    assert page.locator("p.lead").first.text_content() == ""
    tell(page, "steps = [{ name: 'jpeg', amount: 50, on: true }]")
    reply(page, curves(), random=False)
    assert "jpeg grows" in page.locator("p.lead").first.inner_text()
    assert page.locator(".curve:visible").count() == 6


def test_leaving_the_tab_ends_the_work_and_coming_back_resumes_it(page: Page) -> None:
    tell(page)
    page.evaluate("view.hide()")
    assert page.evaluate("cancelled") == 1
    reply(page, None)
    tell(page)
    assert len(asked(page)) == 2
    reply(page, curves(), random=True)
    page.evaluate("view.hide()")  # the band is missing still
    reply(page, None)
    tell(page)
    assert asked(page) == [[0, 1], [0, 1], [0, 8], [0, 8]]
    assert not stale(page)
    page.evaluate("tell(false, { pinned: true })")
    assert page.get_by_text("not against the pinned one").is_visible()
