from __future__ import annotations

import pytest

from explorer.errors import ExplorerError
from explorer.registry import Registry


@pytest.fixture
def colours() -> Registry[int]:
    registry = Registry[int]("colour")
    registry.add("red", 1)
    registry.add("green", 2)
    return registry


def test_it_is_a_mapping_in_the_order_of_registration(colours):
    assert list(colours) == ["red", "green"]
    assert dict(colours.items()) == {"red": 1, "green": 2}
    assert "red" in colours
    assert "blue" not in colours
    assert colours.get("blue") is None
    assert colours.find("green") == 2


def test_a_name_is_given_once(colours):
    with pytest.raises(ValueError, match="two colours named 'red'"):
        colours.add("red", 3)
    assert colours["red"] == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gren", r"^There is no colour named 'gren': did you mean green\?$"),
        ("mauve", r"^There is no colour named 'mauve': choose one of red, green\.$"),
        (None, "no colour named 'None'"),
        (["red"], "no colour named"),
    ],
)
def test_an_unknown_name_gets_a_hint(colours, name, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        colours.find(name)


def test_a_package_that_cannot_be_imported_is_tried_again():
    registry = Registry[int]("colour", "no_such_package_anywhere")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_package_anywhere"):
            list(registry)
