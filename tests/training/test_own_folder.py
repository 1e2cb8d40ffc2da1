"""Training on a folder of one's own: what is held out, what is said, and what a later measurement knows of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer import load_dataset
from explorer.data.datasets import Dataset
from explorer.data.seen import SIZE, Sketch, seen, sketch
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import evaluate_many
from explorer.models import Classifier, load_model, save_model
from explorer.training import TrainConfig
from explorer.training.runs import notes, starting_model, train_model, training_set
from explorer.training.trainer import TrainingProgress, prepare

CPU = torch.device("cpu")
SHORT = TrainConfig(arch="lenet", epochs=1, batch_size=16, lr=0.01, pad=0, flip=False, precision="fp32")


def digits_folder(folder: Path, counts: dict[str, int], names: str = "digit {}") -> Path:
    """A folder with so many digits of each class, as colour files."""
    data = load_dataset("digits", "train")
    for label, count in counts.items():
        (where := folder / names.format(label)).mkdir(parents=True)
        for row in data.rows(int(label))[:count]:
            Image.fromarray(data.images[row][..., 0]).convert("RGB").save(where / f"{row}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Classifier]:
    """A folder of two classes, and a model trained on it."""
    folder = digits_folder(tmp_path_factory.mktemp("own") / "mine", {"3": 40, "8": 20})
    return folder, train_model(replace(SHORT, data=str(folder)), folder.parent / "run", device=CPU)


def test_the_card_says_what_was_held_out(trained: tuple[Path, Classifier]) -> None:
    _, model = trained
    training = model.card.training
    assert (training["split"], training["images"]) == ("train", 48)
    assert "a seeded 20 % of each class (seed 0) is held out for testing" in " ".join(training["notes"])
    assert training["sketch"]["images"] == 48


def test_accuracy_on_training_images_is_called_that(trained: tuple[Path, Classifier], tmp_path: Path) -> None:
    folder, model = trained
    save_model(model, tmp_path)
    again = load_model(tmp_path / f"{model.name}.safetensors", device="cpu")  # the card keeps it
    with pytest.warns(ExplorerWarning) as issued:
        found = evaluate_many([again], folder)
    sentence = "mine/lenet/standard was trained on about 48 of these 60 images"
    assert any(note.startswith(sentence) for note in found.warnings)
    assert any(str(one.message).startswith(sentence) for one in issued)
    with pytest.warns(ExplorerWarning, match="held out for testing"):
        held_out = evaluate_many([again], load_dataset(str(folder), "test"))
    assert held_out[0].n == 12
    assert not any("trained on" in note for note in held_out.warnings)


def test_what_was_trained_on_is_known_under_other_names(trained: tuple[Path, Classifier], tmp_path: Path) -> None:
    folder, model = trained
    known = Sketch.from_dict(json.loads(json.dumps(model.card.training["sketch"])))
    assert known is not None
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    try:
        assert seen(known, load_dataset(str(moved))) == 48
    finally:
        moved.rename(folder)
    other = digits_folder(tmp_path / "other", {"1": 30})
    assert seen(known, load_dataset(str(other))) == 0


def test_files_of_the_same_name_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    one = digits_folder(tmp_path / "one", {"3": 10, "8": 10})
    two = tmp_path / "two"
    for path in one.rglob("*.png"):
        (copy := two / path.relative_to(one)).parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(copy)
    assert seen(sketch(load_dataset(str(one))), load_dataset(str(two))) == 0


def test_a_sketch_estimates_a_share() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4000, 8, 8, 1), np.uint8)
    data = Dataset("noise", "all", pixels, np.zeros(4000, np.int64), ("a",), (0.0,), (1.0,))
    trained = sketch(data.select(slice(3000)))
    assert len(trained.contents) == SIZE
    assert seen(trained, data.select(slice(3000))) == 3000
    assert seen(trained, data.select(slice(1500))) == pytest.approx(1500, abs=3000 * 0.13 * 1.5)
    assert seen(trained, data.select(slice(3000, 4000))) == 0


@pytest.mark.parametrize("stored", [None, {}, {"images": 3}, {"images": "x", "below": "", "contents": []}, 7])
def test_cards_from_elsewhere_have_no_sketch(stored: object) -> None:
    assert Sketch.from_dict(stored) is None


def test_what_is_odd_about_a_run_is_said_before_it_begins(tmp_path: Path) -> None:
    folder = digits_folder(tmp_path / "uneven", {"3": 60, "8": 10})
    config = replace(SHORT, data=str(folder), epochs=2)
    said = " ".join(notes(config, training_set(config)))
    assert "held out for testing" in said
    assert "digit 3 has 48 images, digit 8 has 8" in said
    assert "6 steps in all: the warm-up takes the first 1 of them, not 200" in said
    config = replace(SHORT, data="digits", epochs=30)
    assert notes(config, training_set(config)) == []


def test_a_model_to_start_from_finds_its_classes_by_name(tmp_path: Path) -> None:
    folder = digits_folder(tmp_path / "some", {"7": 20, "2": 20}, names="{}")
    config = replace(SHORT, data=str(folder), init="digits/lenet/standard")
    start = load_model("digits/lenet/standard", device="cpu")
    data = training_set(config)
    assert data.classes == start.classes
    assert set(data.labels.tolist()) == {2, 7}
    assert (data.size, data.channels) == (start.size, start.channels)
    run = prepare(config, data, device=CPU, init=start)
    assert run.model.classes == start.classes
    with torch.no_grad():
        answers = run.model.eval()(run.x.float() / 255).argmax(1)
    assert float((answers == run.y).float().mean()) > 0.9  # before any step: the old knowledge has its place
    strange = digits_folder(tmp_path / "strange", {"7": 20, "2": 20}, names="animal {}x")
    with pytest.raises(ExplorerError, match="are not among the 10 classes"):
        training_set(replace(config, data=str(strange), init="cifar10/resnet20/standard", arch="resnet20"))


def test_another_number_of_channels_is_a_sentence() -> None:
    config = replace(SHORT, data="cifar10", arch="resnet20")
    start = load_model("cifar10/resnet20/standard", device="cpu")
    grey = replace(load_dataset("digits", "train"), classes=start.classes)
    with pytest.raises(ExplorerError, match="takes images of 3 channel"):
        prepare(config, grey, device=CPU, init=start)


def test_time_left_counts_small_crops_as_cheaper() -> None:
    data = load_dataset("digits", "train")
    run = prepare(replace(SHORT, epochs=4, small_epochs=2, small_side=14), data, device=CPU)
    assert run.work(2, 0) == pytest.approx(run.steps / 2)  # a quarter of the pixels, twice
    assert run.work(4, 0) == pytest.approx(2.5 * run.steps)
    assert run.work(1, 4) == pytest.approx(run.steps / 4 + 1)


def test_the_estimate_of_the_end_is_reported(tmp_path: Path) -> None:
    reports: list[TrainingProgress] = []
    folder = digits_folder(tmp_path / "mine", {"3": 40, "8": 40})
    train_model(replace(SHORT, data=str(folder), epochs=3), tmp_path / "run", device=CPU, watch=reports.append)
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert reports[0].eta_seconds > reports[1].eta_seconds > reports[2].eta_seconds == 0


def test_a_data_set_without_files_is_compared_as_well(trained: tuple[Path, Classifier]) -> None:
    _, model = trained
    known = Sketch.from_dict(model.card.training["sketch"])
    assert known is not None
    pixels = torch.rand(40, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    other = load_dataset(torch.utils.data.TensorDataset(pixels, torch.zeros(40, dtype=torch.long)))
    assert seen(replace(known, below="f" * 16), other) == 0  # all of its images are looked at


@pytest.mark.parametrize("name", ["os:getcwd", "timm:resnet18", "photos/efficientnet_lite0/standard"])
def test_a_run_starts_from_checkpoints_only_and_runs_no_code_of_a_file(name: str) -> None:
    with pytest.raises(ExplorerError, match=f"not from {name}"):
        starting_model(replace(SHORT, init=name))
