"""The widget in a real JupyterLab: lesson 1 runs, sliders move panel and traits, what is saved can be read again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from playwright.sync_api import expect

from explorer.defaults import RECIPE
from tests.support.app_page import artifacts
from tests.support.lab import PATIENCE, LabPage, Server, notebook_of, running
from tests.support.questions import MODELS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "1_a_first_look.ipynb"
SHOW = f"{{}} = explorer.show('cat', {MODELS}, '{RECIPE}')"
TWO = [
    "import explorer",
    "one = explorer.show('digits:7', recipe='gaussian_noise=0.1;seed=1')",
    SHOW.format("two"),
]
EXPLORERS = "[x for x in globals().values() if type(x).__name__ == 'Explorer']"
STATE = "({0}.recipe, {0}.comparison.image_hash)"
STATES = "[(w.recipe, w.comparison.image_hash) for w in {}]"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("lab")) as found:
        yield found


def window(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 1500, "height": 1200})


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with window(browser) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def shared(server: Server, browser: Browser) -> Iterator[LabPage]:
    """A page with two explorers, ``one`` and ``two``, for several tests: page and kernel take seconds to start.

    Each test asks for the state that it finds; the last one ends page and kernel.
    """
    server.write("two.ipynb", TWO)
    with window(browser) as fresh:
        lab = LabPage(fresh, server, "two.ipynb")
        lab.run_all()
        yield lab


@pytest.fixture(scope="module")
def executed(server: Server) -> str:
    """The name of a notebook that was run without a page, as the stored ones are, and trusted by who opens it."""
    from nbclient import NotebookClient

    notebook = notebook_of(["import explorer", SHOW.format("w"), "w.recipe = 'jpeg=20;seed=0'"])
    NotebookClient(
        notebook, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": server.folder}}
    ).execute()
    path = server.folder / "executed.ipynb"
    nbformat.write(notebook, path)
    trust = [sys.executable, "-m", "jupyter", "trust", str(path)]
    subprocess.run(trust, env=server.environment, check=True, capture_output=True)
    return path.name


def test_lesson_one_runs_and_its_slider_moves_panel_and_trait(server: Server, context: BrowserContext) -> None:
    shutil.copy(LESSON, server.folder / LESSON.name)
    lab = LabPage(context, server, LESSON.name)
    lab.run_all()
    w = lab.widget()
    w.painted()
    w.charted()
    states = STATES.format(EXPLORERS)
    before = server.run(LESSON.name, expression=states)
    w.until(*before[0])
    answers = w.answers
    w.drag(60)
    w.rested(f"{states}[0]")
    now = server.run(LESSON.name, expression=states)
    assert now[0] != before[0]
    assert now[1:] == before[1:], "the lesson's other widgets stay as they are"
    assert w.answers != answers, "at this much noise the first network says something else"
    lab.page.screenshot(path=artifacts() / "jupyterlab.png")
    bar = w.whole.locator(".card .profile i").first.bounding_box()
    assert bar is not None
    assert bar["width"] > 8, "JupyterLab's own styles leave the profile its room"
    assert lab.page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == [], "JupyterLab asks nothing"
    assert lab.complaints == []
    assert lab.foreign == set()


def test_two_widgets_traits_from_code_and_a_page_loaded_anew(server: Server, shared: LabPage) -> None:
    lab, name = shared, shared.notebook
    one, two = lab.widget(0), lab.widget(1)
    for widget in (one, two):
        widget.painted()
        widget.charted()
    states = STATES.format("(one, two)")
    first, second = server.run(name, expression=states)
    one.until(*first)
    two.until(*second)
    assert second[0] == RECIPE
    two.drag(40)
    assert two.rested(STATE.format("two")) != second
    assert server.run(name, expression=states)[0] == first
    one.until(*first)

    curves = one.whole.locator(".stability-curves")
    curves.evaluate("(element) => (element.dataset.known = 'yes')")
    changed = server.run(name, "one.recipe = 'jpeg=20;seed=0'", states)
    assert changed[0][0] == "jpeg=20;seed=0"
    one.until(*changed[0])
    two.until(*changed[1])
    expect(curves.locator("svg")).to_contain_text("JPEG (q, quality)", timeout=1000 * PATIENCE)
    assert curves.get_attribute("data-known") == "yes", "other curves, in the element that was there"
    curves.locator("rect[role=slider]").first.click()
    expect(one.whole.locator("input[type=text]").last).not_to_have_value(changed[0][0], timeout=1000 * PATIENCE)
    assert one.rested(STATE.format("one")) != changed[0], "a click into a curve moves the slider"
    changed = server.run(name, "one.recipe = 'jpeg=20;seed=0'", states)
    told = "refused = ''\ntry: one.recipe = 'jpg=3'\nexcept explorer.errors.ExplorerError as e: refused = str(e)"
    assert "did you mean jpeg" in server.run(name, told, "refused")
    one.until(*changed[0])

    lab.save()
    lab.page.reload()
    lab.opened()
    for widget, state in ((one, changed[0]), (two, changed[1])):
        widget.painted()
        widget.until(*state)
        widget.charted()
    expect(one.whole.locator(".stability-curves svg")).to_contain_text("JPEG (q, quality)")  # those of now
    two.drag(-25)
    assert two.rested(STATE.format("two")) != changed[1]
    assert server.run(name, expression=states)[0] == changed[0]
    assert lab.complaints == []
    assert lab.foreign == set()


def test_a_kernel_that_takes_its_time_is_never_flooded(server: Server, shared: LabPage) -> None:
    name, w = shared.notebook, shared.widget()
    slow = (
        "import time, pathlib\nfrom explorer.widgets.state import WidgetState\n"
        "quick, asked, gate = WidgetState.compare, [], pathlib.Path('gate')\n"
        "def compare(self):\n    asked.append(str(self.request.recipe))\n    while not gate.exists(): time.sleep(.01)\n"
        "    return quick(self)\nWidgetState.compare = compare"
    )
    w.until(*server.run(name, "one.recipe = 'gaussian_noise=0.1;seed=1'", STATE.format("one")))
    server.run(name, slow)
    w.drag(100, steps=40)  # all the while the kernel is busy with the first position
    (server.folder / "gate").touch()
    recipe, _ = w.rested(STATE.format("one"))
    asked = server.run(name, "WidgetState.compare = quick", "asked")
    assert 2 <= len(asked) < 10, "what was overtaken is not asked"
    assert asked[-1] == recipe, "the last position counts"


def test_a_notebook_run_again_leaves_no_widget_behind(server: Server, shared: LabPage) -> None:
    for _ in range(2):
        shared.run_all()
        for widget in (shared.widget(0), shared.widget(1)):
            widget.painted()
    panels = "sum(type(x).__name__ == 'Panel' for x in __import__('gc').get_objects())"
    assert server.run(shared.notebook, expression=f"(__import__('gc').collect(), {panels})[1]") == 2
    assert shared.complaints == []


def test_saved_and_opened_again_without_its_kernel(server: Server, shared: LabPage, context: BrowserContext) -> None:
    lab, name = shared, shared.notebook
    w = lab.widget()
    w.painted()
    stills = lab.page.locator(".stability-snapshot")
    assert stills.count() == 2
    assert not stills.first.is_visible(), "the still picture hides where the panel lives"
    before = server.run(name, expression="one.recipe")
    w.drag(40)
    recipe, image_hash = w.rested(STATE.format("one"))
    assert recipe != before
    # What is stored is renewed once the slider is at rest.
    expect(stills.first).to_contain_text(image_hash, timeout=1000 * PATIENCE)
    lab.save()
    lab.page.close()
    server.ask(f"kernels/{server.kernel(name)}", "DELETE")
    again = LabPage(context, server, name)
    shown = again.page.locator(".stability-snapshot").first
    shown.wait_for()
    text = shown.text_content() or ""
    assert recipe in text
    assert image_hash in text
    assert shown.locator("img").count() == 2
    again.run_all()
    again.widget().painted()
    assert again.foreign == set()


def test_a_stored_notebook_shows_its_panel_without_being_run(
    server: Server, context: BrowserContext, executed: str
) -> None:
    lab = LabPage(context, server, executed)
    w = lab.widget()
    w.painted()
    assert w.recipe == "jpeg=20;seed=0"
    assert not lab.page.locator(".stability-snapshot").is_visible()
    lab.page.locator(".stability-note").wait_for()
    assert "Run the cell" in (lab.page.locator(".stability-note").text_content() or "")
    lab.run_all()
    w.painted()
    w.charted()
    assert lab.foreign == set()


def test_what_is_stored_is_small_and_shown_once(server: Server, executed: str) -> None:
    from nbclient import NotebookClient

    notebook = notebook_of(["import explorer\nexplorer.show('digits:7')", "w = explorer.show('digits:7')\nw", "w"])
    NotebookClient(
        notebook, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": server.folder}}
    ).execute()
    for cell in notebook.cells:  # the widget and its still picture, also where show() is the last line
        assert [output.output_type for output in cell.outputs] == ["display_data"] * 2, cell.source
    stored = (server.folder / executed).read_text(encoding="utf-8")
    assert "jpeg=20;seed=0" in stored
    assert len(stored) < 225_000, "pictures, and the panel's modules with those of the curves"


def test_notebook_7_runs_it_too(server: Server, context: BrowserContext) -> None:
    name = "seven.ipynb"
    server.write(name, TWO[:2])
    lab = LabPage(context, server, name, app="notebooks")
    lab.run_all()
    w = lab.widget()
    w.painted()
    w.charted()
    before = server.run(name, expression=STATE.format("one"))
    w.drag(40)
    assert w.rested(STATE.format("one")) != before
    lab.page.screenshot(path=artifacts() / "notebook7.png")
    assert lab.foreign == set()


def test_an_exported_page_shows_the_last_state_offline(server: Server, browser: Browser, executed: str) -> None:
    export = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", str(server.folder / executed)]
    subprocess.run(export, env=server.environment, check=True, capture_output=True)
    context: Any = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((server.folder / executed).with_suffix(".html").as_uri(), wait_until="domcontentloaded")
    shown = page.locator(".stability-snapshot")
    assert shown.is_visible()
    assert "jpeg=20;seed=0" in shown.text_content() or ""
    images = "[...document.querySelectorAll('.stability-snapshot img')]"
    widths = page.evaluate(f"{images}.map((image) => image.naturalWidth)")
    assert widths == [160, 160]
    context.close()
