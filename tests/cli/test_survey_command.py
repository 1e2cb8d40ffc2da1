"""``explorer survey`` runs, shows and says what a run will cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.survey import QUADRANTS

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]


def told(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "explorer", "survey", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_command_line_runs_shows_and_costs(tmp_path: Path) -> None:
    asked = ["run", "--models", ",".join(MODELS), "--data", "digits", "--distortions", "gaussian_noise=0.5,jpeg=50"]
    asked += ["--limit", "24", "--out", str(tmp_path / "out"), "--json"]
    dry = json.loads(told(*asked, "--dry-run").stdout)
    assert dry["rows"] == 24 * 2 * 2
    assert not (tmp_path / "out").exists()
    assert json.loads(told(*asked).stdout)["rows"] == 96
    counted = json.loads(told("show", str(tmp_path / "out"), "--json").stdout)
    assert sum(row[name] for row in counted for name in QUADRANTS) == 48
    n = told("show", str(tmp_path / "out"), "--sql", "select count(*) as n from rows", "--json")
    assert json.loads(n.stdout) == [{"n": 96}]
    assert "quadrants" in told("show", str(tmp_path / "out"), "--list").stdout
    told("show", str(tmp_path / "out"), "--out", str(tmp_path / "table.csv"))
    assert len((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(counted)
    missing = told("show", str(tmp_path / "nothing"))
    assert missing.returncode == 2
    assert missing.stderr.startswith("explorer: ")
    assert missing.stderr.count("\n") == 1
