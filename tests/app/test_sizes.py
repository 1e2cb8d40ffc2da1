"""Models of different input sizes side by side: each is given the same distorted pixels, and the card says how."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import timm
import torch

import explorer
from explorer import load_model
from explorer.app.links import read_link
from explorer.app.sharing import shares
from explorer.app.workspace import Workspace
from explorer.errors import ExplorerWarning

if TYPE_CHECKING:
    from explorer.models import Classifier

LITE0 = "photos/efficientnet_lite0/standard"
CAT = {"sample": "cat"}


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A network of the same 1,000 classes with an input of 256 px and random weights."""
    torch.manual_seed(0)
    path = Path(tmp_path_factory.mktemp("weights")) / "wide.pth"
    torch.save(timm.create_model("mobilevitv2_050", pretrained=False).state_dict(), path)
    return load_model(f"timm:mobilevitv2_050@{path}", device="cpu")


@pytest.fixture(scope="module")
def workspace(larger: Classifier) -> Workspace:
    return Workspace([LITE0, larger])


def state(larger: Classifier, recipe: str) -> dict[str, Any]:
    return {
        "picture": CAT,
        "models": [LITE0, larger.name],
        "recipe": explorer.Recipe.parse(recipe).to_dict(),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("jpeg=10;seed=0", ["", "input resized to 256 px"]),
        (
            "jpeg=10;seed=0;on=photograph",
            ["photograph fitted to 224 px", "photograph fitted to 256 px"],
        ),
    ],
)
def test_each_is_given_the_same_picture_as_in_python(
    workspace: Workspace, larger: Classifier, recipe: str, words: list[str]
) -> None:
    answer = workspace.answer(state(larger, recipe))
    again = workspace.answer(state(larger, recipe))  # from the cache of clean answers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplorerWarning)  # that one of them is shown the other's input, resized
        found = explorer.compare([LITE0, larger], "cat", recipe).to_dict()
    assert answer["image_hash"] == again["image_hash"] == found["image_hash"]
    assert [one["given"] for one in answer["models"]] == words
    for ours, theirs in zip(answer["models"], found["models"], strict=True):
        shown = [one["label"] for one in ours["distorted"][:5]]
        assert shown == [one["label"] for one in theirs["distorted"]]
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=1e-6)  # passes of one and of two pictures


def test_the_baseline_decides_the_input(workspace: Workspace, larger: Classifier) -> None:
    turned = state(larger, "jpeg=10;seed=0")
    turned["models"].reverse()
    assert workspace.answer(turned)["size"] == [256, 256]
    assert shares(workspace.load(turned))["json"]["models"] == [larger.name, LITE0]


def test_an_address_names_both(workspace: Workspace, larger: Classifier) -> None:
    read = read_link(workspace, f"models={LITE0},{larger.name}", max_models=12, max_steps=8)
    assert (read["state"]["models"], read["messages"]) == ([LITE0, larger.name], [])
    assert workspace.families[read["state"]["family"]].title == "ImageNet · 224, 256 px"
