"""The tab "Weak spots" alone, on a plain page with made-up answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tabs import EVIL, MODELS, answer, check_edges, search, texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


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
        "published": "CIFAR-10-C",
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
    assert far.get_attribute("title") == "PSNR 27.0 dB, SSIM 0.900, CIFAR-10-C severity 1.5"


def test_the_table_shows_at_its_edges_that_it_goes_on(spots: Page) -> None:
    spots.set_viewport_size({"width": 400, "height": 900})
    search(spots, among="noise")
    check_edges(spots)


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
