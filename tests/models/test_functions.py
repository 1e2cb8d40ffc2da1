"""Networks that a function of the user's own builds, named ``package.module:function[@weights]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import explorer
from explorer.analysis.request import read_request
from explorer.app.sharing import shares
from explorer.cli import main
from explorer.errors import ExplorerError
from explorer.models import load_model
from explorer.models.functions import is_function
from explorer.models.sources import takes_path

CODE = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))

def make():
    torch.manual_seed(0)
    return Net()

def fails():
    raise ValueError("no such size")

def text():
    return "net"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "nets_of_mine").mkdir()
    (tmp_path / "nets_of_mine" / "small.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("nets_of_mine"):
            del sys.modules[name]


def test_a_function_of_the_working_folder(here: Path) -> None:
    model = load_model("nets_of_mine.small:make", classes=["a", "b", "c"], mean=[0.5], std=[0.25], size=32)
    net = sys.modules["nets_of_mine.small"].make().eval()
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model(x), net((x - 0.5) / 0.25))
    assert (model.name, model.classes) == ("nets_of_mine.small:make", ("a", "b", "c"))
    assert str(here) not in sys.path


def test_with_a_file_of_weights_on_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_model("nets_of_mine.small:make", size=32)
    net = sys.modules["nets_of_mine.small"].Net()
    for value in net.parameters():
        nn.init.normal_(value, generator=torch.Generator().manual_seed(1))
    torch.save({"state_dict": net.state_dict()}, here / "mine.pth")
    wanted = explorer.compare([explorer.wrap(net.eval(), size=32)], "cat", "jpeg=30").models[0]
    for arguments in (["nets_of_mine.small:Net@mine.pth"], ["nets_of_mine.small:Net", "--weights", "mine.pth"]):
        with pytest.raises(SystemExit) as end:
            main(["compare", "cat", "--recipe", "jpeg=30", "--size", "32", "--json", "--models", *arguments])
        assert end.value.code == 0
        (found,) = json.loads(capsys.readouterr().out)["models"]
        assert found["name"] == "nets_of_mine.small:Net@mine.pth"
        assert found["confidence"] == pytest.approx(wanted.confidence)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nets_of_mine.small:absent", "has no absent; name a function that returns a network"),
        ("nets_of_mine.large:make", "The module nets_of_mine.large cannot be imported: ModuleNotFoundError"),
        ("nets_of_mine.small:fails", "without arguments, failed: ValueError: no such size"),
        ("nets_of_mine.small:text", "Expected a model .* got str"),
    ],
)
def test_what_is_wrong_is_one_sentence(here: Path, name: str, said: str) -> None:
    with pytest.raises(ExplorerError, match=said):
        load_model(name)
    with pytest.raises(ExplorerError, match="arch goes without it"):
        load_model(name, arch="resnet20")


def test_what_is_a_function_and_what_a_path() -> None:
    for name in ("nets.small:make", "nets:Net@a/b.pth", "nets:Net.small"):
        assert is_function(name)
        assert not takes_path(name)
    for name in ("C:/nets/best.pth", r"C:\nets\best.pth", "best.pth", "./nets.py", "http://x.y/z.pth"):
        assert not is_function(name)
        assert takes_path(name)
    assert not takes_path("timm:resnet50.a1_in1k")
    assert not is_function("cifar10/resnet20/standard")


def test_a_survey_does_not_run_code(here: Path) -> None:
    from explorer.survey import cases

    class Plan:
        models = ("nets_of_mine.small:make",)
        weights = ("",)

    class Given:
        plan = Plan()

    with pytest.raises(ExplorerError, match="is built by a function; hand it over"):
        cases.models_of(Given())  # type: ignore[arg-type]
    assert "nets_of_mine.small" not in sys.modules


@pytest.mark.parametrize("given", ["cat,dog, no animal", "names.txt"])
def test_its_classes_are_named_on_the_command_line(here: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "names.txt").write_text("cat\ndog\nno animal\n", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["compare", "cat", "--size", "32", "--json", "--models", "nets_of_mine.small:make", "--classes", given])
    assert end.value.code == 0
    (found,) = json.loads(capsys.readouterr().out)["models"]
    assert {one["label"] for one in found["clean"]} == {"cat", "dog", "no animal"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("absent.txt", "There is no file absent.txt"),
        ("cat,dog,cat", "names 'cat' more than once"),
        ("cat,dog", "not with the 2 class names given"),
    ],
)
def test_names_that_do_not_fit_get_one_sentence(
    here: Path, given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["compare", "cat", "--size", "32", "--models", "nets_of_mine.small:make", "--classes", given])
    assert end.value.code
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_app_shares_it_as_it_is_named(here: Path) -> None:
    model = load_model("nets_of_mine.small:make", mean=[0.5], std=[0.25], size=32)
    told = shares(read_request([model], "cat", "jpeg=30"))
    assert told["notes"] == []
    assert "--models nets_of_mine.small:make" in told["command"]
    assert "--size 32" in told["command"]
    assert "explorer.load_model('nets_of_mine.small:make', mean=(0.5,), std=(0.25,), size=32)" in told["python"]
    assert "classes" not in told["command"]
    named = load_model("nets_of_mine.small:make", size=32, classes=["cat", "dog", "neither"])
    told = shares(read_request([named], "cat", "jpeg=30"))
    assert told["command"].endswith('--classes "cat,dog,neither"')
    assert "classes=('cat', 'dog', 'neither')" in told["python"]
