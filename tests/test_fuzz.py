"""Damaged files end in a result or in one sentence; and what watches over that notices everything else."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable

import pytest

from benchmarks import damage
from benchmarks.fuzz import DOORS, outcome, watch
from explorer.errors import ExplorerError

HERE = "tests.test_fuzz"


@pytest.mark.parametrize(("door", "count"), [(damage.pictures, 300), (damage.checkpoints, 40)])
@pytest.mark.filterwarnings("ignore")  # decoders remark on damage before they refuse it
def test_damaged_files_end_in_a_result_or_a_sentence(door: Callable[[], damage.Damage], count: int) -> None:
    one = door()
    found = {outcome(one, random.Random(f"1-{number}")) for number in range(count)}
    assert found == {"read", "refused"}


@pytest.mark.slow
@pytest.mark.parametrize(("what", "count"), [("pictures", 3000), ("checkpoints", 500)])
def test_many_of_them_soon_and_in_bounded_memory(what: str, count: int) -> None:
    found = watch(DOORS[what], count)
    assert found.faults == []
    assert found.read + found.refused == count


def faulty() -> damage.Damage:
    """Three files do something that none may."""
    odd = iter([_refuse, _raise, _sentences, _fill, _refuse])
    return lambda _: next(odd)()


def _refuse() -> None:
    raise ExplorerError("This file is damaged.")


def _raise() -> None:
    raise ZeroDivisionError("no sentence")


def _sentences() -> None:
    raise ExplorerError("One.\nTwo.")


def _fill() -> None:
    try:
        bytearray(4 * 2**30)
    except MemoryError as error:
        raise ExplorerError("The file is damaged.") from error


def spinning() -> damage.Damage:
    """Works for ever, inside of compiled code."""
    return lambda _: sum(range(10**12))


def waiting() -> damage.Damage:
    return lambda _: time.sleep(1000)


def dying() -> damage.Damage:
    return lambda _: signal.raise_signal(signal.SIGSEGV)


def test_the_watch_notices_what_is_no_sentence() -> None:
    found = watch(f"{HERE}:faulty", 5)
    faults = ["1: ZeroDivisionError: no sentence", "2: no sentence: One.\nTwo."]
    if sys.platform == "linux":
        faults.append("3: wanted more memory than it may have: The file is damaged.")
    assert found.faults == faults
    assert found.read + found.refused == 5 - len(faults)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(
    ("door", "patience", "fault"),
    [
        ("spinning", 60, "took more than 0.5 s of the processor"),
        ("waiting", 1, "stood still"),
        ("dying", 60, "the process ended with -11"),
    ],
)
def test_the_watch_ends_what_does_not_end_and_goes_on(door: str, patience: float, fault: str) -> None:
    found = watch(f"{HERE}:{door}", 2, seconds=0.5, patience=patience)
    assert [fault in one for one in found.faults] == [True, True], found.faults
    assert [one[:2] for one in found.faults] == ["0:", "1:"]
