"""Build the site: ``make docs``, or ``python -m docs.tools.build [FOLDER]``, into build/docs. Nothing is fetched.

The sources are copied to build/docs-source, the lessons, the experiments' pages and everything that is generated are
put beside them, and Sphinx runs there with warnings as errors. What the built pages load must lie in the site itself.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from docs.tools import drawing, reference, tables

ROOT = Path(__file__).resolve().parents[2]
PLOTLY, WIDGET = "application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"
BUILD = ROOT / "build"


def stage(target: Path) -> None:
    """Write the complete sources of the site into ``target``, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target, ignore=shutil.ignore_patterns("tools", "__pycache__"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        _write(target / "lessons" / path.name, json.dumps(_lesson(path)))
    _write(target / "teaching.md", _page(ROOT / "notebooks" / "README.md", {"": "lessons/"}))
    _write(target / "experiments.md", _page(ROOT / "experiments" / "README.md", {}))
    results = sorted((ROOT / "experiments" / "results").glob("*.md"))
    for path in results:
        _write(target / "results" / path.name, _page(path, {"": ""}))
    for path in sorted((ROOT / "experiments" / "results").glob("*.png")):
        shutil.copy2(path, target / "results" / path.name)
    _write(target / "results" / "index.md", _list("Results of the experiments", [path.stem for path in results]))
    for name, table in tables.TABLES.items():
        _write(target / "generated" / f"{name}.md", table())
    _write(target / "generated" / "architecture.svg", drawing.svg())
    for name in ("CONTRIBUTING", "CHANGELOG"):
        _write(target / f"{name.lower()}.md", _page(ROOT / f"{name}.md", {}))
    for name, text in reference.python_pages().items():
        _write(target / "python" / name, text)
    _write(target / "command-line.md", reference.command_line())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _lesson(path: Path) -> dict[str, Any]:
    """A notebook with what needs no script: a widget as the picture of its last state, a Plotly figure as its PNG."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(PLOTLY, None)
        if cell["cell_type"] == "code":
            cell["outputs"] = [output for output in cell["outputs"] if WIDGET not in output.get("data", {})]
    return notebook


def _page(path: Path, places: dict[str, str]) -> str:
    """A Markdown file of the repository as a page of the site.

    A relative link goes where ``places`` says, by its whole target or, for files beside the page, by the key ""; one
    into ``docs`` stays. All others, to files that are not on the site, become their text.
    """

    def link(match: re.Match[str]) -> str:
        text, target = match["text"], match["target"]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        if target.startswith("../docs/"):
            return f"{match['mark']}[{text}]({target.removeprefix('../docs/')})"
        if target in places:
            return f"{match['mark']}[{text}]({places[target]})"
        if "" in places and "/" not in target and target.endswith((".md", ".ipynb", ".png")):
            return f"{match['mark']}[{text}]({places['']}{target})"
        return text

    pattern = re.compile(r"(?P<mark>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
    return pattern.sub(link, path.read_text(encoding="utf-8"))


def _list(title: str, names: list[str]) -> str:
    return "\n".join([f"# {title}", "", "```{toctree}", ":maxdepth: 1", "", *names, "```", ""])


class _Loaded(HTMLParser):
    """Collects the addresses that a page loads while it is read; links that a reader may follow are none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads."""
        given = {name: value or "" for name, value in attrs}
        if tag in {"script", "img", "iframe", "source", "video", "audio", "embed", "input"}:
            self.addresses += [given.get("src", ""), *given.get("srcset", "").split()]
        elif tag == "object":
            self.addresses.append(given.get("data", ""))
        elif tag == "link" and given.get("rel") not in {"canonical", "next", "prev", "search", "index"}:
            self.addresses.append(given.get("href", ""))
        self.addresses += re.findall(r"url\(([^)]*)\)", given.get("style", ""))


def foreign(folder: Path) -> Iterator[str]:
    """What the pages and style sheets of a built site load from elsewhere, as "file: address"."""
    for path in sorted([*folder.rglob("*.html"), *folder.rglob("*.css")]):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".css":
            addresses = re.findall(r"(?:@import\s+(?:url\()?|url\()\s*['\"]?([^'\")\s]+)", text)
        else:
            page = _Loaded()
            page.feed(text)
            addresses = page.addresses
        for address in addresses:
            if re.match(r"['\"]?(?:[a-z]+:)?//", address):
                yield f"{path.relative_to(folder)}: {address}"


def build(folder: Path = BUILD) -> list[str]:
    """Build the site into ``docs`` in ``folder``; Sphinx prints its warnings.

    Args:
        folder: Receives ``docs-source``, ``docs-doctrees`` and ``docs``; what was there before is replaced.

    Returns:
        One sentence per reason why the site is not good: warnings, or addresses that pages load from elsewhere.
    """
    from sphinx.cmd.build import main as sphinx

    source, doctrees, target = (folder / name for name in ("docs-source", "docs-doctrees", "docs"))
    shutil.rmtree(target, ignore_errors=True)
    stage(source)
    if sphinx(["-W", "--keep-going", "-q", "-E", "-d", str(doctrees), str(source), str(target)]):
        return ["Sphinx warned."]
    return [f"The site loads something from elsewhere: {address}" for address in foreign(target)]


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD
    problems = build(place)
    print(*problems or [f"The site is {place / 'docs' / 'index.html'}"], sep="\n")  # noqa: T201
    sys.exit(bool(problems))
