from __future__ import annotations

import itertools
import math

import pytest
import torch

from explorer import lessons
from explorer.errors import ExplorerError
from explorer.lessons import Verdict, check, correct, hint, judged, material, predict, reveal
from explorer.lessons import lesson_6_feature_distance as six
from explorer.registry import Registry


@pytest.fixture
def book(monkeypatch):
    """Empty registers, and a lesson of its own numbered 0."""
    for name in ("EXERCISES", "PREDICTIONS"):
        monkeypatch.setattr(lessons, name, Registry("task"))
    for name in ("_guesses", "_wrong"):
        monkeypatch.setattr(lessons, name, {})

    @lessons.exercise("0.1", "the number of legs of a spider")
    def legs(answer):
        count = lessons.number(answer, "the legs")
        return correct("Eight it is.") if count == 8 else hint("It is no insect.", "More than six.", words="No.")

    @lessons.exercise("0.2", "a function that doubles a number")
    def double(answer):
        return correct("It doubles.") if answer(4) == 8 else hint("2 * x.")

    lessons.prediction("0.3", "Which is heavier?", choices=("Lead", "Feathers"))
    lessons.prediction("0.4", "How many per cent?")


def said(capsys):
    return capsys.readouterr().out


def test_right_wrong_and_open_answers(book, capsys):
    check("0.1", 8)
    assert said(capsys) == "✓ Eight it is.\n"
    check("0.1", 6)
    assert said(capsys) == "✗ No. Hint: It is no insect.\n"
    for nothing in (None, ...):
        check("0.1", nothing)
        assert said(capsys) == "0.1 is not answered yet: the number of legs of a spider.\n"
    check("0.1")
    assert "not answered yet" in said(capsys)


def test_hints_grow_more_telling_until_the_answer_is_right(book, capsys):
    told = []
    for answer in (1, 2, 3, 8, 4):
        check("0.1", answer)
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
    check("0.1", answer)
    line = said(capsys)
    assert line.startswith("✗ Expected a number for the legs")
    assert line.count("\n") == 1
    assert len(line) < 200


def test_tensors_of_one_number_are_numbers(book):
    assert judged("0.1", torch.tensor(8)) == Verdict(True, "Eight it is.")


def test_a_students_function_may_do_anything(book, capsys):
    check("0.2", lambda x: 2 * x)
    assert said(capsys) == "✓ It doubles.\n"
    check("0.2", lambda x: x / 0)
    line = said(capsys)
    assert line.startswith("✗ Your function stopped (ZeroDivisionError: division by zero).")
    assert "doubles a number" in line
    check("0.2", "no function")
    assert "This answer cannot be checked (TypeError" in said(capsys)

    def refuse(_):
        raise ExplorerError("The image is too large.")

    check("0.2", refuse)
    assert said(capsys) == "✗ The image is too large.\n"


@pytest.mark.parametrize(
    ("answer", "left_open"),
    [(..., True), (None, True), ([1, ...], True), ({"a": None}, True), ((1, 2), False), (0, False), ("", False)],
)
def test_what_counts_as_left_open(answer, left_open):
    assert lessons.is_open(answer) is left_open


def test_unknown_numbers_get_a_sentence(book, capsys):
    check("0.7", 1)
    assert said(capsys) == "There is no exercise 0.7; lesson 0 has 0.1, 0.2.\n"
    predict("77.1", 1)
    assert f"lessons are numbered 1 to {len(lessons.MODULES)}" in said(capsys)
    reveal("0.1", 1)
    assert "no prediction 0.1" in said(capsys)
    with pytest.raises(ExplorerError, match="There is no exercise"):
        judged("0.3", 1)


def test_predictions_are_noted_and_revealed(book, capsys):
    reveal("0.3", "Lead")
    assert said(capsys) == "It is Lead. (You made no prediction.)\n"
    predict("0.3", ...)
    assert said(capsys) == "No prediction yet. Which is heavier? Choose one of: Lead, Feathers.\n"
    predict("0.3", "gold")
    assert said(capsys) == "gold is not one of the choices. Choose one of: Lead, Feathers.\n"
    predict("0.3", " lead ")
    assert said(capsys) == "Noted: you predict Lead. Now run on and see.\n"
    reveal("0.3", "lead")
    assert "as you predicted" in said(capsys)
    reveal("0.3", "Feathers")
    assert said(capsys) == "It is Feathers, and you predicted Lead.\n"


def test_a_predicted_number_keeps_its_unit(book, capsys):
    predict("0.4", 40)
    reveal("0.4", 12.3456, "%")
    assert said(capsys).splitlines()[1] == "You predicted 40 %; it is 12.3 %."


def test_a_number_is_given_once(book):
    with pytest.raises(ValueError, match=r"two tasks named '0\.1'"):
        lessons.exercise("0.1", "again")(correct)
    with pytest.raises(ValueError, match=r"two tasks named '0\.3'"):
        lessons.prediction("0.3", "Again?")


def test_choices_are_named_where_none_fits():
    assert lessons.choice(" JPEG", ["jpeg", "blur"]) == "jpeg"
    with pytest.raises(ExplorerError, match=r"The family must be one of 'jpeg', 'blur'\."):
        lessons.choice("noise", ["jpeg", "blur"], "the family")


# --- the lessons' own judges ------------------------------------------------------------------------------------------


def test_every_task_has_a_lesson_and_is_asked_as_a_sentence():
    lessons.load_all()
    numbers = [*lessons.EXERCISES, *lessons.PREDICTIONS]
    assert len(set(numbers)) == len(numbers)
    assert {number.partition(".")[0] for number in numbers} == set(lessons.MODULES)
    for exercise in lessons.EXERCISES.values():
        assert not exercise.instruction[0].isupper(), exercise.instruction
        assert not exercise.instruction.endswith("."), exercise.instruction
    for prediction in lessons.PREDICTIONS.values():
        assert prediction.question.endswith("?"), prediction.question


def verdict(number, answer):
    found = judged(number, answer)
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "answer", "told"),
    [
        ("1.2", 0.048, "That is σ itself"),
        ("1.2", 200, "flip point from the cell above"),
        ("1.4", 0.01, "still says cat"),
        ("1.4", 0.5, "surer of a wrong answer"),
        ("1.6", 1.5, "whole number"),
        ("1.6", 0, "With seed 0 it flips"),
        ("1.8", "gaussian_noise=0.08", "the usual direction"),
        ("1.8", "clean", "Both hold"),
        ("1.8", "nois=1", "no distortion named"),
        ("2.5", "hue=3", "Expected two recipes"),
        ("2.5", ("rotate=8", "gaussian_noise=0.06"), "it says cat and frog"),
        ("2.5", ("gaussian_noise=0.06", "hue=2"), "better by both measures"),
        ("2.7", 3, "Not 3.0 dB"),
        ("6.3", 0.3, "the percentile is"),
        ("6.7", "gaussian_noise=0.1", "in the table already"),
        ("6.7", "webp=5", "should be higher"),
        ("6.9", ("stability", "stability"), "The first is another one"),
        ("6.9", ("pixels", "standard"), "The second is another one"),
        ("6.9", ("pixels", "nets"), "must be one of"),
        ("8.2", ("crop", {"crop": [(True, False)] * 2, "thumbnail": [(True, True)] * 3}), "another step changes more"),
        ("8.4", lambda a, b: (sum(a), sum(b)), "all flips of each"),
        ("8.5", 100, "the interval is still"),
        ("8.5", 4000, "fewer are enough"),
        ("8.6", ("temple", "gaussian_noise=0.1"), "The stabilized one holds"),
        ("9.2", lambda a: sum(x != y for x, y in itertools.pairwise(a)) / len(a), "n - 1 pairs"),
        ("9.4", lambda right, k: sum(all(right[i - k : i + k + 1]) for i in range(len(right))) / len(right), "k = 1"),
    ],
)
def test_wrong_answers_are_told_what_is_wrong(number, answer, told):
    found = verdict(number, answer)
    assert not found.correct
    assert told in found.say()


def mean_square(a, b):
    return float(((a - b) ** 2).mean())


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (lambda a, b: 10 * math.log10(mean_square(a, b)), "mind the sign"),
        (lambda a, b: -math.log10(mean_square(a, b)), "multiply the logarithm by 10"),
        (lambda a, b: -10 * math.log(mean_square(a, b)), "to base 10"),
        (lambda a, b: -10 * math.log10(mean_square(a, b) * a.numel()), "not their sum"),
        (lambda a, b: 10 * math.log10(255**2 / mean_square(a, b)), "not 255"),
        (lambda *_: 42, "first the differences"),
    ],
)
def test_the_usual_slips_with_psnr_are_recognised(slip, told):
    assert told in verdict("2.1", slip).say()
    assert verdict("2.1", lambda a, b: -10 * math.log10(mean_square(a, b))).correct


def test_a_search_that_never_ends_is_ended():
    def endless(quality, low, high, target):
        while quality(low) > -1e9:
            pass

    assert "more than 5000 times" in verdict("2.2", endless).say()
    assert "a straight line" in verdict("2.2", lambda *arguments: arguments[1]).say()


def test_slips_with_distances_and_areas_are_recognised():
    def squared(model, a, b, layer):
        return float((model.features(a)[layer] - model.features(b)[layer]).norm() ** 2)

    assert "square root" in verdict("6.1", squared).say()

    def recalls(same, different, precision, mistakes=torch.le, stop=False):
        best = 0.0
        for at in same.sort().values:
            found, mistaken = int((same <= at).sum()), int(mistakes(different, at).sum())
            enough = found + mistaken > 0 and found / (found + mistaken) >= precision
            best = max(best, found / len(same)) if enough else best
            if stop and not enough:
                break
        return best

    assert verdict("6.5", recalls).correct
    before_any = lambda same, different, _: float((same < different.min()).double().mean())  # noqa: E731
    assert "beyond the first mistake" in verdict("6.5", before_any).say()
    assert "count with <=" in verdict("6.5", lambda one, two, share: recalls(one, two, share, mistakes=torch.lt)).say()
    assert "rise again" in verdict("6.5", lambda one, two, share: recalls(one, two, share, stop=True)).say()


@pytest.mark.parametrize("number", ["2.1", "2.2", "6.1", "6.5"])
def test_a_function_without_a_body_is_left_open(number):
    assert judged(number, lambda *_: ...) is None
    assert judged(number, lambda *_: None) is None


def test_the_area_is_that_of_all_pairs():
    generator = torch.Generator().manual_seed(1)
    same, different = (torch.randint(0, 9, (n,), generator=generator).float() for n in (30, 50))
    counted = (same[:, None] < different).double().mean() + (same[:, None] == different).double().mean() / 2
    assert six.area(same, different) == pytest.approx(float(counted))


def test_tiles_come_from_all_photographs_and_know_their_relatives():
    cut = material.tiles(2)
    assert cut.pixels.shape == (len(cut), 3, 32, 32)
    assert len(cut) == 4 * len(set(cut.photo))
    related = cut.related()
    assert related.sum(1).tolist() == [4] * len(cut)
    assert bool(related.diagonal().all())
    assert 0 <= float(cut.pixels.min()) < float(cut.pixels.max()) <= 1


def test_distances_to_oneself_are_exactly_zero():
    assert six.distances("pixels", "clean").diagonal().abs().max() == 0
    assert six.recognition("standard", "clean") == 1
