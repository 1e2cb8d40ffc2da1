"""Triplets: the score of Wang et al., and the layouts of published data sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import ExplorerError
from explorer.search import Triplets, rank_triplets, read_triplets, triplets
from explorer.search.sources import read_pictures
from tests.search.conftest import drawn
from tests.support.embeddings import embeddings


def on_a_line(places: list[float]):
    """Unit vectors that lie at these angles, so that distances grow with differences."""
    return embeddings(np.stack([np.cos(places), np.sin(places)], 1))


def test_score_counts_triplets_whose_positive_or_negative_is_among_the_nearest(classes):
    found = on_a_line([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    source = read_pictures(classes)
    rows = np.array([[0, 1, 7], [0, 6, 1], [0, 6, 7], [0, 7, 6], [7, 6, 0]])
    kept, correct, counted = triplets.order(found, Triplets(source, rows), k=2)
    assert correct.tolist() == [True, False, True, False, True]
    assert counted.tolist() == [True, True, False, False, True]  # in 3 and 4 both are beyond the two nearest of 0
    assert int(np.where(counted, 2 * correct - 1, 0).sum()) == 1
    assert len(kept) == 5


def test_a_query_is_searched_among_the_pictures_of_its_group(classes):
    found, source = on_a_line([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]), read_pictures(classes)
    rows, groups = np.array([[0, 6, 7]]), np.array([0, 1, 1, 1, 1, 1, 0, 0])
    assert not triplets.order(found, Triplets(source, rows), k=1)[2].any()
    assert triplets.order(found, Triplets(source, rows, groups), k=1)[2].all()


def test_equal_distances_are_not_ordered(classes):
    found = on_a_line([0.0, 0.1, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert not triplets.order(found, Triplets(read_pictures(classes), np.array([[0, 1, 2]])))[1].any()


def test_triplets_of_classes_are_two_of_one_and_one_of_another(classes):
    made = read_triplets(classes)
    data = read_pictures(classes).data
    assert data is not None
    labels = data.labels
    q, p, n = made.rows.T
    assert len(made) == 80
    assert (labels[q] == labels[p]).all()
    assert (labels[q] != labels[n]).all()
    assert (q != p).all()
    (classes / "list.csv").write_text("file,label\na/0.png,x\na/2.png,x\nb/1.png,y\n")
    assert (
        read_triplets(classes / "list.csv").rows[:10, 0].tolist()
        == [read_triplets(classes / "list.csv").rows[0, 0]] * 10
    )
    with pytest.raises(ExplorerError, match="no triplets"):
        read_triplets(classes / "a")


def test_models_are_compared_on_the_same_triplets(shelf, classes):
    found = rank_triplets(["digits/lenet/standard", "pixels"], read_triplets(classes), "gaussian_noise=0.3", k=2)
    assert [(row.distortion, row.model) for row in found.rows] == [
        (kind, model) for kind in ("original", "gaussian_noise=0.3") for model in ("digits/lenet/standard", "pixels")
    ]
    first, second = found.rows[:2]
    assert second.difference == second.score - first.score
    assert second.difference_interval is not None
    low, high = second.difference_interval
    assert low <= second.difference <= high
    assert len(found.to_frame()) == 4
    assert "80 triplets of 8 queries" in str(found)


def folder_of(root, names):
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        drawn(i).save(root / name)
    return root


def test_ukbench_has_four_pictures_of_each_thing(tmp_path):
    folder = folder_of(tmp_path, [f"ukbench{i:05}.jpg" for i in range(8)])
    made = read_triplets(folder)
    names = np.array([int(name[7:12]) // 4 for name in made.pictures.names])
    q, p, n = made.rows.T
    assert (names[q] == names[p]).all()
    assert (names[q] != names[n]).all()


def test_copydays_counts_scenes_by_their_first_four_digits(tmp_path):
    folder = folder_of(
        tmp_path, ["original/200000.jpg", "original/200100.jpg", "strong/200001.jpg", "strong/200102.jpg"]
    )
    made = read_triplets(folder)
    scenes = np.array([name.rpartition("/")[2][:4] for name in made.pictures.names])
    q, p, n = made.rows.T
    assert len(made)
    assert (scenes[q] == scenes[p]).all()
    assert (scenes[q] != scenes[n]).all()


def test_deep_ranking_names_three_pictures_by_their_address(tmp_path):
    folder = folder_of(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    lines = [
        "https://example.org/x/a.jpg,https://example.org/x/b.jpg,http://example.org/c.jpg?size=3",
        "a.jpg,c.jpg,gone.jpg",
    ]
    (folder / "triplets.csv").write_text("\n".join(lines))
    made = read_triplets(folder / "triplets.csv")
    assert [made.pictures.names[i] for i in made.rows[0]] == ["a.jpg", "b.jpg", "c.jpg"]
    assert len(made) == 1
    assert "1 of 2 lines" in made.notes[-1]


def test_disc_names_a_query_and_its_reference(tmp_path):
    folder = folder_of(tmp_path / "pictures", ["Q00001.jpg", "R000001.jpg", "R000002.jpg", "Q00002.jpg"])
    (tmp_path / "truth.csv").write_text("query_id,reference_id\nQ00001,R000002\nQ00002,R000001\n")
    made = read_triplets(tmp_path / "truth.csv", folder)
    assert [[made.pictures.names[i][:7] for i in row] for row in made.rows] == [
        ["Q00001.", "R000002", "R000001"],
        ["Q00002.", "R000001", "R000002"],
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00garbage\x80", "not a text file"),
        (b"a,b,c,d\n", "should hold query,positive,negative"),
        (b"", "should hold query,positive,negative"),
        (b"a.jpg,../../etc/passwd,/etc/shadow\n", "None of the pictures"),
    ],
)
def test_files_that_are_no_triplets_are_refused_in_a_sentence(tmp_path, content, said):
    folder = folder_of(tmp_path, ["a.jpg"])
    (folder / "bad.csv").write_bytes(content)
    with pytest.raises(ExplorerError, match=said):
        read_triplets(folder / "bad.csv")


def test_triplets_of_pictures_that_cannot_be_read_are_left_out_and_counted(classes, shelf):
    (classes / "a" / "0.png").write_bytes(b"no picture")
    made = read_triplets(classes)
    found = rank_triplets(["pixels"], replace(made, notes=()), k=2)
    assert found.rows[0].n < len(made)
    assert "hold unreadable pictures" in found.notes[0]
