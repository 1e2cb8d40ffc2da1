from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import explorer

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["torchvision", "gradio", "skimage", "sklearn", "scipy", "plotly", "matplotlib", "ipywidgets", "typer", "rich"]
HEAVY += ["pandas", "jinja2"]


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_core_imports_nothing_heavy():
    code = (
        "import sys, explorer\n"
        "import explorer.analysis, explorer.evaluation, explorer.survey\n"
        "for name in explorer.__all__: getattr(explorer, name)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize("name", [name for name in explorer.__all__ if name != "__version__"])
def test_every_name_is_callable_and_documented(name):
    value = getattr(explorer, name)
    assert callable(value)
    assert (value.__doc__ or "").strip()
    assert name in dir(explorer)


def test_names_are_the_objects_of_the_core():
    from explorer import Recipe, analysis, compare, evaluate, evaluation, flip_point, sweep, transfer, weaknesses
    from explorer.distortions import Recipe as CoreRecipe

    assert Recipe is CoreRecipe
    assert (compare, sweep, flip_point) == (analysis.compare, analysis.sweep, analysis.flip_point)
    assert (weaknesses, transfer) == (analysis.weaknesses, analysis.transfer)
    assert evaluate is evaluation.evaluate


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        explorer.predict  # noqa: B018


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["version"]["path"] == "explorer/version.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", explorer.__version__)


@pytest.mark.slow
def test_one_sitting_from_start_to_end():
    from explorer.analysis import Comparison
    from tests.support.networks import picture, resnet

    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/stability", seed=1)]
    recipe = explorer.Recipe.parse("gaussian_noise=0.1;seed=7")
    image = explorer.fit(picture(48), models[0].size, models[0].channels)
    comparison = explorer.compare(models, image, recipe)
    assert isinstance(comparison, Comparison)
    curves = explorer.sweep(models, image, "gaussian_noise", recipe=recipe)
    points = explorer.flip_point(models, image, "gaussian_noise", recipe=recipe)
    assert len(comparison.models) == len(curves.models) == len(points) == 2
    spots = explorer.weaknesses(models, image, distortions=["jpeg"], recipe=recipe)
    crafted = explorer.transfer(models, image, "fgsm", 4 / 255, recipe=recipe)
    assert len(spots) == 1
    assert len(crafted.cells) == 2
