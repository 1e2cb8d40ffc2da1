"""The law of the house: a file imports only from lines above it, and the core imports no UI library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "explorer"
# Each line may import from the lines above it, and within its own part.
ORDER = [
    {"errors"},
    {"files"},
    {"data"},
    {"distortions"},
    {"models"},
    {"training"},
    {"analysis"},
    {"evaluation"},
    {"survey"},
    {"figures"},
    {"experiments"},
    {"panel"},
    {"web"},
    {"reports"},
    {"app", "widgets"},
    {"lessons"},
    {"doctor"},
    {"cli"},
]
CORE = {part for line in ORDER[: ORDER.index({"figures"})] for part in line}
# captum: class-evidence maps alone need it; it is imported inside the function that draws them, and said to be absent.
# torchmetrics: the same for the calibration error.
# duckdb and pandas: the same for asking a survey; scanning needs neither. ray and umap: optional extras, likewise.
CORE_LIBRARIES = {
    "captum",
    "duckdb",
    "filelock",
    "pandas",
    "pyarrow",
    "PIL",
    "numpy",
    "torch",
    "torchvision",
    "safetensors",
    "sklearn",
    "skimage",
    "torchmetrics",
    "ray",
    "rich",
    "typer",
    "umap",
}


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem not in {"__init__", "__main__"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_only_from_above(path: Path) -> None:
    rank = {part: i for i, line in enumerate(ORDER) for part in line}
    own = part_of(path)
    assert own in rank, f"{own} has no place in the order of the house"
    for module in imports(path):
        if module.startswith("explorer."):
            other = module.split(".")[1]
            if other in rank:  # else a name of the public API, such as explorer.__version__
                assert other == own or rank[other] < rank[own], f"{path.name} imports {module} from below or beside it"


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) in CORE], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_core_needs_only_what_a_bare_gpu_box_has(path: Path) -> None:
    import sys

    for module in imports(path):
        library = module.split(".")[0]
        assert library in CORE_LIBRARIES | {"explorer"} | set(sys.stdlib_module_names), f"{path.name} imports {library}"
