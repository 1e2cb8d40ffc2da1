"""Classes of a data set found among those of a model: by name, by position only where one side has numbers."""

from __future__ import annotations

import pytest

from explorer import evaluate, load_dataset, load_model
from explorer.data.classes import match_classes, natural_key, plain_name
from explorer.data.imagenet import imagenet_classes, imagenet_synsets
from explorer.errors import ExplorerError, ExplorerWarning

CIFAR = ("airplane", "automobile", "bird", "cat")


def match(own: tuple[str, ...], known: tuple[str, ...], used: list[int] | None = None, **more: bool) -> list[int]:
    return match_classes(own, range(len(own)) if used is None else used, known, "own", "net", **more)[0].tolist()


@pytest.mark.parametrize(
    ("own", "known", "found"),
    [
        (("plane", "car", "bird"), ("bird", "plane", "car"), [1, 2, 0]),
        (("bird", "cat"), CIFAR, [2, 3]),
        (("Fire_Truck", "gas-pump"), ("gas pump", "fire truck"), [1, 0]),
        (("cafe\u0301",), ("tea", "caf\u00e9"), [1]),  # as macOS and as others write it
        (("Cat", "cat", "CAT "), CIFAR, [3, 3, 3]),
        (("0", "1", "2", "10"), tuple(map(str, range(11))), [0, 1, 2, 10]),
        (("07", "3"), tuple(map(str, range(10))), [7, 3]),
        (("n02085620-Chihuahua", "002.Bird"), ("bird", "chihuahua"), [1, 0]),
        (("Tinca tinca",), ("goldfish", "tench, Tinca tinca"), [1]),
    ],
)
def test_by_name(own: tuple[str, ...], known: tuple[str, ...], found: list[int]) -> None:
    assert match(own, known) == found
    assert match_classes(own, range(len(own)), known, "own", "net")[1] == ""


@pytest.mark.parametrize(
    ("own", "known", "found", "word"),
    [
        (("3", "1"), CIFAR, [3, 1], "numbers"),
        (("1", "2", "3", "4"), CIFAR, [0, 1, 2, 3], "order"),
        (("ant", "bee"), ("0", "1"), [0, 1], "order"),
        (("ant", "bee"), ("class 0", "class 1"), [0, 1], "order"),
    ],
)
def test_by_position_where_one_side_has_numbers_and_that_is_said(
    own: tuple[str, ...], known: tuple[str, ...], found: list[int], word: str
) -> None:
    places, note = match_classes(own, range(len(own)), known, "own", "net")
    assert places.tolist() == found
    assert word in note


def test_labels_without_names_count_the_answers() -> None:
    places, note = match_classes(("0", "1", "2", "3"), range(4), CIFAR, "own", "net")
    assert places.tolist() == [0, 1, 2, 3]
    assert note == "The classes of own are numbers: they count the classes of net from 0 (airplane)."


def test_two_sides_that_count_alike_need_no_word() -> None:
    assert match_classes(("0", "1"), range(2), ("c0", "c1"), "own", "net")[1] == ""
    assert "order" in match_classes(("0", "1"), range(2), ("class 1", "class 2"), "own", "net")[1]


def test_names_that_were_guessed_give_way() -> None:
    assert match(("ant", "bee", "cow", "dog"), CIFAR, guessed=True) == [0, 1, 2, 3]
    with pytest.raises(ExplorerError, match=r"The classes of own \(ant, bee, cow, dog\) are not among the 4 classes"):
        match(("ant", "bee", "cow", "dog"), CIFAR)


def test_one_sentence_where_names_do_not_match() -> None:
    for own, words in (
        (["plane"], r"The class of own \(plane\) is not among the 2 classes of net"),
        (["plane", "auto"], r"The classes of own \(plane, auto\) are not among"),
        (["plane", "auto", "dog"], r"2 of the 3 classes of own \(plane, auto\) are not among"),
        (["plane", "dog", "cat"], r"1 of the 3 classes of own \(plane\) is not among"),
    ):
        with pytest.raises(ExplorerError, match=f"^{words}"):
            match_classes(own, range(len(own)), ["dog", "cat"], "own", "net")
    with pytest.raises(ExplorerError, match=r'1 of the 2 classes of own \(plane\) .* such as {"plane": "airplane"}'):
        match(("plane", "bird"), CIFAR)
    with pytest.raises(ExplorerError, match="are not among"):
        match(("ant", "bee"), ("0", "1", "2"))
    with pytest.raises(ExplorerError, match="are not among"):
        match(("0", "7"), CIFAR)
    with pytest.raises(ExplorerError, match="is not among"):  # which of the two?
        match(("crane",), ("crane", "bird", "crane"))
    with pytest.raises(ExplorerError, match="does not say what is in its images"):
        match((), CIFAR)


def test_a_class_without_images_need_not_be_known() -> None:
    assert match(("bird", "labels"), CIFAR, used=[0]) == [2, -1]


def test_classes_of_imagenet_by_their_wordnet_ids() -> None:
    names = imagenet_classes()
    assert match(imagenet_synsets(), names) == list(range(1000))
    imagenette = ("n01440764", "n02102040", "n02979186", "n03000684", "n03028079", "n03394916", "n03417042")
    found = match(imagenette, names)
    assert [names[i] for i in found] == [
        "tench", "English springer", "cassette player", "chain saw", "church", "French horn", "garbage truck",
    ]  # fmt: skip
    with pytest.raises(ExplorerError, match="n99999999"):
        match(("n01440764", "n99999999"), names)


def test_natural_order_and_plain_names() -> None:
    assert sorted(["b10", "10", "a", "9", "B2", "2b"], key=natural_key) == ["2b", "9", "10", "a", "B2", "b10"]
    assert plain_name(" Gas_Pump-2 ") == "gaspump2"


def test_numbers_that_count_another_models_classes_are_said() -> None:
    """The digits 0 to 9 are no airplane to truck; an accuracy of that needs a word."""
    digits, cifar = load_dataset("digits"), load_model("cifar10/resnet20/standard", device="cpu")
    with pytest.warns(ExplorerWarning, match=r"The classes of digits are numbers: they count the classes of cifar10"):
        evaluate(cifar, digits, limit=20)
