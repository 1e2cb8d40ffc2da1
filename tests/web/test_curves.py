"""The curves alone, on a plain page in a real browser."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from explorer.reports.comparison import flips_table
from explorer.web import stylesheets
from explorer.web.bundle import bundle
from tests.support.bare_page import bare_page
from tests.support.curve_data import band, curves, jpeg, model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page


pytestmark = pytest.mark.browser

TALL = 150  # px of a chart's lines, from its lowest to its highest value


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with the charts as ``charts``; what they pick is in ``picked``."""
    html = f"<style>{stylesheets.css(*stylesheets.PANEL)}</style><body style='margin: 16px'><div id=here>"
    with bare_page(browser, html) as page:
        page.evaluate(
            """async (source) => {
              const module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
              window.picked = [];
              window.remount = (options) => {
                window.charts?.destroy();
                window.charts = module.mountCurves(document.getElementById('here'), options);
              };
              remount({ pick: (amount, { live }) => picked.push([amount, live]) });
            }""",
            bundle("panel/curves.js"),
        )
        yield page


def paint(page: Page, said: dict[str, Any]) -> None:
    page.evaluate("(curves) => charts.paint(curves)", said)


def path_of(page: Page, selector: str) -> list[tuple[float, float]]:
    """The corners of a path, in px of the drawing."""
    numbers = re.findall(r"-?[\d.]+", page.locator(selector).first.get_attribute("d") or "")
    return list(zip(map(float, numbers[::2]), map(float, numbers[1::2]), strict=True))


def box_of(page: Page, chart: int) -> FloatRect:
    box = page.locator(".hit").nth(chart).bounding_box()
    assert box is not None
    return box


def test_a_curve_runs_from_the_mild_end_to_the_strong_one_through_its_values(page: Page) -> None:
    for said in (curves(model()), jpeg()):
        paint(page, said)
        hit = page.locator(".hit").first
        left, width, top = (float(hit.get_attribute(name) or "nan") for name in ("x", "width", "y"))
        corners = path_of(page, ".curve")
        assert [x for x, _ in corners] == pytest.approx([left + width * i / 4 for i in range(5)], abs=0.06)
        heights = [(y - (top + 4)) / TALL for _, y in corners]
        assert heights == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.001)


def test_the_flip_point_is_a_diamond_on_the_curve_and_said_in_words(page: Page) -> None:
    paint(page, curves())
    assert page.locator(".flip").count() == 3  # one model flips, in three charts
    (x, y), *_ = path_of(page, ".flip")
    assert (x, y + 6) == pytest.approx(path_of(page, ".curve")[2], abs=0.06)
    words = page.locator(".legend").first.text_content() or ""
    assert "Standard◆ flips at σ = 0.25" in words
    assert "Stability training○ holds throughout" in words


def test_a_flip_point_between_two_amounts_stands_on_the_line_between_them(page: Page) -> None:
    for said, part in ((curves(model(flip_point=0.2)), 0.4), (jpeg(model(flip_point=61.0)), 0.4)):
        paint(page, said)
        hit = page.locator(".hit").first
        left, width, top = (float(hit.get_attribute(name) or "nan") for name in ("x", "width", "y"))
        (x, y), *_ = path_of(page, ".flip")
        assert x == pytest.approx(left + part * width, abs=0.06)
        assert (y + 6 - (top + 4)) / TALL == pytest.approx(part, abs=0.001)  # the confidence is 1 - part


def test_what_only_the_amounts_drawn_tell_is_said_to_lie_between_two(page: Page) -> None:
    paint(page, curves(model(flip_point=0.25), exact=False))
    assert "flips between σ = 0.125 and σ = 0.25" in (page.locator(".legend").first.text_content() or "")
    assert "flips between σ = 0.125 and σ = 0.25" in (page.locator(".flip title").first.text_content() or "")


@pytest.mark.parametrize(
    ("words", "value", "shown"),
    [
        ({"sign": "σ", "symbol": "σ"}, 0.04812, "σ = 0.0481"),
        ({"sign": "σ", "symbol": "px"}, 2.5, "σ = 2.5 px"),
        ({"sign": "θ", "symbol": "°"}, -12.0, "θ = −12°"),
        ({"sign": "ε", "symbol": "/255", "factor": 255}, 2 / 255, "ε = 2/255"),
        ({"sign": "b", "symbol": "bits"}, 4, "b = 4 bits"),
    ],
)
def test_amounts_are_written_alike_in_the_charts_and_in_the_report(
    page: Page, words: dict[str, Any], value: float, shown: str
) -> None:
    said = curves(model(flip_point=value), amounts=[0.0, value / 2, value, 2 * value, 3 * value], **words)
    paint(page, said)
    assert f"◆ flips at {shown}" in (page.locator(".legend").text_content() or "")
    assert f"flips at {shown}" in (page.locator(".flip title").first.text_content() or "")
    assert flips_table(said).rows[0][1] == shown


def test_a_flip_at_the_mild_end_is_the_rest_of_the_chains(page: Page) -> None:
    said = curves(model(flip_point=0.0, predictions=["dog"] * 5))
    paint(page, said)
    for words in (".legend text", ".flip title"):
        assert "flipped by the rest of the chain" in (page.locator(words).first.text_content() or "")
    assert "its answer is flipped by the rest" in (page.locator(".legend title").first.text_content() or "")
    assert flips_table(said).rows[0][1] == "flipped by the rest of the chain"


@pytest.mark.parametrize("width", [400, 800, 1100])
def test_no_words_of_the_legend_lie_on_others(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    long = [model(f"data/net{i}/stability", title="Stability training", flip_point=0.125) for i in range(3)]
    paint(page, curves(*long, exact=False, sign="ε", symbol="/255"))
    boxes = [box for one in page.locator(".legend text").all() if (box := one.bounding_box())]
    rows: dict[int, list[FloatRect]] = {}
    for box in boxes:
        rows.setdefault(round(box["y"]), []).append(box)
    for row in rows.values():
        assert all(a["x"] + a["width"] < b["x"] - 30 for a, b in itertools.pairwise(row))  # less the line before it
    assert len(boxes) == 3


def test_models_are_told_apart_without_colour(page: Page) -> None:
    paint(page, curves(*(model(f"data/net{i}/standard") for i in range(12))))
    first = page.locator(".chart").first
    dashes = first.locator(".curve").evaluate_all("(all) => all.map((one) => one.getAttribute('stroke-dasharray'))")
    marked = first.locator("[data-model]:not(.flip)").evaluate_all(
        "(all) => all.map((one) => one.querySelectorAll('circle').length > 0)"
    )
    assert len(set(zip(dashes, marked, strict=True))) == 12
    assert "Standard · net7" in (page.locator(".legend").first.text_content() or "")


def test_the_present_amount_moves_by_one_attribute(page: Page) -> None:
    paint(page, curves())
    page.evaluate("charts.at(0.1)")
    records = page.evaluate(
        """async () => {
          const seen = [];
          const observer = new MutationObserver((records) => seen.push(...records));
          const everything = { subtree: true, childList: true, attributes: true, characterData: true };
          observer.observe(document.getElementById('here'), everything);
          charts.at(0.25);
          await new Promise(requestAnimationFrame);
          observer.disconnect();
          return seen.map((record) => [record.type, record.target.getAttribute('class'), record.attributeName]);
        }"""
    )
    assert records == [["attributes", "now", "transform"]]
    width = float(page.locator(".hit").first.get_attribute("width") or "nan")
    moved = re.findall(r"[\d.]+", page.locator(".now").get_attribute("transform") or "")
    assert [float(number) for number in moved] == pytest.approx([width / 2, 0])
    lefts = page.locator(".hit").evaluate_all("(all) => all.map((hit) => Number(hit.getAttribute('x')))")
    lines = [float(x) for x in re.findall(r"M([\d.]+)", page.locator(".now").get_attribute("d") or "")]
    assert lines == pytest.approx(lefts)  # one for each chart


@pytest.mark.parametrize("amount", ["-0.2", "0.7", "null"])
def test_an_amount_that_is_not_on_the_axis_has_no_line(page: Page, amount: str) -> None:
    paint(page, curves())
    page.evaluate(f"charts.at({amount})")
    box = page.locator(".now").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < 0


def test_click_and_drag_pick_an_amount_on_the_sliders_steps(page: Page) -> None:
    paint(page, curves())
    box = box_of(page, 1)
    page.mouse.move(box["x"] + box["width"] * 0.501, box["y"] + 40)
    assert page.evaluate("picked") == []
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60)
    page.mouse.move(box["x"] + box["width"] + 500, box["y"] + 400)  # out of the chart: the end of the axis
    page.mouse.up()
    picked = page.evaluate("picked")
    assert picked[0] == [0.25, True]
    assert picked[-1] == [0.5, False]
    assert all(live for _, live in picked[:-1])
    steps = [amount / 0.005 for amount, _ in picked]
    assert steps == pytest.approx([round(step) for step in steps])


def test_what_arrives_during_a_drag_waits_for_its_end(page: Page) -> None:
    paint(page, curves())
    box = box_of(page, 0)
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    paint(page, curves(model(title="Newer")))
    page.evaluate("charts.at(0.05)")  # an answer to where the pointer was before
    before = page.locator(".now").get_attribute("transform")
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40)
    assert page.locator(".now").get_attribute("transform") != before
    page.mouse.up()
    assert page.evaluate("picked") == [[0.2, True], [0.3, True], [0.3, False]]
    assert "Newer" in (page.locator(".legend").text_content() or "")
    page.evaluate("charts.at(0.05)")
    assert page.locator(".now").get_attribute("transform") != before


def test_arrow_keys_go_towards_the_strong_end(page: Page) -> None:
    for said, start, small, large, ends in (
        (curves(), 0.25, 0.255, 0.305, (0.0, 0.5)),
        (jpeg(), 51.0, 50.0, 40.0, (101.0, 1.0)),
    ):
        paint(page, said)
        page.evaluate("(amount) => { charts.at(amount); picked.length = 0; }", start)
        page.locator(".hit").nth(2).focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("picked") == [[small, True], [small, False]]
        page.keyboard.press("PageUp")
        assert page.evaluate("picked.at(-1)") == [large, False]
        page.keyboard.press("Home")
        assert page.evaluate("picked.at(-1)") == [ends[0], False]
        page.keyboard.press("ArrowLeft")  # already at the end
        assert page.evaluate("picked.at(-1)") == [ends[0], False]
        page.keyboard.press("End")
        assert page.evaluate("picked.at(-1)") == [ends[1], False]
        page.keyboard.press("a")
        assert page.evaluate("picked.at(-1)") == [ends[1], False]


def test_the_margin_is_said_to_be_that_of_the_answer_be_it_wrong(page: Page) -> None:
    paint(page, curves())
    heading = page.locator(".chart").nth(1).locator("text").first
    assert (heading.text_content() or "").startswith("Margin of the answer")
    assert "also where it is wrong" in (heading.locator("title").text_content() or "")


def test_screen_readers_hear_the_amount_and_the_values(page: Page) -> None:
    paint(page, curves())
    page.evaluate("charts.at(0.25)")
    page.wait_for_function("document.querySelector('.hit').getAttribute('aria-valuenow') === '50'")
    first = page.get_by_role("slider", name="Confidence in “cat” against Gaussian noise")
    assert first.get_attribute("aria-valuetext") == "σ = 0.25: Standard 50 %, Stability training 90 %"
    page.evaluate("charts.at(0.3)")  # nothing was computed there
    page.wait_for_function("document.querySelector('.hit').getAttribute('aria-valuenow') === '60'")
    words = "σ = 0.3; at σ = 0.25, the nearest amount computed: Standard 50 %, Stability training 90 %"
    assert first.get_attribute("aria-valuetext") == words
    page.locator("summary").press("Enter")
    page.wait_for_selector("details tbody tr")
    assert page.locator("details tbody tr").count() == 5
    row = page.locator("details tbody tr").nth(2)
    assert row.locator("th").inner_text() == "σ = 0.25"
    assert row.locator("td").all_inner_texts()[:4] == ["◆ dog", "50.0 %", "+0.00", "2.00"]


def test_pointing_reads_all_values_at_the_nearest_computed_amount(page: Page) -> None:
    paint(page, curves())
    box = box_of(page, 0)
    page.mouse.move(box["x"] + box["width"] * 0.72, box["y"] + 30)
    readout = page.locator(".readout")
    assert readout.locator("b").inner_text() == "σ = 0.375"
    assert readout.locator("tbody tr").first.inner_text().split() == [
        "Standard",
        "◆",
        "dog",
        "25.0",
        "%",
        "+0.50",
        "3.00",
    ]
    assert readout.locator("tbody tr").last.inner_text().split()[2:5] == ["○", "cat", "80.0"]
    for chart in range(3):  # it stays on the drawing
        box = box_of(page, chart)
        page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 30)
        shown = readout.bounding_box()
        assert shown is not None
        assert 16 <= shown["x"] <= shown["x"] + shown["width"] <= 1085
    page.mouse.move(2, 2)
    assert not readout.is_visible()


def test_without_pick_the_charts_are_only_read(page: Page) -> None:
    page.evaluate("remount()")
    paint(page, curves())
    page.evaluate("charts.at(0.1)")
    before = page.locator(".now").get_attribute("transform")
    box = box_of(page, 0)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    page.locator(".hit").first.focus()
    page.keyboard.press("End")
    assert page.locator(".readout b").inner_text() == "σ = 0.5"
    assert page.locator(".now").get_attribute("transform") == before


def test_a_band_is_shaded_and_its_number_of_seeds_said(page: Page) -> None:
    paint(page, curves(model(), model(name="data/net/bang", title="BANG", band=band())))
    assert page.locator(".chart").first.locator(".band").count() == 1
    hit = page.locator(".hit").first
    top = float(hit.get_attribute("y") or "nan") + 4
    heights = {round((y - top) / TALL, 2) for _, y in path_of(page, ".band")}
    assert heights == {0.25, 0.75}
    assert "the range over 8 seeds" in (page.locator(".seeds").text_content() or "")
    titles = page.locator(".legend title").all_text_contents()
    assert "it flips with 2 of 8 seeds" in titles[1]
    assert "of the 5 amounts drawn, the first flipped one lies between σ = 0.25 and σ = 0.5" in titles[1]
    paint(page, curves())
    assert page.locator(".band, .mean, .seeds").count() == 0


def test_labels_are_text_and_never_markup(page: Page) -> None:
    evil = "<img src=x onerror='window.broken = 1'>"
    said = model(evil, evil, evil, clean=evil, followed=evil, predictions=[evil] * 5)
    paint(page, curves(said, title=evil, symbol=evil, unit=evil))
    page.locator("summary").press("Enter")
    page.wait_for_selector("details tbody tr")
    box = box_of(page, 0)
    page.mouse.move(box["x"] + 9, box["y"] + 30)
    assert page.locator("#here img").count() == 0
    page.evaluate("(sentence) => charts.fail(sentence)", evil)
    assert page.locator("#here img").count() == 0
    assert page.evaluate("window.broken") is None


def test_the_drawing_follows_the_width_and_keeps_the_focus(page: Page) -> None:
    paint(page, curves())
    page.locator(".hit").nth(1).focus()
    page.set_viewport_size({"width": 480, "height": 700})
    page.wait_for_function("document.querySelector('.drawing svg').clientWidth < 460")
    tops = [box_of(page, i)["y"] for i in range(3)]
    assert tops[0] == tops[1] < tops[2]
    assert page.evaluate("[...document.querySelectorAll('.hit')].indexOf(document.activeElement)") == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_waiting_shows_after_a_while_and_failing_is_said(page: Page) -> None:
    # asked in one breath: on a busy machine the while has passed before a second question arrives
    assert page.evaluate("(charts.wait(0.1), document.querySelector('[role=progressbar]').hidden)")
    page.wait_for_selector("[role=progressbar]:not([hidden])")
    page.evaluate("charts.wait(0.5)")
    assert page.locator("[role=progressbar]").get_attribute("aria-valuenow") == "50"
    page.evaluate("charts.fail('There is no such picture.')")
    assert page.locator("[role=progressbar]").is_hidden()
    assert page.locator("[role=status]").inner_text() == "There is no such picture."
    paint(page, curves())
    assert page.locator("[role=status]").is_hidden()
    page.evaluate("charts.stale(true)")
    assert page.locator(".drawing svg").evaluate("(svg) => getComputedStyle(svg).opacity") == "0.4"
    page.evaluate("charts.destroy()")
    assert page.locator("#here").inner_html() == ""


def test_failing_takes_the_drawing_away_even_from_under_the_pointer(page: Page) -> None:
    paint(page, curves())
    box = box_of(page, 0)
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.evaluate("charts.fail('There is no such picture.')")
    assert page.locator(".drawing *").count() == 0
    assert page.locator("details").is_hidden()
    page.mouse.up()
    paint(page, curves())  # nothing waits for a drag that cannot end
    assert page.locator(".curve").count() == 6
