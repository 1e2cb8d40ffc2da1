"""Networks of timm and torchvision in the app: found by name, added from this machine, refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torchvision.models import squeezenet1_1

from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.app.links import read_link
from explorer.errors import ExplorerError
from tests.support.app_page import START, AppPage
from tests.support.app_server import Server, running
from tests.support.questions import DIGITS, silent

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "torchvision:squeezenet1_1:IMAGENET1K_V1"
AWAY = "torchvision:squeezenet1_0:IMAGENET1K_V1"
LITE0 = "photos/efficientnet_lite0/standard"


def kept_under(folder: Path) -> Path:
    """The folder as torch.hub's, with weights (random ones) of one network, as if they were downloaded before."""
    torch.manual_seed(0)
    path = folder / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    path.parent.mkdir(parents=True)
    torch.save(squeezenet1_1(weights=None).state_dict(), path)
    return folder


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("TORCH_HOME", str(kept_under(tmp_path)))
    return make_context(DIGITS)


def add(context: Context, name: Any) -> dict[str, Any]:
    return HANDLERS["add_network"](context, {"name": name}, silent)


@pytest.mark.slow
def test_a_network_that_is_here_is_added_and_answers(context: Context) -> None:
    found = add(context, NAME)
    family = next(family for family in found["families"] if family["key"] == found["family"])
    assert {LITE0, NAME} <= {model["name"] for model in family["models"]}
    recipe = {"steps": [["jpeg", 20]], "seed": 0, "on": "photograph"}
    state = {"picture": {"sample": "cat"}, "models": [LITE0, NAME], "recipe": recipe}
    assert [one["name"] for one in context.workspace.answer(state)["models"]] == [LITE0, NAME]
    assert add(context, NAME)["family"] == found["family"]


@pytest.mark.parametrize(
    "name",
    [
        "os:getcwd",
        "tests.support.own_networks:make",
        "timm:resnet18@/etc/passwd",
        "timm:hf-hub:someone/net",
        "timm:local-dir:/tmp",
        "torchvision:../x",
        "/etc/passwd",
        "timm:" + "a" * 200,
        7,
    ],
)
def test_only_names_of_libraries_are_taken_from_the_page(context: Context, name: Any) -> None:
    with pytest.raises(ExplorerError, match="Name a network as timm:"):
        add(context, name)


def test_what_does_not_exist_is_said(context: Context) -> None:
    with pytest.raises(ExplorerError, match=r"torchvision has no network 'resnet5O'.*did you mean resnet50"):
        add(context, "torchvision:resnet5O")


def test_an_address_says_what_is_to_be_added(context: Context) -> None:
    read = read_link(context.workspace, f"models={LITE0},{NAME}", max_models=12, max_steps=8)
    assert read["state"]["network"] == NAME
    assert read["messages"] == [f"{NAME} was not added here yet: add it under Models, Add a network."]
    add(context, NAME)
    read = read_link(context.workspace, f"models={LITE0},{NAME}", max_models=12, max_steps=8)
    assert (read["state"]["models"], read["messages"]) == ([LITE0, NAME], [])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of its own: what is added stays, and it may ask for weights that no host brings."""
    home = {"TORCH_HOME": str(kept_under(tmp_path_factory.mktemp("torch"))), "HTTPS_PROXY": "", "https_proxy": ""}
    with running(tmp_path_factory.mktemp("app"), environment=home) as server:
        yield server


@pytest.mark.load  # three networks for photographs in two pages want the machine for themselves
@pytest.mark.browser
def test_a_visitor_adds_a_network_by_its_name(browser: Browser, own: Server) -> None:
    with AppPage.visiting(browser, own.url + START) as visitor:
        page = visitor.page
        page.get_by_role("button", name="Add a network").click()
        page.get_by_label("Network", exact=True).fill("torchvision squeezenet1")
        here = page.locator(f'[data-name="{NAME}"]')
        here.get_by_text("here", exact=True).wait_for()
        away = page.locator(f'[data-name="{AWAY}"]')
        assert "to be downloaded" in away.inner_text()
        assert "224 px · BSD-3-Clause · 58.2 % reported" in here.inner_text()
        here.get_by_role("button").click()
        page.wait_for_function(f"document.querySelector('.card[data-model=\"{NAME}\"]')")
        page.wait_for_function(f"decodeURIComponent(location.search).includes('{NAME}')")
        with AppPage.visiting(browser, page.url) as other:
            assert other.page.locator(f'.card[data-model="{NAME}"]').count() == 1
