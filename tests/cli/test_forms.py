"""The forms of output that all commands share: JSON, CSV, tables in a pipe, exit codes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from explorer import cli

MODELS = ["--models", "digits/lenet/standard,digits/lenet/bang"]
PRINTING = {
    "models": ["models"],
    "gains": ["models", "--gains"],
    "distortions": ["distortions"],
    "compare": ["compare", "digits:3", *MODELS],
    "sweep": ["sweep", "digits:3", *MODELS, "--distortion", "jpeg", "--amounts", "10,50"],
    "weaknesses": ["weaknesses", "digits:3", *MODELS, "--distortion", "jpeg"],
    "transfer": ["transfer", "digits:3", *MODELS, "--attack", "fgsm"],
    "evaluate": ["evaluate", "digits/lenet/standard", "--data", "digits", "--limit", "20"],
    "views": ["survey", "show", "nowhere", "--list"],
    "cost": [
        "survey",
        "run",
        *MODELS,
        "--data",
        "digits",
        "--distortions",
        "jpeg",
        "--limit",
        "4",
        "--dry-run",
        "--out",
    ],
}


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, out, err


@pytest.mark.parametrize("command", PRINTING)
def test_each_command_that_prints_has_every_form(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = [*PRINTING[command], *([str(tmp_path / "s")] if command == "cost" else [])]
    code, out, _ = called(capsys, *arguments, "--json")
    assert code == 0
    json.loads(out)
    code, out, _ = called(capsys, *arguments, "--csv")
    assert code == 0
    head, *rows = csv.reader(io.StringIO(out))
    assert rows
    assert {len(row) for row in rows} == {len(head)}
    code, out, err = called(capsys, *arguments, "--csv", "--json")
    assert (code, out) == (2, "")
    assert "give one of them" in err


def test_every_command_but_app_has_json_and_csv() -> None:
    import typer

    def commands(command: object, name: str = "") -> list[tuple[str, set[str]]]:
        below = getattr(command, "commands", {})
        if not below:
            return [(name, {flag for param in command.params for flag in param.opts})]  # type: ignore[attr-defined]
        return [found for key, one in below.items() for found in commands(one, f"{name} {key}".strip())]

    for name, flags in commands(typer.main.get_command(cli.app)):
        assert flags & {"--json", "--csv"} == (set() if name == "app" else {"--json", "--csv"}), name


@pytest.mark.parametrize("command", ["models", "compare", "sweep", "evaluate"])
def test_numbers_do_not_break_where_nobody_looks(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    _, out, _ = called(capsys, *PRINTING[command])
    assert "\x1b" not in out
    lines = [line for line in out.splitlines() if "digits/lenet/bang" in line or "digits/lenet/standard" in line]
    assert all(any(sign.isdigit() for sign in line) for line in lines if command != "sweep")
    assert lines


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is a file of Linux")
def test_a_full_disk_behind_the_output_is_one_line_and_exit_code_1() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "explorer", "models"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines() == ["explorer: No space left on device: the output could not be written."]


def test_the_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(called(capsys, "--help")[1].split())
    assert cli.EXIT_CODES in out
