"""Folders of images as people have them: exports of other programs, rubbish, links, damaged files, no splits."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data import decoding
from explorer.data.datasets import Dataset, load_dataset, open_dataset
from explorer.data.layout import SPLITS
from explorer.errors import ExplorerError


def png(path: Path, value: int = 0, side: int = 6) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (value,) * 3).save(path)


def tree(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        png(root / name, i)
    return root


def shown(data: Dataset) -> list[tuple[str, str]]:
    """Each file with its class, by name."""
    names = data.images.names  # type: ignore[attr-defined]
    return sorted((name, str(data.class_of(row))) for row, name in enumerate(names))


LAYOUTS = {
    "ImageFolder": ("cat/1.png", "dog/1.png"),
    "splits": ("train/cat/1.png", "train/dog/1.png", "test/cat/2.png", "test/dog/2.png"),
    "Roboflow": ("train/cat/1.png", "valid/cat/3.png", "valid/dog/3.png", "test/cat/2.png", "test/dog/2.png"),
    "Kaggle": ("archive/pets/train/cat/1.png", "archive/pets/test/cat/2.png", "archive/pets/test/dog/2.png"),
    "Intel": ("seg_train/seg_train/cat/1.png", "seg_test/seg_test/cat/2.png", "seg_test/seg_test/dog/2.png"),
    "Intel with images to predict": (
        "seg_train/seg_train/cat/1.png",
        "seg_test/seg_test/cat/2.png",
        "seg_test/seg_test/dog/2.png",
        "seg_pred/seg_pred/7.png",
    ),
    "only val": ("Train/cat/1.png", "Train/dog/1.png", "Val/cat/2.png", "Val/dog/2.png"),
    "images": ("images/cat/1.png", "images/dog/1.png"),
    "nested": ("cat/tabby/old/1.png", "cat/siamese/1.png", "dog/1.png"),
    "train alone": ("train/cat/1.png", "train/dog/1.png"),
    "no labels to test": ("train/cat/1.png", "val/cat/2.png", "val/dog/2.png", "test/7.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_usual_layouts(tmp_path: Path, layout: str) -> None:
    data = load_dataset(str(tree(tmp_path / "own", *LAYOUTS[layout])))
    assert data.classes == ("cat", "dog")
    wanted = [name for name in LAYOUTS[layout] if "2.png" in name] or LAYOUTS[layout]
    assert shown(data) == sorted((name, "cat" if "cat/" in name else "dog") for name in wanted)


@pytest.mark.parametrize("name", [name for names in SPLITS.values() for name in names])
def test_every_name_of_a_split_in_any_case(tmp_path: Path, name: str) -> None:
    other = "test" if name in SPLITS["train"] else "train"
    for case, spelt in enumerate((name, name.upper(), name.title())):
        tree(tmp_path / str(case), f"{spelt}/cat/1.png", f"{other}/cat/1.png", f"{other}/dog/1.png")
        assert load_dataset(str(tmp_path / str(case))).classes == ("cat", "dog")


def test_classes_that_are_called_like_splits_stay_classes(tmp_path: Path) -> None:
    vehicles = load_dataset(str(tree(tmp_path / "a", "bus/1.png", "plane/1.png", "train/1.png")))
    assert vehicles.classes == ("bus", "plane", "train")
    stations = load_dataset(str(tree(tmp_path / "b", "train station/1.png", "airport/1.png")))
    assert stations.classes == ("airport", "train station")


def test_a_class_that_a_split_lacks_keeps_its_number(tmp_path: Path) -> None:
    tree(tmp_path, "train/ant/1.png", "train/bee/1.png", "train/cat/1.png", "test/cat/2.png")
    assert load_dataset(str(tmp_path)).labels.tolist() == [2]


def test_class_folders_are_sorted_as_people_count(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{i}/1.png" for i in range(12)), "b10/1.png", "b9/1.png", "B1/1.png")
    assert load_dataset(str(tmp_path)).classes == (*map(str, range(12)), "B1", "b9", "b10")


def test_rubbish_is_ignored_and_what_else_is_left_out_is_counted(tmp_path: Path) -> None:
    own = tree(tmp_path / "own", "cat/1.png", "dog/1.png")
    for name in ("__MACOSX/cat/._1.png", "@eaDir/1.png", ".ipynb_checkpoints/1.png", "cat/._1.png", "cat/@eaDir/2.png"):
        png(own / name)
    for name in (".DS_Store", "cat/Thumbs.db", "dog/desktop.ini"):
        (own / name).write_bytes(b"rubbish")
    data = load_dataset(str(own))
    assert (data.classes, data.notes) == (("cat", "dog"), ())
    (own / "readme.txt").write_text("words")
    (own / "cat" / "notes.doc").write_text("words")
    png(own / "outside.png")
    (note,) = load_dataset(str(own)).notes
    assert note == (
        "Left out of own: 1 image outside the class folders (outside.png); 2 files that are not images (readme.txt, "
        "notes.doc)."
    )


def test_a_split_that_nobody_asked_for_is_not_left_out(tmp_path: Path) -> None:
    own = tree(tmp_path / "own", "train/cat/1.png", "test/cat/1.png", "extra/1.png")
    assert load_dataset(str(own)).notes == ("Left out of own: 1 image outside the class folders (1.png).",)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    tree(tmp_path / "elsewhere", "1.png", "deep/2.png")
    own = tree(tmp_path / "own", "dog/1.png")
    (own / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "deep" / "up").symlink_to(tmp_path / "elsewhere")
    (own / "dog" / "gone.png").symlink_to(own / "nowhere.png")
    (own / "dog" / "round.png").symlink_to(own / "dog" / "round.png")
    data = load_dataset(str(own))
    assert shown(data) == [("cat/1.png", "cat"), ("cat/deep/2.png", "cat"), ("dog/1.png", "dog")]
    assert "2 files that are not images (gone.png, round.png)" in data.notes[0]
    assert "1 link to a folder around it (up)" in data.notes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_the_whole_folder_brings_no_image_into_another_class(tmp_path: Path) -> None:
    own = tree(tmp_path / "own", "cat/1.png", "dog/1.png")
    tree(tmp_path / "far", "2.png")
    (own / "ant").symlink_to(tmp_path / "far")
    for link in (own / "cat" / "all", own / "dog" / "all.png", own / "all", tmp_path / "far" / "back"):
        link.symlink_to(own)
    data = load_dataset(str(own))
    assert shown(data) == [("ant/2.png", "ant"), ("cat/1.png", "cat"), ("dog/1.png", "dog")]
    assert "4 links to folders around them" in data.notes[0]


def test_every_ending_of_a_file_that_opens_alone_counts_in_a_folder(tmp_path: Path) -> None:
    endings = [
        ".png",
        ".JPG",
        ".jpeg",
        ".jfif",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".jp2",
        ".tga",
        ".apng",
    ]
    (tmp_path / "a").mkdir()
    for ending in endings:
        assert ending.lower() in decoding.suffixes()
        Image.new("RGB", (6, 6), (9, 9, 9)).save(tmp_path / "a" / f"x{ending}")
    data = load_dataset(str(tmp_path))
    assert len(data) == len(endings)
    assert np.abs(data.images[:].astype(int) - 9).max() <= 2


def test_one_tiny_picture_is_enlarged_and_counted(tmp_path: Path) -> None:
    for i in range(4):
        png(tmp_path / "a" / f"{i}.png", 9, 32)
    png(tmp_path / "a" / "tiny.png", 9, 4)
    data = load_dataset(str(tmp_path))
    assert data.size == 32
    assert data.in_memory().notes == ("1 of 5 images is smaller than 32 x 32 px and was enlarged.",)


def test_a_folder_without_a_test_split_holds_a_fifth_of_each_class_out(tmp_path: Path) -> None:
    own = tree(tmp_path / "own", *(f"{name}/{i}.png" for name, n in (("a", 20), ("b", 5), ("c", 1)) for i in range(n)))
    train, test, whole = (load_dataset(str(own), split) for split in ("train", "test", None))
    assert np.bincount(test.labels).tolist() == [4, 1]
    assert sorted(shown(train) + shown(test)) == shown(whole)
    assert (train.split, test.split, whole.split, len(whole)) == ("train", "test", "all", 26)
    assert test.notes == train.notes
    assert test.notes == ("own has no test split: a seeded 20 % of each class (seed 0) is held out for testing.",)
    before = {name for name, _ in shown(test)}
    png(own / "a" / "new.png")
    assert len(before - {name for name, _ in shown(load_dataset(str(own), "test"))}) <= 1  # others stay where they are


def test_a_folder_with_only_tests_has_nothing_to_train_on(tmp_path: Path) -> None:
    tree(tmp_path, "test/a/1.png", "val/a/1.png")
    with pytest.raises(ExplorerError, match="no training images; add a folder train"):
        load_dataset(str(tmp_path), "train")


def test_an_npz_without_splits_holds_out_and_one_that_is_sorted_is_mixed(tmp_path: Path) -> None:
    y = np.repeat(np.arange(4), 25)
    x = np.arange(100, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    np.savez(tmp_path / "sorted.npz", x=x, y=y)
    train, test = (load_dataset(str(tmp_path / "sorted.npz"), split) for split in ("train", "test"))
    values = [set(data.images[:, 0, 0, 0].tolist()) for data in (train, test)]
    assert (len(values[0]), len(values[1]), len(values[0] & values[1])) == (80, 20, 0)
    whole = load_dataset(str(tmp_path / "sorted.npz"))
    assert np.bincount(whole.labels[:40]).min() >= 9
    assert (y[whole.images[:, 0, 0, 0]] == whole.labels).all()
    assert "class by class" in whole.notes[0]
    mixed = np.random.default_rng(0).permutation(100)
    np.savez(tmp_path / "mixed.npz", x=x[mixed], y=y[mixed])
    kept = load_dataset(str(tmp_path / "mixed.npz"))
    assert (kept.labels == y[mixed]).all()
    assert kept.notes == ()


@pytest.mark.parametrize("sizes", [(150, 150), (90, 9, 1), (3,), (40, 0, 60)])
def test_every_beginning_holds_the_classes_in_their_proportions(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    for name, size in zip("abc", sizes, strict=False):
        (tmp_path / name).mkdir()
        for i in range(size):
            (tmp_path / name / f"{i}.png").write_bytes(b"never read")
    (tmp_path / "dataset.json").write_text('{"size": 8}')
    labels = load_dataset(str(tmp_path)).labels
    for n in range(1, len(labels) + 1):
        counts = np.bincount(labels[:n], minlength=len(sizes))
        assert np.abs(counts - n * np.array(sizes) / sum(sizes)).max() <= len(sizes)
    first = open_dataset(str(tmp_path)).images.names[:5]  # type: ignore[attr-defined]
    assert first == open_dataset(str(tmp_path)).images.names[:5]  # type: ignore[attr-defined]


def test_classes_json_says_what_folders_are_called(tmp_path: Path) -> None:
    tree(tmp_path, "n02124075/1.png", "n02099601/1.png")
    (tmp_path / "classes.json").write_text('{"n02124075": "Egyptian cat"}')
    data = load_dataset(str(tmp_path))
    assert set(data.classes) == {"Egyptian cat", "n02099601"}
    assert dict(shown(data))["n02124075/1.png"] == "Egyptian cat"
    assert data.notes == ()
    (tmp_path / "classes.json").write_text('["cat"]')
    with pytest.raises(ExplorerError, match=r"classes\.json should name the class of each folder"):
        load_dataset(str(tmp_path))


def test_files_travel_to_other_processes(tmp_path: Path) -> None:
    data = load_dataset(str(tree(tmp_path, "a/1.png", "b/1.png")))
    again = pickle.loads(pickle.dumps(data))  # noqa: S301  # as Ray sends it
    assert (again.images[:] == data.images[:]).all()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything can be read there")
def test_a_closed_folder_is_said(tmp_path: Path) -> None:
    own = tree(tmp_path / "own", "a/1.png", "b/1.png")
    (own / "b").chmod(0)
    try:
        assert "1 folder that cannot be read (b)" in load_dataset(str(own)).notes[0]
    finally:
        (own / "b").chmod(0o700)


def test_what_is_kept_is_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tree(tmp_path / "own", *(f"a/{i}.png" for i in range(7)))
    monkeypatch.setattr("explorer.data.image_files.DECODED", 3 * 6 * 6 * 3)  # three images
    files = open_dataset(str(own)).images
    first = files[:]
    for rows in ([6, 5, 4], [0, 6, 0, 6], range(7)):
        assert (files[list(rows)] == first[list(rows)]).all()
    assert sorted(first[:, 0, 0, 0].tolist()) == list(range(7))
