"""The page "Methods" in a browser: curves, marks, sources, what is measured meanwhile, gains and losses, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from explorer import Recipe, evaluate, load_dataset, load_model
from explorer.models import list_models
from explorer.models.methods import published_values
from tests.support.app_page import AppPage, artifacts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

SHIPPED = len([card for card in list_models() if card.name.startswith("digits/lenet/")])  # and of ResNet-20 on CIFAR-10
SURVEYED = SHIPPED  # of the digits, in the shipped survey


class MethodsPage:
    """One visitor of the page, whom all tests here share: each goes to the place it wants first."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.app = AppPage(self.context, url + "/?place=methods&data=digits&distortion=crop")
        self.page: Page = self.app.page

    def choose(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(value)

    def until_status(self, part: str) -> None:
        self.page.wait_for_function("part => document.querySelector('.m-status').textContent.includes(part)", arg=part)

    def at(self, data: str, distortion: str) -> None:
        """Show this distortion of this data set, all that can be measured here measured."""
        self.choose("Models of", data)
        self.choose("Accuracy under", distortion)
        title = self.page.locator(f"select[aria-label='Accuracy under'] option[value={distortion}]").inner_text()
        self.page.wait_for_function(
            "([title, state]) => document.querySelector('.m-box h2').textContent === `Accuracy under ${title}` && "
            "document.querySelector('.m-box').dataset.state === state",
            arg=[title, "done" if data == "digits" else "absent"],
        )

    def rows(self) -> list[list[str]]:
        """The rows of the table that says the same as the chart."""
        if self.page.locator("#methods details[open]").count() == 0:
            self.page.locator("#methods summary").click()
        self.page.wait_for_selector("#methods details tbody tr")
        script = "all => all.map(row => [...row.children].map(cell => cell.textContent))"
        found: list[list[str]] = self.page.eval_on_selector_all("#methods details tbody tr", script)
        return found

    def search(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.page.url).query).items()}


@pytest.fixture(scope="module")
def visitor(browser: Browser, url: str) -> Iterator[MethodsPage]:
    found = MethodsPage(browser, url)
    yield found
    found.context.close()
    assert found.app.complaints == []
    assert found.app.foreign == set()


def test_it_opens_from_its_address_and_measures_what_evaluate_measures(visitor: MethodsPage) -> None:
    page = visitor.page
    visitor.until_status("Measured here on the first 100 test images, seed 0")
    assert page.locator("#nav [aria-current]").inner_text() == "Methods"
    assert page.locator(".m-box h2").first.inner_text() == "Accuracy under Crop"
    assert page.locator("#stage").is_hidden()
    assert page.locator("#failures").is_hidden()
    assert page.locator(".m-drawing .curve").count() == SHIPPED
    assert page.locator(".m-drawing .band").count() == SHIPPED
    assert page.locator(".m-ends text").all_inner_texts() != []
    wanted = evaluate(
        load_model("digits/lenet/bang", device="cpu"), load_dataset("digits"), Recipe((("crop", 4),)), limit=100
    )
    low, high = wanted.interval
    shown = f"{100 * wanted.accuracy:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    assert ["Measured here", "BANG", "o = 4 px", shown, "100", "0", ""] in visitor.rows()
    search = visitor.search()
    assert (search["place"], search["data"], search["distortion"]) == ("methods", "digits", "crop")


def test_each_source_has_its_mark_its_n_and_can_be_hidden(visitor: MethodsPage) -> None:
    visitor.at("digits", "crop")
    page = visitor.page
    entries = page.locator(".m-legend button").all_inner_texts()
    assert [re.sub(r"\s+", " ", text) for text in entries] == [
        "Measured here n = 100, seed 0",
        "Shipped survey n = 360, seed 0",
        "Cards of the models n = 360, seed 0",
    ]
    marks = {source: page.locator(f".m-own[data-source={source}]") for source in ("survey", "card")}
    assert (marks["survey"].count(), marks["card"].count()) == (SURVEYED * 5, SHIPPED * 2)
    shapes = {source: marks[source].first.locator(".mark").get_attribute("d") for source in marks}
    assert len({re.sub(r"[\d.\s-]", "", shape or "") for shape in shapes.values()}) == 2
    page.locator(".m-legend [data-source=survey]").first.click()
    assert marks["survey"].count() == 0
    assert marks["card"].count() == SHIPPED * 2
    page.locator(".m-legend [data-source=live]").first.press("Enter")
    assert page.locator(".m-drawing .curve").count() == 0
    assert page.locator(".m-line").count() == SHIPPED, "the cards are joined where nothing else is drawn"
    for source in ("survey", "live"):
        page.locator(f".m-legend button[data-source={source}]").click()


def test_keys_and_the_pointer_read_it(visitor: MethodsPage) -> None:
    visitor.at("digits", "crop")
    page = visitor.page
    hit = page.locator("#methods .hit")
    hit.focus()
    page.keyboard.press("Home")
    assert (hit.get_attribute("aria-valuetext") or "").startswith("clean: Standard ")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    said = hit.get_attribute("aria-valuetext") or ""
    assert re.match(r"o = [\d.]+ px: Standard \d+\.\d % \(\d", said), said
    readout = page.locator(".m-readout")
    assert readout.is_visible()
    page.locator(".m-box h2").first.click()
    hit.blur()
    box = hit.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    assert "n = 100" in readout.inner_text()
    page.mouse.move(5, 5)
    assert readout.is_hidden()


def test_it_can_be_stopped_and_goes_on(visitor: MethodsPage) -> None:
    visitor.at("digits", "crop")
    page = visitor.page
    visitor.choose("Test images", "360")
    page.get_by_role("button", name="Cancel").click()
    visitor.until_status("Stopped after")
    assert page.locator(".m-drawing .curve").count() in (0, SHIPPED)
    page.get_by_role("button", name="Go on").click()
    visitor.until_status("Measured here on the first 360 test images")
    assert visitor.search()["images"] == "360"
    wanted = next(row for card in list_models() if card.name == "digits/lenet/bang" for row in card.results
                  if row["recipe"] == "crop=4")  # fmt: skip
    measured = next(row for row in visitor.rows() if row[:3] == ["Measured here", "BANG", "o = 4 px"])
    assert measured[3].startswith(f"{100 * wanted['accuracy']:.1f} %"), "of all images it is what the card says"
    visitor.choose("Test images", "100")


def test_what_is_not_here_is_said_and_can_be_had(visitor: MethodsPage) -> None:
    visitor.at("cifar10", "snow")
    page = visitor.page
    assert (
        "nothing can be measured here. No card and no shipped survey knows Snow."
        in page.locator(".m-status").inner_text()
    )
    assert page.get_by_role("button", name="Download 170 MB from www.cs.toronto.edu").is_visible()
    assert "EXPLORER_DATA" in page.locator(".m-notes").inner_text()
    visitor.at("cifar10", "gaussian_noise")
    assert "What is shown comes from the cards and the shipped survey." in page.locator(".m-status").inner_text()
    assert page.locator(".m-line").count() == SHIPPED


def test_values_beyond_the_axis_are_counted(visitor: MethodsPage) -> None:
    visitor.at("mnist", "fgsm_float32")
    notes, status = visitor.page.locator(".m-notes"), visitor.page.locator(".m-status")
    wanted = len(published_values("mnist", distortion="fgsm_float32", clean=False))
    assert re.search(rf"{wanted} values lie beyond \S+.*; they are in the table below\.", notes.inner_text())
    visitor.at("mnist", "gaussian_noise")
    assert "choose more under Amounts" in notes.inner_text()
    assert "What is shown comes from the cards." in status.inner_text()


def test_a_late_answer_is_drawn_under_its_own_name(visitor: MethodsPage) -> None:
    """While it is awaited there is nothing to stop or to go on with, and somebody may be elsewhere when it comes."""
    visitor.at("digits", "crop")
    page = visitor.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/component_server/**", hold)
    visitor.choose("Accuracy under", "jpeg")
    while not held:
        page.wait_for_timeout(20)
    assert page.locator(".m-status button:visible").count() == 0
    page.get_by_role("button", name="Explore", exact=True).click()
    page.wait_for_function("document.body.dataset.page === 'explore'")
    page.get_by_role("button", name="Methods", exact=True).click()
    page.wait_for_function("document.body.dataset.page === 'methods'")
    for route in held:
        route.continue_()
    page.unroute("**/component_server/**")
    page.wait_for_function(
        "document.querySelector('.m-box h2').textContent === 'Accuracy under JPEG' && "
        "document.querySelector('.m-box').dataset.state === 'done' && !document.querySelector('#methods[aria-busy]')"
    )
    assert {row[2] for row in visitor.rows() if row[0] == "Measured here"} >= {"clean"}
    assert not any("px" in row[2] for row in visitor.rows())


def test_published_values_are_marks_that_say_net_setting_and_source(visitor: MethodsPage) -> None:
    visitor.at("cifar10", "gaussian_noise")
    page = visitor.page
    marks = page.locator(".m-theirs")
    shipped = {card.method for card in list_models() if card.data == "cifar10"}
    assert marks.count() == len(
        [
            one
            for one in published_values("cifar10", distortion="gaussian_noise")
            if (one.amount is None or one.amount <= 0.2) and one.method in shipped
        ]
    )
    assert page.locator(".m-theirs[tabindex='0']").count() == 1, "one stop of the Tab key"
    marks.first.focus()
    told = set()
    for _ in range(marks.count()):
        told.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        page.keyboard.press("ArrowRight")
    assert len(told) == marks.count()
    (best,) = [text for text in told if text.startswith("72.4 %: Lipschitz loss, ResNet-20")]
    assert "on about σ = 0.072" in best
    assert "inferred" in best
    assert "The same architecture as ours" in best
    assert best.endswith("Usama & Chang 2018, arXiv 1811.09008; n not stated.")
    quick = [text for text in told if "CIFAR-10 quick" in text]
    assert quick
    assert all("Another architecture than ours" in text and "Measured by us" in text for text in quick)
    assert page.locator(".m-readout").is_visible()
    assert set(page.locator(".m-line").evaluate_all("all => all.map(one => one.dataset.method)")) == shipped
    assert [row for row in visitor.rows() if row[2] == "about σ = 0.123"]


def test_gains_and_losses_come_from_the_cards_and_are_as_loud(visitor: MethodsPage) -> None:
    visitor.at("cifar10", "gaussian_noise")
    page = visitor.page
    box = page.locator(".m-method[data-method=stability]")
    cards = {card.method: {row["recipe"]: row["accuracy"] for row in card.results}
             for card in list_models() if card.name.startswith("cifar10/resnet20/")}  # fmt: skip
    gap = {recipe: cards["stability"][recipe] - cards["standard"][recipe] for recipe in cards["standard"]}
    facts = box.locator("dl > div").all_inner_texts()
    gains, loses = (next(text for text in facts if text.startswith(word)) for word in ("Gains", "Loses"))
    assert f"+{100 * max(gap.values()):.1f} points" in gains
    assert f"−{-100 * min(gap.values()):.1f} points" in loses
    assert "n = 10,000" in gains
    assert "n = 10,000" in loses
    fonts = box.locator("dd b").evaluate_all("all => all.map(one => getComputedStyle(one).font)")
    assert len(fonts) == 2
    assert len(set(fonts)) == 1
    assert page.locator("#methods math").count() >= 10
    assert page.locator("#methods math:not([aria-label])").count() == 0
    assert "rounding error" in page.locator(".m-method[data-method=bang]").inner_text()
    for method in {one.get_attribute("data-method") for one in page.locator(".m-method").all()} - set(cards):
        text = page.locator(f".m-method[data-method={method}]").inner_text()
        assert "No shipped model of this method on CIFAR-10 yet." in text
    page.get_by_role("button", name="Show FGSM", exact=True).click()
    page.wait_for_function("document.querySelector('.m-box h2').textContent === 'Accuracy under FGSM'")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Accuracy under"


def test_back_and_forward_go_between_the_places(visitor: MethodsPage) -> None:
    visitor.at("digits", "crop")
    page = visitor.page
    page.get_by_role("button", name="Explore", exact=True).click()
    page.wait_for_function("document.body.dataset.page === 'explore'")
    assert page.locator("#stage").is_visible()
    assert page.locator("#methods").is_hidden()
    assert "place" not in visitor.search()
    page.go_back()
    page.wait_for_function("document.body.dataset.page === 'methods'")
    assert page.locator(".m-drawing .curve").count() == SHIPPED
    assert visitor.search()["distortion"] == "crop"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_screens_wide_and_narrow(visitor: MethodsPage, dark: bool) -> None:
    visitor.at("cifar10", "gaussian_noise")
    page = visitor.page
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
    for width in (1440, 1024, 760):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "() => { const place = document.querySelector('.m-drawing');"
            " return Math.abs(place.firstChild.getAttribute('width') - place.clientWidth) < 2; }"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        over = (
            "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.slice(0, 60))"
        )
        assert page.eval_on_selector_all(".m-method, .m-box, .m-head, .m-legend", over) == []
        page.screenshot(path=artifacts() / f"methods-{width}-{'dark' if dark else 'light'}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.evaluate("document.body.classList.remove('dark')")


def test_an_address_that_asks_for_what_is_not_here_says_so(visitor: MethodsPage, url: str) -> None:
    page = visitor.page
    page.goto(f"{url}/?place=methods&data=birds&distortion=nonsense&images=7")
    page.wait_for_selector(".m-drawing svg")
    page.wait_for_function("document.querySelector('.m-notes').textContent.includes('The address asks for')")
    note = page.locator(".m-notes").inner_text()
    assert "The address asks for what is not here: no models of that data set, no distortion of that name." in note
    assert page.get_by_label("Accuracy under", exact=True).input_value() == "gaussian_noise"
