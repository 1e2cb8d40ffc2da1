"""The exercises of the notebooks: predictions that are recorded, answers that are checked, and hints.

A notebook says ``predict("1.1", my_guess)`` before a cell is run, ``reveal("1.1", what_came_out)`` after it, and
``check("1.2", my_answer)`` below an exercise. None of them ever ends in a traceback. What they know stands in one file
per lesson, such as ``lesson_1_first_look.py``, loaded when the first of its numbers is asked about::

    prediction("1.1", "Which network changes its answer first?", choices=("standard", "stability"))

    @exercise("1.2", "the smallest σ at which the standard network no longer says cat")
    def smallest_sigma(answer):
        sigma = number(answer, "σ")
        return correct("That is the flip point.") if 0.02 < sigma < 0.03 else hint("Halve the interval.")

A check computes what is right from the models and pictures themselves, wherever it can: nothing is right because
somebody once wrote it down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from explorer.errors import ExplorerError
from explorer.registry import Registry

T = TypeVar("T")

MODULES = {
    "1": "lesson_1_first_look",
    "2": "lesson_2_distortions",
    "3": "lesson_3_stability_training",
    "4": "lesson_4_lipschitz_loss",
    "5": "lesson_5_bang",
    "6": "lesson_6_feature_distance",
    "7": "lesson_7_failure_cases",
    "8": "lesson_8_your_own_photographs",
    "9": "lesson_9_hold_still",
}
"""The file of each lesson, by the number before the dot."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on an answer.

    Attributes:
        correct: Whether the answer is correct.
        words: What to say about it.
        hints: What to say to a wrong answer, each more explicit than the one before.
    """

    correct: bool
    words: str = ""
    hints: tuple[str, ...] = ()

    def say(self, attempt: int = 0) -> str:
        """The line a student reads.

        Args:
            attempt: Number of earlier wrong answers; it selects the hint.

        Returns:
            One line of text.
        """
        if self.correct:
            return f"✓ {self.words}"
        text = f"✗ {self.words or 'Not yet.'}"
        return f"{text} Hint: {self.hints[min(attempt, len(self.hints) - 1)]}" if self.hints else text


def correct(words: str) -> Verdict:
    """The verdict on a right answer.

    Args:
        words: What the answer means, not only that it is right.

    Returns:
        The verdict.
    """
    return Verdict(True, words)


def hint(*hints: str, words: str = "") -> Verdict:
    """The verdict on a wrong answer.

    Args:
        *hints: One for each further wrong answer, ever more explicit.
        words: What is wrong.

    Returns:
        The verdict.
    """
    return Verdict(False, words, hints)


Judge = Callable[[Any], Verdict | None]
"""The verdict on an answer; None where nothing was filled in."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    Attributes:
        number: Lesson and exercise, such as ``1.2``.
        instruction: What to do, as the end of the sentence "not answered yet: ".
        judge: The function that judges an answer.
    """

    number: str
    instruction: str
    judge: Judge


@dataclass(frozen=True)
class Prediction:
    """One question to be guessed before the cells that answer it are run.

    Attributes:
        number: Lesson and question, such as ``1.1``.
        question: The question.
        choices: Possible answers; empty for a free guess.
    """

    number: str
    question: str
    choices: tuple[str, ...] = ()


EXERCISES = Registry[Exercise]("exercise")
"""Every exercise by its number, filled by :func:`exercise`."""

PREDICTIONS = Registry[Prediction]("prediction")
"""Every prediction by its number, filled by :func:`prediction`."""

_guesses: dict[str, Any] = {}
_wrong: dict[str, int] = {}


def exercise(number: str, instruction: str) -> Callable[[Judge], Judge]:
    """Decorator that registers the judge of an exercise: a function of the answer that returns a Verdict.

    An ``ExplorerError`` or any other exception of the judge is shown to the student as a sentence, so it may simply use
    the answer. It returns None where the answer is a function that still returns ``...``.

    Args:
        number: Lesson and exercise, such as ``1.2``.
        instruction: What to do, as the end of the sentence "not answered yet: ".

    Returns:
        The decorator.
    """

    def register(judge: Judge) -> Judge:
        EXERCISES.add(number, Exercise(number, instruction, judge))
        return judge

    return register


def prediction(number: str, question: str, *, choices: Sequence[str] = ()) -> None:
    """Register a question to be guessed.

    Args:
        number: Lesson and question, such as ``1.1``.
        question: One whole question.
        choices: Possible answers; empty for a free guess.
    """
    PREDICTIONS.add(number, Prediction(number, question, tuple(choices)))


def check(number: str, answer: Any = None) -> None:
    """Print whether an answer is right, and a hint if it is not.

    Args:
        number: The exercise.
        answer: The student's answer; None and ``...`` count as not answered yet.
    """
    try:
        verdict = judged(number, answer)
    except ExplorerError as error:
        _print(str(error))
        return
    if verdict is None:
        _print(f"{number} is not answered yet: {EXERCISES[number].instruction}.")
        return
    _print(verdict.say(_wrong.get(number, 0)))
    _wrong[number] = 0 if verdict.correct else _wrong.get(number, 0) + 1


def judged(number: str, answer: Any) -> Verdict | None:
    """Judge an answer. Whatever the answer is or does becomes a verdict, never an exception.

    Args:
        number: The exercise.
        answer: The student's answer.

    Returns:
        The verdict; None if the question was left open.

    Raises:
        ExplorerError: If there is no such exercise.
    """
    task = _find(number, EXERCISES, "exercise")
    if is_open(answer):
        return None
    try:
        return task.judge(answer)
    except ExplorerError as error:
        return Verdict(False, str(error))
    except Exception as error:  # noqa: BLE001 - a student's answer may be, and do, anything
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        done = "Your function stopped" if callable(answer) else "This answer cannot be checked"
        return Verdict(False, f"{done} ({text}).", (f"the task: {task.instruction}.",))


def predict(number: str, guess: Any = None) -> None:
    """Note a guess before the cells that answer the question are run, and print one line.

    Args:
        number: The question.
        guess: The student's guess.
    """
    try:
        task = _find(number, PREDICTIONS, "prediction")
    except ExplorerError as error:
        _print(str(error))
        return
    choices = f" Choose one of: {', '.join(task.choices)}." if task.choices else ""
    if is_open(guess):
        _print(f"No prediction yet. {task.question}{choices}")
        return
    found = _chosen(guess, task.choices)
    if task.choices and found is None:
        _print(f"{_show(guess)} is not one of the choices.{choices}")
        return
    _guesses[number] = guess if found is None else found
    _print(f"Noted: you predict {_show(_guesses[number])}. Now run on and see.")


def reveal(number: str, outcome: Any, unit: str = "") -> None:
    """Print the outcome beside the prediction.

    Args:
        number: The question.
        outcome: What came out; numbers are rounded to three digits.
        unit: Unit printed after a number.
    """
    try:
        task = _find(number, PREDICTIONS, "prediction")
    except ExplorerError as error:
        _print(str(error))
        return
    came = _show(outcome) + (f" {unit}" if unit else "")
    if number not in _guesses:
        _print(f"It is {came}. (You made no prediction.)")
        return
    guess = _guesses[number]
    if task.choices:
        same = _chosen(outcome, task.choices) == guess
        _print(f"It is {came}, {'as you predicted' if same else f'and you predicted {_show(guess)}'}.")
        return
    _print(f"You predicted {_show(guess)}{f' {unit}' if unit and _is_number(guess) else ''}; it is {came}.")


def is_open(answer: Any) -> bool:
    """Whether nothing was filled in.

    Args:
        answer: The student's answer.

    Returns:
        True for None, ``...`` and for a list, tuple or dict that still holds one of them.
    """
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, Mapping):
        return any(is_open(value) for value in answer.values())
    return isinstance(answer, (list, tuple)) and any(is_open(value) for value in answer)


def number(answer: Any, what: str = "the answer") -> float:
    """Read an answer as one finite number.

    Args:
        answer: A number, or a tensor with one value.
        what: What the number is called in the error.

    Returns:
        The number.

    Raises:
        ExplorerError: If the answer is anything else; ``check`` shows the sentence.
    """
    try:
        value = float(answer)
    except (TypeError, ValueError, RuntimeError):
        value = math.nan
    if isinstance(answer, (str, bool)) or not math.isfinite(value):
        raise ExplorerError(f"Expected a number for {what}, not {_show(answer)}.")
    return value


def choice(answer: Any, choices: Iterable[str], what: str = "the answer") -> str:
    """Read an answer as one of several choices, ignoring case.

    Args:
        answer: The student's answer.
        choices: What may be chosen.
        what: What the answer is called in the error.

    Returns:
        The choice.

    Raises:
        ExplorerError: If the answer is none of the choices; the sentence lists them.
    """
    choices = tuple(choices)
    found = _chosen(answer, choices)
    if found is None:
        raise ExplorerError(f"{what[:1].upper()}{what[1:]} must be one of {', '.join(map(repr, choices))}.")
    return found


def load_all() -> None:
    """Load every lesson's file, so that EXERCISES and PREDICTIONS are complete."""
    for name in MODULES.values():
        import_module(f"explorer.lessons.{name}")


def _find(number: str, tasks: Mapping[str, T], noun: str) -> T:
    lesson = str(number).partition(".")[0]
    if lesson in MODULES:
        import_module(f"explorer.lessons.{MODULES[lesson]}")
    if number in tasks:
        return tasks[number]
    same = [known for known in tasks if known.partition(".")[0] == lesson]
    known = f"lesson {lesson} has {', '.join(same)}" if same else f"lessons are numbered 1 to {len(MODULES)}"
    raise ExplorerError(f"There is no {noun} {number}; {known}.")


def _chosen(answer: Any, choices: Sequence[str]) -> str | None:
    """The one of ``choices`` that is meant, ignoring case and spaces around it."""
    text = str(answer).strip().casefold()
    return next((known for known in choices if known.casefold() == text), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _show(value: Any) -> str:
    """A value as it is read in a sentence, cut where it is long."""
    if isinstance(value, float):
        return f"{value:.3g}"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


def _print(line: str) -> None:
    print(line)  # noqa: T201 - what a notebook's cell says
