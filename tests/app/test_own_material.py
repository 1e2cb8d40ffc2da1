"""The app on people's own models and data: ``explorer app --models FILE --arch ... --data FOLDER``."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from explorer import Recipe, compare, fit, load_image, load_model
from explorer.app.workspace import Workspace
from explorer.data.datasets import load_dataset, open_dataset
from explorer.errors import ExplorerError
from explorer.models import find_architecture
from explorer.models.families import group
from tests.support.app_server import running

SHAPES = ("dot", "square", "stripe")
NORMALISATION: dict[str, Any] = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.25)}


def network(path: Path, seed: int = 0, classes: int = 3) -> Path:
    """An untrained ResNet-20 as people bring one: a bare state dict."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = find_architecture("resnet20").build(classes=classes, in_channels=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), path)
    return path


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A folder of pictures, four of each class."""
    rng = np.random.default_rng(0)
    for name in SHAPES:
        (tmp_path / "shapes" / name).mkdir(parents=True)
        for i in range(4):
            pixels = rng.integers(0, 256, (40, 44, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shapes" / name / f"{i}.png")
    return tmp_path / "shapes"


@pytest.mark.slow
def test_the_app_opens_on_them_and_gives_the_numbers_of_the_core(
    tmp_path: Path, shapes: Path, one_thread: None
) -> None:
    mine, other = network(tmp_path / "mine.safetensors"), network(tmp_path / "other.safetensors", seed=1)
    options = ["--models", f"{mine},{other}", "--arch", "resnet20", "--data", str(shapes)]
    said = ["--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.25"]
    with running(tmp_path / "app", *options, *said) as server:
        _, config = server.ask("/config")
        _, cards = server.run("models")
        _, found = server.run("compare", "shapes:5", None, "gaussian_noise=0.1;seed=3", False)
        _, clean = server.run("compare", "shapes:5", ["mine"], "clean", False)
        assert "Traceback" not in server.said
    owned = {card["name"]: card for card in cards["data"][0] if card["method"] == "external"}
    assert set(owned) == {"mine", "other"}
    assert owned["mine"]["classes"] == list(SHAPES)  # the folder's, for a state dict does not know
    assert owned["mine"]["mean"] == [0.5, 0.4, 0.3]

    panel = next(part["props"] for part in config["components"] if part["props"].get("elem_id") == "panel")
    assert '"picture": {"dataset": "shapes", "index": 0}' in panel["js_on_load"]
    assert '"title": "mine and other ' in panel["js_on_load"]

    classes = {"arch": "resnet20", "classes": SHAPES, "device": "cpu"} | NORMALISATION
    models = [load_model(path, **classes) for path in (mine, other)]
    path = next(shapes.rglob(Path(open_dataset(str(shapes)).images.names[5]).as_posix()))  # type: ignore[attr-defined]
    sixth, label = fit(load_image(path), 32, 3), SHAPES.index(path.parent.name)
    expected = compare(models, sixth, Recipe.parse("gaussian_noise=0.1;seed=3"), label=label).to_dict()
    assert found["data"] == [json.loads(json.dumps(expected))]
    assert clean["data"][0]["models"][0]["name"] == "mine"


def test_a_model_that_knows_as_many_classes_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    model = load_model(network(tmp_path / "mine.safetensors", classes=10), arch="resnet20", device="cpu")
    workspace = Workspace([model])
    family, loaded = workspace.choose(["mine", "cifar10/resnet20/standard"])
    assert loaded[0] is model
    assert family.title.startswith("CIFAR-10")
    shown = {entry["name"]: entry["subtitle"] for entry in family.to_dict()["models"]}
    assert shown["mine"] == "mine"


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [network(tmp_path / folder / "model.safetensors") for folder in ("a", "b")]
    models = [load_model(path, arch="resnet20", device="cpu") for path in paths]
    with pytest.raises(ExplorerError, match=r"^Two models are named 'model'; rename one of them"):
        Workspace(models)


def test_two_data_sets_of_one_name_are_refused(shapes: Path, tmp_path: Path) -> None:
    other = shutil.copytree(shapes, tmp_path / "elsewhere" / "shapes")
    with pytest.raises(ExplorerError, match=r"^Two data sets are named 'shapes'"):
        Workspace(user_data=[open_dataset(str(folder)) for folder in (shapes, other)])


def test_the_present_folder_has_a_name(shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shapes / "dot")
    assert open_dataset(".").name == "dot"
    assert open_dataset("..").name == "shapes"


def test_data_names_the_classes_of_outside_models_alone(shapes: Path, tmp_path: Path) -> None:
    from explorer.models.families import named_after

    data = [load_dataset(str(shapes))]
    external = load_model(network(tmp_path / "mine.safetensors"), arch="resnet20", device="cpu")
    assert external.classes == ("0", "1", "2")
    own = load_model(tmp_path / "mine.safetensors", arch="resnet20", device="cpu", classes=("a", "b", "c"))
    own.card = replace(own.card, method="standard", data="letters")
    assert named_after(own, data) is own
    assert own.classes == ("a", "b", "c")
    assert named_after(external, data) is external
    assert external.classes == SHAPES
    assert named_after("cifar10/resnet20/standard", data) == "cifar10/resnet20/standard"


def test_families_are_titled_by_data_or_else_by_files(tmp_path: Path) -> None:
    external = load_model(network(tmp_path / "mine.safetensors"), arch="resnet20", device="cpu")
    assert [family.title for family in group([external.card]).values()] == ["mine · 32 px"]
    trained = replace(external.card, name="letters/resnet20/bang", data="letters", method="bang")
    assert [family.title for family in group([external.card, trained]).values()] == ["letters · 32 px"]


def test_families_of_as_many_classes_with_other_names_do_not_hide_each_other(tmp_path: Path) -> None:
    one = load_model(network(tmp_path / "mine.safetensors"), arch="resnet20", device="cpu").card
    other = replace(one, name="other", classes=("a", "b", "c"))
    families = group([one, other])
    assert sorted(card.name for family in families.values() for card in family.cards) == ["mine", "other"]
    assert {key: family.key for key, family in families.items()} == {key: key for key in families}


@pytest.mark.slow
def test_what_is_shared_of_ones_own_runs_once_its_files_are_put_in(shapes: Path, tmp_path: Path) -> None:
    from explorer.app.sharing import shares
    from explorer.data import images

    mine = load_model(
        network(tmp_path / "mine.safetensors"), arch="resnet20", mean=(0.5,), std=(0.25,), device="cpu", classes=SHAPES
    )
    workspace = Workspace([mine], [open_dataset(str(shapes))])
    recipe = {"steps": [["jpeg", 30]], "seed": 0, "against": None, "quantised": True}
    state = {"picture": {"dataset": "shapes", "index": 1}, "models": ["mine"], "recipe": recipe}
    texts = shares(workspace.load(state))
    assert [note.partition(" is ")[0] for note in texts["notes"]] == ["mine", "shapes"]
    (tmp_path / "picture.png").write_bytes(images.encode_png(workspace.load(state).pixels))
    shown = workspace.answer(state)
    namespace: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        exec(texts["python"], namespace)  # noqa: S102  # what the page tells people to run
    assert namespace["comparison"].to_dict()["image_hash"] == shown["image_hash"]
    command = [sys.executable, "-m", *shlex.split(texts["command"]), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout)
    assert told["image_hash"] == shown["image_hash"]
    assert told["models"][0]["confidence"] == pytest.approx(shown["models"][0]["confidence"], abs=1e-6)


def test_one_damaged_image_does_not_close_a_folder(shapes: Path) -> None:
    whole = len(open_dataset(str(shapes)))
    (shapes / "dot" / "0-damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    data = open_dataset(str(shapes))
    assert len(data) == whole + 1
    (row,) = [row for row, name in enumerate(data.images.names) if "damaged" in name]  # type: ignore[attr-defined]
    with pytest.raises(ExplorerError, match="damaged"):
        data.batch([row])
