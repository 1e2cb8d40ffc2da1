"""Duplicates among one's own pictures."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from explorer.errors import ExplorerError
from explorer.search import find_duplicates
from explorer.search.duplicates import linked, near_pairs
from tests.search.conftest import drawn, run
from tests.support.embeddings import bits, features
from tests.support.hostile_files import noise


@pytest.fixture
def own(tmp_path):
    root = tmp_path / "own"
    root.mkdir()
    for i in range(6):
        drawn(i, (96, 72)).save(root / f"{i}.png")
    drawn(0, (96, 72)).save(root / "copy of 0.png")
    drawn(0, (96, 72)).save(root / "0 small.jpg", quality=60)
    Image.open(root / "1.png").resize((192, 144)).save(root / "1 large.png")
    Image.open(root / "2.png").filter(ImageFilter.GaussianBlur(2)).save(root / "2 soft.png")
    return root


def test_copies_are_grouped_and_the_best_one_is_suggested(own):
    found = find_duplicates("pixels", own, threshold=0.2)
    groups = [[one.name for one in group] for group in found.groups]
    assert groups[0][0] in {"0.png", "copy of 0.png", "0 small.jpg"}
    assert set(groups[0]) == {"0.png", "copy of 0.png", "0 small.jpg"}
    assert sorted(groups[1:]) == [["1 large.png", "1.png"], ["2.png", "2 soft.png"]]  # most pixels; then the sharpest
    assert all(group[0].keep and not any(one.keep for one in group[1:]) for group in found.groups)
    assert all(one.distance <= 0.4 for group in found.groups for one in group)
    assert found.groups[1][0].width * found.groups[1][0].height in {192 * 144, 96 * 72}


def test_nothing_is_deleted_and_groups_are_saved(own, tmp_path, capsys):
    before = sorted(path.name for path in own.iterdir())
    saved = tmp_path / "groups.json"
    options = ["--model", "pixels", "--threshold", "0.2"]
    assert run("duplicates", str(own), *options, "--out", str(saved), "--out", str(tmp_path / "groups.csv")) == 0
    assert "Nothing is deleted" in capsys.readouterr().out
    assert len(json.loads(saved.read_text())["groups"]) == 3
    assert len((tmp_path / "groups.csv").read_text().splitlines()) == 1 + 7
    assert sorted(path.name for path in own.iterdir()) == before


def test_a_threshold_is_found_by_precision_on_copies_and_said(own):
    for name in ("copy of 0.png", "0 small.jpg", "1 large.png", "2 soft.png"):
        (own / name).unlink()
    drawn(0, (96, 72)).save(own / "5 again.bmp")
    found = find_duplicates("pixels", own, precision=0.7)
    assert "of the pairs found are copies by" in found.notes[-1]
    assert {one.name for group in found.groups for one in group} >= {"0.png", "5 again.bmp"}


def test_names_that_a_table_program_would_compute_are_paths_in_the_table(tmp_path):
    names = ["=1+1.png", "+1.png", "-r.png", "@a.png", "a,b.png", "two\nlines.png"]
    for name in names:
        drawn(0).save(tmp_path / name)
    found = find_duplicates("pixels", tmp_path, threshold=0)
    assert sorted(one["name"] for one in found.to_dict()["groups"][0]) == sorted(names)
    found.save(tmp_path / "groups.csv")
    with (tmp_path / "groups.csv").open(newline="") as file:
        told = [row["name"] for row in csv.DictReader(file)]
    assert sorted(told) == ["./+1.png", "./-r.png", "./=1+1.png", "./@a.png", "a,b.png", "two\nlines.png"]
    assert all((tmp_path / name).is_file() for name in told)


@pytest.mark.parametrize("pair", [bits(60, 0, 20), features(60, 1, 1.0)], ids=["bits", "features"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.9])
def test_all_pairs_up_to_the_distance_are_found(pair, share, monkeypatch):
    monkeypatch.setitem(near_pairs.__globals__, "BLOCK", 700)  # many blocks
    found = pair[0]
    a = found.vectors.astype(np.float64)
    distances = found.distance(1 - ((a[:, None] - a[None]) ** 2).sum(2) / 2)
    upper = np.triu_indices(60, 1)
    threshold = float(np.quantile(distances[upper], share))
    expected = {(i, j) for i, j in zip(*upper, strict=True) if distances[i, j] <= threshold + 1e-9}
    assert {tuple(row) for row in near_pairs(found, threshold).tolist()} == expected


def test_a_threshold_that_takes_far_too_many_is_refused_before_their_distances_are_made(monkeypatch):
    monkeypatch.setitem(near_pairs.__globals__, "MOST", 1000)
    monkeypatch.delitem(near_pairs.__globals__, "products_of")
    with pytest.raises(ExplorerError, match="smaller threshold"):
        near_pairs(features(60, 1, 1.0)[0], 2)


def test_pictures_are_linked_through_others():
    assert linked(7, np.array([[0, 1], [1, 2], [4, 5]])) == [[0, 1, 2], [4, 5]]
    assert linked(3, np.zeros((0, 2), np.int64)) == []


def test_damaged_files_are_left_out(own):
    (own / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    noise(40).save(own / "other.webp")
    found = find_duplicates("pixels", own, threshold=0.2)
    assert "1 of 12 images could not be read" in " ".join(found.notes)


def test_a_threshold_below_nothing_is_refused(own):
    with pytest.raises(ExplorerError, match="0 or more"):
        find_duplicates("pixels", own, threshold=-1)
