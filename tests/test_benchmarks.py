"""The instruments of the benchmarks; what they measure is never asserted."""

from __future__ import annotations

import json
from time import sleep

import pytest

from benchmarks.run import markdown
from benchmarks.timing import Row, machine, quartiles, race


def test_race_tells_slow_from_quick_and_warms_up_both() -> None:
    calls = []

    def slow() -> None:
        calls.append("slow")
        sleep(0.02)

    def quick() -> None:
        calls.append("quick")

    row = race("test", ("slow", slow), ("quick", quick), budget=1.5, rounds=4, warm_up=2)
    assert calls[:4] == ["slow", "quick"] * 2
    assert calls[4:] == ["slow", "quick", "quick", "slow"] * 2  # who begins alternates
    assert row.ratio is not None
    assert row.ratio > 5
    assert not row.within


def test_quartiles() -> None:
    assert quartiles([3.0]) == (3.0, 3.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)


@pytest.mark.parametrize(("ratio", "ours", "budget", "within"), [(1.2, 9e9, 1.3, True), (None, 8001, 8000, False)])
def test_a_budget_is_a_ratio_or_a_time(ratio: float | None, ours: float, budget: float, within: bool) -> None:
    assert Row("", "", ours, "", None, ratio, (0, 0), 1, budget).within is within


def test_the_report_shows_every_row_machine_and_versions() -> None:
    rows = [
        Row("compare", "compare()", 3.0, "bare", 2.5, 1.2, (1.1, 1.3), 10, 1.3),
        Row("app ready", "explorer app", 9000.0, "", None, None, (8900.0, 9100.0), 3, 8000),
    ]
    report = {"when": "now", "machine": machine(), "rows": [row.to_dict() for row in rows], "browser": {"p95": 12.345}}
    report["notebook"] = {"ratio": 1.5}
    text = markdown(json.loads(json.dumps(report)))
    assert "| compare | 3.0 ms | bare: 2.5 ms | 1.20 | 1.10 to 1.30 | ≤ 1.3 | kept |" in text
    assert "| app ready | 9000.0 ms |  |  | 8900 to 9100 | ≤ 8000 ms | MISSED |" in text
    assert "| p95 | 12.35 |" in text or "| p95 | 12.34 |" in text
    assert "| ratio | 1.50 |" in text
    assert "- torch: " in text
