"""Two processes, as torchrun starts one for each GPU, train one network together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import explorer

COMMAND = [
    *("stabilize", "digits/lenet/standard", "--pictures", "digits", "--under", "gaussian_noise=0:0.5", "--steps", "20"),
    *("--lr", "0.001", "--keep", "0", "--no-control", "--device", "cpu"),
]


@pytest.mark.load  # two trainings at once want the machine for themselves
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "explorer"]
    command = [*run, *COMMAND, "--out", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr.count("Written:") == done.stderr.count("pictures train") == 1
    assert done.stdout.count("telling pictures") == 1
    model = explorer.load_model(tmp_path / "lenet-stability.safetensors")
    recipe = "gaussian_noise=0.5;seed=0"
    start = explorer.evaluate("digits/lenet/standard", "digits", recipe).accuracy
    assert explorer.evaluate(model, "digits", recipe).accuracy > start
