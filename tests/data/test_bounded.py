"""However many photographs a folder holds, few of them are decoded at a time and few are kept."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from explorer.data import image_files
from explorer.data.datasets import Dataset, load_dataset
from explorer.data.image_files import Decoded, ImageFiles
from explorer.evaluation import evaluate
from explorer.models import wrap
from explorer.survey import make_plan, run
from tests.data.test_folders import png

SIDE, BATCH, KEPT, PHOTOGRAPHS = 16, 8, 20, 200


class Counting(nn.Module):
    """Counts, whenever it is asked, how many decoded images there are."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def forward(self, x: Tensor) -> Tensor:
        self.most = max(self.most, sum(type(one) is Decoded for one in gc.get_objects()))
        return 9 * torch.stack([x.mean((1, 2, 3)), 1 - x.mean((1, 2, 3))], 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(image_files, "DECODED", KEPT * SIDE * SIDE * 3)
    for name, level in (("dark", 40), ("light", 200)):
        png(tmp_path / "own" / name / "0.png", level, 3 * SIDE)
        for i in range(1, PHOTOGRAPHS // 2):
            os.link(tmp_path / "own" / name / "0.png", tmp_path / "own" / name / f"{i}.png")
    return tmp_path / "own"


def kept(data: Dataset) -> int:
    """How many images the files hold that a data set reads, whatever their size."""
    files: Any = data.images
    assert isinstance(files, ImageFiles)
    return max(len(one._kept) for one in files._others.values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The layers of Counting cannot be seen")
@pytest.mark.parametrize("what", ["evaluate", "survey"])
def test_few_images_are_decoded_and_kept_at_a_time(what: str, folder: Path, tmp_path: Path) -> None:
    network = Counting().eval()
    model = wrap(network, size=SIDE, channels=3, classes=["light", "dark"])
    network.most = 0
    data = load_dataset(str(folder))
    if what == "evaluate":
        found = evaluate(model, data, batch_size=BATCH)
        assert (found.n, found.accuracy) == (PHOTOGRAPHS, 1)
        bound = 2 * BATCH + image_files.WORKERS  # those asked about, and those read meanwhile
    else:
        plan = make_plan([model], data, ["brightness=0.1"])
        run([model], data, plan, tmp_path / "out")
        bound = 2 * plan.batch + image_files.WORKERS
        assert bound < PHOTOGRAPHS
    assert network.most <= bound
    assert 0 < kept(data) <= KEPT
