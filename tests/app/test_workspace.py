"""The server's side of the page: its numbers, what it refuses, pictures that people bring, ports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from explorer import Recipe, compare, defaults
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError
from tests.support.app_server import Server
from tests.support.pictures import png
from tests.support.questions import MODELS, state


def test_app_core_and_command_line_give_the_same_numbers(workspace: Any, tmp_path: Any) -> None:
    from typer.testing import CliRunner

    from explorer import fit, load_model
    from explorer.cli import app
    from explorer.data import images

    recipe = "gaussian_noise=0.1,jpeg=40;seed=7"
    cat = images.sample_images()["cat"]()
    file = tmp_path / "cat.png"
    file.write_bytes(images.encode_png(cat))
    core = compare([load_model(name) for name in MODELS], fit(cat, 32, 3), Recipe.parse(recipe)).to_dict()
    page = workspace.answer(state(recipe=Recipe.parse(recipe).to_dict()))
    ran = CliRunner().invoke(app, ["compare", str(file), "--models", ",".join(MODELS), "--recipe", recipe, "--json"])
    assert ran.exit_code == 0, ran.output
    line = json.loads(ran.stdout)
    for other in (page, line):
        assert other["image_hash"] == core["image_hash"]
        assert other["recipe"] == core["recipe"]
        assert _close(other["input"], core["input"])
        for theirs, ours in zip(other["models"], core["models"], strict=True):
            assert _close({key: theirs[key] for key in ours}, ours)


def _close(a: Any, b: Any) -> bool:
    """Equal but for rounding: one asks the clean and the distorted image in one batch, the other one by one."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(_close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=1e-3, abs=1e-4)
    return bool(a == b)


def test_a_card_is_told_of_classes_that_are_watched_and_of_both_bars_of_every_row(workspace: Any) -> None:
    models = list(defaults.MODELS)
    recipe = Recipe.parse(defaults.RECIPE)
    asked = state(picture={"sample": defaults.PICTURE}, models=models, recipe=recipe.to_dict(), watched=[281, 970])
    told = workspace.answer(asked)["models"][0]
    found = compare(models, defaults.PICTURE, recipe).models[0]
    assert [one["label"] for one in told["watched"]] == ["tabby", "alp"]
    for name, probability in (("clean", found.clean), ("distorted", found.distorted)):
        assert [one[name] for one in told["watched"]] == pytest.approx(probability[[281, 970]].tolist(), rel=1e-3)
    bars = {one["label"]: one["probability"] for one in told["clean"]}
    for one in told["distorted"][:5]:  # "dome" is not among the likeliest classes of the clean picture
        assert bars[one["label"]] == pytest.approx(float(found.clean[found.classes.index(one["label"])]), rel=1e-3)


HOSTILE: list[Any] = [
    state(watched="tabby"),
    state(watched=[10]),
    state(watched=[True]),
    state(watched=list(range(6))),
    None,
    [],
    "state",
    {},
    state(models=[]),
    state(models="cifar10/resnet20/standard"),
    state(models=["../../etc/passwd"]),
    state(models=[{"name": 1}]),
    state(models=MODELS * 50),
    state(models=[MODELS[0], MODELS[0]]),
    state(models=["<script>alert(1)</script>"]),
    state(picture=None),
    state(picture={"sample": "../cat"}),
    state(picture={"token": "guess"}),
    state(picture={"dataset": "digits", "index": -1}),
    state(picture={"dataset": "digits", "index": True}),
    state(picture={"dataset": "/etc", "index": 0}),
    state(recipe=None),
    state(recipe={"steps": [["gaussian_noise", float("nan")]]}),
    state(recipe={"steps": [["gaussian_noise", float("inf")]]}),
    state(recipe={"steps": [["gaussian_noise", "0.1"]]}),
    state(recipe={"steps": [[["a"], 1]]}),
    state(recipe={"steps": [["x" * 100_000, 1]]}),
    state(recipe={"steps": [["gaussian_noise", 0.1]] * 100_000}),
    state(recipe={"steps": "gaussian_noise"}),
    state(recipe={"steps": [], "seed": -1}),
    state(recipe={"steps": [], "seed": 1e300}),
    state(recipe={"steps": [], "quantised": "yes"}),
    state(recipe={"steps": [], "surprise": 1}),
    state(recipe={"steps": [["fgsm", 0.01]]}),
    state(recipe={"steps": [["fgsm", 0.01]], "against": "nobody"}),
]


@pytest.mark.parametrize("question", HOSTILE, ids=lambda question: str(question)[:60])
def test_whatever_the_browser_sends_gets_one_sentence(workspace: Any, question: Any) -> None:
    with pytest.raises(ExplorerError, match=r"^[A-Za-z].{10,400}[.?:;)]?"):
        workspace.answer(question)


def test_a_token_opens_its_picture_only_and_old_ones_are_forgotten() -> None:
    from explorer.app.cache import LruCache
    from explorer.app.dataset_catalog import DatasetCatalog
    from explorer.app.pictures import PictureGoneError, Pictures

    pictures = Pictures([Takes(32, 3), Takes(28, 1)], DatasetCatalog())
    red, blue = (pictures.bring(png(colour))["token"] for colour in ((255, 0, 0), (0, 0, 255)))
    assert len(red) >= 32
    assert pictures.find({"token": red}, Takes(32, 3))[1].pixels[0, :, 0, 0].tolist() == [1, 0, 0]
    assert pictures.find({"token": blue}, Takes(28, 1))[1].pixels.shape == (1, 1, 28, 28)
    with pytest.raises(PictureGoneError):
        pictures.find({"token": red[:-1]}, Takes(32, 3))
    now = [0.0]
    recent: LruCache[str, int] = LruCache(2, seconds=10, clock=lambda: now[0])
    for i, key in enumerate("abc"):
        recent.put(key, i)
    assert [recent.get(key) for key in "abc"] == [None, 1, 2]
    now[0] = 11
    assert recent.get("c") is None
    assert len(recent) == 0


def test_it_listens_at_the_next_free_port_and_its_page_asks_nobody_for_fonts(server: Server, taken_port: int) -> None:
    assert server.port != taken_port
    _, page = server.ask("/")
    assert "Stability Explorer" in page
    assert "fonts.googleapis" not in page


def test_an_address_of_elsewhere_is_refused() -> None:
    from explorer.app import free_port

    with pytest.raises(ExplorerError, match="not one of this machine"):
        free_port("no-such-host.invalid", 7860)


def test_a_model_that_is_not_there_is_named() -> None:
    from explorer.app import build

    with pytest.raises(ExplorerError, match="no-such"):
        build(["cifar10/resnet20/no-such"])
