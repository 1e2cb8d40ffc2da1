"""``explorer survey`` runs, shows and says what a run will cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from explorer.survey import QUADRANTS
from tests.cli.test_forms import called

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]


@pytest.mark.slow
def test_the_command_line_runs_shows_and_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str) -> str:
        return called(capsys, "survey", *arguments)[1]

    asked = ["run", "--models", ",".join(MODELS), "--data", "digits", "--distortions", "gaussian_noise=0.5,jpeg=50"]
    asked += ["--limit", "24", "--out", str(tmp_path / "out"), "--json"]
    dry = json.loads(told(*asked, "--dry-run"))
    assert dry["rows"] == 24 * 2 * 2
    assert not (tmp_path / "out").exists()
    assert json.loads(told(*asked))["rows"] == 96
    counted = json.loads(told("show", str(tmp_path / "out"), "--json"))
    assert sum(row[name] for row in counted for name in QUADRANTS) == 48
    n = told("show", str(tmp_path / "out"), "--sql", "select count(*) as n from rows", "--json")
    assert json.loads(n) == [{"n": 96}]
    assert "quadrants" in told("show", str(tmp_path / "out"), "--list")
    told("show", str(tmp_path / "out"), "--out", str(tmp_path / "table.csv"))
    assert len((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(counted)
    code, _, missing = called(capsys, "survey", "show", str(tmp_path / "nothing"))
    assert code == 2
    assert missing.startswith("explorer: ")
    assert missing.count("\n") == 1


@pytest.mark.slow
def test_a_run_over_a_folder_says_which_images_it_took_and_what_is_wrong_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("3", "7"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("L", (28, 28), 40 * i).save(tmp_path / "own" / name / f"{i}.png")
    (tmp_path / "own" / "readme.txt").write_text("words")
    for i in range(4):
        (tmp_path / "own" / "3" / f"{i}.png").write_bytes(b"")
    asked = ["run", "--models", MODELS[0], "--data", str(tmp_path / "own"), "--distortions", "brightness=0.1"]
    asked += ["--limit", "4", "--out", str(tmp_path / "out")]
    lines = called(capsys, "survey", *asked)[1].splitlines()
    assert lines[0] == "own: 4 of 8 images, stratified, seed 0"
    assert lines[1] == "Note: Left out of own: 1 file that is not an image (readme.txt)."
    assert lines[2].startswith("Note: 2 of 4 images could not be read and are left out: 3/")
    found = json.loads(called(capsys, "survey", *asked, "--json")[1])
    assert found["sample"] == "4 of 8 images, stratified, seed 0"
    assert [f"Note: {note}" for note in found["warnings"]] == lines[1:3]
    assert len(found["unread"]) == 2
