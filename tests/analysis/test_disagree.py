from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer import load_dataset, load_model
from explorer.analysis import compare_image, next_disagreement
from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from tests.support.networks import threshold

BETWEEN = {3, 7}  # the rows on which the two models below disagree


@pytest.fixture
def models():
    return [threshold(0.3), threshold(0.7, name="test/formula/stability")]


@pytest.fixture
def greys() -> Dataset:
    """Ten uniform 4 px images: dark or light, but for rows 3 and 7, which are in between; even rows are of class 0."""
    values = [128 if row in BETWEEN else (20 if row % 2 else 240) for row in range(10)]
    pixels = np.stack([np.full((4, 4, 1), value, np.uint8) for value in values])
    labels = np.array([row % 2 for row in range(10)], np.int64)
    return Dataset("greys", "test", pixels, labels, ("low", "high"), (0.0,), (1.0,))


@pytest.mark.parametrize(
    ("start", "step", "expected"),
    [
        (0, 1, 3),
        (3, 1, 7),
        (7, 1, 3),
        (9, 1, 3),
        (-1, 1, 3),
        (0, -1, 7),
        (7, -1, 3),
        (3, -1, 7),
        (-1, -1, 7),
        (2, 1, 3),
    ],
)
def test_the_next_one_is_found_in_both_directions_and_round_the_end(models, greys, start, step, expected):
    assert next_disagreement(models, greys, Recipe(), start, step=step) == expected


def test_only_rows_of_the_class_asked_for(models, greys):
    assert next_disagreement(models, greys, Recipe(), 0, label=1) == 3
    assert next_disagreement(models, greys, Recipe(), 0, label=0) is None


def test_the_start_itself_is_not_the_next_one(models, greys):
    alone = greys.select([0, 1, 3, 5])
    assert next_disagreement(models, alone, Recipe(), 2) is None
    assert next_disagreement(models, alone, Recipe(), -1) == 2


def test_the_distorted_picture_decides(models, greys):
    # brighter by 0.5, the dark ones come in between and rows 3 and 7 are light
    assert next_disagreement(models, greys, Recipe.parse("brightness=0.4"), 9) == 1


@pytest.mark.parametrize(
    "text",
    [
        "gaussian_noise=0.5;seed=11",
        pytest.param("pgd_linf=16/255;seed=2;against=digits/lenet/standard", marks=pytest.mark.slow),
    ],
)
def test_it_is_what_compare_says_row_by_row(text):
    models = [load_model(f"digits/lenet/{method}", device="cpu") for method in ("standard", "bang")]
    data, recipe = load_dataset("digits").select(range(150)), Recipe.parse(text)

    def disagree(row: int) -> bool:
        image, labels = data.batch([row])
        answers = compare_image(models, image, recipe, label=int(labels[0])).models
        return len({int(answer.distorted.argmax()) for answer in answers}) > 1

    expected = [row for row in range(len(data)) if disagree(row)]
    assert expected, "the test needs models that disagree somewhere"
    found: list[int] = []
    row = next_disagreement(models, data, recipe, -1)
    while row is not None and row not in found:
        found.append(row)
        row = next_disagreement(models, data, recipe, row)
    assert found == expected


@pytest.mark.parametrize(("classes", "expected"), [(("low", "high"), None), (("a", "b"), 0)])
def test_attacks_go_away_from_the_true_class_where_the_models_know_it(classes, expected):
    # Both call row 0 "high", wrongly. Away from "low" means lighter, and they go on agreeing; away from their own
    # answer means darker, below the second one's threshold.
    models = [threshold(0.3), threshold(0.48, name="test/formula/stability")]
    pixels = np.full((1, 4, 4, 1), 127, np.uint8)
    data = Dataset("one", "test", pixels, np.array([0], np.int64), classes, (0.0,), (1.0,))
    recipe = Recipe.parse("fgsm=10/255;against=test/formula/stability")
    assert next_disagreement(models, data, recipe, -1) == expected


def test_attacks_go_away_from_the_models_answer_where_no_class_is_known():
    models = [threshold(0.3), threshold(0.48, name="test/formula/stability")]
    data = Dataset("one", "test", np.full((1, 4, 4, 1), 127, np.uint8), np.array([-1], np.int64), (), (0.0,), (1.0,))
    assert next_disagreement(models, data, Recipe.parse("fgsm=10/255;against=test/formula/stability"), -1) == 0


def test_pictures_of_another_size_are_fitted_as_compare_sees_them(models, greys):
    large = replace(greys, images=np.repeat(np.repeat(greys.images, 3, 1), 3, 2))
    row = next_disagreement(models, large, Recipe(), 0)
    assert row == 3
    image = images.fit(large.batch([row])[0], 4, 1)
    assert len({int(answer.distorted.argmax()) for answer in compare_image(models, image, Recipe()).models}) == 2


def test_progress_counts_rows_and_can_end_the_search(models, greys):
    calls: list[tuple[int, int]] = []
    calm = greys.select([0, 1, 2, 4, 5, 6])
    assert next_disagreement(models, calm, Recipe(), 0, progress=lambda *call: calls.append(call)) is None
    assert (calls[0], calls[-1]) == ((0, 5), (5, 5))

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        next_disagreement(models, calm, Recipe(), 0, progress=stop)


def test_bad_questions_are_refused(models, greys):
    for start, step in ((10, 1), (-2, 1), (0, 0)):
        with pytest.raises(ExplorerError, match="rows go from 0 to 9"):
            next_disagreement(models, greys, Recipe(), start, step=step)
    with pytest.raises(ExplorerError, match="classes 0 to 1"):
        next_disagreement(models, greys, Recipe(), 0, label=2)
    with pytest.raises(ExplorerError, match="at least two"):
        next_disagreement(models[:1], greys, Recipe(), 0)
