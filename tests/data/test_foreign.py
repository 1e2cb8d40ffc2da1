"""Data sets of PyTorch, torchvision and Hugging Face: the same pixels, labels and answers as from a folder."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import datasets as hugging
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Normalize, RandomHorizontalFlip, ToTensor

from explorer.data.datasets import Dataset, load_dataset
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import evaluate
from explorer.survey import Survey, make_plan, run
from tests.data.test_folders import png
from tests.evaluation.test_folders_measured import SIDE, grey

LEVELS = {"cat": 0, "fire truck": 20, "dog": 40}
WANTED = 14 / 15


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of each class, of which one cat looks like a dog."""
    for name, level in LEVELS.items():
        for i in range(5):
            png(tmp_path / "own" / name / f"{i}.png", 40 if (name, i) == ("cat", 3) else level, SIDE)
    return tmp_path / "own"


def of_hugging_face(folder: Path, label: Any = None) -> hugging.Dataset:
    files = sorted(folder.rglob("*.png"))
    label = label or hugging.ClassLabel(names=sorted(LEVELS))
    features = hugging.Features({"image": hugging.Image(), "label": label})
    rows = {"image": list(map(str, files)), "label": [path.parent.name for path in files]}
    return hugging.Dataset.from_dict(rows, features=features)


def pixels(folder: Path) -> tuple[torch.Tensor, torch.Tensor, ImageFolder]:
    given = ImageFolder(str(folder), ToTensor())
    return torch.stack([image for image, _ in given]), torch.tensor(given.targets), given


KINDS = {
    "ImageFolder": lambda folder: ImageFolder(str(folder)),
    "ToTensor": lambda folder: ImageFolder(str(folder), ToTensor()),
    "arrays": lambda folder: ImageFolder(str(folder), np.asarray),
    "labels transformed": lambda folder: ImageFolder(
        str(folder), target_transform=lambda k: ["cat", "dog", "fire truck"][k]
    ),
    "Subset": lambda folder: Subset(Subset(ImageFolder(str(folder)), range(15)), range(14, -1, -1)),
    "Hugging Face": of_hugging_face,
    "Hugging Face, as arrays": lambda folder: of_hugging_face(folder).with_format("torch"),
    "Hugging Face, texts": lambda folder: of_hugging_face(folder, hugging.Value("string")),
    "DatasetDict": lambda folder: hugging.DatasetDict(
        {"train": of_hugging_face(folder).select([0]), "validation": of_hugging_face(folder)}
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_measured_like_its_folder(folder: Path, tmp_path: Path, kind: str) -> None:
    given, model = KINDS[kind](folder), grey()  # type: ignore[no-untyped-call]
    data = load_dataset(given)
    assert data.classes == ("cat", "dog", "fire truck")
    assert evaluate(model, data.select(slice(None))).accuracy == pytest.approx(WANTED)
    plan = make_plan([model], data, ["brightness=0.5"])
    run([model], data, plan, tmp_path / "out")
    found = Survey(tmp_path / "out").sql("select avg(clean_correct::int) as right, count(*) as n from rows").iloc[0]
    assert float(found.right) == pytest.approx(WANTED)
    assert found.n == 15


@pytest.mark.filterwarnings("ignore:The images of .* come class by class")
def test_evaluate_and_survey_take_them_as_they_are(folder: Path, tmp_path: Path) -> None:
    given, model = of_hugging_face(folder), grey()
    assert evaluate(model, given).accuracy == pytest.approx(WANTED)
    run([model], given, make_plan([model], given, ["brightness=0.5"]), tmp_path / "out")
    with Image.open(folder / "cat" / "0.png") as image:
        Image.eval(image, lambda value: value + 1).save(folder / "cat" / "0.png")
    again = make_plan([model], of_hugging_face(folder), ["brightness=0.5"])
    with pytest.raises(ExplorerError, match=r"holds a survey of something else \(the images differ\)"):
        run([model], given, again, tmp_path / "out")


def test_tensors_without_names_of_classes_count_a_models_own(folder: Path) -> None:
    x, y, _ = pixels(folder)
    numbers = torch.tensor([0, 2, 1])[y]  # cat, dog, fire truck -> the order of the model
    data = load_dataset(TensorDataset(x, numbers))
    assert (data.classes, data.channels, data.size) == (("0", "1", "2"), 3, SIDE)
    with pytest.warns(ExplorerWarning, match=r"are numbers: they count the classes of \S+ from 0 \(cat\)"):
        assert evaluate(grey(("cat", "fire truck", "dog")), data).accuracy == pytest.approx(WANTED)
    assert load_dataset(TensorDataset(x[:, :1], numbers)).channels == 1


def test_a_part_is_held_out_where_none_is_there(folder: Path) -> None:
    given = of_hugging_face(folder)
    train, test = (load_dataset(given, split) for split in ("train", "test"))
    assert (len(train), len(test), np.bincount(test.labels).tolist()) == (12, 3, [1, 1, 1])
    assert "has no test split" in test.notes[-1]
    assert train.in_memory().images.shape == (12, SIDE, SIDE, 3)
    parts = hugging.DatasetDict({"train": given, "test": given.select(range(4))})
    assert [len(load_dataset(parts, split)) for split in (None, "train", "test")] == [4, 15, 4]


def test_a_damaged_image_is_counted(folder: Path) -> None:
    (folder / "dog" / "1.png").write_bytes(b"nothing")
    for given in (ImageFolder(str(folder)), of_hugging_face(folder)):
        with pytest.warns(
            ExplorerWarning, match="1 of 15 images could not be read and is left out: row 6: Unidentified"
        ):
            assert evaluate(grey(), load_dataset(given)).n == 14


def test_random_transforms_are_noticed(folder: Path) -> None:
    rng = np.random.default_rng(0)

    class Noisy(ImageFolder):
        def __getitem__(self, row: int) -> Any:
            return rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8), self.targets[row]

    assert "gives other pixels each time" in load_dataset(Noisy(str(folder))).notes[0]
    assert not any("other pixels" in note for note in load_dataset(ImageFolder(str(folder))).notes)


def test_it_travels_to_other_processes(folder: Path) -> None:
    data = load_dataset(of_hugging_face(folder))
    again: Dataset = pickle.loads(pickle.dumps(data))  # noqa: S301  # as Ray sends it
    assert (again.images[:] == data.images[:]).all()


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        yield from ()


class Triples(TensorDataset):
    def __getitem__(self, row: int) -> Any:
        return (*super().__getitem__(row), 0)


X = torch.zeros(4, 3, SIDE, SIDE)
WRONG: dict[str, tuple[Any, str]] = {
    "number": (5, "Expected the name of a data set, .* not int"),
    "stream": (Endless(), "not Endless"),
    "loader": (DataLoader(TensorDataset(X, torch.zeros(4))), "not DataLoader: hand over its dataset"),
    "empty": (TensorDataset(X[:0], torch.zeros(0)), "holds no images"),
    "triples": (Triples(X, torch.zeros(4)), "A row of Triples is a tuple; expected a pair"),
    "normalised": (TensorDataset(X - 2, torch.zeros(4).long()), "No image of TensorDataset can be read: .* normalised"),
    "half labels": (TensorDataset(X, torch.full((4,), 0.5)), "A label of TensorDataset is '0.5'; expected whole"),
    "negative": (TensorDataset(X, torch.full((4,), -7)), "labels"),
    "texts": (hugging.Dataset.from_dict({"a": [1]}), "There is no column of images among a"),
    "splits": ({"one": 1}, "The splits are called one; expected train"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_understood_is_said(kind: str) -> None:
    given, match = WRONG[kind]
    with pytest.raises(ExplorerError, match=match):
        load_dataset(given)


def test_normalised_images_are_refused_with_the_reason(folder: Path) -> None:
    given = ImageFolder(str(folder), Compose([RandomHorizontalFlip(), ToTensor(), Normalize((0.5,) * 3, (0.2,) * 3)]))
    with pytest.raises(ExplorerError, match="normalised already; give pixels in"):
        load_dataset(given)


def test_labels_of_several_numbers_are_refused_in_one_sentence() -> None:
    pixels, labels = torch.rand(4, 3, SIDE, SIDE), torch.eye(4)
    with pytest.raises(ExplorerError, match=r"A label of TensorDataset is '\[1.0, 0.0, 0.0, 0.0\]'; expected whole"):
        load_dataset(TensorDataset(pixels, labels))
    with pytest.raises(ExplorerError, match="on the device meta"):
        load_dataset(TensorDataset(pixels.to("meta"), torch.arange(4)))
