"""The documentation site: it builds without a warning, loads nothing from elsewhere, and lists what is registered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")

from docs.tools import build, drawing, reference, tables

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path):
    command = [sys.executable, "-m", "docs.tools.build", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lesson = (tmp_path / "docs" / "lessons" / "1_a_first_look.html").read_text(encoding="utf-8")
    assert "changes its answer at" in lesson  # a stored output
    assert 'src="../_images/' in lesson  # a stored figure
    assert "stability-still" in lesson or "stability-snapshot" in lesson  # a widget's last state


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/x.css">',
        '<img srcset="a.png 1x, https://example.org/b.png 2x">',
        '<p style="background: url(https://example.org/b.png)">',
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(page: str, tmp_path: Path):
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert len(list(build.foreign(tmp_path))) == 1


def test_a_link_to_follow_is_not_loaded(tmp_path: Path):
    (tmp_path / "page.html").write_text('<a href="https://arxiv.org/abs/1">paper</a><img src="a.png">', "utf-8")
    (tmp_path / "site.css").write_text("@import 'other.css'; p { background: url(data:image/png;base64,AA) }", "utf-8")
    assert list(build.foreign(tmp_path)) == []
    (tmp_path / "site.css").write_text("@import url('https://fonts.example/css');", "utf-8")
    assert len(list(build.foreign(tmp_path))) == 1


def test_the_tables_list_what_is_registered():
    from explorer.data.datasets import DATASETS
    from explorer.distortions import DISTORTIONS
    from explorer.models import ARCHITECTURES, METHODS

    for table, names in (
        (tables.distortions, DISTORTIONS),
        (tables.methods, METHODS),
        (tables.architectures, ARCHITECTURES),
        (tables.datasets, DATASETS),
    ):
        text = table()
        assert [name for name in names if f"`{name}`" not in text] == []
        assert len({line.count(" | ") for line in text.splitlines()}) == 1  # as many cells in each row


def test_the_reference_has_every_public_name_and_command():
    import explorer

    pages = reference.python_pages()
    assert [name for name in explorer.__all__ if f"explorer.{name}\n" not in pages["explorer.md"]] == ["__version__"]
    assert "## explorer survey run" in (commands := reference.command_line())
    assert "| `--recipe` |" in commands


def test_in_the_drawing_every_arrow_points_down():
    graph = drawing.parts()
    rank = {part: i for i, row in enumerate(drawing.floors(graph)) for part in row}
    assert set(rank) == set(graph)
    assert all(rank[used] < rank[part] for part in graph for used in graph[part])
    assert all(used in graph[part] for part, used in drawing.direct(graph))
    assert drawing.svg(graph) == drawing.svg(dict(reversed(graph.items())))  # the order of the files does not matter


def test_an_import_circle_is_named():
    with pytest.raises(ValueError, match="circle: a -> b -> a"):
        drawing.floors({"a": {"b"}, "b": {"a"}})
