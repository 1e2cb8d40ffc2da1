"""The page "Explore" in a real browser: what a visitor sees and does, and that others see nothing of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.support.app_page import START, AppPage, artifacts
from tests.support.pictures import png
from tests.support.questions import CAT, MODELS, state

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route


pytestmark = pytest.mark.browser


# ---- the first screen ------------------------------------------------------------------------------------------------


def test_the_first_screen_shows_the_cat_and_two_answers_to_the_same_pixels(visitor: AppPage, workspace: Any) -> None:
    import torch

    from explorer import Recipe
    from explorer.data import images
    from explorer.data.fitting import Takes
    from explorer.distortions import apply

    assert visitor.page.title() == "Stability Explorer"
    assert [text.split("\n")[0] for text in visitor.page.locator(".card h3").all_inner_texts()] == [
        "Standard",
        "Stability training",
    ]
    _, cat = workspace.pictures.find(CAT, Takes(32, 3))
    distorted = apply(Recipe.parse(visitor.recipe), cat.pixels)
    assert visitor.hash == images.image_hash(distorted)[:8]
    width, height, shown = visitor.pixels("distorted")
    assert (width, height) == (32, 32)
    rgb = np.asarray(shown, np.uint8).reshape(32, 32, 4)[..., :3]
    assert torch.equal(torch.from_numpy(rgb.copy()), torch.from_numpy(images.to_uint8(distorted)[0]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_and_answers_are_together_on_screen(browser: Browser, url: str, theme: Any) -> None:
    with AppPage.visiting(browser, url + START, color_scheme=theme) as visitor:
        for width, height in ((1440, 900), (1024, 768)):
            visitor.page.set_viewport_size({"width": width, "height": height})
            visitor.page.screenshot(path=artifacts() / f"app-{theme}-{width}.png")
            box = visitor.page.locator(".card").first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
            assert visitor.page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")


def test_the_theme_button_turns_the_page_dark_and_it_stays(visitor: AppPage) -> None:
    visitor.page.locator("#theme").click()
    assert visitor.page.evaluate("document.body.classList.contains('dark')")
    visitor.page.reload()
    visitor.page.wait_for_selector(".step[data-used]")
    visitor.page.wait_for_function("document.body.classList.contains('dark')")


# ---- the slider ------------------------------------------------------------------------------------------------------


def test_the_answer_follows_the_mouse_before_it_lets_go(visitor: AppPage) -> None:
    box = visitor.slider().bounding_box()
    assert box is not None
    mouse, middle = visitor.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 0.15 * box["width"], middle)
    mouse.down()
    seen = [visitor.hash]
    for part in (0.4, 0.6, 0.8):
        mouse.move(box["x"] + part * box["width"], middle)
        seen.append(visitor.until_other_hash(seen[-1]))
    mouse.up()
    assert len(set(seen)) == 4
    amount = float(visitor.number().input_value())
    assert amount > 0.35
    visitor.until_recipe(f"gaussian_noise={amount:g};seed=0")


def test_keyboard_and_typed_numbers_drive_it_too(visitor: AppPage) -> None:
    visitor.slider().focus()
    visitor.page.keyboard.press("ArrowRight")
    visitor.until_recipe("gaussian_noise=0.065;seed=0")
    visitor.number().fill("0.2")
    visitor.until_recipe("gaussian_noise=0.2;seed=0")
    visitor.number().fill("7")  # beyond the end
    visitor.until_recipe("gaussian_noise=0.5;seed=0")


def test_sliders_run_from_mild_on_the_left_to_strong_on_the_right(visitor: AppPage) -> None:
    visitor.write_recipe("jpeg=50")
    visitor.page.wait_for_function("document.querySelector('#step-0 input[type=range]').value === '50'")
    visitor.slider().focus()
    visitor.page.keyboard.press("ArrowRight")  # stronger, so a lower quality
    visitor.until_recipe("jpeg=49;seed=0")
    visitor.page.locator("#step-0 .severities button").nth(4).click()
    visitor.until_recipe("jpeg=40;seed=0")  # ImageNet-C severity 5


def test_classes_keep_their_order_while_it_moves_and_are_sorted_when_it_rests(visitor: AppPage) -> None:
    # All but the last row, which may be there because the clean picture was called so.
    sorted_rows = """() => [...document.querySelectorAll('.card')].every((card) => {
      const numbers = [...card.querySelectorAll('.row:not(.blank) .number')].map((one) => parseInt(one.textContent));
      return numbers.slice(0, -1).every((number, i) => i === 0 || numbers[i - 1] >= number);
    })"""
    visitor.number().fill("0.3")
    visitor.until_recipe("gaussian_noise=0.3;seed=0")
    visitor.page.wait_for_function(sorted_rows)


# ---- the answer ------------------------------------------------------------------------------------------------------


def test_the_badge_says_when_the_baseline_changes_its_mind(visitor: AppPage, workspace: Any) -> None:
    for amount in np.arange(0.02, 0.5, 0.02).round(2).tolist():
        steps = {"steps": [["gaussian_noise", amount]], "seed": 0}
        answer = workspace.answer(state(recipe=steps))
        flips = [model["flipped"] for model in answer["models"]]
        if flips[0]:
            break
    assert flips[0], "no noise makes the baseline change its mind about the cat"
    visitor.number().fill(str(amount))
    visitor.until_recipe(answer["recipe"])
    assert visitor.badges == ["flipped" if flip else "holds" for flip in flips]
    before, after = (answer["models"][0][which][0]["label"] for which in ("clean", "distorted"))
    assert visitor.answers[0] == f"{before}→{after}"
    visitor.page.screenshot(path=artifacts() / "app-flipped.png")
    visitor.number().fill("0")
    visitor.until_recipe("gaussian_noise=0;seed=0")
    assert visitor.badges == ["holds", "holds"]
    visitor.page.wait_for_function("document.querySelector('.spoken').textContent.includes('Standard: holds')")


def test_models_come_and_go_and_the_baseline_stays_left(visitor: AppPage) -> None:
    visitor.choose("add-model", "BANG")
    visitor.until_cards(3)
    visitor.page.get_by_role("button", name="Make BANG the baseline").click()
    visitor.page.wait_for_function("document.querySelector('.card h3').textContent === 'BANG'")
    visitor.page.get_by_role("button", name="Remove Standard").click()
    visitor.until_cards(2)
    visitor.page.locator(".notice").get_by_role("button", name="Undo").click()
    visitor.until_cards(3)


# ---- the chain -------------------------------------------------------------------------------------------------------


def test_a_chain_is_built_reordered_switched_off_and_undone_by_keyboard(visitor: AppPage) -> None:
    visitor.choose("add-step", "jpeg")
    visitor.until_recipe("gaussian_noise=0.06,jpeg=30;seed=0")
    visitor.page.get_by_role("button", name="Move JPEG up").press("Enter")
    visitor.until_recipe("jpeg=30,gaussian_noise=0.06;seed=0")
    assert visitor.steps == ["JPEG", "Gaussian noise"]
    focused = visitor.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Move JPEG down"  # it is at the top; the focus stays with it
    visitor.page.get_by_role("switch", name="Gaussian noise on").press("Space")
    visitor.until_recipe("jpeg=30;seed=0")
    visitor.page.get_by_role("switch", name="Gaussian noise on").press("Space")
    visitor.page.get_by_role("button", name="Remove JPEG").press("Enter")
    visitor.until_recipe("gaussian_noise=0.06;seed=0")
    visitor.page.locator(".notice").get_by_role("button", name="Undo").press("Enter")
    visitor.until_recipe("jpeg=30,gaussian_noise=0.06;seed=0")
    before = visitor.hash
    visitor.page.locator("#reroll").click()
    visitor.until_other_hash(before)
    visitor.page.wait_for_function("!document.querySelector('#recipe textarea').value.endsWith('seed=0')")


def test_a_recipe_is_pasted_and_a_wrong_one_is_explained(visitor: AppPage) -> None:
    visitor.write_recipe("jpeg=20, jpeg=90, gaussian_blur=1.5; seed=9; pixels=float")
    visitor.until_recipe("jpeg=20,jpeg=90,gaussian_blur=1.5;seed=9;pixels=float")
    assert visitor.steps == ["JPEG", "JPEG", "Gaussian blur"]
    visitor.write_recipe("gausian_noise=0.1")
    visitor.until_notice("gaussian_noise")
    assert "Traceback" not in visitor.page.content()


def test_an_attack_asks_whom_to_attack(visitor: AppPage) -> None:
    visitor.choose("add-step", "FGSM")
    attack = f"fgsm={2 / 255!r};seed=0;against={MODELS[0]}"
    visitor.until_recipe(f"gaussian_noise=0.06,{attack}")
    assert visitor.number(1).input_value() == "2"
    visitor.page.locator("#against input").click()
    visitor.page.locator("#against [role=option]").nth(1).click()
    visitor.until_recipe(f"gaussian_noise=0.06,{attack.replace('standard', 'stability')}")


def test_another_class_is_shown_on_every_card_and_kept_in_the_address(visitor: AppPage) -> None:
    page, asked = visitor.page, visitor.page.locator(".card .asked .label")
    field = page.get_by_label("Show another class on every card")
    field.fill("o")
    field.press("Enter")
    page.get_by_text("4 classes contain “o”").wait_for()
    field.fill("airp")
    field.press("Enter")
    asked.nth(1).wait_for()
    assert asked.all_inner_texts() == ["airplane", "airplane"]
    page.wait_for_function("location.search.includes('watch=0')")
    page.get_by_label("Do not show airplane any more").press("Enter")
    asked.first.wait_for(state="detached")
    page.get_by_label("Undo").first.click()
    asked.nth(1).wait_for()


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_an_uploaded_picture_is_shown_as_it_is_and_others_never_see_it(
    visitor: AppPage, browser: Browser, url: str
) -> None:
    with AppPage.visiting(browser, url + START) as stranger:
        for page, colour in ((visitor, (200, 10, 20)), (stranger, (10, 20, 200))):
            before = page.hash
            page.upload("mine.png", png(colour))
            page.until_other_hash(before)
        for page, colour in ((visitor, (200, 10, 20)), (stranger, (10, 20, 200))):
            assert page.pixels("clean")[2][:3] == list(colour)
            page.number().fill("0")
            page.until_recipe("gaussian_noise=0;seed=0")
            assert page.pixels("distorted")[2][:3] == list(colour)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("notes.png", b"these are no pixels", "not a readable image"),
        ("page.jpg", b"<!doctype html><html></html>", "web page"),
        ("cut.png", png((1, 2, 3))[:60], "damaged"),
        ("empty.png", b"", "empty"),
    ],
)
def test_a_bad_file_gets_a_plain_sentence(visitor: AppPage, name: str, data: bytes, sentence: str) -> None:
    before = visitor.hash
    visitor.upload(name, data)
    visitor.until_notice(sentence)
    assert "Traceback" not in visitor.page.content()
    assert visitor.hash == before  # the cat is still there


def test_a_picture_the_server_forgot_is_handed_over_again(visitor: AppPage) -> None:
    before = visitor.hash
    visitor.upload("mine.png", png((90, 160, 30)))
    visitor.until_other_hash(before)
    lost: list[str] = []

    def lose(route: Route) -> None:
        """The server's answer when it does not know the token, given for the first token asked for."""
        asks = '"fn_name":"ask"' in (route.request.post_data or "").replace(" ", "")
        token = json.loads(route.request.post_data or "")["data"]["picture"].get("token") if asks else None
        if token and token in (lost or [token]):
            lost.append(token)
            route.fulfill(json={"error": "This picture is no longer held here; choose it again.", "gone": True})
        else:
            route.continue_()

    visitor.page.route("**/component_server/**", lose)
    visitor.number().fill("0")
    visitor.until_recipe("gaussian_noise=0;seed=0")
    assert lost
    assert visitor.pixels("distorted")[2][:4] == [90, 160, 30, 255]
    visitor.page.unroute_all()


def test_a_digit_brings_the_digit_models_and_a_photograph_the_others(visitor: AppPage) -> None:
    visitor.page.get_by_role("button", name="Data set").click()
    visitor.page.locator(".row-of-data").nth(2).click()
    visitor.page.wait_for_function("document.querySelector('figcaption span:last-child').textContent === '28 × 28'")
    assert "true class" in visitor.page.locator(".facts").inner_text()
    assert visitor.page.locator("#family label.selected").inner_text().startswith("Digits")
    visitor.page.get_by_role("button", name="cat", exact=True).click()
    visitor.page.wait_for_function("document.querySelector('figcaption span:last-child').textContent === '224 × 224'")


def test_the_difference_can_be_amplified(visitor: AppPage) -> None:
    read = """() => {
      const pen = document.createElement('canvas').getContext('2d');  // the page's own is not made to be read
      pen.drawImage(document.querySelector('.frame canvas'), 0, 0);
      return [...pen.getImageData(0, 0, 32, 32).data];
    }"""
    visitor.page.locator(".amplify").select_option("1")
    once = np.asarray(visitor.page.evaluate(read)).reshape(-1, 4)[:, :3]
    clean, distorted = (np.asarray(visitor.pixels(which)[2]).reshape(-1, 4)[:, :3] for which in ("clean", "distorted"))
    assert np.abs(once - (127.5 + (distorted - clean) / 2)).max() <= 0.5
    visitor.page.locator(".amplify").select_option("8")
    eight = np.asarray(visitor.page.evaluate(read)).reshape(-1, 4)[:, :3]
    assert np.abs(eight - np.clip(127.5 + 4 * (distorted - clean), 0, 255)).max() <= 0.5
