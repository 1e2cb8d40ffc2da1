"""Surveys over several workers: Ray's rows are those of the local engine to the last bit, its errors as plain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import explorer.survey.ray_engine as spreading
from explorer import load_dataset, load_model
from explorer.errors import ExplorerError
from explorer.survey import Plan, Survey, make_plan, ray_workers, run
from explorer.survey.plan import fingerprint
from explorer.survey.ray_engine import cluster
from tests.cli.test_forms import called
from tests.survey.test_survey import DISTORTIONS, MODELS, rows

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
pytestmark = pytest.mark.slow  # a cluster of two workers starts


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    """One Ray of two workers for all runs in this process; only the command line starts its own."""
    with cluster():
        yield


@pytest.fixture(scope="module")
def plan() -> Plan:
    models = [load_model(name, device="cpu") for name in MODELS]
    whole = make_plan(models, load_dataset("digits"), DISTORTIONS, seeds=(0, 3), limit=50)
    return replace(whole, shard=16)  # four shards for two workers


def test_two_workers_write_the_rows_of_the_local_engine_to_the_last_bit(plan: Plan, tmp_path: Path) -> None:
    models, data = [load_model(name, device="cpu") for name in MODELS], load_dataset("digits")
    run(models, data, plan, tmp_path / "local")
    counts: list[int] = []
    run(models, data, plan, tmp_path / "ray", engine=ray_workers(2), progress=lambda done, _: counts.append(done))
    for shard in sorted((tmp_path / "local" / "rows").iterdir()):
        assert (tmp_path / "ray" / "rows" / shard.name).read_bytes() == shard.read_bytes()
    assert counts[0] == 0
    assert counts[-1] == plan.answers
    assert len(counts) == plan.shards + 1, "progress after each shard"
    assert all(model.device.type == "cpu" for model in models)


def test_a_run_that_was_begun_here_is_finished_there(plan: Plan, tmp_path: Path) -> None:
    models, data = [load_model(name, device="cpu") for name in MODELS], load_dataset("digits")
    run(models, data, plan, tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if 0 < done < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(models, data, plan, tmp_path / "parts", progress=stop)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "parts" / "rows").iterdir()}
    assert 0 < len(kept) < plan.shards
    run(models, data, plan, tmp_path / "parts", engine=ray_workers(2))
    assert rows(tmp_path / "parts").equals(rows(tmp_path / "whole"))
    for name, when in kept.items():
        assert (tmp_path / "parts" / "rows" / name).stat().st_mtime_ns == when, "nothing is computed twice"


def test_what_a_worker_cannot_do_is_said_in_a_sentence(tmp_path: Path) -> None:
    broken, data = load_model(MODELS[0], device="cpu"), load_dataset("digits")
    known = make_plan([broken], data, ["jpeg=50"], limit=20)
    with torch.no_grad():
        next(reversed(list(broken.net.parameters()))).fill_(torch.nan)
    plan = replace(known, weights=(fingerprint(broken),), shard=10)
    with pytest.raises(ExplorerError, match="not finite") as told:
        run([broken], data, plan, tmp_path / "nan", engine=ray_workers(2))
    assert "\n" not in str(told.value)
    with pytest.raises(ExplorerError, match=r"1 to 1,024, not 0"):
        ray_workers(0)


def test_without_the_package_a_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "find_spec", lambda _: None)
    with pytest.raises(ExplorerError, match=r"pip install"):
        ray_workers(2)


def test_the_command_line_spreads_a_survey(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "explorer", "survey", "run", "--models", ",".join(MODELS), "--data", "digits"]
    command += ["--distortions", "jpeg=50", "--limit", "20", "--out", str(tmp_path / "found")]
    here = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address}
    done = subprocess.run(
        [*command, "--engine", "ray", "--workers", "2"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | here,
    )
    assert done.returncode == 0, done.stderr
    assert len(Survey(tmp_path / "found").sql("SELECT * FROM rows")) == 40
    code, _, wrong = called(capsys, *command[3:], "--engine", "spark")
    assert code != 0
    assert "local and ray" in wrong
    nowhere = subprocess.run(
        [*command[:-1], str(tmp_path / "none"), "--engine", "ray"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"RAY_ADDRESS": "127.0.0.1:1"},
    )
    assert nowhere.returncode != 0
    assert "No Ray cluster answers" in nowhere.stderr
