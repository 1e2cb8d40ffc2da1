"""A package of somebody else adds a distortion, a method, a remedy, an architecture and a data set; nothing else is
changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MODULE = '''
"""One of each, each in one decorated function or class."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from explorer.data.datasets import Dataset, dataset
from explorer.distortions import distortion
from explorer.models import architecture
from explorer.models.remedies import remedy
from explorer.palette import Colour, MethodColours
from explorer.training import Formula, Loss, PublishedValue, Source, method

PAPER = Source("doe2026", "Doe", 2026, "On shade", "2601.00001")


@distortion(
    "shade", title="Shade", family="colour", unit="share", symbol="s", low=0, high=1, identity=0, default=0.3,
    step=0.01, source="Doe 2026",
)
def shade(x, amount, draws):
    """Darken the image by a share of its light."""
    return x * (1 - amount)


@method(
    "shaded",
    title="Shade training",
    summary="Classify images in the shade correctly.",
    formulas=[Formula("L = CE(f(s x), y)", "L equals the cross-entropy of f of s times x and y")],
    symbols="s is drawn anew for each image.",
    passes=1,
    cost="1 forward pass per image.",
    caution="It knows no other distortion.",
    colours=MethodColours(fill=Colour("#705030", "#c0a080"), ink=Colour("#604020", "#d0b090")),
    source=PAPER,
    published=[
        PublishedValue("digits", "shaded", "a net", "spot", "depth 0.5", "shade", 0.5, 0.75, "stated", PAPER, "Stated.")
    ],
)
def shaded(model, x, y, generator, *, depth: float = 0.5):
    """L = CE(f((1 - depth u) x), y), u uniform in [0, 1] per image."""
    u = torch.rand((len(x), 1, 1, 1), generator=generator, device=x.device)
    logits = model(x * (1 - depth * u)).float()
    return Loss(F.cross_entropy(logits, y), logits)


@remedy("dusk", title="Dusk", source="Doe 2026", limits={"share": (0, 1)}, differentiable=True)
def dusk(x, draws, *, share: float = 0.2):
    """Asks about the picture in the dusk."""
    return x * (1 - share)


@architecture("spot", size=28, channels=1)
class Spot(nn.Module):
    """One linear layer on 7 x 7 averages."""

    def __init__(self, *, classes, in_channels=1):
        super().__init__()
        self.fc = nn.Linear(49 * in_channels, classes)

    def forward_features(self, x):
        return {"penultimate": F.adaptive_avg_pool2d(x, 7).flatten(1)}

    def head(self, penultimate):
        return self.fc(penultimate)

    def forward(self, x):
        return self.head(self.forward_features(x)["penultimate"])


@dataset("stripes", title="Stripes", classes=("across", "down"), rows=64, channels=1)
def stripes(split):
    """Black and white stripes, across or down."""
    labels = np.arange(64) % 2
    line = (np.arange(28) // 4 % 2 * 255).astype(np.uint8)
    across = np.broadcast_to(line[:, None], (28, 28))
    images = np.stack([across.T if label else across for label in labels])[..., None]
    return Dataset("stripes", split, images, labels, ("across", "down"), (0.5,), (0.5,))
'''

EXPERIMENT = """
[experiment]
title = "Shade"

[train]
data = "stripes"
epochs = 1
batch_size = 16

[[runs]]
method = "shaded"
arch = ["spot", "lenet"]
options = { depth = [0.25, 0.5] }

[evaluate]
recipes = ["clean", "shade=0.5"]
"""

SCRIPT = """
import json, sys
from pathlib import Path

from explorer.app.context import make_context
from explorer.app.layout import catalogue
from explorer.app.methods.page import Methods
from explorer.data.datasets import load_dataset
from explorer.experiments.schema import read_experiment
from explorer.figures.style import colours
from explorer.models import load_model
from explorer.web.stylesheets import css
from docs.tools import tables

context = make_context(["digits/lenet/standard"])
known = catalogue(context.workspace)
groups = Methods(context.workspace).answer({"ask": "overview"})["groups"]
published = Methods(context.workspace).answer({"ask": "known", "data": "digits", "distortion": "shade"})["published"]
print(json.dumps({
    "remedied": load_model("digits/lenet/standard+dusk").card.to_dict(),
    "catalogue": {"distortion": known["distortions"].get("shade"), "datasets": known["datasets"]},
    "methods": [one for group in groups if group["data"] == "digits" for one in group["methods"]],
    "published": published,
    "cells": [cell.title for cell in read_experiment(Path(sys.argv[1])).cells],
    "rows": len(load_dataset("stripes")),
    "colours": {"line": colours(["Shade training"]), "css": css()},
    "tables": {name: make() for name, make in tables.TABLES.items()},
}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which two packages are installed: a good one, and one that cannot be imported."""
    site = tmp_path_factory.mktemp("site")
    for package, module, text in (
        ("shade-for-explorer", "shade_plugin", MODULE),
        ("broken-for-explorer", "broken_plugin", "import no_such_library_anywhere\n"),
    ):
        (site / f"{module}.py").write_text(text, encoding="utf-8")
        information = site / f"{package.replace('-', '_')}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[explorer.plugins]\n{module} = {module}\n")
    paths = [str(ROOT), str(site)]
    settings = {"EXPLORER_CACHE": str(site / "cache"), "COLUMNS": "1000", "TERM": "dumb"}
    return {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(paths)}


def run(environment: dict[str, str], *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


HELP = """
from explorer.cli import main
for command in ("train", "sweep", "evaluate"):
    try:
        main([command, "--help"])
    except SystemExit:
        print("|")
"""


@pytest.mark.slow
def test_the_help_of_the_command_line_names_them(environment: dict[str, str], tmp_path: Path) -> None:
    told = " ".join(run(environment, "-c", HELP, cwd=tmp_path).stdout.split()).split("|")
    for text, names in zip(told, (("shaded", "spot", "stripes"), ("shade",), ("stripes",)), strict=False):
        for name in names:
            assert f", {name}" in text


@pytest.mark.slow
def test_app_page_methods_experiments_and_documentation_know_them(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "shade.toml").write_text(EXPERIMENT)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = run(environment, str(tmp_path / "script.py"), str(tmp_path / "shade.toml"), cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["catalogue"]["distortion"]["help"] == "Darken the image by a share of its light."
    (stripes,) = [one for one in found["catalogue"]["datasets"] if one["name"] == "stripes"]
    assert (stripes["title"], stripes["here"], stripes["rows"]) == ("Stripes", True, 64)
    (method,) = [one for one in found["methods"] if one["method"] == "shaded"]
    assert (method["title"], method["caution"]) == ("Shade training", "It knows no other distortion.")
    assert method["source"]["short"] == "Doe 2026"
    assert method["formulas"][0][0].startswith("<mi>L</mi>")
    assert method["published"] == 1
    assert [(one["amount"], one["accuracy"]) for one in found["published"]] == [(0.5, 0.75)]
    assert found["cells"] == [f"Shade training · depth={depth}" for _ in ("spot", "lenet") for depth in ("0.25", "0.5")]
    assert found["rows"] == 64
    assert found["colours"]["line"] == ["#604020"]
    assert '[data-method="shaded"] { --fill: #c0a080; --ink: #d0b090; }' in found["colours"]["css"], "on dark pages"
    assert found["remedied"]["name"] == "digits/lenet/standard+dusk(share=0.2)"
    assert found["remedied"]["remedies"][0]["title"] == "Dusk"
    tables = found["tables"]
    assert "| `+dusk(share=0.2)`<br>Dusk | Asks about the picture in the dusk." in tables["remedies"]
    assert "`shade`" in tables["distortions"]
    assert "| `shaded` | Shade training | Classify images in the shade correctly." in tables["methods"]
    assert "| `spot` | One linear layer on 7 x 7 averages." in tables["architectures"]
    assert "| `stripes` | Black and white stripes, across or down." in tables["datasets"]
    assert "Doe 2026" in tables["published"]


@pytest.mark.slow
def test_a_broken_plugin_is_one_sentence_and_everything_else_works(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment, "-m", "explorer", "distortions", cwd=tmp_path)
    assert "shade" in done.stdout
    assert done.stderr == (
        "The plugin broken_plugin of the package broken-for-explorer was left out: it cannot be loaded "
        "(ModuleNotFoundError: No module named 'no_such_library_anywhere').\n"
    )


@pytest.mark.slow
def test_its_method_trains_its_architecture(environment: dict[str, str], tmp_path: Path) -> None:
    words = ["train", "--method", "shaded", "--arch", "spot", "--data", "digits", "--epochs", "1", "--depth", "0.25"]
    run(environment, "-m", "explorer", *words, "--out", "out", "--device", "cpu", cwd=tmp_path)
    card = json.loads((tmp_path / "out/digits/spot/shaded.json").read_text())
    assert card["training"]["options"] == {"depth": 0.25}
    assert card["results"][0]["recipe"] == "clean"
