"""Experiments run: a kill loses nothing and changes nothing, nothing is done twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.cli.experiment import chosen
from explorer.errors import ExplorerError
from explorer.experiments import runs as experiment_runs
from explorer.experiments.cell import Event
from explorer.experiments.schema import read_experiment
from explorer.experiments.store import Results, rows_of, same_settings
from explorer.training import TrainConfig, default_options
from explorer.training import runs as training_runs
from tests.support.tiny_experiment import TINY, run, write

HERE = Path(__file__).resolve().parents[2]
WHEN = ("seconds", "seconds_measuring", "finished", "commit", "weights")


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows without what the clock and the checkout say."""
    return [{k: v for k, v in json.loads(line).items() if k not in WHEN} for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny experiment ran from beginning to end."""
    folder = tmp_path_factory.mktemp("whole")
    assert run("run", write(folder), "--work", folder / "work", "--device", "cpu") == 0
    return folder


@pytest.mark.slow
def test_a_run_writes_a_row_that_says_everything(whole: Path) -> None:
    found = rows(whole / "results/tiny.jsonl")
    assert len(found) == 5
    row = found[3]
    assert (row["seed"], row["images"], row["steps"]) == (0, 256, 12)
    assert [one["recipe"] for one in row["results"]] == [
        "clean",
        "gaussian_noise=0.3",
        "fgsm=8/255",
    ]
    assert all(one["n"] == 40 and one["interval"][0] <= one["accuracy"] <= one["interval"][1] for one in row["results"])
    assert set(row["versions"]) >= {"explorer", "torch"}
    assert "threads" in row["hardware"]
    (unstable,) = row["instability"]
    assert (unstable["distortion"], unstable["conditions"], unstable["n"]) == ("gaussian_noise", 2, 40)
    assert "--alpha 1.0 --sigma 0.3" in row["command"]
    assert row["settings"]["options"]["sigma"] == 0.3


def test_finished_runs_are_never_done_twice(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (whole / "results/tiny.jsonl").read_bytes()
    assert run("run", whole / "tiny.toml", "--work", whole / "elsewhere") == 0
    assert "0 runs done now, 5 before" in capsys.readouterr().out
    assert (whole / "results/tiny.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_no_row_and_changes_none(whole: Path, tmp_path: Path) -> None:
    path, kept = write(tmp_path), tmp_path / "results/tiny.jsonl"
    words = [sys.executable, "-m", "explorer", "experiment", "run", str(path), "--work", str(tmp_path / "work")]
    running = subprocess.Popen(
        [*words, "--device", "cpu"],
        cwd=HERE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
    )
    second = next(cell for cell in read_experiment(path).cells if cell.title != "Standard").id
    while not (tmp_path / "work/tiny" / second / "state.pt").exists() and running.poll() is None:
        time.sleep(0.002)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    done = kept.read_bytes()
    assert 1 <= done.count(b"\n") < 5
    kept.write_bytes(done + b'{"cell": "half a li')  # a kill in the middle of a line
    assert run("run", path, "--work", tmp_path / "work", "--device", "cpu") == 0
    assert kept.read_bytes().startswith(done)
    assert rows(kept) == rows(whole / "results/tiny.jsonl")


def test_a_finished_training_in_the_folder_is_only_measured(whole: Path, tmp_path: Path) -> None:
    path = write(tmp_path)
    cell = read_experiment(path).cells[0]
    (tmp_path / "work/tiny").mkdir(parents=True)
    shutil.copytree(whole / "work/tiny" / cell.id, tmp_path / "work/tiny" / cell.id)
    state = tmp_path / "work/tiny" / cell.id / "state.pt"
    before = state.stat().st_mtime_ns
    assert run("run", path, "--only", "standard", "--work", tmp_path / "work") == 0
    assert rows(tmp_path / "results/tiny.jsonl") == rows(whole / "results/tiny.jsonl")[:1]
    assert state.stat().st_mtime_ns == before


@pytest.mark.slow
def test_more_to_measure_is_measured_without_training_again(whole: Path, tmp_path: Path) -> None:
    known = Results(whole / "results/tiny.jsonl").rows()
    fewer = read_experiment(write(tmp_path, TINY.replace(', "fgsm=8/255"', "")))
    assert len(rows_of(fewer, known)) == 5
    more = TINY.replace("limit = 40", 'limit = 40\nsuites = ["line-search"]\nsuite_limit = 20')
    path = write(tmp_path, more)
    experiment = read_experiment(path)
    assert not rows_of(experiment, known)
    (tmp_path / "results").mkdir()
    shutil.copytree(whole / "work", tmp_path / "work")
    trained = (tmp_path / "work/tiny" / known[0]["cell"] / "state.pt").stat().st_mtime_ns
    marked = known[0] | {"results": [one | {"n": 7} for one in known[0]["results"]]}
    Results(tmp_path / "results/tiny.jsonl").append(marked)
    assert run("run", path, "--only", "standard", "--work", tmp_path / "work", "--device", "cpu") == 0
    found = Results(tmp_path / "results/tiny.jsonl").rows()[-1]
    assert [one["n"] for one in found["results"]] == [7, 7, 7], "what was measured so is not measured again"
    assert found["suites"]["line-search"]["n"] == 20
    assert (tmp_path / "work/tiny" / known[0]["cell"] / "state.pt").stat().st_mtime_ns == trained
    assert "### Suite: line-search" in (tmp_path / "results/tiny.md").read_text()


def test_a_row_of_other_settings_does_not_count(whole: Path, tmp_path: Path) -> None:
    text = (whole / "results/tiny.jsonl").read_text()
    kept = tmp_path / "tiny.jsonl"
    kept.write_text(text.replace('"lr": 0.02', '"lr": 0.03', 1))
    assert len(rows_of(read_experiment(whole / "tiny.toml"), Results(kept).rows())) == 4


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "tiny.jsonl"
    kept.write_text('{"cell": "a"}\nnonsense\n{"cell": "b"}\n')
    with pytest.raises(ExplorerError, match=r"Line 2 of .*tiny.jsonl is damaged"):
        Results(kept).rows()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_no_time_means_no_run_and_says_how_to_go_on(
    tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path)
    assert run("run", path, "--work", tmp_path / "w", "--limit-minutes", "0", "--workers", workers) == 0
    again = f"explorer experiment run {path} --work={tmp_path / 'w'} --workers={workers}"
    assert f"5 runs are left. Go on with: {again}" in capsys.readouterr().out
    assert not (tmp_path / "results/tiny.jsonl").exists()


def test_a_text_that_means_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", write(tmp_path), "--only", "nothing") == 2
    assert re.search("No run is named nothing; there are Standard", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("only", "meant"),
    [
        (["standard"], 1),
        (["Stable"], 4),  # a title
        (["STANDARD"], 1),
        (["sigma=0.1"], 2),  # an option
        (["sigma=0.3", "standard"], 3),  # several texts: any of them
        (["seed=1"], 2),  # a setting
        (["seed0"], 3),  # a part of a run's id
    ],
)
def test_only_picks_runs_by_name_title_or_setting(tmp_path: Path, only: list[str], meant: int) -> None:
    assert len(chosen(read_experiment(write(tmp_path)), only)) == meant


def test_options_that_a_method_has_learnt_since_do_not_count() -> None:
    cell = read_experiment(HERE / "experiments/digits.toml").cells[-1]
    other = json.loads(json.dumps(asdict(cell.config)))
    other["options"]["beta"] = 0.123
    usual = replace(cell, config=replace(cell.config, options=default_options(cell.config.method)))
    assert same_settings(usual, {"settings": json.loads(json.dumps(asdict(usual.config))) | {"options": {}}})
    assert not same_settings(cell, {"settings": other})


@pytest.mark.slow
def test_what_goes_wrong_in_one_run_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = training_runs.train_model

    def fails(config: TrainConfig, *words: Any, **how: Any) -> Any:
        if config.method == "standard":
            raise OSError(28, "No space left on device")
        return whole(config, *words, **how)

    monkeypatch.setattr("explorer.experiments.cell.train_model", fails)
    only = ["--only", "standard", "--only", "sigma=0.1"]
    assert run("run", write(tmp_path), "--work", tmp_path / "w", "--device", "cpu", *only) == 1
    told = capsys.readouterr().out
    assert "OSError: [Errno 28] No space left on device" in told
    assert "2 runs done now" in told


@pytest.mark.slow
def test_a_run_whose_process_is_killed_ends_no_other(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path))
    killed: list[str] = []

    def listen(event: Event) -> None:
        if event.state == "training" and not killed:
            killed.append(event.cell)
            for process in multiprocessing.active_children():
                if process.pid not in others:
                    os.kill(process.pid or 0, signal.SIGKILL)
                    return

    others = {process.pid for process in multiprocessing.active_children()}
    kept = Results(tmp_path / "results/tiny.jsonl")
    outcome = experiment_runs.run(
        found, found.cells, folder=tmp_path / "w", results=kept, device=torch.device("cpu"), workers=2, listen=listen
    )
    assert len(outcome.failed) == 1, "the first of the two processes was killed, whichever run it did"
    assert "ended from outside" in next(iter(outcome.failed.values()))
    assert sorted([*outcome.finished, *outcome.failed]) == sorted(cell.id for cell in found.cells)
    assert len(kept.rows()) == len(found.cells) - 1
    assert {process.pid for process in multiprocessing.active_children()} == others


def test_only_a_training_that_diverges_is_finished_by_that(tmp_path: Path) -> None:
    """A file to start from that is missing is no result, whatever its name says."""
    text = TINY.replace("lr = 0.02", 'lr = 0.02\ninit = "diverged/model.pth"')
    assert run("run", write(tmp_path, text), "--work", tmp_path / "w", "--device", "cpu", "--only", "standard") == 1
    assert not (tmp_path / "results/tiny.jsonl").exists()
