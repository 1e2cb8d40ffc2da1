from __future__ import annotations

import math

import pytest
import torch

from explorer import lessons
from explorer.errors import ExplorerError
from explorer.lessons import Verdict, check, hint, judged, predict, reveal, right


@pytest.fixture
def book(monkeypatch):
    """Empty registers, and a lesson of its own numbered 9."""
    for name in ("EXERCISES", "PREDICTIONS", "_guesses", "_wrong"):
        monkeypatch.setattr(lessons, name, {})

    @lessons.exercise("9.1", "the number of legs of a spider")
    def legs(answer):
        count = lessons.number(answer, "the legs")
        return right("Eight it is.") if count == 8 else hint("It is no insect.", "More than six.", words="No.")

    @lessons.exercise("9.2", "a function that doubles a number")
    def double(answer):
        return right("It doubles.") if answer(4) == 8 else hint("2 * x.")

    lessons.prediction("9.3", "Which is heavier?", choices=("Lead", "Feathers"))
    lessons.prediction("9.4", "How many per cent?")


def said(capsys):
    return capsys.readouterr().out


def test_right_wrong_and_open_answers(book, capsys):
    check("9.1", 8)
    assert said(capsys) == "✓ Eight it is.\n"
    check("9.1", 6)
    assert said(capsys) == "✗ No. Hint: It is no insect.\n"
    for nothing in (None, ...):
        check("9.1", nothing)
        assert said(capsys) == "9.1 is not answered yet: the number of legs of a spider.\n"
    check("9.1")
    assert "not answered yet" in said(capsys)


def test_hints_grow_more_telling_until_the_answer_is_right(book, capsys):
    told = []
    for answer in (1, 2, 3, 8, 4):
        check("9.1", answer)
        told.append(said(capsys).strip())
    assert [line.split("Hint: ")[-1] for line in told] == [
        "It is no insect.",
        "More than six.",
        "More than six.",
        "✓ Eight it is.",
        "It is no insect.",
    ]


@pytest.mark.parametrize(
    "answer",
    ["eight", "8", True, [8], {"legs": 8}, math.nan, math.inf, torch.zeros(3), object(), "x" * 5000, 8 + 0j],
)
def test_no_answer_ends_in_a_traceback(book, capsys, answer):
    check("9.1", answer)
    line = said(capsys)
    assert line.startswith("✗ Expected a number for the legs")
    assert line.count("\n") == 1
    assert len(line) < 200


def test_tensors_of_one_number_are_numbers(book):
    assert judged("9.1", torch.tensor(8)) == Verdict(True, "Eight it is.")


def test_a_students_function_may_do_anything(book, capsys):
    check("9.2", lambda x: 2 * x)
    assert said(capsys) == "✓ It doubles.\n"
    check("9.2", lambda x: x / 0)
    line = said(capsys)
    assert line.startswith("✗ Your function stopped (ZeroDivisionError: division by zero).")
    assert "doubles a number" in line
    check("9.2", "no function")
    assert "This answer cannot be checked (TypeError" in said(capsys)

    def refuse(_):
        raise ExplorerError("The image is too large.")

    check("9.2", refuse)
    assert said(capsys) == "✗ The image is too large.\n"


@pytest.mark.parametrize(
    ("answer", "left_open"),
    [(..., True), (None, True), ([1, ...], True), ({"a": None}, True), ((1, 2), False), (0, False), ("", False)],
)
def test_what_counts_as_left_open(answer, left_open):
    assert lessons.is_open(answer) is left_open


def test_unknown_numbers_get_a_sentence(book, capsys):
    check("9.7", 1)
    assert said(capsys) == "There is no exercise 9.7; lesson 9 has 9.1, 9.2.\n"
    predict("8.1", 1)
    assert "lessons are numbered 1 to 7" in said(capsys)
    reveal("9.1", 1)
    assert "no prediction 9.1" in said(capsys)
    with pytest.raises(ExplorerError, match="There is no exercise"):
        judged("9.3", 1)


def test_predictions_are_noted_and_revealed(book, capsys):
    reveal("9.3", "Lead")
    assert said(capsys) == "It is Lead. (You made no prediction.)\n"
    predict("9.3", ...)
    assert said(capsys) == "No prediction yet. Which is heavier? Choose one of: Lead, Feathers.\n"
    predict("9.3", "gold")
    assert said(capsys) == "gold is not one of the choices. Choose one of: Lead, Feathers.\n"
    predict("9.3", " lead ")
    assert said(capsys) == "Noted: you predict Lead. Now run on and see.\n"
    reveal("9.3", "lead")
    assert "as you predicted" in said(capsys)
    reveal("9.3", "Feathers")
    assert said(capsys) == "It is Feathers, and you predicted Lead.\n"


def test_a_predicted_number_keeps_its_unit(book, capsys):
    predict("9.4", 40)
    reveal("9.4", 12.3456, "%")
    assert said(capsys).splitlines()[1] == "You predicted 40 %; it is 12.3 %."


def test_a_number_is_given_once(book):
    with pytest.raises(ValueError, match=r"numbered 9\.1"):
        lessons.exercise("9.1", "again")(right)
    with pytest.raises(ValueError, match=r"numbered 9\.3"):
        lessons.prediction("9.3", "Again?")


def test_choices_are_named_where_none_fits():
    assert lessons.choice(" JPEG", ["jpeg", "blur"]) == "jpeg"
    with pytest.raises(ExplorerError, match=r"The family must be one of 'jpeg', 'blur'\."):
        lessons.choice("noise", ["jpeg", "blur"], "the family")
