"""The views under the panel alone, on a plain page with made-up answers; and once all of them in the running app."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from explorer.web import stylesheets
from explorer.web.bundle import bundle
from tests.support.app_page import PATIENCE, AppPage, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser
MODELS = ["data/net/standard", "data/net/stability"]
EVIL = "<img src=x onerror='window.broken = 1'>"

STUB = """async ({ sources, models, evil }) => {
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  window.modules = Object.assign({}, ...(await Promise.all(sources.map(load))));
  const range = { low: 0, high: 1, step: 0.01, identity: 0, inverted: false };
  const usual = { symbol: 'σ', unit: 'of full scale', factor: 1, default: 0.5, adversarial: false, searched: true };
  const distortion = (title, more = {}) => ({ title, ...usual, ...more });
  window.distortions = {
    noise: distortion('Noise'), fog: distortion('Fog'), blur: distortion(evil), jpeg: distortion('JPEG'),
    fgsm: distortion('FGSM', { adversarial: true, symbol: '/255', factor: 255, default: 8 / 255 }),
    pgd: distortion('PGD', { adversarial: true }),
  };
  window.recipe = { steps: [['fog', 0.25]], seed: 0, against: null, quantised: true };
  window.question = () => ({ picture: window.picture, models: window.models, recipe: structuredClone(recipe) });
  Object.assign(window, { picture: { sample: 'cat' }, models, put: [], asked: [], cancelled: [], answers: {} });
  window.page_ = {
    question,
    state: () => ({ steps: recipe.steps.map(([name, amount]) => ({ name, amount, on: true })), models: window.models }),
    distortion: (name) => distortions[name],
    range: () => range,
    title: (name) => ({ standard: 'Standard', stability: 'Stability training' })[name.split('/').pop()] ?? name,
    method: (name) => name.split('/').pop(),
    setSteps: (steps, { against }) => put.push([steps, against]),
  };
  const running = (window.running = {});
  window.jobs_ = {
    run: (handler, question, { key = handler, progress } = {}) => {
      asked.push([handler, question]);
      progress?.(1, 2);
      running[key]?.(null);
      return new Promise((resolve) => {
        running[key] = resolve;
        const answer = answers[handler]?.(question);
        if (answer !== undefined) resolve(structuredClone(answer));
      });
    },
    cancel: (key) => (cancelled.push(key), running[key]?.(null)),
  };
  window.open_ = (name) => {
    const element = document.createElement('section');
    element.id = `view-${name}`;
    document.getElementById('here').replaceChildren(element);
    const make = modules[`make${name[0].toUpperCase()}${name.slice(1)}View`];
    window.view = make({ element, page: page_, jobs: jobs_, catalogue: { distortions } });
  };
  window.tell = (answer = null, live = false) => view.update({ answer, question: question(), live });
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with the views' modules and a stub of what surrounds them; ``put`` and ``asked`` hold what they did."""
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    names = ("weakness", "network", "attacks")
    css = stylesheets.css("panel", *(f"tab_{name}" for name in names))
    page.set_content(f"<!doctype html><style>{css}</style><div id=here class=stability-colours></div>")
    sources = [bundle(f"explore/tabs/{name}.js") for name in names]
    page.evaluate(STUB, {"sources": sources, "models": MODELS, "evil": EVIL})
    yield page
    assert page.evaluate("window.broken") is None
    page.close()
    assert complaints == []


def answer(page: Page, handler: str, said: Any) -> None:
    """Jobs of this handler answer so: an object, or the source of a function of the question."""
    source = said if isinstance(said, str) else f"() => ({json.dumps(said)})"
    page.evaluate(f"() => {{ answers.{handler} = {source}; }}")


def texts(found: Locator) -> list[str]:
    return [" ".join(text.split()) for text in found.all_inner_texts()]


# ---- weak spots -----------------------------------------------------------------------------------------------------


def spot(name: str, l2: float | None, share: float = 0.5, *, flips: bool = True) -> dict[str, Any]:
    """What the job finds for one distortion; l2 None: nothing."""
    amount = None if l2 is None else share
    points = {MODELS[0]: amount, MODELS[1]: 0.75 if flips else None}
    return {
        "distortion": name,
        "title": name.title() if name != "blur" else EVIL,
        "family": "noise",
        "amount": amount,
        "shown": None if amount is None else f"σ = {amount}",
        "flip_points": points,
        "flips": {model: None if point is None else f"σ = {point}" for model, point in points.items()},
        "moved": {MODELS[0]: amount is not None, MODELS[1]: False},
        "share": amount,
        "severity": None if amount is None else 6 * share,
        "input": None if l2 is None else {"l2": l2, "psnr": 30 - l2, "ssim": 0.9, "linf": 0.1},
        "predictions": {MODELS[0]: "cat" if amount is None else "frog", MODELS[1]: "cat"},
        "recipe": "unused",
        "steps": [[name, 1.0 if amount is None else amount]],
        "against": MODELS[0] if name in {"fgsm", "pgd"} else None,
    }


FOUND = {
    "noise": spot("noise", 3.0, 0.25),
    "fog": spot("fog", None),
    "blur": spot("blur", 1.5, 0.9, flips=False),
    "jpeg": spot("jpeg", 2.0, 0.75),
    "fgsm": spot("fgsm", 0.5, 0.125),
    "pgd": spot("pgd", 0.25, 0.375),
}


@pytest.fixture
def spots(page: Page) -> Page:
    """The view "Weak spots", told of the question on screen."""
    answer(page, "weakness", f"({{ distortion }}) => ({json.dumps(FOUND)})[distortion]")
    page.evaluate("open_('weakness')")
    page.evaluate("tell()")
    return page


def search(page: Page, goal: str = "What breaks the baseline soonest?", among: str = "all") -> None:
    page.get_by_label("Distortions to search").select_option(among)
    page.get_by_role("button", name=goal).click()
    page.wait_for_function("document.querySelector('#view-weakness .outcome').textContent !== ''")


def order(page: Page) -> list[str]:
    return texts(page.locator("#view-weakness tbody th"))


def test_weak_spots_are_ranked_and_what_was_not_found_stays_last(spots: Page) -> None:
    search(spots)
    assert order(spots) == ["Pgd", "Fgsm", EVIL, "Jpeg", "Noise", "Fog"]
    said = spots.locator(".outcome").inner_text()
    assert said == "5 of 6 distortions break Standard. The smallest change of the picture is by Pgd, σ = 0.375."
    spots.get_by_role("columnheader", name="L2").get_by_role("button").click()
    assert order(spots) == ["Noise", "Jpeg", EVIL, "Fgsm", "Pgd", "Fog"]
    assert spots.get_by_role("columnheader", name="L2").get_attribute("aria-sort") == "descending"
    spots.get_by_role("columnheader", name="Amount").get_by_role("button").click()
    assert order(spots) == ["Fgsm", "Noise", "Pgd", "Jpeg", EVIL, "Fog"]
    assert spots.get_by_role("columnheader", name="L2").get_attribute("aria-sort") is None


def test_a_row_of_weak_spots_says_what_was_found(spots: Page) -> None:
    search(spots, among="noise")
    cells = texts(spots.locator("tbody td"))
    assert cells == [
        "σ = 0.25 25 %",
        "1.5",
        "3.00",
        "27.0 dB",
        "0.900",
        "◆ frog flips at σ = 0.25",
        "○ cat flips at σ = 0.75",
    ]
    assert spots.locator(".outcome").inner_text() == "Noise breaks Standard at σ = 0.25."
    search(spots, among="fog")
    outcome = spots.locator(".outcome").inner_text()
    assert outcome == "Fog never breaks Standard on this picture, up to the slider’s end."
    assert texts(spots.locator("tbody td"))[0] == "not found"


def test_the_page_asks_for_one_distortion_after_the_other_attacks_last(spots: Page) -> None:
    search(spots, "What separates the models soonest?")
    asked = spots.evaluate("asked")
    assert [question["distortion"] for _, question in asked] == ["noise", "fog", "blur", "jpeg", "fgsm", "pgd"]
    assert {question["goal"] for _, question in asked} == {"separate"}
    assert all(question["state"]["recipe"]["steps"] == [] for _, question in asked)  # from the clean picture
    spots.evaluate("asked.length = 0")
    spots.get_by_label("on top of the present chain").check()
    search(spots, among="natural")
    asked = spots.evaluate("asked")
    assert [question["distortion"] for _, question in asked] == ["noise", "fog", "blur", "jpeg"]
    assert all(question["state"]["recipe"]["steps"] == [["fog", 0.25]] for _, question in asked)


def test_a_click_or_enter_puts_a_weak_spot_on(spots: Page) -> None:
    search(spots)
    spots.locator("tbody tr").nth(3).locator("td").nth(2).click()
    spots.locator("tbody th button").first.focus()
    spots.keyboard.press("ArrowDown")
    spots.keyboard.press("Enter")
    put = spots.evaluate("put")
    assert put[0] == [[{"name": "jpeg", "amount": 0.75, "on": True}], None]
    assert put[1:] == [[[{"name": "fgsm", "amount": 0.125, "on": True}], MODELS[0]]]
    spots.evaluate("() => { recipe.steps = [['fgsm', 0.125]]; tell(); }")
    pressed = spots.locator("tbody th button[aria-pressed=true]")
    assert texts(pressed) == ["Fgsm"]


def test_a_search_that_finds_nothing_says_so(spots: Page) -> None:
    nothing = {name: spot(name, None) for name in FOUND}
    answer(spots, "weakness", f"({{ distortion }}) => ({json.dumps(nothing)})[distortion]")
    search(spots)
    assert spots.locator(".outcome").inner_text().startswith("None of these 6 distortions breaks Standard")


def test_a_chain_that_has_broken_it_already_is_told(spots: Page) -> None:
    answer(spots, "weakness", spot("noise", 2.0, 0.0))
    spots.get_by_label("on top of the present chain").check()
    search(spots, among="noise")
    assert "already break Standard by themselves" in spots.locator(".outcome").inner_text()


def test_a_cancelled_search_keeps_what_it_found(spots: Page) -> None:
    answer(
        spots,
        "weakness",
        f"({{ distortion }}) => distortion === 'blur' ? undefined : ({json.dumps(FOUND)})[distortion]",
    )
    spots.get_by_role("button", name="What breaks").click()
    spots.get_by_role("button", name="Cancel").click()
    assert spots.locator(".outcome").inner_text() == "Cancelled after 2 of 6."
    assert order(spots) == ["Noise", "Fog"]
    assert spots.evaluate("cancelled") == ["weakness"]
    assert spots.locator(".work").is_hidden()
    assert spots.evaluate("asked.length") == 3


@pytest.mark.parametrize("told", [True, False])
def test_a_search_ends_when_the_picture_is_left(spots: Page, *, told: bool) -> None:
    answer(
        spots,
        "weakness",
        f"({{ distortion }}) => distortion === 'blur' ? undefined : ({json.dumps(FOUND)})[distortion]",
    )
    spots.get_by_role("button", name="What breaks").click()
    spots.wait_for_function("asked.length === 3")
    spots.evaluate("() => { picture = { sample: 'dog' }; }")
    # told by an update, or, while the tab is closed, with the next result
    spots.evaluate("(found) => tell()" if told else "(found) => running.weakness(found)", FOUND["blur"])
    spots.wait_for_function("document.querySelector('.outcome').textContent.startsWith('Stopped after 2 of 6')")
    assert spots.locator(".work").is_hidden()


def test_an_error_ends_the_search_and_is_said(spots: Page) -> None:
    answer(spots, "weakness", {"error": f"No such picture {EVIL}."})
    search(spots)
    assert spots.get_by_role("alert").inner_text() == f"No such picture {EVIL}."
    assert spots.evaluate("asked.length") == 1


def test_amounts_of_weak_spots_have_three_digits_and_a_true_minus(spots: Page) -> None:
    found = spot("noise", 1.5)
    found |= {"shown": "σ = 0.04813", "steps": [["noise", 0.04813]]}
    found["flips"] = {MODELS[0]: "-29.71°", MODELS[1]: "ε = 8.126/255"}
    answer(spots, "weakness", found)
    search(spots, among="noise")
    assert spots.locator(".outcome").inner_text() == "Noise breaks Standard at σ = 0.0481."
    assert texts(spots.locator("tbody td")) == [
        "σ = 0.0481 50 %",
        "3.0",
        "1.50",
        "28.5 dB",
        "0.900",
        "◆ frog flips at −29.7°",
        "○ cat flips at ε = 8.13/255",
    ]
    spots.locator("tbody th button").click()
    assert spots.evaluate("put[0][0][0].amount") == 0.04813  # what is put on is exact


def columns_seen(page: Page) -> list[str]:
    return [text.rstrip(" ↕↑↓") for text in texts(page.locator("#view-weakness thead th:visible"))]


def test_a_narrow_table_of_weak_spots_leaves_out_what_is_said_elsewhere(spots: Page) -> None:
    search(spots, among="noise")
    many = ["Distortion", "Amount", "Severity", "L2", "PSNR", "SSIM", "Standard", "Stability training"]
    assert columns_seen(spots) == many
    spots.set_viewport_size({"width": 700, "height": 900})
    assert columns_seen(spots) == ["Distortion", "Amount", "L2", "Standard", "Stability training"]
    far = spots.locator("tbody td:visible").nth(1)
    assert far.get_attribute("title") == "PSNR 27.0 dB, SSIM 0.900, severity 1.5"


@pytest.mark.parametrize("view", ["weakness", "attacks"])
def test_a_table_shows_at_its_edges_that_it_goes_on(page: Page, view: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    answer(page, view, FOUND["noise"] if view == "weakness" else MATRIX)
    page.evaluate("name => { open_(name); tell(); }", view)
    if view == "weakness":
        search(page, among="noise")
    page.wait_for_selector(".edges.beyond:not(.before)")
    first = page.locator("tbody tr > :first-child").last
    before = first.bounding_box()
    page.evaluate("() => { document.querySelector('.scroll').scrollLeft = 1e4; }")
    page.wait_for_selector(".edges.before:not(.beyond)")
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["x"] - after["x"]) < 8  # it stays in sight
    page.set_viewport_size({"width": 1100, "height": 900})
    page.wait_for_selector(".edges:not(.before):not(.beyond)")


def test_a_result_that_is_none_ends_the_search(spots: Page) -> None:
    answer(spots, "weakness", {})
    search(spots)
    assert spots.get_by_role("alert").inner_text() == "The search was ended."


def test_weak_spots_of_another_picture_are_greyed_until_it_is_back(spots: Page) -> None:
    search(spots)
    spots.evaluate("() => { picture = { sample: 'dog' }; tell(); }")
    assert "another picture" in spots.locator("caption").inner_text()
    spots.locator("tbody tr").first.click()
    assert spots.evaluate("put") == []
    spots.evaluate("() => { picture = { sample: 'cat' }; tell(); }")
    spots.locator("tbody tr").first.click()
    assert len(spots.evaluate("put")) == 1


def test_one_model_alone_cannot_be_separated(spots: Page) -> None:
    spots.evaluate("() => { models = models.slice(0, 1); tell(); }")
    assert spots.get_by_role("button", name="What separates").is_disabled()


# ---- in the network -------------------------------------------------------------------------------------------------


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


SILENT = "The explorer does not answer. Is it still running?"
FAIL = "error => document.dispatchEvent(new CustomEvent('answer', { detail: { error } }))"


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
    network.evaluate("(said) => { recipe.seed = 4; tell({ ...outcome, pinned: 'jpeg=10;seed=0' }); }", moved(1.0, 4.0))
    network.wait_for_function("document.querySelector('.evidence figcaption').textContent === 'pinned for cat'")
    assert texts(network.locator(".channels .line > .soft"))[0] == "pinned 0 to 10.0"


# ---- attacks --------------------------------------------------------------------------------------------------------


def cell(label: str, confidence: float, *, flipped: bool) -> dict[str, Any]:
    return {"answer": label, "confidence": confidence, "margin": 0.5, "flipped": flipped}


CALM = {"raised": False, "sentence": "All is well."}
MATRIX = {
    "attack": "fgsm",
    "title": "FGSM",
    "amount": 8 / 255,
    "shown": "ε = 8/255",
    "models": MODELS,
    "clean": [cell("cat", 1.0, flipped=False), cell("cat", 0.75, flipped=False)],
    "cells": [
        [cell("frog", 0.001, flipped=True), cell("cat", 0.5, flipped=False)],
        [cell(EVIL, 0.25, flipped=True), cell("cat", 0.4, flipped=False)],
    ],
    "sanity": [
        {
            "zero_share": 0.9,
            "zero_gradient": {"raised": True, "sentence": f"{EVIL} is zero."},
            "falls": CALM,
            "undone": CALM,
        },
        {"zero_share": 0.0, "zero_gradient": CALM, "falls": CALM, "undone": CALM},
    ],
    "steps": [["fgsm", 8 / 255]],
    "followed": ["cat", "cat"],
}


@pytest.fixture
def matrix(page: Page) -> Page:
    """The view "Attacks" with a matrix of two models."""
    answer(page, "attacks", MATRIX)
    page.evaluate("open_('attacks')")
    page.evaluate("tell()")
    page.wait_for_selector("#view-attacks table")
    return page


def test_the_matrix_says_who_is_fooled_by_whose_attack(matrix: Page) -> None:
    assert texts(matrix.locator("tbody tr").nth(0).locator("td")) == ["cat cat: 100 %", "cat cat: 75 %"]
    assert texts(matrix.locator("tbody tr").nth(1).locator("td")) == ["flipped frog cat: < 1 %", "holds cat cat: 50 %"]
    assert texts(matrix.locator("tbody tr").nth(2).locator("td"))[0] == f"flipped {EVIL} cat: 25 %"
    said = matrix.locator(".outcome").inner_text()
    assert said.startswith("FGSM at ε = 8/255 fools 1 of 2 models that it is crafted on, and in 1 of 2 cases")
    assert texts(matrix.locator(".raised")) == [f"! {EVIL} is zero."]
    assert "No sign" in matrix.locator(".flags li").nth(1).inner_text()


def test_a_cell_puts_the_attack_of_its_row_on(matrix: Page) -> None:
    matrix.get_by_role("button", name="crafted on Stability training, shown to Standard").click()
    assert matrix.evaluate("put") == [[[{"name": "fgsm", "amount": 8 / 255, "on": True}], MODELS[1]]]
    count = matrix.evaluate("asked.length")
    matrix.evaluate(f"() => {{ recipe.steps = [['fgsm', 8 / 255]]; recipe.against = '{MODELS[1]}'; tell(); }}")
    assert matrix.evaluate("asked.length") == count  # the attack is the same
    assert matrix.locator("td button[aria-pressed=true]").count() == 2  # the whole row shows these pixels


def test_cells_are_reached_by_the_arrow_keys(matrix: Page) -> None:
    matrix.locator("td button").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowDown"):
        matrix.keyboard.press(key)
    matrix.keyboard.press("Enter")
    assert matrix.evaluate("put")[0][1] == MODELS[1]
    assert matrix.evaluate("[...document.querySelectorAll('td button')].indexOf(document.activeElement)") == 2
    assert matrix.locator("td button[tabindex='0']").count() == 1


def test_the_attack_and_its_size_are_chosen(matrix: Page) -> None:
    first = matrix.evaluate("asked[0][1]")
    assert (first["attack"], first["amount"]) == ("fgsm", pytest.approx(8 / 255))
    assert first["state"]["recipe"]["steps"] == []
    field = matrix.get_by_label("Size of the attack, as a number")
    assert field.input_value() == "8"
    field.fill("5.1")
    assert matrix.evaluate("asked.length") == 1  # not while it is being typed
    field.press("Enter")
    matrix.wait_for_function("asked.length === 2")
    assert matrix.evaluate("asked[1][1].amount") == pytest.approx(0.02)
    assert float(matrix.get_by_label("Size of the attack", exact=True).input_value()) == 5.1
    matrix.get_by_label("Attack", exact=True).select_option("pgd")
    matrix.wait_for_function("asked.length === 3")
    last = matrix.evaluate("asked[2][1]")
    assert (last["attack"], last["amount"]) == ("pgd", 0.5)
    matrix.get_by_label("on top of the present chain").check()
    matrix.wait_for_function("asked.length === 4")
    assert matrix.evaluate("asked[3][1].state.recipe.steps") == [["fog", 0.25]]


def test_the_view_begins_with_the_attack_that_is_on(page: Page) -> None:
    answer(page, "attacks", MATRIX)
    page.evaluate("() => { recipe.steps = [['fog', 0.1], ['pgd', 0.125]]; open_('attacks'); tell(); }")
    asked = page.evaluate("asked[0][1]")
    assert (asked["attack"], asked["amount"]) == ("pgd", 0.125)


def test_a_drag_greys_the_matrix_and_asks_nothing(matrix: Page) -> None:
    matrix.evaluate("() => { recipe.seed = 5; tell(null, true); }")
    assert matrix.locator(".found.stale").count() == 1
    matrix.locator("td button").first.click()
    assert matrix.evaluate("[put.length, asked.length]") == [0, 1]
    matrix.evaluate("tell()")
    matrix.wait_for_function("!document.querySelector('.found.stale')")
    assert matrix.evaluate("asked.length") == 2


def test_a_cancelled_attack_waits_until_it_is_asked_for_again(page: Page) -> None:
    page.evaluate("() => { open_('attacks'); tell(); }")
    page.get_by_role("button", name="Cancel").click()
    page.evaluate("tell()")
    assert page.evaluate("asked.length") == 1
    answer(page, "attacks", MATRIX)
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector("#view-attacks table")
    assert page.get_by_role("button", name="Ask again").is_hidden()
    answer(page, "attacks", {"error": EVIL})
    page.evaluate("() => { recipe.seed = 9; tell(); }")
    assert page.get_by_role("alert").inner_text() == EVIL


def test_attacks_without_an_answer_say_why(page: Page) -> None:
    page.evaluate("open_('attacks')")
    said = page.locator("#view-attacks .outcome")
    assert said.inner_text() == "This follows as soon as the panel above has its answer."
    page.evaluate("tell(null, true)")
    assert said.inner_text() == "This follows as soon as the panel above has its answer."
    page.evaluate(FAIL, SILENT)
    page.evaluate("tell(null, true)")
    assert page.get_by_role("alert").inner_text() == SILENT
    answer(page, "attacks", {})
    page.evaluate("tell()")
    page.wait_for_function("document.querySelector('.outcome').textContent === 'The attack was ended.'")
    answer(page, "attacks", {"error": SILENT})
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_function("said => document.querySelector('.outcome').textContent === said", arg=SILENT)


# ---- all of it ------------------------------------------------------------------------------------------------------


def test_the_views_in_the_running_app(browser: Browser) -> None:
    models = ["digits/lenet/standard", "digits/lenet/stability"]
    with serving("--port", "7911", "--models", ",".join(models)) as url:
        app = AppPage(browser.new_context(viewport={"width": 1440, "height": 1000}), url)
        page = app.page
        if page.locator("dialog[open]").count():
            page.keyboard.press("Escape")
        before = app.recipe
        page.locator("#tab-weakness").click()
        search(page, among="jpeg")
        page.locator("#view-weakness tbody th button").click()
        page.wait_for_function("document.querySelector('#recipe textarea').value.startsWith('jpeg=')")
        if "breaks" in page.locator("#view-weakness .outcome").inner_text():
            assert app.badges[0] == "flipped"
        page.keyboard.press("Control+z")
        app.until_recipe(before)

        page.locator("#tab-attacks").click()
        page.locator("#view-attacks td button").nth(2).click()
        page.wait_for_function("document.querySelector('#recipe textarea').value.includes('against=')")
        assert app.recipe.endswith(f"against={models[1]}")
        page.wait_for_function("document.querySelectorAll('#view-attacks td button[aria-pressed=true]').length === 2")
        shown = texts(page.locator("#view-attacks tbody tr").nth(2).locator(".badge"))
        page.wait_for_function("document.querySelectorAll('.card .badge').length === 2")
        assert app.badges == shown

        page.locator("#tab-network").click()
        page.wait_for_selector("#view-network .evidence .model")
        page.wait_for_selector("#view-network .channels .model")
        assert page.locator("#view-network .evidence .model").count() == 2

        # other models while a search and an attack are under way
        page.locator("#tab-weakness").click()
        page.get_by_label("Distortions to search").select_option("all")
        page.get_by_role("button", name="What separates").click()
        page.locator("#tab-attacks").click()
        page.locator("#view-attacks select").select_option("pgd_l2")
        page.evaluate("window.stabilityExplorer.chooseFamily('cifar10-32-3-10')")
        page.wait_for_function("document.querySelector('#view-attacks .own strong')?.textContent.match(/^[a-z]+$/)")
        page.locator("#tab-weakness").click()
        page.wait_for_function("/Stopped|separate/.test(document.querySelector('#view-weakness .outcome').textContent)")
        assert app.complaints == []
        assert app.foreign == set()
