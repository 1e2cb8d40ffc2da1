"""The job that computes curves, on shipped models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from explorer.analysis import flip_point
from explorer.analysis.slider import curve_amounts
from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError

if TYPE_CHECKING:
    pass


NAMES = ["digits/lenet/standard", "digits/lenet/stability"]


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context(NAMES)


def state(*steps: list[Any], seed: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "picture": {"dataset": "digits", "index": 7},
        "models": NAMES,
        "recipe": {"steps": list(steps), "seed": seed, "against": None, "quantised": True},
    } | changes


def unhurried(done: int, total: int) -> None:
    assert 0 <= done <= total


def ask(context: Context, question: dict[str, Any]) -> dict[str, Any]:
    return HANDLERS["curves"](context, question, unhurried)


def test_every_point_of_a_curve_is_what_the_panel_answers_there(context: Context) -> None:
    chain = [["gaussian_noise", 0.3], ["gaussian_blur", 0.7], ["gaussian_noise", 0.1]]
    found = ask(context, {"state": state(*chain, seed=3), "step_index": 0})
    assert [found[key] for key in ("title", "sign", "symbol", "at", "random")] == [
        "Gaussian noise",
        "σ",
        "σ",
        0.3,
        True,
    ]
    for index in (0, 9, 20, 32):
        amount = found["amounts"][index]
        answer = context.workspace.answer(state(["gaussian_noise", amount], *chain[1:], seed=3))
        for own, shown in zip(found["models"], answer["models"], strict=True):
            probability = {entry["label"]: entry["probability"] for entry in shown["distorted"]}
            assert own["followed"] == answer["label"]
            assert own["predictions"][index] == shown["distorted"][0]["label"]
            assert own["confidence"][index] == pytest.approx(probability[own["followed"]], abs=1e-5)
            assert own["margin"][index] == pytest.approx(shown["margin"], abs=1e-5)
            distance = list(shown["feature_distance"].values())[-1]["l2"]
            assert own["feature_distance"][index] == pytest.approx(distance, rel=1e-3, abs=1e-3)


def test_bands_are_asked_for_and_only_random_chains_have_them(context: Context) -> None:
    noisy = ask(context, {"state": state(["gaussian_noise", 0.3]), "step_index": 0, "seeds": 3})
    assert [one["band"]["n"] for one in noisy["models"]] == [3, 3]
    still = ask(context, {"state": state(["jpeg", 30]), "seeds": 3})
    assert [one["band"] for one in still["models"]] == [None, None]
    assert still["random"] is False


@pytest.mark.parametrize(
    "question",
    [
        {"step_index": 1},
        {"step_index": -1},
        {"step_index": "0"},
        {"step_index": 0.0},
        {"step_index": True},
        {"seeds": 1000},
        {"seeds": "x"},
    ],
)
def test_questions_that_make_no_sense_are_refused_in_a_sentence(context: Context, question: dict[str, Any]) -> None:
    with pytest.raises(ExplorerError, match="reload"):
        ask(context, {"state": state(["jpeg", 30]), **question})


def test_a_chain_without_steps_has_no_curves(context: Context) -> None:
    with pytest.raises(ExplorerError, match="Add a distortion"):
        ask(context, {"state": state()})


def test_it_can_be_cancelled_between_small_pieces(context: Context) -> None:
    calls = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))
        if len(calls) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        HANDLERS["curves"](context, {"state": state(["gaussian_noise", 0.3]), "seeds": 8}, progress)
    assert calls[-1][0] < calls[-1][1] / 2


CATS = ["cifar10/resnet20/standard", "cifar10/resnet20/stability"]


def cat(*steps: list[Any], **changes: Any) -> dict[str, Any]:
    return state(*steps) | {"picture": {"sample": "cat"}, "models": CATS} | changes


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("jpeg", 40.0),
        pytest.param("gaussian_noise", 0.06, marks=pytest.mark.slow),
        pytest.param("rotate", 10.0, marks=pytest.mark.slow),
    ],
)
def test_flip_points_are_those_of_the_search_and_of_the_cards(context: Context, name: str, amount: float) -> None:
    asked = cat([name, amount])
    scene = context.workspace.load(asked)
    found = ask(context, {"state": asked})
    expected = flip_point(scene.models, scene.pixels, name, recipe=scene.recipe, label=scene.label)
    assert found["exact"] is True
    assert {model["name"]: model["flip_point"] for model in found["models"]} == expected
    flip = expected[CATS[0]]
    assert flip is not None
    assert context.workspace.answer(cat([name, flip]))["models"][0]["flipped"]


def test_the_other_side_of_a_slider_is_searched_as_finely(context: Context) -> None:
    found = ask(context, {"state": cat(["rotate", -10.0])})
    flip = found["models"][0]["flip_point"]
    assert -180 <= flip < 0
    assert flip not in found["amounts"]
    flips = [
        context.workspace.answer(cat(["rotate", amount]))["models"][0]["flipped"] for amount in (flip, flip + 0.18)
    ]
    assert flips == [True, False]


def test_a_change_that_the_search_steps_over_is_not_denied(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curves show it, so there is a flip point, between two of their amounts."""
    asked = {"state": cat(["gaussian_noise", 0.06])}
    monkeypatch.setattr("explorer.analysis.slider.stops", lambda line: (line.span[0], 0.01))
    found = ask(context, asked)
    amounts, model = found["amounts"], found["models"][0]
    index = next(i for i, answer in enumerate(model["predictions"]) if answer != model["clean"])
    assert amounts[index - 1] < model["flip_point"] <= amounts[index]


def test_flips_by_the_rest_of_the_chain_are_at_the_mild_end(context: Context) -> None:
    found = ask(context, {"state": cat(["gaussian_noise", 0.4], ["jpeg", 90]), "step_index": 1})
    assert found["models"][0]["flip_point"] == found["amounts"][0] == 101


def test_a_first_curve_of_large_networks_has_fewer_of_the_same_amounts(context: Context) -> None:
    large = cat(["jpeg", 90]) | {"models": ["photos/efficientnet_lite0/standard"]}
    quick = ask(context, {"state": large, "coarse": True})
    loaded = context.workspace.load(large)
    amounts = curve_amounts(find_distortion("jpeg"), 224, 90)
    assert (quick["coarse"], quick["exact"], len(quick["amounts"])) == (True, False, 9)
    assert quick["amounts"] == [*amounts[:-1:4], amounts[-1]]
    assert loaded.pixels.shape[-1] == 224
    small = ask(context, {"state": state(["jpeg", 90]), "coarse": True})
    assert (small["coarse"], small["exact"]) == (False, True)


@pytest.mark.slow
def test_attacks_are_drawn_before_their_flip_points_are_searched(context: Context) -> None:
    asked = cat(["fgsm", 2 / 255])
    asked["recipe"]["against"] = CATS[0]
    first = ask(context, {"state": asked, "seeds": 1})
    assert first["exact"] is False
    assert first["models"][0]["flip_point"] in first["amounts"]
    second = ask(context, {"state": asked, "seeds": 8})
    assert (second["exact"], second["models"][0]["band"]) == (True, None)
    assert second["models"][0]["flip_point"] <= first["models"][0]["flip_point"]
