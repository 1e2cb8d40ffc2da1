"""Data sets in the app: rows by place, class and neighbour, folders of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer import fit
from explorer.app.dataset_catalog import DatasetCatalog
from explorer.app.pictures import Pictures
from explorer.data import decoding, images
from explorer.data.datasets import Dataset, load_dataset, open_dataset, open_folder
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError
from tests.support.questions import silent


@pytest.fixture
def catalog() -> DatasetCatalog:
    """One data set of seven rows: classes a a b a b c a."""
    x = np.arange(7, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2) * 30
    labels = np.array([0, 0, 1, 0, 1, 2, 0])
    return DatasetCatalog([Dataset("mine", "test", x, labels, ("a", "b", "c", "d"), (0.0,), (1.0,))])


def rows(found: dict[str, Any]) -> list[int]:
    return [item["index"] for item in found["items"]]


@pytest.mark.parametrize(
    ("question", "expected", "start"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6], 0),
        ({"start": 5}, [5, 6], 5),
        ({"label": "a"}, [0, 1, 3, 6], 0),
        ({"label": "a", "start": 2, "count": 1}, [3], 2),
        ({"label": "d"}, [], 0),
        ({"row": 5, "count": 2}, [4, 5], 4),
        ({"label": "b", "row": 3, "count": 1}, [4], 1),
        ({"label": "c", "row": 6, "count": 1}, [5], 0),
        ({"after": 2, "count": 1}, [3], 3),
        ({"after": 6, "count": 1}, [0], 0),
        ({"label": "b", "after": 2, "count": 1}, [4], 1),
        ({"label": "b", "after": 4, "count": 1}, [2], 0),
        ({"before": 0, "count": 1}, [6], 6),
        ({"label": "b", "before": 4, "count": 1}, [2], 0),
        ({"label": "c", "random": True, "count": 1}, [5], 0),
    ],
)
def test_rows_are_found_by_place_row_neighbour_and_class(
    catalog: DatasetCatalog, question: dict[str, Any], expected: list[int], start: int
) -> None:
    found = catalog.browse({"dataset": "mine", **question}, silent)
    assert (rows(found), found["start"], found["rows"]) == (expected, start, 7)
    for item in found["items"]:
        assert item["label"] == "aababca"[item["index"]]
        decoded = images.load_image(_png(item["thumb"]))
        assert int(images.to_uint8(decoded)[0, 0, 0, 0]) == 30 * item["index"]


def _png(url: str) -> bytes:
    import base64

    return base64.b64decode(url.removeprefix("data:image/png;base64,"))


@pytest.mark.parametrize(
    "question",
    [
        {"dataset": "nothing"},
        {"dataset": "../../etc"},
        {"dataset": None},
        {"dataset": ["mine"]},
        {"dataset": "mine", "label": "e"},
        {"dataset": "mine", "label": ["a"]},
        {"dataset": "mine", "label": {}},
        {"dataset": "mine", "start": -1},
        {"dataset": "mine", "start": 7},
        {"dataset": "mine", "start": "0"},
        {"dataset": "mine", "start": True},
        {"dataset": "mine", "row": 7},
        {"dataset": "mine", "row": 1e300},
        {"dataset": "mine", "after": None},
        {"dataset": "mine", "before": -1},
        {"dataset": "mine", "count": 0},
        {"dataset": "mine", "count": 10**9},
    ],
    ids=str,
)
def test_whatever_is_asked_of_the_catalog_gets_one_sentence(catalog: DatasetCatalog, question: dict[str, Any]) -> None:
    with pytest.raises(ExplorerError, match=r"^[A-Za-z].{10,300}$"):
        catalog.browse(question, silent)


def test_the_catalogue_says_what_is_here_and_what_has_to_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: DatasetCatalog
) -> None:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    listed = {entry["name"]: entry for entry in catalog.catalogue()}
    assert json.loads(json.dumps(listed)) == listed
    assert [name for name, entry in listed.items() if entry["here"]] == ["mine", "digits"]
    assert (listed["mine"]["rows"], listed["mine"]["classes"]) == (7, ["a", "b", "c", "d"])
    assert (listed["cifar10"]["bytes"], listed["cifar10"]["kept"]) == (170_052_171, 0)
    assert listed["digits"]["bytes"] == 0
    assert listed["digits"]["rows"] == len(load_dataset("digits"))
    part = tmp_path / "downloads" / "cifar10" / "cifar-10-binary.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(123))
    np.savez(tmp_path / "mnist.npz", x_test=np.zeros((3, 28, 28), np.uint8), y_test=np.zeros(3, int))
    listed = {entry["name"]: entry for entry in catalog.catalogue()}
    assert listed["cifar10"]["kept"] == 123
    assert listed["mnist"]["here"]


# ---- a folder of one's own -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of pictures in several sizes, one of them no picture at all."""
    rng = np.random.default_rng(5)
    for name, sides in (("cats", [(40, 60), (300, 200)]), ("dogs", [(64, 64)])):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i, side in enumerate(sides):
            Image.fromarray(rng.integers(0, 256, (*side, 3), np.uint8)).save(tmp_path / "pets" / name / f"{i}.png")
    (tmp_path / "pets" / "dogs" / "9.png").write_bytes(
        (tmp_path / "pets" / "dogs" / "0.png").read_bytes()[:2000]  # its header is right, the rest is missing
    )
    (tmp_path / "pets" / ".hidden").mkdir()
    return tmp_path / "pets"


def test_a_folder_gives_each_model_its_size_straight_from_the_file(folder: Path) -> None:
    data = open_folder(folder)
    names = data.images.names  # type: ignore[attr-defined]
    assert (len(data), data.size, data.classes) == (4, 64, ("cats", "dogs"))
    assert sorted(zip(names, data.labels.tolist(), strict=True)) == [
        ("cats/0.png", 0), ("cats/1.png", 0), ("dogs/0.png", 1), ("dogs/9.png", 1),
    ]  # fmt: skip
    catalog = DatasetCatalog([data])
    pictures = Pictures([Takes(32, 3), Takes(28, 1)], catalog)
    cat, broken = names.index("cats/1.png"), names.index("dogs/9.png")
    for takes in pictures.inputs:
        _, found = pictures.find({"dataset": "pets", "index": cat}, takes)
        assert torch.equal(found.pixels, fit(images.load_image(folder / "cats" / "1.png"), *takes))
        assert (found.class_name, found.shipped) == ("cats", False)
    batch, labels = data.fitted(Takes(32, 3)).batch([names.index("dogs/0.png"), names.index("cats/0.png")])
    assert batch.shape == (2, 3, 32, 32)
    assert labels.tolist() == [1, 0]
    items = catalog.browse({"dataset": "pets"}, silent)["items"]
    assert [("thumb" in item, "error" in item) for item in items] == [
        (row != broken, row == broken) for row in range(4)
    ]
    assert items[broken]["error"].startswith("dogs/9.png: The image file is damaged")
    with pytest.raises(ExplorerError, match=r"dogs/9.png: .*damaged"):
        pictures.find({"dataset": "pets", "index": broken}, Takes(32, 3))


def test_a_folder_without_classes_has_rows_of_unknown_class(folder: Path) -> None:
    data = open_dataset(str(folder / "cats"))
    assert (len(data), data.classes) == (2, ())
    catalog = DatasetCatalog([data])
    assert [item["label"] for item in catalog.browse({"dataset": "cats"}, silent)["items"]] == [None, None]
    assert catalog.catalogue()[0]["classes"] == []
    assert Pictures([Takes(32, 3)], catalog).find({"dataset": "cats", "index": 0}, Takes(32, 3))[1].class_name is None
    with pytest.raises(ExplorerError, match="one sub-folder per class"):
        load_dataset(str(folder / "cats"))


def test_a_huge_folder_costs_nothing_until_its_rows_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = decoding.decode

    def noted(path: Path) -> Any:
        opened.append(path.name)
        return real(path)

    monkeypatch.setattr(decoding, "decode", noted)
    data = open_folder(folder, side=16)
    assert opened == []
    row = data.images.names.index("cats/1.png")  # type: ignore[attr-defined]
    data.batch([row])
    data.batch([row])
    assert opened == ["1.png"]
