"""The pages of the reference: the Python API from the docstrings, and every command with its options."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

import explorer

PACKAGES = (
    "data",
    "distortions",
    "models",
    "training",
    "analysis",
    "evaluation",
    "search",
    "survey",
    "experiments",
    "figures",
    "reports",
    "widgets",
)
"""The packages whose public names have a page, from the lowest layer to the highest."""


def python_pages() -> dict[str, str]:
    """The pages of the Python API by file name: the names of ``explorer``, then those of each package."""
    top = {name: getattr(explorer, name) for name in explorer.__all__ if not name.startswith("__")}
    about = "The names of `explorer` itself are all that most scripts need; each package has more.\n"
    contents = ["```{toctree}", ":maxdepth: 1", "", "explorer", *PACKAGES, "```", ""]
    pages = {"index.md": "\n".join(["# The Python API", "", about, *contents])}
    pages["explorer.md"] = _page(explorer, top, {})
    homes = {id(value): name for name, value in top.items()}
    for package in PACKAGES:
        module = import_module(f"explorer.{package}")
        names = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
        pages[f"{package}.md"] = _page(module, names, homes)
    return pages


def _page(module: ModuleType, names: Mapping[str, object], homes: Mapping[int, str]) -> str:
    """A page of autodoc's directives; what ``explorer`` has too is documented there, by its name in ``homes``."""
    name = module.__name__
    lines = [f"# {name}", "", "```{eval-rst}", f".. automodule:: {name}", "   :no-members:", ""]
    texts = _texts_of_data(Path(module.__path__[0]))
    for word, value in names.items():
        if id(value) in homes:
            lines += [f"``{word}`` is :obj:`explorer.{homes[id(value)]}`.", ""]
        elif inspect.isclass(value):
            lines += [f".. autoclass:: {name}.{word}", "   :members:", ""]
        elif inspect.isroutine(value):
            lines += [f".. autofunction:: {name}.{word}", ""]
        else:
            lines += [f".. py:data:: {name}.{word}", "", *indent(texts.get(word, ""), "   ").splitlines(), ""]
    if not names:
        for found in pkgutil.iter_modules(module.__path__):
            lines += [
                f".. rubric:: {name}.{found.name}",
                "",
                f".. automodule:: {name}.{found.name}",
                "   :members:",
                "",
            ]
    return "\n".join([*lines, "```", ""])


def _texts_of_data(folder: Path) -> dict[str, str]:
    """The text below each assignment in a package's files, by the assigned name: autodoc misses it after an import."""
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for given, below in pairwise(body):
            if isinstance(given, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
                targets = given.targets if isinstance(given, ast.Assign) else [given.target]
                if isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
                    texts |= {t.id: inspect.cleandoc(below.value.value) for t in targets if isinstance(t, ast.Name)}
    return texts


def command_line() -> str:
    """Every command of the command line with its help, arguments and options."""
    import typer

    from explorer.cli import app

    def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        for word, inner in getattr(command, "commands", {}).items():
            yield from commands(inner, f"{name} {word}")
        if not hasattr(command, "commands"):
            yield name, command

    lines = ["# The command line", "", "Every command also answers `--help`. A list is given with commas.", ""]
    for name, command in commands(typer.main.get_command(app), "explorer"):
        lines += [f"## {name}", "", inspect.cleandoc(command.help or ""), ""]
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| option | what it is | default |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


def _parameter(parameter: Any) -> str:
    flags = " / ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        flags = (parameter.metavar or flags).upper()
    text, default = (parameter.help or "").replace("|", "\\|"), parameter.default
    default = ",".join(map(str, default)) if isinstance(default, list | tuple) else default
    plain = "" if default in (None, False) or callable(default) else f"`{default}`"
    return f"| `{flags}` | {text} | {plain} |"
