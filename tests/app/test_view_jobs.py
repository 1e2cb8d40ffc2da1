"""The jobs behind the views, on shipped models: what they answer is what the panel answers to the same question."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.analysis import compare_image, evidence
from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.app.jobs.network import packed
from explorer.defaults import MAX_STEPS
from explorer.errors import ExplorerError

NAMES = ["digits/lenet/standard", "digits/lenet/stability"]


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context(NAMES)


def state(*steps: list[Any], against: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "picture": {"dataset": "digits", "index": 7},
        "models": NAMES,
        "recipe": {"steps": list(steps), "seed": 3, "against": against, "quantised": True},
    } | changes


def ask(context: Context, handler: str, **question: Any) -> dict[str, Any]:
    """The job's answer, which has to be JSON."""
    calls: list[tuple[int, int]] = []
    found = HANDLERS[handler](context, question, lambda done, total: calls.append((done, total)))
    assert calls
    assert all(0 <= done <= total for done, total in calls)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def shown(context: Context, found: dict[str, Any], against: str | None = None) -> dict[str, Any]:
    """What the panel answers to the chain that a job names."""
    return context.workspace.answer(state(*found["steps"], against=against))


# ---- weak spots -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", ["break", "separate"])
@pytest.mark.parametrize("name", ["gaussian_noise", "jpeg", "rotate", "fgsm", "patch"])
def test_a_weak_spot_is_what_the_panel_shows_there(context: Context, goal: str, name: str) -> None:
    found = ask(context, "weakness", state=state(), goal=goal, distortion=name)
    answer = shown(context, found, found["against"])
    flipped = {model["name"]: model["flipped"] for model in answer["models"]}
    assert found["moved"] == flipped
    assert found["predictions"] == {one["name"]: one["distorted"][0]["label"] for one in answer["models"]}
    if found["amount"] is None:
        assert found["input"] is None
        return
    assert found["steps"] == [[name, found["amount"]]]
    assert found["input"]["l2"] == pytest.approx(answer["input"]["l2"])
    assert flipped[NAMES[0]] if goal == "break" else len(set(flipped.values())) == 2
    assert all((text is None) == (found["flip_points"][model] is None) for model, text in found["flips"].items())


def test_the_rest_of_the_chain_stays_where_a_weak_spot_is_sought(context: Context) -> None:
    chain = [["gaussian_blur", 0.5], ["jpeg", 90.0]]
    found = ask(context, "weakness", state=state(*chain), goal="break", distortion="gaussian_blur")
    assert [name for name, _ in found["steps"]] == ["gaussian_blur", "jpeg"]
    assert found["steps"][1] == ["jpeg", 90.0]
    assert found["against"] is None


def test_a_full_chain_takes_no_further_step(context: Context) -> None:
    full = [["jpeg", 90.0]] * MAX_STEPS
    for handler, more in (
        ("weakness", {"goal": "break", "distortion": "gaussian_noise"}),
        ("attacks", {"attack": "fgsm", "amount": 0.01}),
    ):
        with pytest.raises(ExplorerError, match="remove one"):
            ask(context, handler, state=state(*full), **more)
    full[0] = ["gaussian_noise", 0.0]
    assert (
        len(ask(context, "weakness", state=state(*full), goal="break", distortion="gaussian_noise")["steps"])
        == MAX_STEPS
    )


@pytest.mark.parametrize(
    ("handler", "question"),
    [
        ("weakness", {"goal": "win", "distortion": "jpeg"}),
        ("weakness", {"goal": "break"}),
        ("weakness", {"goal": ["break"], "distortion": "jpeg"}),
        ("weakness", {"goal": "break", "distortion": 3}),
        ("weakness", {"goal": "break", "distortion": "<b>"}),
        ("attacks", {"attack": "jpeg", "amount": 0.1}),
        ("attacks", {"attack": "fgsm", "amount": "0.1"}),
        ("attacks", {"attack": "fgsm", "amount": True}),
        ("attacks", {"attack": "fgsm", "amount": 1e400}),
        ("attacks", {"attack": None, "amount": 0.1}),
        ("channels", {"layer": None}),
        ("channels", {"layer": "x" * 300}),
    ],
)
def test_questions_that_make_no_sense_are_refused_in_a_sentence(
    context: Context, handler: str, question: dict[str, Any]
) -> None:
    with pytest.raises(ExplorerError):
        ask(context, handler, state=state(), **question)
    with pytest.raises(ExplorerError):
        ask(context, handler, **question)


# ---- attacks --------------------------------------------------------------------------------------------------------


CAT: dict[str, Any] = {
    "picture": {"sample": "cat"},
    "models": ["cifar10/resnet20/standard", "cifar10/resnet20/stability"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scene", "attack", "amount", "fooled"), [({}, "fgsm", 0.02, 0), (CAT, "fgsm", 2 / 255, 1), (CAT, "pgd_l2", 0.5, 1)]
)
def test_every_row_of_the_matrix_is_what_the_panel_shows_of_that_attack(
    context: Context, scene: dict[str, Any], attack: str, amount: float, fooled: int
) -> None:
    chain = ["jpeg", 95.0]
    found = ask(context, "attacks", state=state(chain, **scene), attack=attack, amount=amount)
    assert found["steps"] == [chain, [attack, amount]]
    assert sum(cell["flipped"] for row in found["cells"] for cell in row) >= fooled
    for model, row in zip(found["models"], found["cells"], strict=True):
        answer = context.workspace.answer(state(*found["steps"], against=model, **scene))
        assert [cell["flipped"] for cell in row] == [one["flipped"] for one in answer["models"]]
        assert [cell["answer"] for cell in row] == [one["distorted"][0]["label"] for one in answer["models"]]
        for cell, one, followed in zip(row, answer["models"], found["followed"], strict=True):
            sure = {entry["label"]: entry["probability"] for entry in one["distorted"]}[followed]
            assert cell["confidence"] == pytest.approx(sure, abs=1e-4)
            assert followed == (answer["label"] or one["clean"][0]["label"])


# ---- in the network -------------------------------------------------------------------------------------------------


def unpacked(found: dict[str, Any], low: float, high: float) -> Tensor:
    levels = torch.frombuffer(bytearray(base64.b64decode(found["data"])), dtype=torch.uint8)
    return low + levels.view(found["height"], found["width"]).float() / 255 * (high - low)


def test_channels_are_the_features_of_the_panels_two_pictures(context: Context) -> None:
    asked = state(["gaussian_noise", 0.3])
    answer = context.workspace.answer(asked)
    for layer, distance in answer["models"][0]["feature_distance"].items():
        found = ask(context, "channels", state=asked, layer=layer)
        assert found["layer"] == layer
        one = found["models"][0]
        distances = [channel["distance"] for channel in one["channels"]]
        assert distances == sorted(distances, reverse=True)
        assert sum(value**2 for value in distances) <= distance["l2"] ** 2 * 1.001 + 1e-9
        step = (one["high"] - one["low"]) / 255
        for channel in one["channels"]:
            before = unpacked(channel["clean"], one["low"], one["high"])
            after = unpacked(channel["distorted"], one["low"], one["high"])
            change = unpacked(channel["difference"], -one["swing"], one["swing"])
            assert (after - before - change).abs().max() <= 1.01 * step + one["swing"] / 255
            error = 0.51 * step * before.numel() ** 0.5 * 2
            assert float((after - before).norm()) == pytest.approx(channel["distance"], abs=error + 1e-6)


def test_a_pinned_picture_takes_the_clean_ones_place(context: Context) -> None:
    asked = state(["jpeg", 10.0])
    same = {"picture": asked["picture"], "recipe": asked["recipe"]}
    found = ask(context, "channels", state={**asked, "reference": same}, layer="conv1")
    shown = found["models"][0]["channels"]
    assert {channel["distance"] for channel in shown} == {0.0}
    assert set(base64.b64decode(shown[0]["difference"]["data"])) == {128}  # nothing, and not the lower end
    assert {entry["other"] for entry in ask(context, "evidence", state={**asked, "reference": same})["models"]} == {
        None
    }


def test_evidence_is_that_of_the_panels_two_pictures(context: Context) -> None:
    asked = state(["gaussian_noise", 0.5])
    scene = context.workspace.load(asked)
    answer = context.workspace.answer(asked)
    found = ask(context, "evidence", state=asked)
    pair = compare_image(scene.models, scene.pixels, scene.recipe)
    for model, one, told in zip(scene.models, found["models"], answer["models"], strict=True):
        wanted = evidence(model, pair.clean, pair.distorted)
        assert (one["layer"], one["limit"]) == (wanted.layer, pytest.approx(wanted.limit))
        close = 1.01 * one["limit"] / 255
        assert (unpacked(one["clean"], -one["limit"], one["limit"]) - wanted.clean).abs().max() <= close
        assert (unpacked(one["distorted"], -one["limit"], one["limit"]) - wanted.distorted).abs().max() <= close
        assert one["clean"]["class"] == told["clean"][0]["label"]
        assert (one["other"] is not None) == told["flipped"]
        if one["other"] is not None:
            assert one["other"]["class"] == told["distorted"][0]["label"]


def test_a_network_without_such_a_stage_is_told_beside_the_others(context: Context) -> None:
    found = ask(context, "channels", state=state(["jpeg", 10.0]), layer="no such stage")
    assert all("no such stage" in model["error"] for model in found["models"])


def test_without_captum_the_maps_are_missing_in_a_sentence(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    found = ask(context, "evidence", state=state(["jpeg", 10.0]))
    assert all("captum" in model["error"] for model in found["models"])


def test_maps_without_any_range_are_packed_too() -> None:
    assert set(base64.b64decode(packed(torch.zeros(2, 3), -0.0, 0.0, signed=True)["data"])) == {128}
    still = packed(torch.zeros(2, 3), 0.0, 0.0)
    assert (still["width"], still["height"]) == (3, 2)
    assert set(base64.b64decode(still["data"])) == {0}
    assert list(base64.b64decode(packed(torch.tensor([[-1.0, 0.0, 1.0]]), -1, 1)["data"])) == [0, 128, 255]
