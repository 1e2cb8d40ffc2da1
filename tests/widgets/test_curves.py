"""The widget's curves without a page, and what is done later."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import explorer
from explorer.widgets.curves import curves_of
from explorer.widgets.debouncer import Debouncer, SupersededError
from tests.support.questions import DIGITS


def test_curves_come_once_a_page_is_there_and_follow_the_question(w):
    assert w._panel.curves == {}
    w._seen()
    assert w._later.wait()
    curves = w._panel.curves
    expected = explorer.sweep(
        [explorer.load_model(name) for name in DIGITS],
        w.comparison.clean,
        "gaussian_noise",
        amounts=curves["amounts"],
        recipe=w.comparison.recipe,
    )
    for drawn, model in zip(curves["models"], expected.models, strict=True):
        assert np.allclose(drawn["confidence"], model.confidence.tolist())
    assert (w._panel.answer["curve"], w._panel.answer["at"]) == (curves["key"], 0.2)
    w._controls._sliders[0].slider.value = 0.3
    assert w._later.wait()
    assert w._panel.curves is curves, "another amount is another place on the same curves"
    assert (w._panel.answer["curve"], w._panel.answer["at"]) == (curves["key"], 0.3)
    w.recipe = "jpeg=50;seed=0"
    assert w._panel.answer["curve"] != w._panel.curves["key"], "the page greys them until the new ones are there"
    assert w._later.wait()
    assert w._panel.answer["curve"] == w._panel.curves["key"]
    assert w._panel.curves["distortion"] == "jpeg"
    w.models = [*DIGITS, "digits/lenet/bang"]
    assert w._later.wait()
    assert len(w._panel.curves["models"]) == 3
    w.recipe = "clean;seed=0"
    assert w._later.wait()
    assert w._panel.answer["curve"] is None


def test_the_curves_are_those_of_the_app(w):
    from explorer.web.answers import curves_to_paint

    w._seen()
    assert w._later.wait()
    request = w._shown.request
    app = curves_to_paint(request.models, request.pixels, request.recipe, 0, label=request.label, exact=None)
    assert {name: value for name, value in w._panel.curves.items() if name != "key"} == app


def test_a_click_into_the_curves_moves_the_slider_touched_last(w):
    w.recipe = "gaussian_noise=0.2,jpeg=30;seed=7"
    w._panel._on_message(None, {"event": "pick", "amount": 0.4}, None)
    assert w.recipe == "gaussian_noise=0.4,jpeg=30;seed=7"
    w._panel._on_message(None, {"event": "pick", "amount": "much"}, None)
    assert w.recipe == "gaussian_noise=0.4,jpeg=30;seed=7", "a page may send anything"


def test_the_part_of_a_photograph_is_moved(w):
    w.recipe = "jpeg=30;seed=7;on=photograph"
    w._panel._on_message(None, {"event": "move", "window": [0, 0.25], "live": True}, None)
    assert w.recipe == "jpeg=30;seed=7;on=photograph;window=0:0.25"
    assert w._panel.answer["window"] == [0, 0.25]
    w._panel._on_message(None, {"event": "move", "window": "left"}, None)
    w.recipe = "jpeg=30;seed=7"
    w._panel._on_message(None, {"event": "move", "window": [0, 0]}, None)
    assert w.recipe == "jpeg=30;seed=7", "a message that comes too late"


def test_dragging_computes_no_curves(w, monkeypatch):
    w._seen()
    assert w._later.wait()
    asked = []
    monkeypatch.setattr("explorer.widgets.explorer.curves_of", lambda *_: asked.append(1))
    for amount in (0.1, 0.15, 0.25):
        w._controls._sliders[0].slider.value = amount
    assert w._later.wait()
    assert asked == []


def test_curves_follow_the_step_that_was_touched_last(w):
    w.recipe = "gaussian_noise=0.2,jpeg=30;seed=7"
    w._seen()
    assert w._later.wait()
    assert w._panel.curves["distortion"] == "gaussian_noise"
    w._controls._sliders[1].slider.value = 40
    assert w._later.wait()
    assert w._panel.curves["distortion"] == "jpeg"


def test_curves_of_a_slider_with_two_sides_lie_on_the_side_where_it_stands(w):
    w.recipe = "rotate=-10;seed=0"
    amounts = curves_of(w._shown.request, 0, lambda: None)["amounts"]
    assert min(amounts) < 0
    assert max(amounts) == 0


def test_what_comes_later_is_done_once_for_the_newest():
    done: list[int] = []
    begun = threading.Event()

    def work(stop: Any) -> None:
        begun.set()
        later.quiet(0.2, stop)
        done.append(1)

    later = Debouncer(work)
    for _ in range(5):
        later.nudge()
        begun.wait(5)
    assert later.wait(10)
    assert done == [1]
    with pytest.raises(SupersededError):
        later.quiet(1, lambda: (_ for _ in ()).throw(SupersededError()))
