"""One script from our ES modules, for pages that cannot fetch files: the notebook widget and reports.

A bundler of npm would have to be installed by everybody who builds or runs the explorer, or its output committed and
kept fresh. Our modules need little: static named imports by relative paths, no import circles, and exports that never
change. So each module becomes a function in a script of its own scope, called once, in the order of the imports.
Whatever goes beyond that is refused here, and a test bundles every module.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache

from explorer.web.files import modules

# A statement begins in the first column, as the formatter writes it; strings and comments that look like one do not.
IMPORT = re.compile(r'^import\s+(?:(?P<names>\{[^}]*\})\s+from\s+)?"(?P<path>\.{1,2}/[\w./-]+)";[ \t]*$', re.MULTILINE)
EXPORT = re.compile(r"^export (?P<what>(?:async )?function\*?|const|class) (?P<name>[\w$]+)", re.MULTILINE)
DEFAULT = re.compile(r"^export default ", re.MULTILINE)
LEFT_OVER = re.compile(r"^(?:import|export)\b.*|\bimport\s*[(.].*", re.MULTILINE)


class BundleError(ValueError):
    """A module uses something that the bundler does not know."""


@cache
def bundle(entry: str) -> str:
    """The module ``entry`` with all that it imports, as the source of one ES module.

    Args:
        entry: Path below this folder, for example ``"panel/panel.js"``.

    Returns:
        JavaScript that imports nothing and exports what ``entry`` exports.

    Raises:
        BundleError: A module imports in a circle, from elsewhere, or in another form than named imports.
    """
    order = in_order(entry)
    parts = [_module(name) for name in order]
    names = _exports(entry)
    if named := [name for name in names if name != "default"]:
        parts.append(f"export const {{ {', '.join(named)} }} = {_variable(entry)};")
    if "default" in names:
        parts.append(f"export default {_variable(entry)}.default;")
    return re.sub(r"^[ \t]*//.*\n", "", "\n".join(parts) + "\n", flags=re.MULTILINE)  # it is stored in notebooks


def in_order(entry: str) -> list[str]:
    """Order the modules of a bundle.

    Args:
        entry: Path of the first module below ``explorer/web``.

    Returns:
        The modules that it needs, itself included, each after those that it imports.

    Raises:
        BundleError: If modules import each other in a circle.
    """
    done: dict[str, bool] = {}  # False: its imports are being followed

    def visit(name: str) -> None:
        if done.get(name) is False:
            raise BundleError(f"{name} imports itself through others.")
        if name not in done:
            done[name] = False
            for found in IMPORT.finditer(_source(name)):
                visit(_resolve(name, found["path"]))
            del done[name]  # to stand after its imports
            done[name] = True

    visit(entry)
    return list(done)


def _module(name: str) -> str:
    """A module as a call that gives its exports."""
    source = _source(name)
    body = IMPORT.sub(lambda found: _imported(name, found), source)
    body = DEFAULT.sub("const $default = ", EXPORT.sub(r"\g<what> \g<name>", body))
    if found := LEFT_OVER.search(_without_comments(body)):
        raise BundleError(f"{name}: {found[0].strip()!r} is not a named, static import or export.")
    exports = ", ".join("default: $default" if name == "default" else name for name in _exports(name))
    return f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();"


def _imported(importer: str, found: re.Match[str]) -> str:
    names = re.sub(r"(?<=\w)\s+as\s+(?=\w)", ": ", found["names"] or "{}")
    return f"const {names} = {_variable(_resolve(importer, found['path']))};" if found["names"] else ""


def _exports(name: str) -> list[str]:
    source = _source(name)
    names = [found["name"] for found in EXPORT.finditer(source)]
    return [*names, "default"] if DEFAULT.search(source) else names


def _resolve(importer: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), path))


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _source(name: str) -> str:
    content = modules().get(name)
    if content is None:
        raise BundleError(f"There is no module {name}.")
    return content.decode("utf-8")


def _without_comments(source: str) -> str:
    return re.sub(r"^\s*//.*$|/\*.*?\*/", "", source, flags=re.MULTILINE | re.DOTALL)
