"""An experiment of five short runs on the digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer import cli

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
