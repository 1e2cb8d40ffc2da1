"""Recipes with ``on=photograph``: the photograph is distorted at its own size; each model fits it by its transform."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.analysis import compare_image
from explorer.analysis.disagree import next_disagreement
from explorer.analysis.slider import curve_amounts
from explorer.cli import main
from explorer.data import images
from explorer.data.fitting import as_pixels, fit_published
from explorer.data.photographs import working_copy
from explorer.defaults import WORKING_SIDE
from explorer.distortions import DISTORTIONS, Recipe, apply, image_seed
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import Everyday, run_suite
from explorer.models import load_model
from explorer.models.photos import LITE0
from explorer.models.views import of_photographs, of_window
from explorer.widgets.state import make_state

pytestmark = pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")

SMALL = "cifar10/resnet20/standard"
JPEG = "jpeg=10;seed=0;on=photograph"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photographs") / "cat.png"
    Image.fromarray(images.to_uint8(images.sample_images()["cat"]())[0]).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine photographs of several sizes in three of ImageNet's classes."""
    where = tmp_path_factory.mktemp("folder")
    for i, load in enumerate([*images.sample_images().values()] * 2):
        if i < 9:
            picture = Image.fromarray(images.to_uint8(load())[0])
            picture.thumbnail((300 + 20 * i, 300))
            place = where / ("tabby", "tiger cat", "Egyptian cat")[i % 3]
            place.mkdir(exist_ok=True)
            picture.save(place / f"{i}.png")
    return where


@pytest.mark.slow
def test_a_jpeg_of_the_photograph_is_pillows_and_is_fitted_as_published(file: Path) -> None:
    found = explorer.compare([LITE0, SMALL], file, JPEG)
    buffer = io.BytesIO()
    Image.open(file).save(buffer, "JPEG", quality=10)
    saved = np.asarray(Image.open(buffer))
    assert np.array_equal(images.to_uint8(found.distorted)[0], saved)
    assert found.distorted.shape == (1, 3, 300, 451)
    wanted = torch.from_numpy(fit_published(saved, 224, 256, "bicubic").transpose(2, 0, 1)[None] / np.float32(255))
    logits = load_model(LITE0, device="cpu")(wanted)
    assert torch.allclose(found.models[0].distorted, logits.double().softmax(1)[0], atol=1e-6)
    small = images.fit(images.load_image(saved), 32, 3)
    logits = load_model(SMALL, device="cpu")(small)
    assert torch.allclose(found.models[1].distorted, logits.double().softmax(1)[0], atol=1e-6)


def test_both_spaces_have_hashes_of_their_own_and_come_back(file: Path) -> None:
    once, again = (explorer.compare([LITE0], file, JPEG) for _ in range(2))
    other = explorer.compare([LITE0], file, "jpeg=10;seed=0")
    assert once.image_hash == again.image_hash != other.image_hash
    assert torch.equal(once.models[0].distorted, again.models[0].distorted)
    assert (once.to_dict()["on"], other.to_dict()["on"]) == ("photograph", "input")


def test_a_photograph_of_the_inputs_size_is_fitted_too(tmp_path: Path) -> None:
    square = images.fit(images.sample_images()["cat"](), 224, 3)
    Image.fromarray(images.to_uint8(square)[0]).save(tmp_path / "square.png")
    found = explorer.compare([LITE0], tmp_path / "square.png", "clean;on=photograph")
    wanted = fit_published(images.to_uint8(square)[0], 224, 256, "bicubic")
    pixels = torch.from_numpy(wanted.transpose(2, 0, 1)[None] / np.float32(255))
    assert torch.allclose(found.models[0].clean, load_model(LITE0, device="cpu")(pixels).double().softmax(1)[0])


@pytest.mark.slow
def test_large_photographs_are_distorted_as_a_working_copy(tmp_path: Path) -> None:
    large = Image.fromarray(images.to_uint8(images.sample_images()["cat"]())[0]).resize((2000, 1333))
    large.save(tmp_path / "large.png")
    with pytest.warns(ExplorerWarning, match=f"as a copy of {WORKING_SIDE} x 682 px"):
        found = explorer.compare([SMALL], tmp_path / "large.png", "clean;on=photograph")
    wanted = np.asarray(large.resize((WORKING_SIDE, 682), Image.Resampling.LANCZOS))
    assert np.array_equal(images.to_uint8(found.clean)[0], wanted)


def test_several_of_any_size(file: Path) -> None:
    both: list[str | Path] = [file, "coffee"]
    found = explorer.compare([SMALL], both, "gaussian_noise=0.1;seed=3;on=photograph")
    assert [one.distorted.shape[2:] for one in found] == [(300, 451), images.sample_images()["coffee"]().shape[2:]]
    assert found[1].recipe.seed == image_seed(3, 1)


@pytest.mark.slow
def test_sweeps_flip_points_and_weaknesses_work_there(file: Path) -> None:
    swept = explorer.sweep([SMALL], file, "thumbnail", amounts=[8, 40, 300], recipe="clean;on=photograph")
    alone = [explorer.compare([SMALL], file, f"thumbnail={a};on=photograph").models[0].confidence for a in (8, 40, 300)]
    assert swept.models[0].confidence == pytest.approx(alone, abs=1e-6)
    point = explorer.flip_point([LITE0], file, "jpeg", recipe="clean;on=photograph")
    assert point[LITE0] is not None
    weak = explorer.weaknesses([SMALL], file, distortions=["jpeg", "thumbnail"], recipe="clean;on=photograph")
    assert "on=photograph" in json.dumps(weak.to_dict())


def test_attacks_stay_on_the_input(file: Path) -> None:
    with pytest.raises(ExplorerError, match="acts on a network's input"):
        Recipe.parse(f"fgsm=0.01;against={SMALL};on=photograph")
    with pytest.raises(ExplorerError, match="on=input or on=photograph, not on=window"):
        Recipe.parse("jpeg=10;on=window")


def test_the_recipe_in_all_its_forms() -> None:
    recipe = Recipe.parse(JPEG)
    assert recipe.on == "photograph"
    assert str(recipe) == JPEG
    assert Recipe.from_dict(recipe.to_dict()) == recipe == Recipe.from_query(recipe.to_query())
    assert "on" not in str(Recipe.parse("jpeg=10;on=input"))


def test_another_size_is_shown_the_first_ones_window(file: Path) -> None:
    """Without ``on=photograph`` both see the same distorted pixels, brought to the second one's side."""
    with pytest.warns(ExplorerWarning, match=f"{SMALL} takes 32 px: it is shown the 224 x 224 px of {LITE0}, resized"):
        found = explorer.compare([LITE0, SMALL], file, "jpeg=10;seed=0")
    small = images.fit(found.distorted, 32, 3)
    logits = load_model(SMALL, device="cpu")(small)
    assert torch.allclose(found.models[1].distorted, logits.double().softmax(1)[0], atol=1e-6)
    attacked = explorer.compare([LITE0, SMALL], file, f"fgsm=0.01;against={LITE0}")
    assert attacked.models[0].flipped
    with pytest.raises(ExplorerError, match="shown another model's input"):
        explorer.compare([LITE0, SMALL], file, f"fgsm=0.01;against={SMALL}")


def test_a_view_leaves_its_model_alone() -> None:
    model = load_model(SMALL, device="cpu")
    view = of_photographs(model)
    x = torch.rand(2, 3, 90, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(view(x), model(images.fit(x, 32, 3)))
    logits, features = view.answer(x)
    assert torch.equal(logits, view(x))
    assert torch.equal(features["penultimate"], view.features(x)["penultimate"])
    assert list(view.parameters()) == []
    assert of_window(model, model) is model


@pytest.mark.slow
def test_evaluation_on_photographs(folder: Path) -> None:
    recipe = Recipe.parse("jpeg=20;seed=5;on=photograph")
    data = explorer.load_dataset(str(folder))
    found = explorer.evaluate(LITE0, data, recipe)
    model, right = load_model(LITE0, device="cpu"), 0
    for row in range(len(data)):
        name = data.images.names[row]  # type: ignore[attr-defined]
        path = next(folder.rglob(name.rpartition("/")[2]))
        made = apply(recipe, images.load_image(path), seeds=[image_seed(5, row)])
        answer = model.classes[int(model(images.fit_photographs(made, model.takes)).argmax())]
        right += answer == data.class_of(row)
    assert found.accuracy == right / len(data)


@pytest.mark.slow
def test_the_table_of_zheng(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_suite([LITE0], str(folder), "zheng")
    assert isinstance(found, Everyday)
    assert [row.condition for row in found.rows] == ["original", "jpeg", "thumbnail", "crop"]
    for row in found.rows:
        alone = explorer.evaluate(LITE0, str(folder), row.recipe)
        assert (row.accuracy, row.top5) == (alone.accuracy, alone.top5)
    assert found.rows[0].instability == 0
    with pytest.raises(SystemExit) as end:
        main(["evaluate", LITE0, "--data", str(folder), "--suite", "zheng", "--csv", "--out", str(tmp_path / "a.html")])
    assert end.value.code == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["condition"] for row in rows] == ["original", "jpeg", "thumbnail", "crop"]
    assert "instability" in (tmp_path / "a.html").read_text()


def test_the_command_line_says_where_and_how_large(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["compare", str(file), "--models", f"{LITE0},{SMALL}", "--recipe", JPEG, "--json"])
    assert end.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["on"] == "photograph"
    assert [(one["input"], len(one["clean"]), len(one["distorted"])) for one in found["models"]] == [
        (224, 5, 5),
        (32, 10, 10),
    ]


def test_the_window_is_moved_for_every_model_and_the_pixels_stay(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 451 x 300 px the right end: as Pillow cuts it out of the picture resized for each network."""
    recipe = f"{JPEG};window=1:0.5"
    found, centre = (explorer.compare([LITE0, SMALL], file, one) for one in (recipe, JPEG))
    assert found.image_hash == centre.image_hash
    assert torch.equal(found.clean, centre.clean)
    photograph, takes = Image.fromarray(images.to_uint8(found.distorted)[0]), load_model(LITE0, device="cpu").takes
    resized = photograph.resize((takes.resize * 451 // 300, takes.resize), Image.Resampling.BICUBIC)
    left, top = resized.width - takes.size, (takes.resize - takes.size) // 2
    cut = np.asarray(resized.crop((left, top, left + takes.size, top + takes.size)))
    for answer, x in zip(found.models, (as_pixels(cut), images.fit(found.distorted[..., 151:], 32, 3)), strict=True):
        logits = load_model(answer.name, device="cpu")(x)
        assert torch.allclose(answer.distorted, logits.double().softmax(1)[0], atol=1e-6)
    assert not torch.equal(found.models[0].distorted, centre.models[0].distorted)
    with pytest.raises(SystemExit):
        main(["compare", str(file), "--models", f"{LITE0},{SMALL}", "--recipe", recipe, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["image_hash"] == found.image_hash
    assert told["models"] == found.to_dict()["models"]
    with pytest.raises(ExplorerError, match="give both recipes the same window"):
        explorer.compare([SMALL], file, recipe, reference=f"{file}|{JPEG}")


def test_the_widget_shows_the_photograph_too(file: Path) -> None:
    before = make_state(file, [SMALL], "jpeg=10;seed=0")
    state = make_state(file, [SMALL], JPEG, before)
    assert state.request.pixels.shape == (1, 3, 300, 451)
    assert state.request.pixels is make_state(file, [SMALL], "jpeg=11;on=photograph", state).request.pixels
    found = compare_image(state.request.models, state.request.pixels, state.request.recipe)
    assert found.image_hash == explorer.compare([SMALL], file, JPEG).image_hash
    assert make_state(file, [SMALL], "jpeg=10;seed=0", state).request.pixels.shape == (1, 3, 32, 32)


def test_the_next_disagreement_is_looked_for_on_photographs(folder: Path) -> None:
    data = explorer.load_dataset(str(folder))
    models = [load_model(f"cifar10/resnet20/{method}", device="cpu") for method in ("standard", "bang")]
    recipe = Recipe.parse("thumbnail=60;seed=0;on=photograph")
    found = next_disagreement(models, data, recipe, -1)
    answers = []
    for row in range(len(data)):
        made = apply(recipe, working_copy(data.full(row)))
        answers.append([int(model(images.fit(made, 32, 3)).argmax()) for model in models])
    assert found == next((row for row, (one, other) in enumerate(answers) if one != other), None)


@pytest.mark.slow
def test_weaknesses_of_a_photograph_leave_attacks_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: DISTORTIONS[name] for name in ("jpeg", "brightness", "fgsm")}
    monkeypatch.setattr("explorer.analysis.weakness.DISTORTIONS", few)
    found = explorer.weaknesses([SMALL], file, recipe="clean;on=photograph")
    assert sorted(one.distortion for one in found) == ["brightness", "jpeg"]


def test_curves_reach_the_amount_that_the_slider_shows() -> None:
    """Its range suits the networks' input; of a photograph of 600 px a thumbnail of 40 px lies beyond its own."""
    thumbnail = DISTORTIONS["thumbnail"]
    assert curve_amounts(thumbnail, 600, 300)[-1] == thumbnail.span(600)[1] > 40
    amounts = curve_amounts(thumbnail, 600, 40)
    assert (amounts[0], amounts[-1]) == (600, 40)
