"""A survey's memory does not grow with the data: four times as many images, the same peak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PEAK = """
import json, os, resource, sys

os.environ["OMP_NUM_THREADS"] = "1"
from pathlib import Path
import numpy as np
from explorer import load_model
from explorer.data.datasets import Dataset
from explorer.survey import make_plan, run
n, out = int(sys.argv[1]), Path(sys.argv[2])
models = [load_model("digits/lenet/standard", device="cpu")]
pixels = np.random.default_rng(0).integers(0, 256, (n, 28, 28, 1), dtype=np.uint8)
data = Dataset("noise", "test", pixels, np.zeros(n, np.int64), models[0].classes, (0.5,), (0.25,))
run(models, data, make_plan(models, data, ["gaussian_noise=0.1:0.2:0.3"]), out)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - pixels.nbytes // 2**20))
"""


@pytest.mark.load
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read as Linux counts it")
def test_the_peak_is_the_same_for_four_times_as_many_images(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        command = [sys.executable, "-c", PEAK, str(n), str(tmp_path / str(n))]
        return int(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))

    small, large = peak(1024), peak(4096)
    assert large - small < 40, f"{small} MiB for 1,024 images, {large} MiB for 4,096"
