"""The window "Around this model": remedies to add, how far the answer holds, and scores of doubt."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from explorer.analysis.certify import LOOKS, largest_radius, running
from explorer.analysis.doubt import DOUBTS
from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.app.methods.page import Methods
from explorer.errors import ExplorerError
from explorer.evaluation.radii import radii
from explorer.models.remedies import REMEDIES
from tests.support.networks import formula, grey
from tests.support.questions import silent

BASE = "digits/lenet/standard"
STATE = {
    "picture": {"dataset": "digits", "index": 7},
    "models": [BASE],
    "recipe": {"steps": [["gaussian_noise", 0.1]], "seed": 0, "against": None, "quantised": True},
}


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context([BASE])


def ask(context: Context, handler: str, **question: Any) -> dict[str, Any]:
    return HANDLERS[handler](context, question, silent)


def test_every_remedy_is_listed_and_one_is_added_beside(context: Context) -> None:
    items = ask(context, "remedies", name=BASE)["items"]
    assert [one["name"] for one in items] == list(REMEDIES)
    found = ask(context, "add_remedy", name=BASE + "+jpeg(quality=50)")
    names = [model["name"] for family in found["families"] for model in family["models"]]
    assert found["name"] in names
    assert ask(context, "add_remedy", name=found["name"])["family"] == found["family"], (
        "adding it again changes nothing"
    )
    overview = Methods(context.workspace).overview({})
    assert [one["name"] for one in overview["remedies"]] == list(REMEDIES)
    assert not any("+" in model["name"] for group in overview["groups"] for model in group["models"])
    with pytest.raises(ExplorerError, match="There is no remedy named 'jpegs'"):
        ask(context, "add_remedy", name=BASE + "+jpegs")


def test_a_certificate_grows_look_by_look_and_scores_stand_beside_it(context: Context) -> None:
    looks, so_far = [], None
    for look in range(3):
        looks.append(ask(context, "certificate", state=STATE, model=BASE, look=look, so_far=so_far))
        so_far = looks[-1]["so_far"]
    first, _, later = looks
    whole = list(running(context.workspace.model(BASE), context.workspace.load(STATE).compare().distorted))
    assert [one["votes"] for one in looks] == [one.votes for one in whole[:3]], "no copy is asked about twice"
    assert (first["copies"], later["copies"], later["of"]) == (LOOKS[0], LOOKS[2], LOOKS[-1])
    assert 0 < first["low"] < later["low"]
    assert later["radius"] < largest_radius(later["sigma"], LOOKS[-1], later["alpha"])
    scores = ask(context, "doubt", state=STATE, model=BASE)["scores"]
    assert [one["name"] for one in scores] == list(DOUBTS)
    with pytest.raises(ExplorerError, match="does not exist"):
        ask(context, "doubt", state=STATE, model="another")
    for wrong in (
        {"look": 1},
        {"look": 0, "so_far": [0, 3]},
        {"look": 1, "so_far": [10, 3]},
        {"look": 1, "so_far": [0, 99]},
    ):
        with pytest.raises(ExplorerError, match="does not exist"):
            ask(context, "certificate", state=STATE, model=BASE, **wrong)


def test_distances_grow_along_the_slider_from_the_picture_on_screen(context: Context) -> None:
    found = ask(context, "distances_along", state=STATE, step_index=0)
    amounts, distances = found["amounts"], found["distances"]
    here = amounts.index(0.1)
    assert distances[here] == 0
    assert distances[here:] == sorted(distances[here:])
    assert distances[:here] == sorted(distances[:here], reverse=True)
    clean = context.workspace.load(STATE).compare()
    assert distances[0] == pytest.approx(float((clean.distorted - clean.clean).double().norm()), rel=1e-6)


def test_of_a_linear_model_both_distances_are_the_true_one() -> None:
    direction = torch.ones(16) / 4
    model = formula(lambda p: torch.stack([0 * p[:, 0], p @ direction - 1.5], 1))
    found = radii(model, grey(0.5))  # at a distance of 0.5 from the plane
    assert found.adversarial is not None
    assert 0.5 < found.adversarial < 0.58
    assert found.slope == pytest.approx(1, rel=1e-3)
    assert found.estimate == pytest.approx(0.5 / 2**0.5, rel=1e-3), "the theorem's factor holds for any two logits"
