"""Experiments: the file is checked, the grid multiplied; a run survives a kill and gives the same rows."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shlex
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

from explorer import cli
from explorer.cli.experiment import chosen
from explorer.errors import ExplorerError
from explorer.experiments import runs as experiment_runs
from explorer.experiments.cell import Event
from explorer.experiments.schema import read_experiment
from explorer.experiments.store import Results, rows_of, same_settings
from explorer.training import METHODS, TrainConfig, default_options
from explorer.training import runs as training_runs

HERE = Path(__file__).resolve().parents[2]
SHIPPED = sorted((HERE / "experiments").glob("*.toml"))

TINY = """
[experiment]
title = "Tiny"
seeds = [0, 1]

[train]
data = "digits"
arch = "lenet"
epochs = 3
batch_size = 64
precision = "fp32"
train_size = 256
holdout = 100
lr = 0.02
pad = 0
flip = false

[[runs]]
method = "standard"
seeds = [0]

[[runs]]
method = "stability"
title = "Stable"
options = { sigma = [0.1, 0.3] }

[evaluate]
recipes = ["clean", "gaussian_noise=0.3", "fgsm=8/255"]
limit = 40

[[published]]
title = "Theirs"
source = "a paper"
provenance = "S"
where = { method = "stability", sigma = 0.3 }
values = { clean = 91.25, "gaussian_noise=0.3" = [70, 80.5] }
"""


def write(folder: Path, text: str = TINY) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["experiment", *map(str, words)])
    assert isinstance(left.value.code, int)
    return left.value.code


# ---- the file -------------------------------------------------------------------------------------------------------


def test_the_grid_is_multiplied_and_every_run_has_a_name_of_its_own(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path))
    assert [(cell.title, cell.config.seed) for cell in found.cells] == [
        ("Standard", 0),
        ("Stable · sigma=0.1", 0),
        ("Stable · sigma=0.1", 1),
        ("Stable · sigma=0.3", 0),
        ("Stable · sigma=0.3", 1),
    ]
    assert len({cell.id for cell in found.cells}) == 5
    assert len({cell.row for cell in found.cells}) == 3
    assert found.cells[3].config.options == {"alpha": 1.0, "sigma": 0.3, "loss": "kl", "detach_clean": False}
    assert [cell.title for cell in found.cells if cell.answers("sigma=0.3")] == ["Stable · sigma=0.3"] * 2
    assert sum(cell.answers("stable") for cell in found.cells) == 4
    assert found.published[0].values["gaussian_noise=0.3"] == (70, 80.5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Tiny"', 'titel = "Tiny"', r"\[experiment\] has no key 'titel'; did you mean title"),
        ("epochs = 3", "epoch = 3", r"\[train\] has no key 'epoch'; did you mean epochs"),
        ("epochs = 3", 'epochs = "four"', r"epochs in \[train\] must be a whole number, not 'four'"),
        ("epochs = 3", "epochs = [4, 5]", r"epochs in \[train\] must be a whole number"),
        ("flip = false", "flip = 0", r"flip in \[train\] must be true or false"),
        ("lr = 0.02", "lr = -1", r"lr in \[train\] must not be negative"),
        ("lr = 0.02", 'schedule = "zigzag"', "Unknown schedule 'zigzag'"),
        ('"lenet"', '"resnet19"', "no architecture named 'resnet19'"),
        ('method = "standard"', 'method = "magic"', "there is no method 'magic'"),
        ('method = "standard"', "seeds = [1]", "TOML"),
        ("sigma = [0.1, 0.3]", "sigmas = 0.1", r"stability has no option 'sigmas' \(\[\[runs\]\] number 2\)"),
        ("sigma = [0.1, 0.3]", 'sigma = "much"', "the option sigma in .* must be a number, not 'much'"),
        ("sigma = [0.1, 0.3]", "sigma = []", "empty list"),
        ("sigma = [0.1, 0.3]", "sigma = [0.1, 0.1]", "appears in two"),
        ("sigma = [0.1, 0.3] }", 'sigma = 0.1 }\n[[runs]]\nmethod = "standard"\nepochs = 5', "both called 'Standard'"),
        ('["clean", "gaussian_noise=0.3", "fgsm=8/255"]', "[]", "recipes in .* is an empty list"),
        ("seeds = [0, 1]", "seeds = [100000000000000]", "The seed 100000000000000 is too large"),
        ("seeds = [0, 1]", "seeds = 0", "must be a list of different whole numbers"),
        ("limit = 40", 'split = "train"', "split in .* must be one of test, validation"),
        ("holdout = 100", "", None),
        ("limit = 40", "limit = 0", "counts images"),
        ('"clean", ', '"clear", ', "clear"),
        ('"clean", ', '"gaussian_nose=1", ', "did you mean gaussian_noise"),
        ("limit = 40", 'suites = ["all"]', "there is no suite 'all'"),
        ('provenance = "S"', 'provenance = "R"', "provenance in .* must be one of S"),
        ("sigma = 0.3 }", "sigma = 0.7 }", "no run fits"),
        ("clean = 91.25", "clear = 91.25", "no such recipe or suite"),
        ("values = {", 'from = { source = "nobody2000" }\nvalues = {', "no method here states values"),
        (
            "values = {",
            'from = { paper = "usama2018" }\nvalues = {',
            "from in .* has no key 'paper'",
        ),
        ("values = {", 'from = "usama2018"\nvalues = {', "from in .* must name a source"),
        ("clean = 91.25", "clean = 912.5", "per cent"),
        ("[evaluate]", "[evaluation]", "the file has no key 'evaluation'; did you mean evaluate"),
        ("[[published]]", "[published]", "two brackets"),
    ],
)
def test_a_slip_is_one_sentence_that_names_the_key(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    path = write(tmp_path, TINY.replace(old, new, 1))
    if message is None:  # held-out images are needed for a validation split alone
        assert read_experiment(path)
        path = write(tmp_path, TINY.replace(old, new, 1).replace("limit = 40", 'split = "validation"'))
        message = "needs held-out images"
    with pytest.raises(ExplorerError, match=message) as caught:
        read_experiment(path)
    assert str(caught.value).startswith("tiny.toml")
    assert "\n" not in str(caught.value)


def test_the_provenance_of_a_value_is_read_under_its_former_name(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path, TINY.replace("provenance =", "kind =", 1)))
    assert [one.provenance for one in found.published] == ["S"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_can_be_read_and_faces_the_controls(path: Path) -> None:
    found = read_experiment(path)
    noised = [cell.config for cell in found.cells if cell.config.method == "gaussian"]
    faced = {(config.arch, config.options["fraction"]) for config in noised}
    fractions = (0.5,) if path.stem.startswith("shipped") else (0.5, 1.0)  # one control is shipped
    for arch in {cell.config.arch for cell in found.cells}:
        for fraction in fractions:
            assert (arch, fraction) in faced, "noise on half and on all of the images stands in every table"
    if "choice" in path.stem:
        assert found.measures.split == "validation"


def test_values_that_a_method_states_are_named_and_not_copied() -> None:
    found = read_experiment(HERE / "experiments/lipschitz-cifar10.toml")
    (small,) = [one for one in found.published if one.title == "λ small, σ 0.1" and one.where["arch"] == "resnet20"]
    stated = [one for one in METHODS["lipschitz"].published if one.setting.startswith("λ small, σ = 0.1 ")]
    assert sorted(sum(small.values.values(), ())) == sorted(round(100 * one.accuracy, 4) for one in stated)
    assert list(small.values) == ["clean", "gaussian_noise=0.072", "gaussian_noise=0.123"]
    assert len(small.values["clean"]) == 3, "one for each of the paper's bounds"
    bang = read_experiment(HERE / "experiments/bang-mnist.toml").published[1]
    assert bang.values["fgsm_float32=0.3"] == (30.1,)
    assert bang.values["line-search: fgsm float32 broken"] == (86.1,), "the file adds what no method states"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_command_of_a_row_means_the_same_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in the file goes through ``explorer train`` and comes back; nothing is trained."""
    seen: list[TrainConfig] = []

    def stop(config: TrainConfig, *_: object, **__: object) -> None:
        seen.append(config)
        raise ExplorerError("far enough")

    monkeypatch.setattr(training_runs, "train_model", stop)
    cells = read_experiment(path).cells
    for cell in {cell.row: cell for cell in cells}.values():
        with pytest.raises(SystemExit):
            cli.main(shlex.split(training_runs.command(cell.config))[1:])
        assert seen.pop() == cell.config


# ---- running --------------------------------------------------------------------------------------------------------

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
