"""Every exported function and class says in Google style what it takes, returns and raises."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import explorer

PACKAGES = ["explorer", *(f"explorer.{found.name}" for found in pkgutil.iter_modules(explorer.__path__) if found.ispkg)]

# A registered function has the signature that its registry documents; its docstring is the help that users read.
REGISTERED = {"distortion", "method", "objective", "architecture", "exercise", "job", "handler", "suite", "dataset"}
TORCH = {"forward", "forward_features", "head"}  # the contract that `Architecture.build` documents
PLAIN = {
    "property",
    "cached_property",
    "overload",
    "setter",
    "validate",
    "observe",
    "field_validator",
    "model_validator",
}


def names_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
    """The decorators' names, without the objects and arguments around them."""
    found = set()
    for decorator in node.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        found.add(inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", ""))
    return found


def missing_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The sections that the docstring lacks."""
    if node.name.startswith("_") or node.name in TORCH or names_of(node) & (REGISTERED | PLAIN):
        return []
    text = ast.get_docstring(node) or ""
    given = node.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if one]
    gives = node.returns is not None and not (isinstance(node.returns, ast.Constant) and node.returns.value is None)
    wanted = {
        "Args": any(name not in {"self", "cls"} for name in named),
        "Returns": gives and "Yields:" not in text,
        "Raises": any(isinstance(one, ast.Raise) and one.exc is not None for one in ast.walk(node)),
    }
    return [section for section, needed in wanted.items() if needed and f"{section}:" not in text]


def undocumented(body: list[ast.stmt], inside: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node) or ""
            if any(isinstance(one, ast.AnnAssign) for one in node.body) and not {"Attributes:", "Args:"} & set(
                text.split()
            ):
                yield f"{inside}{node.name}: Attributes"
            yield from undocumented(node.body, f"{inside}{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (lacks := missing_of(node)):
            yield f"{inside}{node.name}: {', '.join(lacks)}"


def exported(package: str) -> Iterator[tuple[Path, str]]:
    """The file and the name of every function and class in the package's ``__all__``."""
    module = import_module(package)
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            yield Path(inspect.getfile(inspect.unwrap(value))), value.__qualname__


@pytest.mark.parametrize("package", PACKAGES)
def test_exported_names_have_their_sections(package: str) -> None:
    found: dict[str, str] = {}
    for path, name in exported(package):
        lacks = [one for one in undocumented(ast.parse(path.read_text(encoding="utf-8")).body) if one.startswith(name)]
        found |= {one: path.name for one in lacks if one[len(name)] in ".:"}
    assert not found
