"""What README and site show as code runs as it stands there, and what they link to exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150
    assert len(README.split()) <= 1300


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path):
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert run(block, tmp_path).splitlines() == ["EfficientNet-Lite0 flipped 51%", "Stability training holds 33%"]
    assert block == (EXAMPLES / "first_comparison.py").read_text(encoding="utf-8")  # shown in "First steps", too


@pytest.mark.slow
def test_the_examples_run(tmp_path: Path):
    paths = [str(EXAMPLES / f"{name}.py") for name in ("own_network", "results", "survey")]
    run(f"import runpy\nfor path in {paths!r}: runpy.run_path(path, run_name='__main__')", tmp_path)


def test_every_example_is_shown_and_run_here():
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    tests = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f"{{literalinclude}} examples/{path.name}" in pages
        assert path.stem in tests


def extended(name: str, code: str, folder: Path) -> str:
    """What ``code`` prints after the extension was loaded."""
    return run(f"import runpy\nrunpy.run_path({str(EXAMPLES / f'{name}.py')!r})\n{code}", folder)


BLINDS = """
import sys
import torch
sys.path.insert(0, ROOT)
from docs.tools import tables
from explorer import Recipe
from explorer.cli import app
from explorer.distortions import apply
from explorer.models import load_model

runpy.run_path(ROOT + "/docs/examples/new_remedy.py")
assert load_model("digits/lenet/standard+brighter").card.passes == 8
x = torch.rand(2, 3, 32, 32)
assert torch.equal(apply(Recipe.parse("blinds=0;pixels=float"), x), x)
dark = apply(Recipe.parse("blinds=0.5;pixels=float"), x)
assert 0.5 < float(dark.sum() / x.sum()) < 1
assert "`blinds`" in tables.distortions()
app(["distortions", "--json"])
"""


@pytest.mark.slow
def test_new_distortion_and_remedy_are_found_and_the_former_changes_nothing_at_its_identity(tmp_path: Path):
    assert '"name": "blinds"' in extended("new_distortion", f"ROOT = {str(ROOT)!r}\n{BLINDS}", tmp_path)


@pytest.mark.slow
def test_the_new_method_trains_the_new_architecture(tmp_path: Path):
    command = ["train", "--data", "digits", "--arch", "two_layers", "--method", "logit_squeezing", "--weight", "0.1"]
    command += ["--epochs", "1", "--device", "cpu", "--out", str(tmp_path)]
    method = f"import runpy\nrunpy.run_path({str(EXAMPLES / 'new_method.py')!r})"
    extended("new_architecture", f"{method}\nfrom explorer.cli import app\napp({command!r})", tmp_path)
    assert (tmp_path / "digits" / "two_layers" / "logit_squeezing.safetensors").is_file()


PAGES = [
    path
    for folder in (".", "docs", "notebooks", "experiments", "checkpoints")
    for path in sorted((ROOT / folder).glob("*.md"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files(page: Path):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"|\{image\} (\S+)", text)
    for target in (next(filter(None, found)) for found in targets):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path or (page.parent.name == "docs" and path.split("/")[0] in GENERATED):
            continue
        file = page.parent / path
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{page.name} links to {target}"


GENERATED = {"python", "results", "generated", "command-line.md", "teaching.md", "experiments.md", "contributing.md"}
"""What stands beside the pages only when the site is built; Sphinx checks those links."""


def test_the_pictures_are_small():
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()) < 1_500_000
