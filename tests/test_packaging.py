"""pyproject.toml, constraints.txt, environment.yml and README.md say the same."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = [Requirement(text) for text in PROJECT["dependencies"]]
OPTIONAL = PROJECT["optional-dependencies"]
EXTRAS = ("ray", "search", "umap", "dev")
DEV = [Requirement(text) for name in EXTRAS for text in OPTIONAL[name] if PROJECT["name"] not in text]
TEXTS = {".py", ".md", ".toml", ".yml", ".ipynb", ".js", ".html"}
CONDA_NAMES = {"pytorch": "torch", "python-duckdb": "duckdb", "matplotlib-base": "matplotlib"}


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


@pytest.mark.parametrize("requirement", DEPENDENCIES + DEV, ids=str)
def test_every_requirement_is_pinned_to_a_version_that_fits_it(requirement: Requirement) -> None:
    pin = pins()[canonicalize_name(requirement.name)]
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    assert requirement.specifier.contains(specifier.version)


def test_everything_that_is_installed_with_the_project_is_pinned() -> None:
    todo, done = [Requirement(f"{PROJECT['name']}[dev]")], set()
    while todo:
        requirement = todo.pop()
        if (asked := (canonicalize_name(requirement.name), frozenset(requirement.extras))) in done:
            continue
        done.add(asked)
        try:
            needs = map(Requirement, metadata.requires(requirement.name) or [])
        except metadata.PackageNotFoundError:
            done.remove(asked)  # another system needs it
            continue
        extras = ("", *requirement.extras)
        todo += [need for need in needs if not need.marker or any(need.marker.evaluate({"extra": e}) for e in extras)]
    names = {name for name, _ in done if not re.match(r"nvidia-|cuda-|triton$", name)} - {PROJECT["name"]}
    assert len(names) > 150
    assert names - pins().keys() == set()


def test_every_pin_is_exact_and_fits_every_system() -> None:
    for pin in pins().values():
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin
        assert not re.match(r"nvidia-|cuda-|triton$", pin.name), f"{pin} exists on Linux only; torch pins it there"


def test_nothing_installs_a_package_called_explorer() -> None:
    from explorer.doctor import DISTRIBUTION

    assert PROJECT["name"] == DISTRIBUTION == "stability-explorer"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = [path for path in map(ROOT.joinpath, listed.split("\0")) if path.suffix in TEXTS or path.name == "Makefile"]
    foreign = re.compile(r"pip install[^\n#`]*[\s'\"]explorer(?![\w/])|[\"'`]explorer\[|\bexplorer-(\*|\d)\S*\.whl")
    found = {path.name: match[0] for path in texts if (match := foreign.search(path.read_text(encoding="utf-8")))}
    assert found == {}


def test_conda_environment_equals_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["name"]
    *conda, last = environment["dependencies"]
    from_pip = [text for text in last["pip"] if text != "-e ."]
    assert len(from_pip) == len(last["pip"]) - 1, "pip must install the project itself"
    requirements = {r.name: r.specifier for r in map(Requirement, [text for text in conda if text != "pip"] + from_pip)}
    assert requirements.pop("python") == Requirement(f"python{PROJECT['requires-python']}").specifier
    named = {CONDA_NAMES.get(name, name): specifier for name, specifier in requirements.items()}
    assert named == {requirement.name: requirement.specifier for requirement in DEPENDENCIES}


def test_every_dependency_has_a_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in DEPENDENCIES + DEV:
        name = requirement.name + "".join(f"[{extra}]" for extra in requirement.extras)
        (line,) = [line for line in text.splitlines() if re.match(rf'\s+"{re.escape(name)}[>"]', line)]
        assert re.search(r"# \w+", line), line


def test_ignored_lint_rules_have_reasons() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rules = [line for line in text.splitlines() if re.match(r'\s+"[A-Z]+\d*",', line)]
    assert rules
    assert [line for line in rules if not re.search(r"# \w+", line)] == []


def test_doctor_and_makefile_accept_the_pythons_of_pyproject() -> None:
    from explorer.doctor import PYTHONS
    from tools import install

    first, end = PYTHONS
    assert PROJECT["requires-python"] == f">={first[0]}.{first[1]},<{end[0]}.{end[1]}"
    assert f"sys.exit(not {first} <= sys.version_info[:2] < {end})" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert PYTHONS == install.PYTHONS
    named = {text.rsplit(" ", 1)[-1] for text in PROJECT["classifiers"] if "Python :: 3." in text}
    assert named == {f"3.{minor}" for minor in range(first[1], end[1])}


def test_readme_holds_the_current_table_of_models() -> None:
    from explorer.cli.tables import models_markdown
    from explorer.models import list_models

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- explorer models --data cifar10 --markdown -->\n")
    table, end, _ = rest.partition("\n<!-- end -->")
    assert end, "README.md has lost the markers around its table of models"
    cards = [card for card in list_models() if card.data == "cifar10"]
    assert table == models_markdown(cards), "`make readme` puts the table between the markers"
