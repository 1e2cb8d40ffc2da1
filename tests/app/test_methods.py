"""The server's side of the page "Methods": sources kept apart, counts as `evaluate` counts, nothing believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.app.methods.formulas import mathml
from explorer.app.methods.groups import find_group
from explorer.app.methods.measured import amounts_of, reaches
from explorer.app.methods.page import Methods
from explorer.data.datasets import load_dataset
from explorer.distortions import Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.evaluation import evaluate, evaluate_many
from explorer.evaluation.running import count_correct
from explorer.evaluation.statistics import difference_interval
from explorer.models import METHODS
from explorer.survey.plan import fingerprint


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """The shipped models; no data set but the digits is here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("EXPLORER_DATA", raising=False)
        yield make_context()


def ask(context: Context, name: str, **question: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        json.dumps(Methods(context.workspace).answer({"ask": name, **question}), allow_nan=False)
    )
    return found


def measure(context: Context, **question: Any) -> dict[str, Any]:
    asked = {"data": "digits", "distortion": "gaussian_noise", "reach": "whole", "images": 20, **question}
    return HANDLERS["accuracy"](context, asked, lambda *_: None)


# ---- what is known --------------------------------------------------------------------------------------------------


def test_the_points_of_cards_are_theirs_and_say_where_they_come_from(context: Context) -> None:
    known = ask(context, "known", data="cifar10", distortion="gaussian_noise")
    group = find_group(context.workspace, "cifar10")
    rows = {(card.name, row["recipe"]): row for card in group.cards for row in card.results}
    points = [one for one in known["points"] if one["source"] == "card"]
    assert len(points) == sum(recipe == "clean" or recipe.startswith("gaussian_noise=") for _, recipe in rows)
    for one in points:
        recipe = f"gaussian_noise={one['amount']:g}" if one["amount"] else "clean"
        row = rows[one["model"], recipe]
        assert (one["accuracy"], one["n"], one["seed"]) == (row["accuracy"], row["n"], row["seed"])
        assert one["low"] < one["accuracy"] < one["high"]


def test_the_points_of_surveys_are_theirs(context: Context) -> None:
    known = ask(context, "known", data="digits", distortion="crop")
    points = {(one["model"], one["amount"]): one for one in known["points"] if one["source"] == "survey"}
    assert {amount for _, amount in points} == {0, 1, 2, 4, 6}
    assert len(points) == 6 * 5  # models, amounts
    (model,) = context.workspace.choose(["digits/lenet/bang"])[1]
    found = evaluate(model, load_dataset("digits"), Recipe((("crop", 4),)))
    one = points["digits/lenet/bang", 4]
    assert (one["accuracy"], one["n"]) == (pytest.approx(found.accuracy, abs=1 / 360), found.n)
    assert known["messages"] == []


def test_a_survey_of_other_weights_is_left_out_and_said_to_be(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "explorer.app.methods.measured.fingerprint"
    monkeypatch.setattr(place, lambda model: "" if model.name.endswith("bang") else fingerprint(model))
    known = ask(context, "known", data="digits", distortion="crop")
    (message,) = known["messages"]
    assert message == "The shipped survey knows digits/lenet/bang with other weights; its points are left out."
    assert "digits/lenet/bang" not in {one["model"] for one in known["points"] if one["source"] == "survey"}


def test_published_values_stand_where_their_noise_does_and_never_elsewhere(context: Context) -> None:
    noise = ask(context, "known", data="cifar10", distortion="gaussian_noise")["published"]
    assert {one["amount"] for one in noise if one["source"]["key"] == "usama2018"} == {0.0, 0.072, 0.123}
    assert all(one["clean"] == (one["amount"] == 0) for one in noise)
    attack = ask(context, "known", data="cifar10", distortion="fgsm_float32")["published"]
    assert {one["provenance"] for one in attack} == {"measured"}, (
        "clean values come with their own network's others only"
    )
    assert ask(context, "known", data="cifar10", distortion="jpeg")["published"] == []
    assert ask(context, "known", data="digits", distortion="gaussian_noise")["published"] == []


def test_amounts_go_from_mild_to_strong_on_the_sliders_steps_and_meet_the_cards(context: Context) -> None:
    group = find_group(context.workspace, "cifar10")
    for name in ("gaussian_noise", "jpeg", "thumbnail", "rotate", "saturation", "fgsm", "pgd_l2", "pixelate"):
        distortion = find_distortion(name)
        mild, strong = distortion.span(32)
        for reach in reaches(distortion, group):
            amounts = amounts_of(distortion, group, reach)
            steps = np.diff(amounts) * np.sign(strong - mild)
            assert (steps > 0).all(), name
            assert amounts[0] == mild
            assert (amounts[-1] == strong) == (reach == "whole"), name
            assert len(amounts) <= (6 if distortion.adversarial else 11)
    assert {0.05, 0.1, 0.2} <= set(amounts_of(find_distortion("gaussian_noise"), group, "near"))
    assert reaches(find_distortion("jpeg"), group) == ["whole"], "twice the published severities is all of it"
    with pytest.raises(ExplorerError, match="no published severities"):
        amounts_of(find_distortion("rotate"), group, "near")


def test_gains_and_losses_are_those_of_the_cards(context: Context) -> None:
    (group,) = [one for one in ask(context, "overview")["groups"] if one["data"] == "cifar10"]
    methods = {one["method"]: one for one in group["methods"]}
    assert set(methods) >= set(METHODS)
    (model,) = methods["stability"]["models"]
    cards = {
        card.method: {row["recipe"]: row for row in card.results}
        for card in find_group(context.workspace, "cifar10").cards
        if card.arch == "resnet20"
    }
    for row, (recipe, own) in zip(model["rows"], cards["stability"].items(), strict=True):
        assert row["difference"] == pytest.approx(own["accuracy"] - cards["standard"][recipe]["accuracy"])
        assert row["low"] < row["difference"] < row["high"]
        if row["paired"]:  # narrower than from the accuracies alone
            n, shares = row["n"], (own["accuracy"], cards["standard"][recipe]["accuracy"])
            low, high = difference_interval(shares[0], n, shares[1], n)
            assert row["high"] - row["low"] < high - low
    assert {row["title"] for row in model["rows"] if row["paired"]} >= {"Clean", "Contrast, c = 0.3", "Fog, t = 1"}
    assert min(model["rows"], key=lambda row: row["difference"])["title"] == "Contrast, c = 0.3"
    for standard in methods["standard"]["models"]:  # of ResNet-20 and of quick
        assert standard["baseline"] is None
        assert all(row["difference"] is None for row in standard["rows"])
    assert {one["baseline"] for one in methods["bang"]["models"]} == {
        f"cifar10/{arch}/standard" for arch in ("resnet20", "quick")
    }


def test_every_formula_is_well_formed_and_every_method_says_what_it_costs() -> None:
    for name, method in METHODS.items():
        assert all((method.title, method.summary, method.formulas, method.symbols, method.caution)), name
        assert method.passes in (1, 2, 3, 9), "9: seven steps of an attack, clean and attacked"
        assert f"{method.passes} forward pass" in method.cost
        for formula in method.formulas:
            ET.fromstring(f"<math>{mathml(formula.text)}</math>")  # noqa: S314  # our own
            assert formula.spoken
    assert mathml("σ^2 < k_i") == (
        '<msup><mi>σ</mi><mn>2</mn></msup><mo stretchy="false">&lt;</mo><msub><mi>k</mi><mi>i</mi></msub>'
    )
    assert mathml("{x / y} / {k_i}") == (
        '<mfrac><mrow><mi>x</mi><mo stretchy="false">/</mo><mi>y</mi></mrow>'
        "<mrow><msub><mi>k</mi><mi>i</mi></msub></mrow></mfrac>"
    )
    assert "74 % stay right, along the exact one 24 %" in METHODS["bang"].caution
    find_distortion(METHODS["bang"].shown_by or "")


# ---- what is measured -----------------------------------------------------------------------------------------------


def test_what_is_measured_is_what_evaluate_measures(context: Context) -> None:
    found = measure(context, images=30)
    _, models = context.workspace.choose([one["name"] for one in found["models"]])
    place = 6
    recipe = Recipe((("gaussian_noise", found["amounts"][place]),), seed=found["seed"])
    for one, other in zip(
        found["models"], evaluate_many(models, load_dataset("digits"), recipe, limit=30), strict=True
    ):
        assert one["accuracy"][place] == other.accuracy
        assert (one["low"][place], one["high"][place]) == other.interval


def test_more_images_go_on_from_fewer(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measure(context, distortion="impulse_noise", images=10)
    rows: list[range] = []

    def counted(*arguments: Any) -> Any:
        rows.append(arguments[4])
        return count_correct(*arguments)

    monkeypatch.setattr("explorer.evaluation.running.count_correct", counted)
    more = measure(context, distortion="impulse_noise", images=25)
    again = measure(context, distortion="impulse_noise", images=10)
    assert rows == [range(10, 25)]
    assert again == first
    _, models = context.workspace.choose([one["name"] for one in more["models"]])
    right = count_correct(models, load_dataset("digits"), "impulse_noise", more["amounts"], range(25))
    assert [one["accuracy"] for one in more["models"]] == (right / 25).tolist()
    assert all(one["low"][0] < one["accuracy"][0] or one["accuracy"][0] == 0 for one in more["models"])


def test_each_model_faces_the_attack_made_on_itself(context: Context) -> None:
    found = measure(context, distortion="fgsm", images=12)
    data, amount = load_dataset("digits"), found["amounts"][-1]
    for one in found["models"]:
        (model,) = context.workspace.choose([one["name"]])[1]
        own = evaluate(model, data, Recipe((("fgsm", amount),), against=model.name), limit=12)
        assert one["accuracy"][-1] == own.accuracy


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"data": "../secrets"}, "No model here was trained on a data set of that name; there are models of CIFAR-10"),
        ({"data": None}, "No model here was trained on a data set of that name"),
        ({"distortion": "nonsense"}, "There is no distortion of that name"),
        ({"reach": "far"}, "amounts that do not exist"),
        ({"distortion": "crop", "reach": "near"}, "amounts that do not exist"),
        ({"images": 1001}, "Choose 1 to 1000 images"),
        ({"images": 0}, "Choose 1 to 1000 images"),
        ({"images": True}, "Choose 1 to 1000 images"),
        ({"images": "20"}, "Choose 1 to 1000 images"),
        ({"data": "cifar10"}, "CIFAR-10 is not on this machine; download it first"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    context: Context, question: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ExplorerError, match=sentence):
        measure(context, **question)


@pytest.mark.parametrize("question", [None, {}, {"ask": "files"}, {"ask": ["known"]}, {"ask": "known"}])
def test_questions_that_are_none_are_refused(context: Context, question: Any) -> None:
    with pytest.raises(ExplorerError, match=r"\.$"):
        Methods(context.workspace).answer(question)


def test_it_can_be_cancelled_between_any_two_pieces(context: Context) -> None:
    class StopError(Exception):
        pass

    calls = 0

    def progress(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise StopError

    asked = {"data": "digits", "distortion": "jpeg", "reach": "whole", "images": 25}
    with pytest.raises(StopError):
        HANDLERS["accuracy"](context, asked, progress)
    running = context.accuracies.get(("digits", "jpeg", "whole"))
    assert running is not None
    assert running.measured == (), "half a count is not kept"


def test_what_is_not_here_is_said_to_be_not_here(context: Context) -> None:
    groups = {one["data"]: one for one in ask(context, "overview")["groups"]}
    assert (groups["cifar10"]["here"], groups["digits"]["here"]) == (False, True)
    assert groups["cifar10"]["bytes"] > 100e6
    assert groups["digits"]["sizes"] == [100, 300, 360]
