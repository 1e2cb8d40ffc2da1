"""The report: one file that opens without a network, shows what the page showed and can be trusted with any text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.errors import ExplorerError
from explorer.models import list_models
from explorer.reports.comparison import report
from tests.support.app_page import PATIENCE
from tests.support.curve_data import band, curves
from tests.web.test_panel import SURE, SWAYED, answer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EVIL = "</script></style><script>window.broken = 1</script><img src=x onerror='window.broken = 2'><!--"


def about(**changes: Any) -> dict[str, Any]:
    cards = [card.to_dict() for card in list_models() if card.name == "digits/lenet/stability"]
    return {
        "recipe": "gaussian_noise=0.1;seed=7",
        "python": "import explorer\nprint(1 < 2)",
        "command": "explorer compare cat",
        "json": '{"a": 1}',
        "link": "http://127.0.0.1:7860/?picture=cat&recipe=jpeg=3",
        "cards": cards,
        "versions": {"explorer": "0.1.0", "torch": "2.14"},
        "made": "2026-01-02",
    } | changes


def said(**changes: Any) -> dict[str, Any]:
    own = answer(SWAYED)
    other = answer(SURE, name="test/net/bang", title="BANG", method="bang", baseline=False)["models"]
    return own | {"recipe": "gaussian_noise=0.1;seed=7", "models": own["models"] + other} | changes


def opened(browser: Browser, tmp_path: Path, html: str, **options: Any) -> tuple[Page, list[str], list[str]]:
    """The page as a file of a reader who is offline, what it complains of, and what it asks for."""
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, complaints, asked


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_opens_from_a_file_with_the_live_view_and_the_curves(browser: Browser, tmp_path: Path, theme: Any) -> None:
    html = report(said(), curves(at=0.25), about())
    page, complaints, asked = opened(browser, tmp_path, html, color_scheme=theme)
    page.wait_for_selector(".card .badge.flipped")
    assert page.locator(".card .answer").all_inner_texts() == ["cat→dog", "cat→cat"]
    assert page.locator(".frame img").count() == 2
    assert page.locator(".curve").count() == 6
    assert "translate(-9999" not in (page.locator(".now").get_attribute("transform") or "")
    page.locator(".hit").first.hover()
    assert page.locator(".readout").is_visible()
    background = page.locator(".card").first.evaluate("(card) => getComputedStyle(card).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 27, 33)"}[theme]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.context.close()


@pytest.mark.browser
def test_nothing_can_be_fetched_and_no_other_script_runs(browser: Browser, tmp_path: Path) -> None:
    page, complaints, _ = opened(browser, tmp_path, report(said(), None, about()))
    page.wait_for_selector(".card .badge.flipped")
    page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.broken = 1';
          const image = document.createElement('img');
          image.src = 'http://192.0.2.1/pixel.png';
          const button = document.createElement('button');
          button.setAttribute('onclick', 'window.broken = 2');
          document.body.append(script, image, button);
          button.click();
        }"""
    )
    refused = page.evaluate("fetch('http://192.0.2.1/').then(() => 'went out', (error) => String(error))")
    assert "Failed to fetch" in refused
    assert page.evaluate("window.broken") is None
    page.wait_for_timeout(50)  # the complaints arrive beside the answers
    assert len([line for line in complaints if "Content Security Policy" in line]) >= 4
    page.context.close()


@pytest.mark.browser
def test_any_text_is_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    model = answer({EVIL: 0.9, "cat": 0.1}, title=EVIL, name=EVIL, subtitle=EVIL, method=EVIL)["models"][0]
    model["feature_distance"] = {EVIL: {"l2": 1.0, "cosine": 0.5}}
    hostile = said(models=[model], label=EVIL, pixels=EVIL, recipe=EVIL, image_hash=EVIL)
    card = about()["cards"][0]
    changed = {key: EVIL for key, value in card.items() if isinstance(value, str)}
    results = [{"recipe": EVIL, "n": 1, "accuracy": 0.5, "seed": EVIL}]
    card = card | changed | {"results": results, "training": {EVIL: EVIL}, "versions": {EVIL: EVIL}}
    texts = dict.fromkeys(("recipe", "python", "command", "json", "link", "made"), EVIL)
    along = curves(title=EVIL, sign=EVIL, symbol=EVIL, unit=EVIL)
    html = report(hostile, along, about(**texts, cards=[card], versions={EVIL: EVIL}))
    page, complaints, _ = opened(browser, tmp_path, html)
    page.wait_for_selector(".card .badge.flipped")
    assert page.evaluate("window.broken") is None
    assert page.locator("script").count() == 3  # the data and two modules
    assert page.locator("img").count() == 2  # the two pictures
    assert page.locator(".report a").count() == 0
    assert EVIL in page.locator("pre").last.inner_text()
    assert complaints == []
    page.context.close()


@pytest.mark.browser
def test_without_scripts_the_pictures_and_the_numbers_are_there(browser: Browser, tmp_path: Path) -> None:
    page, _, _ = opened(browser, tmp_path, report(said(), curves(), about()), java_script_enabled=False)
    assert page.locator("noscript img").count() == 2
    row = page.locator(".numbers tbody tr").first
    assert row.locator("th, td").all_inner_texts() == [
        "Standard", "cat 1.0000", "dog 0.6000", "◆ flipped", "0.6000", "+0.4000", "0.5", "2.5", "12.5",
    ]  # fmt: skip
    page.context.close()


def test_it_names_everything_that_is_needed_to_do_it_again() -> None:
    html = report(said(), curves(), about())
    card = about()["cards"][0]
    clean = next(result for result in card["results"] if result["recipe"] == "clean")
    for part in (
        card["sha256"],
        card["command"],
        f"{100 * clean['accuracy']:.2f} %",
        "print(1 &lt; 2)",
        "explorer compare cat",
        'href="http://127.0.0.1:7860/?picture=cat&amp;recipe=jpeg=3"',
        "torch 2.14",
        "2026-01-02",
        "#0123456789abcdef",
        "Flipped: Standard. Unchanged: BANG.",
        "σ = 0.25",
        "holds throughout",
    ):
        assert part in html, part


def test_flip_points_say_how_well_they_are_known() -> None:
    along = curves(exact=False)
    along["models"][0]["band"] = band()
    html = report(said(), along, about())
    assert "<td>between σ = 0.125 and σ = 0.25</td>" in html
    assert "<td>σ = 0.25 to σ = 0.5 (2 of 8)</td>" in html
    assert "over seeds, among the 5 amounts drawn" in html


def test_only_web_addresses_become_links() -> None:
    assert not re.search(r"<a [^>]*javascript", report(said(), None, about(link="javascript:alert(1)")))


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        report(said(side=float("nan")), None, about())


NAMES = ["digits/lenet/standard", "digits/lenet/stability"]


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context(NAMES)


def state(*steps: list[Any]) -> dict[str, Any]:
    recipe = {"steps": list(steps), "seed": 5, "against": None, "quantised": True}
    return {"picture": {"dataset": "digits", "index": 7}, "models": NAMES, "recipe": recipe}


@pytest.mark.parametrize("steps", [[["gaussian_noise", 0.3], ["jpeg", 60]], []])
def test_the_job_writes_what_the_page_shows(context: Context, steps: list[list[Any]]) -> None:
    shown = context.workspace.answer(state(*steps))
    pieces: list[int] = []
    question = {
        "state": state(*steps),
        "step_index": 0 if steps else None,
        "link": "http://127.0.0.1:1/?picture=digits:7",
    }
    html = HANDLERS["report"](context, question, lambda done, _total: pieces.append(done))["html"]
    assert f"pixels #{shown['image_hash']}" in html
    assert shown["recipe"] in html
    for name in NAMES:
        card = next(card for card in list_models() if card.name == name)
        assert card.sha256 in html
    for model in shown["models"]:
        assert f"{model['confidence']:.4f}" in html
    assert ("flip point, Gaussian noise" in html) == bool(steps)
    assert bool(pieces) == bool(steps)


@pytest.mark.parametrize("link", [None, 7, "x" * 100_000])
def test_the_job_wants_an_address(context: Context, link: Any) -> None:
    with pytest.raises(ExplorerError, match="address"):
        HANDLERS["report"](context, {"state": state(), "link": link}, lambda _done, _total: None)
