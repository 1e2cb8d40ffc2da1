"""The tab "Attacks" alone, on a plain page with made-up answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tabs import EVIL, FAIL, MODELS, SILENT, answer, check_edges, texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


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
            "saturated": CALM,
            "falls": CALM,
            "undone": CALM,
        },
        {"zero_share": 0.0, "zero_gradient": CALM, "saturated": CALM, "falls": CALM, "undone": CALM},
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


def test_the_table_shows_at_its_edges_that_it_goes_on(matrix: Page) -> None:
    matrix.set_viewport_size({"width": 400, "height": 900})
    check_edges(matrix)
