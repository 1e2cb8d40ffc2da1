from __future__ import annotations

import pytest
import torch
from scipy.stats import binomtest  # type: ignore[import-untyped]  # it ships no types

from explorer.evaluation.statistics import mcnemar
from explorer.lessons import judged
from explorer.lessons import lesson_7_failure_cases as seven


def told(number, answer):
    verdict = judged(number, answer)
    assert verdict is not None
    return verdict.say()


def always(value):
    return lambda *_: value


def test_the_exact_test_is_that_of_scipy():
    for only_a, only_b in seven.PAIRS:
        n = only_a + only_b
        expected = binomtest(only_a, n, 0.5).pvalue if n else 1.0
        assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-9)


def test_counts():
    assert judged("7.2", always(...)) is None
    assert told("7.2", seven.quadrants).startswith("✓")

    def swapped(a, b):
        found = seven.quadrants(a, b)
        return found | {"only A fails": found["only B fails"], "only B fails": found["only A fails"]}

    assert "swapped" in told("7.2", swapped)
    assert "add up to" in told("7.2", always(dict.fromkeys(seven.QUADRANTS, 1)))
    assert "keys 'both right'" in told("7.2", always({"right": 3}))
    assert "✗" in told("7.2", lambda a, b: seven.quadrants(a, b) | {"both right": "many"})


def test_p_values():
    assert judged("7.4", always(...)) is None
    assert told("7.4", mcnemar).startswith("✓")
    assert "count both ends" in told("7.4", lambda a, b: mcnemar(a, b) / 2 if a != b else 1.0)
    assert "p = 1" in told("7.4", lambda a, b: mcnemar(a, b) if a + b else 0.0)
    assert "✗" in told("7.4", always(0.04))
    assert "ZeroDivisionError" in told("7.4", lambda a, b: a / (a + b))


def test_survivors_of_six_tests():
    p_values = {"a": 0.5, "b": 0.02, "c": 1e-5, "d": 0.9, "e": 0.3, "f": 1.0}
    assert judged("7.5", (..., p_values)) is None
    assert told("7.5", (["c"], p_values)).startswith("✓ 1 of 6")
    assert "six chances" in told("7.5", (["b", "c"], p_values))
    assert "'x' is none" in told("7.5", (["x"], p_values))
    assert "list of names" in told("7.5", ("c", p_values))
    assert "✗" in told("7.5", ([], p_values))
    assert "wants two things" in told("7.5", ["c"])
    assert told("7.5", ([], dict.fromkeys("abcdef", 0.5))).startswith("✓ 0 of 6")


def test_the_pair_most_often_mixed_up():
    matrix = torch.zeros(10, 10, dtype=torch.long)
    matrix[8, 3], matrix[3, 8], matrix[1, 7], matrix[5, 5] = 9, 2, 4, 300
    assert told("7.7", ((8, 3), matrix)).startswith("✓ 9 times")
    assert "other way round" in told("7.7", ((3, 8), matrix))
    assert "happened 4 times" in told("7.7", ((1, 7), matrix))
    assert "nothing is mixed up" in told("7.7", ((5, 5), matrix))
    assert "0 to 9" in told("7.7", ((8, 30), matrix))
    assert "two digits" in told("7.7", (83, matrix))


def test_a_case_is_opened_from_what_was_written_down():
    row, recipe = 59, "rotate=-25;seed=80281613477774"
    pixels = seven.opened(row, recipe).image_hash
    assert told("7.8", (row, recipe, pixels)).startswith("✓ Opened again")
    assert "gives the pixels" in told("7.8", (row, recipe, "0" * 16))
    assert "gives the pixels" in told("7.8", (row + 1, recipe, pixels))
    clean = seven.opened(0, "clean").image_hash
    assert "both" not in (said := told("7.8", (0, "clean", clean)))
    assert "pixels are the same, but" in said
    assert "0 to 359" in told("7.8", (360, recipe, pixels))
    assert "three things" in told("7.8", (row, recipe))
    assert "✗" in told("7.8", (row, "no recipe", pixels))
