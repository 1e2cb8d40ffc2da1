"""The widget without a page: its traits, what it refuses, and what a notebook stores."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

import explorer
from explorer import defaults
from explorer.errors import ExplorerError
from explorer.widgets import Explorer
from tests.support.lab import SETTINGS
from tests.support.questions import DIGITS, SEVEN
from tests.support.questions import MODELS as CIFAR


def seen(w: Explorer, name: str) -> list[Any]:
    """What observers of a trait are told from now on."""
    told: list[Any] = []
    w.observe(lambda change: told.append(change["new"]), name)
    return told


# ---- the traits -----------------------------------------------------------------------------------------------------


def test_it_opens_like_the_app():
    w = Explorer()
    assert (w.image, w.models, w.recipe) == (defaults.PICTURE, list(defaults.MODELS), defaults.RECIPE)
    assert [answer.name for answer in w.comparison.models] == w.models
    assert [answer.flipped for answer in w.comparison.models] == [True, False]


@pytest.mark.parametrize(
    ("image", "names", "recipe"),
    [
        ("cat", CIFAR, "gaussian_noise=0.1;seed=3"),
        ("cat", CIFAR, "motion_blur=5,jpeg=20;seed=1;pixels=float"),
        (SEVEN, DIGITS, "fgsm=8/255;seed=0;against=digits/lenet/standard"),
        (SEVEN, DIGITS, "clean;seed=0"),
    ],
)
@pytest.mark.usefixtures("one_thread")
def test_its_comparison_is_the_cores_to_the_last_bit(image, names, recipe):
    models = [explorer.load_model(name) for name in names]
    if image == SEVEN:
        data = explorer.load_dataset("digits")
        picture, label = data.batch([7])[0], int(data.labels[7])
    else:
        picture, label = explorer.data.images.sample_images()[image](), None
    picture = explorer.fit(picture, models[0].size, models[0].channels)
    expected = explorer.analysis.compare_image(models, picture, explorer.Recipe.parse(recipe), label=label)
    w = Explorer(image, names)
    w.recipe = recipe
    assert w.comparison.to_dict() == expected.to_dict()
    assert w.comparison.image_hash == expected.image_hash
    for ours, theirs in zip(w.comparison.models, expected.models, strict=True):
        assert torch.equal(ours.clean, theirs.clean)
        assert torch.equal(ours.distorted, theirs.distorted)
    painted: Any = w._panel.answer["models"]
    assert [model["distorted"] for model in painted] == [m["distorted"] for m in expected.to_dict()["models"]]


def test_everything_can_be_set_and_observed(w):
    told = {name: seen(w, name) for name in ("recipe", "image", "models", "comparison")}
    before = w.comparison.image_hash
    w.recipe = explorer.Recipe.parse("jpeg=20;seed=0")
    assert w.recipe == "jpeg=20;seed=0"
    assert w.comparison.image_hash != before
    w.models = [DIGITS[0], explorer.load_model("digits/lenet/bang")]
    assert [answer.name for answer in w.comparison.models] == [DIGITS[0], "digits/lenet/bang"]
    w.image = "digits:8"
    assert told["recipe"] == ["jpeg=20;seed=0"]
    assert told["image"] == ["digits:8"]
    assert len(told["models"]) == 1
    assert [comparison.image_hash for comparison in told["comparison"]][-1] == w.comparison.image_hash
    assert len(told["comparison"]) == 3
    w.recipe = "jpeg=20;seed=0"  # as it is
    assert len(told["comparison"]) == 3


def test_several_at_once_are_one_question(w):
    told = seen(w, "comparison")
    with w.hold_trait_notifications():
        w.models = CIFAR
        w.image = "cat"
        w.recipe = f"fgsm=2/255;seed=0;against={CIFAR[0]}"
    assert [answer.name for answer in w.comparison.models] == CIFAR
    assert len(told) == 1


@pytest.mark.parametrize(
    "value",
    [
        torch.rand(3, 40, 40),
        torch.rand(1, 28, 28),
        torch.rand(1, 3, 28, 28),
        np.random.default_rng(0).random((3, 40, 40), dtype=np.float32),
        np.zeros((40, 30, 3), dtype=np.uint8),
        Image.new("RGB", (50, 40), "red"),
    ],
    ids=["(3,H,W)", "(1,H,W)", "(1,C,H,W)", "array", "array of bytes", "Pillow"],
)
def test_pictures_of_many_kinds(w, value):
    w.image = value
    assert w.image is value
    assert w.comparison.clean.shape == (1, 1, 28, 28)


def test_a_picture_in_a_file(w, tmp_path):
    path = tmp_path / "mine.png"
    Image.new("RGB", (50, 40), "red").save(path)
    for value in (path, str(path)):
        w.image = value
        assert w.comparison.clean.amin() == w.comparison.clean.amax()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("recipe", "jpg=3", "did you mean jpeg"),
        ("recipe", 3, "Expected a recipe such as"),
        ("recipe", ",".join(["jpeg=50"] * 9), "at most 8 distortions"),
        ("recipe", "fgsm=8/255", "computed against one of the models shown"),
        ("models", [], "at least one model"),
        ("models", ["nonsense"], "Unknown model"),
        ("models", [DIGITS[0], DIGITS[0]], "given more than once"),
        ("models", [DIGITS[0], CIFAR[0]], "cannot be compared side by side"),
        ("models", [3], "Expected a model"),
        ("image", "no such thing", "cannot be opened"),
        ("image", "digits:99999", "has the rows 0 to"),
        ("image", 3, "Expected an image"),
        ("image", torch.rand(2, 3, 8, 8), r"got shape \(2, 3, 8, 8\)"),
        ("image", torch.full((3, 8, 8), 3.0), "instead of 0 to 1"),
        ("image", torch.zeros(3, 8, 8, dtype=torch.int32), "expected floats"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_and_changes_nothing(w, name, value, sentence):
    before = {key: getattr(w, key) for key in ("recipe", "image", "models", "comparison")}
    told = seen(w, "comparison")
    with pytest.raises(ExplorerError, match=sentence) as caught:
        setattr(w, name, value)
    assert isinstance(caught.value, traitlets.TraitError)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "?"))
    assert {key: getattr(w, key) for key in before} == before
    assert told == []


def test_the_comparison_cannot_be_set(w):
    with pytest.raises(traitlets.TraitError, match="read-only"):
        w.comparison = None


def test_what_makes_no_sense_in_several_at_once_rolls_all_back(w):
    before = (w.recipe, w.image, w.models)

    def both() -> None:
        with w.hold_trait_notifications():
            w.recipe = "jpeg=20;seed=0"
            w.image = "no such thing"

    with pytest.raises(ExplorerError, match="cannot be opened"):
        both()
    assert (w.recipe, w.image, w.models) == before
    w.recipe = "jpeg=30;seed=0"
    assert str(w.comparison.recipe) == "jpeg=30;seed=0"


def test_it_refuses_to_open_on_nonsense():
    with pytest.raises(ExplorerError, match="did you mean jpeg"):
        Explorer(recipe="jpg=3")


def test_two_threads_never_mix_their_questions(w):
    def turn(recipes: list[str]) -> None:
        for recipe in recipes * 10:
            w.recipe = recipe

    wrong: list[str] = []
    w.observe(lambda change: wrong.append(w.recipe) if str(change["new"].recipe) != w.recipe else None, "comparison")
    threads = [threading.Thread(target=turn, args=([f"jpeg={a}", f"jpeg={a + 1}"],)) for a in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert str(w.comparison.recipe) == w.recipe


def test_own_networks_stand_beside_the_shipped_ones(w):
    shipped = explorer.load_model(DIGITS[0])
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(28 * 28, 10))
    own = explorer.wrap(net, name="mine", like=shipped)
    w.models = [DIGITS[0], own]
    assert [answer.name for answer in w.comparison.models] == [DIGITS[0], "mine"]
    assert [box.tooltip for box in w._controls._boxes if box.value] == [DIGITS[0], "mine"]
    {box.tooltip: box for box in w._controls._boxes}[DIGITS[0]].value = False
    assert w.models == [own]


def test_numbers_that_cannot_be_shown_are_refused(w):
    from tests.support.networks import formula

    shipped = explorer.load_model(DIGITS[0])
    wild = formula(lambda x: x[:, :10], name="wild", classes=shipped.classes, size=28)
    wild.register_buffer("std", torch.full((1, 1, 1, 1), 1e-40), persistent=False)
    before = w.models
    with pytest.raises(ExplorerError, match="finite"):
        w.models = [wild]
    assert w.models == before


def test_the_stored_picture_holds_the_last_state_with_its_numbers(w):
    from explorer.widgets.snapshot import snapshot

    html = snapshot(w._painted, w._panel.snapshot_class)
    assert w._panel.snapshot_class in html
    assert w.recipe in html
    assert w.comparison.image_hash in html
    for answer in w.comparison.models:
        assert f"{answer.confidence:.4f}" in html
    assert html.count("data:image/png;base64,") == 2
    assert "http" not in html
    assert "<script" not in html
    assert len(html) < 30_000


def test_the_module_holds_the_panels_own_source_and_points_nowhere(w):
    from explorer.web.files import modules

    source = w._panel._esm
    assert "export function mount(" in modules()["panel/panel.js"].decode()
    assert "function mount(" in source
    for text in (source, w._panel._css):
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_answer_is_plain_json(w):
    assert json.loads(json.dumps(w._panel.answer, allow_nan=False)) == w._panel.answer


def test_show_outside_a_notebook_gives_the_widget(capsys):
    w = explorer.show(SEVEN, DIGITS)
    assert isinstance(w, Explorer)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_the_widget_needs_no_gradio():
    import subprocess
    import sys

    shown = "explorer.widgets.Explorer('digits:7', 'digits/lenet/standard')"
    code = f"import sys, explorer; {shown}; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_make_notebooks_opens_the_first_lesson_with_the_settings_that_ask_nothing():
    root = Path(__file__).resolve().parents[2]
    text = (root / "Makefile").read_text(encoding="utf-8")
    (folder,) = re.findall(r"--ServerApp.root_dir=(\S+)", text)
    (opened,) = re.findall(r"--LabApp.default_url=/lab/tree/(\S+)", text)
    assert opened == min(path.name for path in (root / folder).glob("*.ipynb"))
    (settings,) = re.findall(r'JUPYTER_CONFIG_PATH="\$\(CURDIR\)/([^:"]+)', text)
    assert root / settings == SETTINGS  # in a browser: test_jupyter


def test_an_array_changed_in_place_is_shown_when_it_is_assigned_again():
    for kind in (np.asarray, torch.from_numpy, lambda array: Image.fromarray(array[0, 0])):
        array = np.zeros((1, 1, 28, 28), np.uint8)
        given = kind(array)
        w = Explorer(given, DIGITS, "clean")
        if isinstance(given, Image.Image):
            given.paste(255, (0, 0, 28, 28))
        else:
            array[:] = 255
        assert float(w.comparison.clean.mean()) == 0, "what is shown is a copy"
        w.recipe = "jpeg=50;seed=0"
        assert float(w.comparison.clean.mean()) == 0
        w.image = given
        assert float(w.comparison.clean.mean()) == 1
