"""Without arguments, command line, Python, notebook, HTTP API and the app's first screen show the same pixels."""

from __future__ import annotations

import json
from typing import Any

import pytest

import explorer
from explorer import cli, defaults
from explorer.analysis import ComparisonRequest, read_request
from explorer.models.families import group
from explorer.models.reading import first_models


@pytest.fixture(scope="module")
def first() -> ComparisonRequest:
    return read_request(None, None, None)


def test_the_first_question_is_what_the_defaults_say(first: ComparisonRequest) -> None:
    assert (first.picture.name, str(first.recipe)) == (defaults.PICTURE, defaults.RECIPE)
    assert tuple(model.name for model in first.models) == defaults.MODELS
    families = group(explorer.list_models())
    assert next(iter(families.values())).defaults == first_models() == list(defaults.MODELS)


@pytest.mark.slow
def test_the_same_pixels_without_arguments_everywhere(
    first: ComparisonRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = explorer.compare().image_hash
    assert explorer.compare(list(first.models), first.picture, first.recipe).image_hash == expected
    assert explorer.widgets.Explorer().comparison.image_hash == expected
    for arguments in ([], [defaults.PICTURE]):
        with pytest.raises(SystemExit):
            cli.main(["compare", *arguments, "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["image_hash"] == expected
        assert [model["name"] for model in told["models"]] == list(defaults.MODELS)
    assert first_screen()["image_hash"] == expected


def first_screen() -> dict[str, Any]:
    """What the app answers to the state that its page starts from."""
    from explorer.app.layout import catalogue
    from explorer.app.workspace import Workspace

    workspace = Workspace()
    known = catalogue(workspace)
    recipe = {"steps": known["first"]["steps"], "seed": 0}
    first = known["first"]
    return workspace.answer({"picture": first["picture"], "models": first["models"], "recipe": recipe})


def test_the_http_api_has_the_same_default() -> None:
    from inspect import signature

    from explorer.app.api import Api

    assert signature(Api.compare).parameters["recipe"].default == defaults.RECIPE


@pytest.mark.parametrize(
    ("model", "picture"), [("digits/lenet/standard", defaults.DIGIT), ("cifar10/resnet20/bang", defaults.SMALL_PICTURE)]
)
def test_each_family_opens_on_a_picture_of_its_own(model: str, picture: str) -> None:
    assert read_request(model, None, None).picture.name == picture
    family = next(one for one in group(explorer.list_models()).values() if model in {card.name for card in one.cards})
    assert ":".join(map(str, family.to_dict()["picture"].values())) == picture
