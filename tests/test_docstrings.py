"""Every public function and class says in Google style what it takes, returns and raises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import explorer

ROOT = Path(explorer.__file__).parent
MODULES = [path for path in sorted(ROOT.rglob("*.py")) if path.stem == "__init__" or not path.stem.startswith("_")]

# A registered function has the signature that its registry documents; its docstring is the help that users read.
REGISTERED = {
    *("distortion", "_linf", "_l2", "method", "objective", "architecture", "remedy", "doubt"),
    *("exercise", "job", "handler", "suite", "dataset", "sequence"),
}
# Typer prints a command's docstring as its help; every argument has a help text of its own.
COMMANDS = {"command", "callback"}
REGISTERED_LATER = {
    "stabilize",
    *("pairs", "neighbours", "triplets", "duplicates"),
    "compare",
    "sweep",
    "weaknesses",
    "transfer",
    "frames",
    "train",
    "measure",
    "certify",
    "doubt",
    "masking",
}  # by ``app.command()(train)``
CONTRACTS = {
    *("forward", "forward_features", "head"),  # PyTorch's, and that which `Architecture.build` documents
    *("preprocess_data", "format_options"),  # overrides of Gradio's and Click's methods
}
PLAIN = {
    *("property", "cached_property", "overload", "setter"),
    *("validate", "observe", "field_validator", "model_validator"),  # of traitlets and pydantic
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
    if node.name.startswith("_") or node.name in CONTRACTS or names_of(node) & (REGISTERED | COMMANDS | PLAIN):
        return []
    text = ast.get_docstring(node) or ""
    given = node.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if one]
    gives = node.returns is not None and not (isinstance(node.returns, ast.Constant) and node.returns.value is None)
    wanted = {
        "Args": any(name not in {"self", "cls"} for name in named),
        "Returns": gives and "Yields:" not in text,
        "Raises": any(isinstance(one, ast.Raise) and raises(one) for one in ast.walk(node)),
    }
    text = text.replace("Parameters:", "Args:")  # as Gradio reads the docstrings of the HTTP API
    return [section for section, needed in wanted.items() if needed and f"{section}:" not in text]


def raises(node: ast.Raise) -> bool:
    """Whether it raises an error that callers can meet: a base class's NotImplementedError is none."""
    return node.exc is not None and "NotImplementedError" not in ast.unparse(node.exc)


def is_public(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_")


def undocumented(body: list[ast.stmt], inside: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node) or ""
            if any(map(is_public, node.body)) and not {"Attributes:", "Args:"} & set(text.split()):
                yield f"{inside}{node.name}: Attributes"
            yield from undocumented(node.body, f"{inside}{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (lacks := missing_of(node)):
            yield f"{inside}{node.name}: {', '.join(lacks)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_public_names_have_their_sections(path: Path) -> None:
    found = list(undocumented(ast.parse(path.read_text(encoding="utf-8")).body))
    if path.parent.name == "cli":
        found = [one for one in found if one.partition(":")[0] not in REGISTERED_LATER]
    assert not found
