"""Photographs in the app: distorted as the network takes them or at their own size, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.data import images
from explorer.errors import ExplorerError, ExplorerWarning
from tests.support.app_page import AppPage
from tests.support.pictures import png_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from explorer.app.workspace import Workspace

pytestmark = pytest.mark.browser

MODEL = "cifar10/resnet20/standard"


def hash_of(picture: str | Image.Image, recipe: str) -> str:
    return explorer.compare([MODEL], picture, recipe).image_hash[:8]


def test_the_switch_distorts_the_photograph_and_is_undone(visitor: AppPage) -> None:
    visitor.write_recipe("jpeg=20;seed=0")
    visitor.until_hash(hash_of("cat", "jpeg=20;seed=0"))
    visitor.page.locator("#on").get_by_text("photograph", exact=True).click()
    visitor.until_hash(hash_of("cat", "jpeg=20;seed=0;on=photograph"))
    assert visitor.recipe == "jpeg=20;seed=0;on=photograph"
    assert visitor.pixels("distorted")[:2] == [451, 300]
    assert visitor.page.locator("figcaption", has_text="451 × 300").count() == 1
    visitor.page.keyboard.press("Control+z")
    visitor.until_hash(hash_of("cat", "jpeg=20;seed=0"))
    assert visitor.page.locator("#on input[value=input]").is_checked()


def test_the_address_opens_the_same_photograph(browser: Browser, url: str) -> None:
    recipe = "jpeg=15;seed=0;on=photograph"
    with AppPage.visiting(browser, f"{url}?picture=coffee&models={MODEL}&recipe={quote(recipe)}") as visitor:
        visitor.until_hash(hash_of("coffee", recipe))
        assert visitor.page.locator("#on input[value=photograph]").is_checked()
        with AppPage.visiting(browser, visitor.page.url) as other:
            other.until_hash(visitor.hash)


def test_an_uploaded_photograph_keeps_its_size(visitor: AppPage) -> None:
    pixels = images.to_uint8(images.sample_images()["coffee"]())[0]
    wide = Image.fromarray(pixels).resize((1500, 900))
    recipe = "jpeg=20;seed=0;on=photograph"
    visitor.write_recipe(recipe)
    visitor.until_hash(hash_of("cat", recipe))
    visitor.upload("wide.png", png_of(np.asarray(wide)))
    with pytest.warns(ExplorerWarning, match="as a copy of 1024 x 614 px"):
        visitor.until_hash(hash_of(wide, recipe))
    assert visitor.page.locator("figcaption", has_text="1024 × 614").count() == 1


def test_a_frame_shows_what_the_network_takes(browser: Browser, url: str) -> None:
    address = f"{url}?picture=coffee&models={{}}&recipe={quote('jpeg=15;seed=0;on=photograph')}"
    with AppPage.visiting(browser, address.format("photos/efficientnet_lite0/standard")) as visitor:
        frames = visitor.page.locator(".windows:visible i")
        frames.first.wait_for()
        assert frames.count() == 2  # on the clean and on the distorted picture
        box, picture = frames.first.bounding_box(), visitor.page.locator(".frame").first.bounding_box()
        assert box is not None
        assert picture is not None
        # 0.875 of 400 px, in a picture of 600 px that fills the frame's width
        assert box["width"] == pytest.approx(picture["width"] * 350 / 600, abs=2.5)
        assert box["height"] == pytest.approx(box["width"], abs=1)
        assert box["x"] + box["width"] / 2 == pytest.approx(picture["x"] + picture["width"] / 2, abs=1.5)
        before, start = visitor.hash, frames.first.evaluate("frame => frame.getBoundingClientRect().x")
        visitor.page.locator(".frame").first.focus()
        visitor.page.keyboard.press("ArrowLeft")
        visitor.until_recipe("jpeg=15;seed=0;on=photograph;window=0.45:0.5")
        where = visitor.page.locator(".frame").first.bounding_box()
        assert where is not None
        x, y = where["x"] + where["width"] / 2, where["y"] + where["height"] / 2
        visitor.page.mouse.move(x, y)
        visitor.page.mouse.down()
        visitor.page.mouse.move(x + 400, y, steps=40)
        visitor.page.mouse.up()
        visitor.until_recipe("jpeg=15;seed=0;on=photograph;window=1:0.5")
        assert visitor.page.locator("dialog[open]").count() == 0
        assert frames.first.evaluate("frame => frame.getBoundingClientRect().x") > start + 20
        assert visitor.hash == before
        address = visitor.page.url
        visitor.page.locator("#on").get_by_text("input", exact=True).click()
        frames.first.wait_for(state="detached")
    with AppPage.visiting(browser, address) as visitor:
        visitor.until_hash(before)
        assert visitor.recipe == "jpeg=15;seed=0;on=photograph;window=1:0.5"


def test_the_picture_that_stays_travels_once(workspace: Workspace) -> None:
    state = {"picture": {"sample": "cat"}, "models": [MODEL], "recipe": {"steps": [["jpeg", 20]], "on": "photograph"}}
    first = workspace.answer(state)["images"]
    assert first["clean"].startswith("data:image/png")
    moved = state | {"recipe": state["recipe"] | {"steps": [["jpeg", 30]]}, "has": first["key"]}  # type: ignore[operator]
    images = workspace.answer(moved)["images"]
    assert (images["clean"], images["key"]) == (None, first["key"])
    assert images["distorted"] != first["distorted"]
    other = workspace.answer(moved | {"picture": {"sample": "coffee"}})["images"]
    assert other["clean"].startswith("data:image/png")


def test_the_same_picture_is_drawn_after_a_move(visitor: AppPage) -> None:
    before, clean = visitor.hash, visitor.pixels("clean")
    visitor.slider().press("ArrowRight")
    visitor.until_other_hash(before)
    assert visitor.pixels("clean") == clean


def test_an_attack_on_the_photograph_is_refused_in_one_sentence(workspace: Workspace) -> None:
    recipe = {"steps": [["fgsm", 0.01]], "seed": 0, "against": MODEL, "on": "photograph"}
    with pytest.raises(ExplorerError, match="acts on a network's input"):
        workspace.answer({"picture": {"sample": "cat"}, "models": [MODEL], "recipe": recipe})


def test_a_pinned_state_of_the_other_size_is_refused(workspace: Workspace) -> None:
    recipe = {"steps": [["jpeg", 20]], "seed": 0}
    state = {"picture": {"sample": "cat"}, "models": [MODEL], "recipe": recipe | {"on": "photograph"}}
    pinned = {"picture": {"sample": "cat"}, "recipe": recipe}
    with pytest.raises(ExplorerError, match="put both on the input or the photograph"):
        workspace.answer(state | {"reference": pinned})
    same = workspace.answer(state | {"reference": pinned | {"recipe": recipe | {"on": "photograph"}}})
    assert same["input"]["l2"] == 0
    elsewhere = state | {"recipe": recipe | {"on": "photograph", "window": [0, 1]}}
    with pytest.raises(ExplorerError, match="give both the same window"):
        workspace.answer(elsewhere | {"reference": pinned | {"recipe": recipe | {"on": "photograph"}}})


def test_the_app_answers_for_the_part_that_was_chosen(workspace: Workspace) -> None:
    recipe = {"steps": [["jpeg", 20]], "seed": 0, "on": "photograph", "window": [1, 0]}
    found = workspace.answer({"picture": {"sample": "cat"}, "models": [MODEL], "recipe": recipe})
    same = explorer.compare([MODEL], "cat", found["recipe"])
    assert (found["window"], found["image_hash"]) == ([1, 0], same.image_hash)
    assert found["models"][0]["kl"] == pytest.approx(same.models[0].kl, abs=1e-5)
    centre = workspace.answer(
        {"picture": {"sample": "cat"}, "models": [MODEL], "recipe": recipe | {"window": [0.5, 0.5]}}
    )
    assert centre["models"][0]["kl"] != found["models"][0]["kl"]
