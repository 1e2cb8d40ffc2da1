"""Hugging Face's ``metadata.csv``, ``.jsonl`` and ``.parquet`` in a folder of images say which classes they are of."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.data.datasets import load_dataset, open_dataset
from explorer.errors import ExplorerError
from explorer.evaluation import evaluate
from tests.data.test_folders import png
from tests.data.test_manifest import LEVELS, shown
from tests.evaluation.test_folders_measured import SIDE, grey


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``own/train`` and ``own/test``, each with two images of every class side by side."""
    for split in ("train", "test"):
        for name, level in LEVELS.items():
            for i in range(2):
                png(tmp_path / "own" / split / f"{name} {i}.png", level, SIDE)
    return tmp_path / "own"


def rows(folder: Path, prefix: str = "") -> list[dict[str, str]]:
    return [{"file_name": f"{prefix}{path.name}", "label": path.stem[:-2]} for path in sorted(folder.glob("*.png"))]


def write(path: Path, found: list[dict[str, str]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(found), path)
        return
    if path.suffix == ".jsonl":
        lines = [json.dumps(row) for row in found]
    else:
        lines = [",".join(found[0]), *(",".join(row.values()) for row in found)]
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
@pytest.mark.parametrize("place", ["each split", "the folder", "an outer folder"])
def test_the_list_says_the_classes_and_the_folders_the_splits(folder: Path, name: str, place: str) -> None:
    splits = [folder / "train", folder / "test"]
    if place == "each split":
        for split in splits:
            write(split / name, rows(split))
    else:
        write(folder / name, [row for split in splits for row in rows(split, f"{split.name}/")])
    path = folder.parent if place == "an outer folder" else folder
    for part in ("train", "test"):
        data = load_dataset(str(path), part)
        assert {Path(file).parent.name for file in data.images.names} == {part}  # type: ignore[attr-defined]
        assert len(data) == 8
        assert all(Path(file).stem[:-2] == label for file, label in shown(data).items())
        assert (data.classes, data.notes) == (("10", "cat", "dog", "fire truck"), ())
    assert evaluate(grey(), str(path)).accuracy == 1


def test_a_flat_folder_and_a_column_of_splits(folder: Path) -> None:
    write(folder / "test" / "metadata.csv", rows(folder / "test"))
    data = load_dataset(str(folder / "test"))
    assert (len(data), data.name, set(shown(data).values())) == (8, "test", set(LEVELS))
    found = [row | {"split": "train" if "0.png" in row["file_name"] else "test"} for row in rows(folder / "test")]
    write(folder / "test" / "metadata.csv", found)
    assert [len(load_dataset(str(folder / "test"), split)) for split in ("train", "test")] == [4, 4]


def test_the_list_stands_above_class_folders_and_what_it_does_not_name_is_counted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for i in range(2):
            png(tmp_path / "own" / name / f"{i}.png", LEVELS["cat"], SIDE)
    write(tmp_path / "own" / "metadata.csv", [{"file_name": f"{n}/0.png", "label": "cat"} for n in ("a", "./b")])
    data = load_dataset(str(tmp_path / "own"))
    assert shown(data) == {"a/0.png": "cat", "b/0.png": "cat"}
    assert data.notes == ("Left out of own: 2 images that metadata.csv does not name (1.png, 1.png).",)


@pytest.mark.parametrize("text", ["file_name,text\n0.png,a cat\n", "name,label\nx,y\n", "", '{"objects": []}\n'])
def test_a_list_without_classes_leaves_them_to_the_folders(tmp_path: Path, text: str) -> None:
    for name in ("a", "b"):
        png(tmp_path / "own" / name / "0.png", 0, SIDE)
    (tmp_path / "own" / ("metadata.jsonl" if text.startswith("{") else "metadata.csv")).write_text(text)
    data = open_dataset(str(tmp_path / "own"))
    assert shown(data) == {"a/0.png": "a", "b/0.png": "b"}
    assert "1 list without classes (own/metadata." in data.notes[0]


def test_what_is_wrong_with_a_list_is_said_with_its_line(folder: Path) -> None:
    write(folder / "test" / "metadata.csv", rows(folder / "test") + rows(folder / "test")[:1])
    with_twice = rows(folder / "test")[0] | {"label": "other"}
    write(folder / "metadata.csv", [with_twice | {"file_name": f"test/{with_twice['file_name']}"}])
    with pytest.raises(ExplorerError, match=r"metadata\.csv, line 2: .* is named before with another class or split"):
        load_dataset(str(folder))


def marked(folder: Path, *more: str) -> Path:
    """Roboflow's list of a split: a column of 0 and 1 for every class."""
    lines = ["filename, Cat, 10, fire truck, dog"]
    lines += [
        f"{row['file_name']}, " + ", ".join(str(int(row["label"] == name)) for name in COLUMNS) for row in rows(folder)
    ]
    path = folder / "_classes.csv"
    path.write_text("\n".join([*lines, *more]), encoding="utf-8")
    return path


COLUMNS = ("cat", "10", "fire truck", "dog")


def test_roboflow_marks_classes_in_columns(folder: Path) -> None:
    for split in ("train", "test"):
        marked(folder / split)
    data = load_dataset(str(folder), "test")
    assert data.classes == ("10", "Cat", "dog", "fire truck")
    assert all((Path(file).stem[:-2] == str(label).lower()) for file, label in shown(data).items())
    assert evaluate(grey(), str(folder)).accuracy == 1
    path = marked(folder / "test", "cat 0.png, 1, 0, 0, 1")
    with pytest.raises(ExplorerError, match=r"_classes\.csv, line 10: Cat, dog are marked; expected one class"):
        load_dataset(str(path))
