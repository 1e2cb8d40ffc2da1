"""Lists of image files as data sets: CSV, JSON Lines and Parquet as people and programs write them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.data.datasets import Dataset, load_dataset, open_dataset
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import evaluate
from explorer.survey import make_plan, run
from tests.data.test_folders import png
from tests.evaluation.test_folders_measured import NAMES, SIDE, grey

LEVELS = {"cat": 0, "fire truck": 20, "dog": 40, "10": 60}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, level in LEVELS.items():
        for i in range(3):
            png(tmp_path / "own" / f"{name} {i}.png", level, SIDE)
    return tmp_path / "own"


def shown(data: Dataset) -> dict[str, str | None]:
    return dict(zip(data.images.names, map(data.class_of, range(len(data))), strict=True))  # type: ignore[attr-defined]


LISTS = {
    "plain.csv": "file,label\ncat 0.png,cat\ndog 0.png,dog\n",
    "excel.csv": '\ufeffFile; Class \r\ncat 0.png;cat\r\n"dog 0.png";"dog"\r\n',
    "tabs.tsv": "class\tfile\ncat\tcat 0.png\ndog\tdog 0.png\n",
    "indices.csv": "file,class_index,class\ncat 0.png,1,cat\ndog 0.png,0,dog\n",
    "gaps.csv": "file,class_index,label\ncat 0.png,5.0,cat\n\ndog 0.png,7,dog\n",
    "huggingface.jsonl": '{"file_name": "cat 0.png", "label": "cat"}\n\n{"file_name": "dog 0.png", "label": "dog"}\n',
    "lines.ndjson": '{"file": "./cat 0.png", "class": "cat", "more": [1]}\n{"file": "dog 0.png", "class": "dog"}',
    "windows.csv": "file,label\n..\\own\\cat 0.png,cat\n..\\own\\dog 0.png,dog\n",
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_lists_as_programs_write_them(folder: Path, name: str) -> None:
    (folder / name).write_text(LISTS[name], encoding="utf-8", newline="")
    data = load_dataset(str(folder / name))
    assert sorted(Path(file).name for file in data.images.names) == ["cat 0.png", "dog 0.png"]  # type: ignore[attr-defined]
    assert {Path(file).name: label for file, label in shown(data).items()} == {"cat 0.png": "cat", "dog 0.png": "dog"}
    assert (data.name, data.notes) == (Path(name).stem, ())
    assert evaluate(grey(), data).accuracy == 1


def test_files_are_looked_for_in_the_folder_of_the_lists_name_too(folder: Path) -> None:
    path = folder.with_suffix(".csv")
    path.write_text("file,label\ncat 0.png,cat\ndog 0.png,dog\n")
    data = load_dataset(str(path))
    assert shown(data) == {"own/cat 0.png": "cat", "own/dog 0.png": "dog"}


def test_an_index_counts_the_classes_of_a_model(folder: Path) -> None:
    rows = [f"{name} {i}.png,{NAMES.index(name)}" for name in LEVELS for i in range(3)]
    (folder / "a.csv").write_text("\n".join(["file,class_index", *rows]))
    with pytest.warns(ExplorerWarning, match="are numbers"):
        found = evaluate(grey(), str(folder / "a.csv"))
    assert (found.accuracy, found.n) == (1, 12)


def test_a_survey_and_an_evaluation_of_a_list_agree(folder: Path, tmp_path: Path) -> None:
    rows = [{"file": f"{name} {i}.png", "label": "cat"} for name in LEVELS for i in range(3)]
    (folder / "wrong.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data, model = load_dataset(str(folder / "wrong.jsonl")), grey()
    assert evaluate(model, data).accuracy == pytest.approx(0.25)
    run([model], data, make_plan([model], data, ["brightness=0.5"]), tmp_path / "out")


def test_splits_of_a_list(folder: Path) -> None:
    rows = [f"{name} {i}.png,{name},{split}" for name in LEVELS for i, split in enumerate(("train", "Test", "val"))]
    (folder / "a.csv").write_text("\n".join(["file,label,split", *rows]))
    for split, number in ((None, 1), ("test", 1), ("train", 0)):
        data = load_dataset(str(folder / "a.csv"), split)
        assert sorted(shown(data)) == sorted(f"{name} {number}.png" for name in LEVELS)
    (folder / "b.csv").write_text("file,label\n" + "\n".join(f"{n} {i}.png,{n}" for n in LEVELS for i in range(3)))
    train, test = (load_dataset(str(folder / "b.csv"), split) for split in ("train", "test"))
    assert (len(train), len(test), set(shown(train)) & set(shown(test))) == (8, 4, set())
    assert test.notes == ("b.csv has no test split: a seeded 20 % of each class (seed 0) is held out for testing.",)


def test_what_is_left_out_is_counted_and_said(folder: Path) -> None:
    rows = ("cat 0.png,cat,test", "gone.png,cat,test", "cat 0.png,cat,test", "dog 0.png,dog,")
    (folder / "a.csv").write_text("\n".join(["file,label,split", *rows]))
    data = load_dataset(str(folder / "a.csv"))
    assert data.notes[0] == (
        "Left out of a.csv: 1 file that is not there (gone.png); 1 image of no split (dog 0.png); 1 row that repeats "
        "another (cat 0.png)."
    )
    (folder / "b.csv").write_text("file,label\ncat 0.png,\ndog 0.png,\n")
    assert open_dataset(str(folder / "b.csv")).classes == ()
    with pytest.raises(ExplorerError, match="does not say what its images show"):
        load_dataset(str(folder / "b.csv"))


WRONG = {
    "file,label\nhttps://a.example/cat.png,cat\n": r"a\.csv, line 2: https://a\.example/cat\.png is an address",
    "name,label\ncat 0.png,cat\n": r"line 2: there is no file, only name, label; expected file, and label, class_index",
    "file,kind\ncat 0.png,cat\n": "line 2: there is no class, only file, kind",
    "file,label\ncat 0.png,cat\ncat 0.png,dog\n": "line 3: cat 0.png is named before .*: cat of all and dog of all",
    "file,class_index\ncat 0.png,-1\n": "line 2: class_index is -1; it counts classes from 0",
    "file,class_index\ncat 0.png,99999999999\n": "line 2: class_index is 99999999999",
    "file,class_index,class\ncat 0.png,0,cat\ndog 0.png,0,dog\n": "line 3: class_index 0 is cat before and dog here",
    "file,class_index,class\ncat 0.png,0,cat\ndog 0.png,1,cat\n": "gives several class_index to cat",
    "file,class_index,class\ncat 0.png,0,cat\ndog 0.png,,dog\n": "gives no class_index to dog",
    "file,label,split\ncat 0.png,cat,both\n": "line 2: split is both; expected train, val or test",
    "file,label\ngone.png,cat\n": r"names no images: none of its files is there \(gone.png\)",
    "file,label\n": "names no images",
    "": "names no images",
    'file,label\n"cat 0.png,cat\n': "not CSV",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_line(folder: Path, text: str) -> None:
    (folder / "a.csv").write_text(text)
    with pytest.raises(ExplorerError, match=WRONG[text]):
        load_dataset(str(folder / "a.csv"))


PARQUET: list[tuple[dict[str, Any], str]] = [
    ({"file": ["cat 0.png", "dog 0.png"], "label": pa.array(["cat", "dog"]).dictionary_encode()}, ""),
    ({"file": ["cat 0.png", "dog 0.png"], "class_index": [1.0, 0.0], "Label": ["cat", "dog"]}, ""),
    ({"file": ["cat 0.png", "dog 0.png"], "class_index": [math.nan, None], "label": ["cat", "dog"]}, ""),
    ({"image": [{"bytes": b"x"}], "label": [1]}, r"a\.parquet names no files, it holds image, label"),
    ({"file": [b"cat 0.png"], "label": ["cat"]}, r"a\.parquet, line 1: file is b'cat 0.png'; expected one text"),
]


@pytest.mark.parametrize(("columns", "wrong"), PARQUET, ids=lambda given: str(given)[:30])
def test_parquet_as_programs_write_it(folder: Path, columns: dict[str, Any], wrong: str) -> None:
    path = folder / "a.parquet"
    pq.write_table(pa.table(columns), path)
    if wrong:
        with pytest.raises(ExplorerError, match=wrong):
            load_dataset(str(path))
    else:
        assert shown(load_dataset(str(path))) == {"cat 0.png": "cat", "dog 0.png": "dog"}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(range(60)) + b"PAR1"])
def test_a_damaged_parquet_file_is_one_sentence(folder: Path, content: bytes) -> None:
    (folder / "a.parquet").write_bytes(content)
    with pytest.raises(ExplorerError, match=r"^a\.parquet is not a readable Parquet file [^\n]*$"):
        load_dataset(str(folder / "a.parquet"))


LINES = ["cat", "[1]", '{"file": ["a.png"], "label": 1}', '{"file": "a.png", "label": true}', "[" * 99_999]


@pytest.mark.parametrize("line", LINES)
def test_json_lines_hold_objects_of_texts_and_numbers(folder: Path, line: str) -> None:
    (folder / "a.jsonl").write_text('{"file": "cat 0.png", "label": "cat"}\n' + line)
    with pytest.raises(ExplorerError, match=r"a\.jsonl, line 2: "):
        load_dataset(str(folder / "a.jsonl"))


def test_other_encodings_and_odd_bytes_are_said(folder: Path) -> None:
    (folder / "a.csv").write_bytes("file,label\nkätzchen.png,cat\n".encode("latin-1"))
    with pytest.raises(ExplorerError, match=r"a\.csv is not a text in UTF-8"):
        load_dataset(str(folder / "a.csv"))
    (folder / "b.csv").write_bytes(b"file,label\ncat\0 0.png,cat\n" + b"x" * 300 + b".png,cat\n")
    with pytest.raises(ExplorerError, match=r"b\.csv"):
        load_dataset(str(folder / "b.csv"))
