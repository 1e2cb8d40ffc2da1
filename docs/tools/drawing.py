"""The drawing of the architecture: an SVG made from the real imports of the package, the same on every machine.

Floors are rows, the lowest at the bottom; parts are boxes; an arrow says that a part imports another. Inside one floor
there are no arrows, and none may point upwards: ``tests/test_layers.py`` holds the code to that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "explorer"
BOX, GAP, ROW, MARGIN = (104, 34), 26, 84, 16


def parts(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Each part of the package (a file or folder directly below it) with the parts that it imports."""
    found: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        part = path.relative_to(package).parts[0].removesuffix(".py")
        if part.startswith("__"):
            continue
        used = {name for name in _imports(path, package.name) if name != part}
        found.setdefault(part, set()).update(used)
    return {part: {name for name in used if name in found} for part, used in found.items()}


def _imports(path: Path, package: str) -> Iterator[str]:
    """The parts of ``package`` that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith(f"{package}."))


def floors(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The parts in rows, lowest first: a part is one row above the highest part that it imports.

    Raises:
        ValueError: Two parts import each other, directly or through others.
    """
    rank: dict[str, int] = {}

    def place(part: str, above: tuple[str, ...]) -> int:
        if part in above:
            raise ValueError(f"import circle: {' -> '.join((*above, part))}")
        if part not in rank:
            rank[part] = 1 + max((place(used, (*above, part)) for used in sorted(graph[part])), default=-1)
        return rank[part]

    for part in sorted(graph):
        place(part, ())
    return [sorted(part for part in graph if rank[part] == row) for row in range(max(rank.values()) + 1)]


def direct(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports to draw: those that no chain of other imports implies."""

    def reach(part: str) -> set[str]:
        return graph[part].union(*(reach(used) for used in graph[part]))

    return [
        (part, used)
        for part in sorted(graph)
        for used in sorted(graph[part])
        if not any(used in reach(other) for other in graph[part] - {used})
    ]


Stop = tuple[str, ...]
"""What is in a row: (part,), or (part, used) where the arrow from one to the other passes by."""


def layout(graph: Mapping[str, set[str]]) -> list[list[Stop]]:
    """The rows, lowest first, ordered so that few arrows cross: each stop near the mean of its neighbours above."""
    rank = {part: i for i, row in enumerate(floors(graph)) for part in row}
    rows: list[list[Stop]] = [[(part,) for part in row] for row in floors(graph)]
    above: dict[Stop, list[Stop]] = {stop: [] for row in rows for stop in row}
    for part, used in direct(graph):
        for row in range(rank[used] + 1, rank[part]):
            rows[row].append((part, used))
        stops = [(part,), *[(part, used)] * (rank[part] - rank[used] - 1), (used,)]
        above.setdefault((part, used), [(part,)])
        above[used,].append(stops[-2])
    for row in range(len(rows) - 2, -1, -1):
        at = {stop: i / len(rows[row + 1]) for i, stop in enumerate(rows[row + 1])}
        middle = {
            stop: sum(at.get(one, at.get(stop, 0.5)) for one in above[stop]) / len(above[stop]) if above[stop] else 0.5
            for stop in rows[row]
        }
        rows[row].sort(key=lambda stop: (middle[stop], stop))
    return rows


def svg(graph: Mapping[str, set[str]] | None = None) -> str:
    """The drawing as the text of an SVG file; its colours follow the page's, light or dark."""
    graph = parts() if graph is None else graph
    rows = layout(graph)
    width = 2 * MARGIN + max(_width(row) for row in rows)
    height = 2 * MARGIN + len(rows) * ROW - (ROW - BOX[1])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="architecture" role="img">',
        "<title>The parts of the package in floors; each imports only from floors below</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
        '<path d="M0 0L8 4L0 8z"/></marker></defs>',
    ]
    middle = {(i, stop): x for i, row in enumerate(rows) for stop, x in _middles(row, width)}
    rank = {stop[0]: i for i, stop in middle if len(stop) == 1}
    top = {i: height - MARGIN - BOX[1] - i * ROW for i in range(len(rows))}
    for part, used in direct(graph):
        x, y = middle[rank[part], (part,)], top[rank[part]] + BOX[1]
        path = f"M{x:g} {y:g}"
        for row in range(rank[part] - 1, rank[used] - 1, -1):
            passing = row > rank[used]
            end, bend = middle[row, (part, used) if passing else (used,)], (ROW - BOX[1]) / 2
            path += f"C{x:g} {y + bend:g} {end:g} {top[row] - bend:g} {end:g} {top[row] - (not passing):g}"
            x, y = end, top[row] + BOX[1]
            path += f"L{x:g} {y:g}" if passing else ""
        title = f"<title>{part} imports {used}</title>"
        lines.append(f'<path class="arrow" d="{path}" marker-end="url(#tip)">{title}</path>')
    for part, row in rank.items():
        x, y = middle[row, (part,)], top[row]
        lines.append(f'<rect x="{x - BOX[0] / 2:g}" y="{y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6"/>')
        lines.append(f'<text x="{x:g}" y="{y + BOX[1] / 2 + 5:g}">{escape(part)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _width(row: Sequence[Stop]) -> int:
    return sum((BOX[0] if len(stop) == 1 else 0) + GAP for stop in row) - GAP


def _middles(row: Sequence[Stop], width: int) -> Iterator[tuple[Stop, float]]:
    """Each stop of a row with the x of its middle; the row is centred in the drawing."""
    left = (width - _width(row)) / 2
    for stop in row:
        own = BOX[0] if len(stop) == 1 else 0
        yield stop, left + own / 2
        left += own + GAP
