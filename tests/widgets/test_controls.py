"""The widget's controls without a page: each moves the traits, and the traits move it."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from PIL import Image

import explorer
from explorer.widgets import Explorer
from tests.support.questions import DIGITS, SEVEN
from tests.support.questions import MODELS as CIFAR


def test_a_slider_moves_the_traits(w):
    slider = w._controls._sliders[0].slider
    slider.value = 0.31000000000000005
    assert w.recipe == "gaussian_noise=0.31;seed=7"
    assert w._panel.answer["recipe"] == w.recipe
    assert w._panel.answer["live"] is True
    assert w._controls.recipe.value == w.recipe


def test_the_traits_move_the_slider_and_keep_it(w):
    (step,) = w._controls._sliders
    w.recipe = "gaussian_noise=0.4;seed=9"
    assert w._controls._sliders == [step]
    assert step.slider.value == 0.4
    assert w._controls.seed.value == 9
    assert w._panel.answer["live"] is False


def test_distortions_are_added_and_taken_out(w):
    controls = w._controls
    controls.add.value = "jpeg"
    assert w.recipe == "gaussian_noise=0.2,jpeg=30;seed=7"
    assert controls.add.value == ""
    controls._sliders[0].remove.click()
    assert w.recipe == "jpeg=30;seed=7"
    controls._sliders[0].remove.click()
    assert w.recipe == "clean;seed=7"


def test_an_attack_is_crafted_on_a_model_that_is_shown(w):
    controls = w._controls
    controls.add.value = "fgsm"
    assert explorer.Recipe.parse(w.recipe).against == DIGITS[0]
    controls.against.value = DIGITS[1]
    assert explorer.Recipe.parse(w.recipe).against == DIGITS[1]
    box = {box.tooltip: box for box in controls._boxes}[DIGITS[1]]
    box.value = False
    assert w.models == [DIGITS[0]]
    assert explorer.Recipe.parse(w.recipe).against == DIGITS[0]


def test_amounts_of_attacks_are_counted_in_255ths(w):
    w.recipe = f"fgsm=8/255;seed=0;against={DIGITS[0]}"
    slider = w._controls._sliders[0].slider
    assert slider.value == pytest.approx(8)
    slider.value = 2
    ((name, amount),) = explorer.Recipe.parse(w.recipe).steps
    assert name == "fgsm"
    assert amount == pytest.approx(2 / 255)


def test_models_are_switched_on_and_off(w):
    boxes = {box.tooltip: box for box in w._controls._boxes}
    assert [name for name, box in boxes.items() if box.value] == DIGITS
    boxes["digits/lenet/bang"].value = True
    assert w.models == [*DIGITS, "digits/lenet/bang"]
    for box in w._controls._boxes:
        box.value = False
    assert len(w.models) == 1, "the last one stays"
    assert w._panel.answer["error"].startswith("Name at least one model")
    assert sum(box.value for box in w._controls._boxes) == 1


def test_another_family_brings_pictures_of_its_own(w):
    menu = w._controls.family
    menu.value = next(key for title, key in menu.options if "CIFAR" in title)
    assert (w.image, w.models) == ("cat", CIFAR)
    w._controls.picture.value = "astronaut"
    assert w.image == "astronaut"


def test_rows_of_a_data_set(w):
    w._controls.row.value = 11
    assert w.image == "digits:11"
    w._controls.picture.value = "cat"
    assert w.image == "cat"
    assert w._controls.row.layout.display == "none"


def test_an_uploaded_picture(w):
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "blue").save(out, "PNG")
    w._controls.upload.value = ({"name": "a.png", "type": "image/png", "size": 1, "content": memoryview(out.getvalue()),
                                 "last_modified": datetime.now(UTC)},)  # fmt: skip
    assert w._controls.picture.value == "own picture"
    assert w.comparison.clean.amin() == w.comparison.clean.amax()


def test_a_wrong_recipe_in_the_field_is_said_in_the_panel(w):
    before = w.recipe
    w._controls.recipe.value = "jpg=3"
    assert "did you mean jpeg" in w._panel.answer["error"]
    assert w.recipe == before == w._controls.recipe.value


def test_reroll_draws_another_noise(w):
    before = w.comparison.image_hash
    w._controls.reroll.click()
    assert w.comparison.image_hash != before
    assert explorer.Recipe.parse(w.recipe).steps == (("gaussian_noise", 0.2),)


def test_two_widgets_share_nothing():
    one, other = (Explorer(SEVEN, DIGITS) for _ in range(2))
    before = (other.recipe, other._panel.answer, other._controls._sliders[0].slider.value)
    one._controls._sliders[0].slider.value = 0.4
    one.image = "digits:9"
    assert (other.recipe, other._panel.answer, other._controls._sliders[0].slider.value) == before
    assert one._panel.snapshot_class != other._panel.snapshot_class
