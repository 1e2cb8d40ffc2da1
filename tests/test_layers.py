"""The law of the house: a file imports only from lines above it, and the core imports no UI library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "explorer"
# Each line may import from the lines above it, and within its own part.
ORDER = [
    {"errors", "version"},
    {"numbers", "registry", "progress", "files", "provenance", "palette", "defaults"},
    {"results"},
    {"data"},
    {"distortions"},
    {"models"},
    {"training"},
    {"analysis"},
    {"evaluation"},
    {"search"},
    {"stabilizing"},
    {"survey"},
    {"clips"},
    {"figures"},
    {"experiments"},
    {"web"},
    {"reports"},
    {"app", "widgets"},
    {"lessons"},
    {"doctor"},
    {"cli"},
]
# The same within the app; its __init__ stands on top of all.
APP = [
    {"refusals", "static", "validation", "cache", "idle", "temporary", "distortion_info"},
    {"guard"},
    {"dataset_catalog"},
    {"films"},
    {"pictures"},
    {"workspace"},
    {"links", "sharing", "api_requests", "failures", "methods", "search"},
    {"context"},
    {"jobs"},
    {"endpoints"},
    {"api", "controls", "theme"},
    {"layout"},
]
CORE = {part for line in ORDER[: ORDER.index({"figures"})] for part in line}
# av: clips alone need it; it is imported where one is opened, and said to be absent.
# captum: class-evidence maps alone need it; it is imported inside the function that draws them, and said to be absent.
# torchmetrics: the same for the calibration error.
# imagehash, pdqhash: fingerprints of pictures, usearch: an index of very many; they are extras, imported likewise.
# duckdb and pandas: the same for asking a survey; scanning needs neither. ray and umap: optional extras, likewise.
CORE_LIBRARIES = {
    "av",
    "captum",
    "duckdb",
    "filelock",
    "huggingface_hub",
    "onnxruntime",
    "pandas",
    "pillow_heif",
    "pillow_jxl",
    "pyarrow",
    "pyautoattack",
    "PIL",
    "numpy",
    "torch",
    "torchvision",
    "safetensors",
    "scipy",
    "sklearn",
    "skimage",
    "timm",
    "torchmetrics",
    "ray",
    "rich",
    "typer",
    "umap",
    "usearch",
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


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one file (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in arrows[name]:
            if other not in order:
                visit(other)
            if other in stack:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in arrows:
        if name not in order:
            visit(name)
    return found


def test_no_file_imports_itself_by_a_detour() -> None:
    """Imports inside functions and those for type checkers alone count, too."""
    modules = {module_of(path): path for path in ROOT.rglob("*.py")}
    arrows: dict[str, set[str]] = {}
    for name, path in modules.items():
        named = (module if module in modules else module.rpartition(".")[0] for module in imports(path))
        arrows[name] = {module for module in named if module in modules and module != name}
    assert sum(map(len, arrows.values())) > len(modules)
    assert circles(arrows) == []


def test_circles_are_found() -> None:
    arrows = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": set(), "f": {"g"}, "g": {"f", "a"}}
    assert sorted(circles(arrows)) == [["a", "b", "c"], ["f", "g"]]


def test_the_app_has_floors_of_its_own() -> None:
    rank = {part: i for i, line in enumerate(APP) for part in line}
    for path in sorted((ROOT / "app").rglob("*.py")):
        own = path.relative_to(ROOT / "app").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in rank, f"{own} has no place in the order of the app"
        for module in imports(path):
            if module.startswith("explorer.app."):
                other = module.split(".")[2]
                assert other == own or rank[other] < rank[own], f"{path.name} imports {module} from below or beside it"


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
