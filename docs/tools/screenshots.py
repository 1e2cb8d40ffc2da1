"""Retake the pictures of the site and the README: ``make screenshots``, or some: ``... screenshots report app``.

Starts the real app and a real JupyterLab, and writes what a person sees there, in light and dark, into ``docs/images``.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from explorer.survey import shipped
from tests.conftest import chromium
from tests.support import lab
from tests.support.app_page import START, AppPage
from tests.support.app_server import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

IMAGES = Path(__file__).resolve().parents[1] / "images"
PAIR = ("digits/lenet/standard", "digits/lenet/stability")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TALLEST = 700
"""Px of a view that are shown."""

QUALITY = 72
"""Of the WebP files; text stays sharp, and all pictures together stay below 1.5 MB."""


def save(page: Page, name: str, part: Locator | None = None) -> None:
    """Write what a page shows, or the upper end of a part of it, as a small WebP file."""
    page.wait_for_timeout(500)  # bars glide to their length
    picture = Image.open(io.BytesIO(page.screenshot() if part is None else part.screenshot())).convert("RGB")
    if part is not None:
        picture = picture.crop((0, 0, picture.width, min(picture.height, TALLEST)))
    path = IMAGES / f"{name}.webp"
    picture.save(path, quality=QUALITY, method=6)
    print(f"{path.name} {path.stat().st_size:,} bytes", flush=True)  # noqa: T201


def take_first_screen(context: BrowserContext, url: str, theme: str) -> None:
    """What the app opens on."""
    page = AppPage(context, url).page
    page.set_viewport_size({"width": 1440, "height": 1200})
    page.get_by_text("the range over 8 seeds").wait_for(timeout=600_000)
    save(page, f"explore-{theme}")


def take_app(context: BrowserContext, url: str, theme: str) -> None:
    """The views below the answers, for small networks, and the other pages of the app."""
    page = AppPage(context, url + START).page
    page.set_viewport_size({"width": 1440, "height": 1200})
    panel = page.get_by_role("tabpanel")
    box = panel.locator("..")  # with the tabs and the margin
    page.get_by_role("tab", name="Weak spots").click()
    panel.get_by_text("What separates the models soonest?").click()
    panel.locator("td").first.wait_for()
    panel.get_by_role("button", name="Cancel").wait_for(state="hidden", timeout=600_000)
    save(page, f"weak-spots-{theme}", box)
    page.get_by_role("tab", name="In the network").click()
    panel.get_by_text("The channels that changed most").wait_for()
    save(page, f"network-{theme}", box)
    page.get_by_role("tab", name="Attacks").click()
    panel.get_by_text("Can the attack be trusted?").wait_for()
    save(page, f"attacks-{theme}", box)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{url}/?place=failures")
    page.locator(".case img[src]").first.wait_for()
    save(page, f"failures-{theme}")
    page.goto(f"{url}/?place=search&within=digits&by={','.join(PAIR)},pixels,phash")
    page.locator(".x-numbers tbody tr").first.wait_for()
    page.get_by_role("button", name="90 %", exact=True).click()
    page.wait_for_function(
        "[...document.querySelectorAll('.x-tile:not([hidden]) img')].every((image) => image.hasAttribute('src'))"
    )
    save(page, f"search-{theme}")
    page.set_viewport_size({"width": 1440, "height": 1150})
    page.goto(f"{url}/?place=methods&data=digits&distortion=gaussian_noise")
    page.get_by_label("Amounts", exact=True).select_option("whole")
    page.wait_for_function("document.querySelector('.m-box')?.dataset.state === 'done'")
    save(page, f"methods-{theme}")


def write_report(target: Path) -> Path:
    """The report of the shipped survey of the digits, as the command line writes it."""
    survey = next(path for path in shipped() if path.name == "digits")
    command = [sys.executable, "-m", "explorer", "survey", "report", str(survey), "--out", str(target)]
    subprocess.run([*command, "--baseline", PAIR[0], "--other", PAIR[1]], check=True)  # noqa: S603
    return target


def take_report(context: BrowserContext, file: Path, theme: str) -> None:
    """The report of a survey, as it opens from a file."""
    page = context.new_page()
    page.goto(file.as_uri())
    save(page, f"report-{theme}")


def take_notebook(context: BrowserContext, server: lab.Server, theme: str) -> None:
    """The widget in JupyterLab."""
    server.write("widget.ipynb", ["import explorer\n\nw = explorer.show()"])
    notebook = lab.LabPage(context, server, "widget.ipynb")
    notebook.page.set_viewport_size({"width": 1440, "height": 1100})
    if theme == "dark":
        notebook.page.click(".lm-MenuBar-itemLabel:text-is('Settings')")
        notebook.page.click("li:has-text('Theme')")
        notebook.page.click("li:has-text('JupyterLab Dark') >> nth=-1")
    notebook.run_all()
    widget = notebook.widget()
    widget.painted()
    widget.charted()
    save(notebook.page, f"notebook-{theme}")


@contextmanager
def contexts(browser: Browser) -> Iterator[dict[Literal["light", "dark"], BrowserContext]]:
    """One visitor who likes light pages, and one who likes dark ones."""
    found = {
        theme: browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme) for theme in THEMES
    }
    yield found
    for context in found.values():
        context.close()


PARTS = ("explore", "app", "report", "notebook")
"""What pictures are of; name some to take these only."""


def main() -> None:
    """Take the pictures of the named parts, or all."""
    from playwright.sync_api import sync_playwright

    wanted = sys.argv[1:] or PARTS
    if unknown := set(wanted) - set(PARTS):
        raise SystemExit(f"There are no pictures of {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with contexts(browser) as visitors:
            if "explore" in wanted:
                with running(Path(folder) / "explore") as app:
                    for theme, context in visitors.items():
                        take_first_screen(context, app.url, theme)
            if "app" in wanted:
                with running(Path(folder) / "app") as app:
                    for theme, context in visitors.items():
                        take_app(context, app.url, theme)
            if "report" in wanted:
                report = write_report(Path(folder) / "report.html")
                for theme, context in visitors.items():
                    take_report(context, report, theme)
            if "notebook" in wanted:
                with lab.running(Path(folder)) as server:
                    for theme, context in visitors.items():
                        take_notebook(context, server, theme)
        browser.close()


if __name__ == "__main__":
    main()
