"""The app's page as a test drives it: it waits for conditions, never for time to pass."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.support import app_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

TOURED = "localStorage.setItem('stability-explorer-tour', 'yes')"
"""Who was here before is not shown around."""

START = "?picture=cat&models=cifar10/resnet20/standard,cifar10/resnet20/stability&recipe=gaussian_noise=0.06;seed=0"
"""What most tests look at, whatever the app shows first."""

FAMILIES = {"cifar10": "CIFAR-10", "digits": "Digits", "photos": "ImageNet"}
"""How the titles of families begin, by the data set that the names of their models begin with."""

PATIENCE = 1000 * app_server.PATIENCE  # ms


def artifacts() -> Path:
    """The folder for screenshots: $EXPLORER_ARTIFACTS, else one under the temporary folder."""
    folder = Path(os.environ.get("EXPLORER_ARTIFACTS") or Path(tempfile.gettempdir()) / "stability-explorer")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


_left: list[tuple[Browser, dict[str, Any], BrowserContext]] = []
"""Windows whose visitors have gone, for the next ones."""


@contextmanager
def window(browser: Browser, url: str, **how: Any) -> Iterator[BrowserContext]:
    """A window for one visitor of the app: nobody else's pages, storage, cookies or permissions.

    Only the app's files, fetched and compiled, stay with the browser from one visitor to the next: half of what opening
    the page costs.

    Args:
        browser: The browser.
        url: The app's address.
        **how: What Playwright's ``new_context`` takes besides; 1440 x 900 px if nothing else is said.

    Yields:
        The window; it is left empty, and closed if the block ends with an error.
    """
    how = {"viewport": {"width": 1440, "height": 900}, **how}
    found = next((one for one in _left if one[:2] == (browser, how)), None)
    if found:
        _left.remove(found)
    context = found[2] if found else browser.new_context(**how)
    try:
        yield context
        for page in context.pages:
            page.close()
        empty = context.new_page()
        where = {"origin": "{0.scheme}://{0.netloc}".format(urlsplit(url)), "storageTypes": "all"}
        context.new_cdp_session(empty).send("Storage.clearDataForOrigin", where)
        context.clear_cookies()
        context.clear_permissions()
        empty.close()
    except BaseException:
        context.close()
        raise
    _left.append((browser, how, context))


class AppPage:
    """One visitor: the page, what it complained about, and the hosts it asked besides its own."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page = context.new_page()
        self.page.add_init_script(TOURED)
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.foreign: set[str] = set()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url, urlsplit(url).netloc))
        self.page.goto(url)
        self.page.wait_for_selector(".step[data-used]", state="attached")  # the last thing the page does
        self.page.wait_for_function("document.querySelector('#recipe textarea').value !== ''")
        named = parse_qs(urlsplit(url).query).get("models", [""])[0].partition("/")[0]
        if named in FAMILIES:  # the menus are built for the first family, and follow the address a moment later
            self.page.wait_for_function(
                "title => document.querySelector('#family label.selected')?.textContent.trim().startsWith(title)",
                arg=FAMILIES[named],
            )

    @classmethod
    @contextmanager
    def visiting(cls, browser: Browser, url: str, **how: Any) -> Iterator[Self]:
        """A fresh visitor, who must not have heard complaints of the page by the end, nor asked another host."""
        with window(browser, url, **how) as context:
            page = cls(context, url)
            yield page
        assert page.complaints == [], page.complaints
        assert page.foreign == set()

    def _note(self, address: str, own: str) -> None:
        parts = urlsplit(address)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != own:
            self.foreign.add(parts.netloc)

    # ---- what is on screen ------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> str:
        return self.page.locator("#recipe textarea").input_value()

    @property
    def hash(self) -> str:
        """The first eight hex digits of the pixels' fingerprint."""
        return self.page.locator("figcaption span[title*='SHA-256']").inner_text().lstrip("#").replace(" ", "")

    @property
    def answers(self) -> list[str]:
        return self.page.locator(".card .answer").all_inner_texts()

    @property
    def badges(self) -> list[str]:
        return self.page.locator(".card .badge").all_inner_texts()

    @property
    def steps(self) -> list[str]:
        return self.page.locator(".step[data-used] [data-testid=block-info]").all_inner_texts()

    @property
    def notice(self) -> str:
        return self.page.locator(".notice span").inner_text()

    def slider(self, index: int = 0) -> Locator:
        return self.page.locator(f"#step-{index} input[type=range]")

    def number(self, index: int = 0) -> Locator:
        return self.page.locator(f"#step-{index} input[type=number]")

    # ---- waiting ----------------------------------------------------------------------------------------------------

    def until_recipe(self, text: str) -> None:
        """Wait until what is on screen was made by this recipe."""
        self.page.wait_for_function("text => document.querySelector('#recipe textarea').value === text", arg=text)

    def until_other_hash(self, before: str) -> str:
        """Wait for other pixels; returns their fingerprint."""
        self.page.wait_for_function(
            "before => document.querySelector(\"figcaption span[title*='SHA-256']\")"
            ".textContent.replace(/[# ]/g, '') !== before",
            arg=before,
        )
        return self.hash

    def until_hash(self, wanted: str) -> None:
        """Wait for the pixels of this fingerprint, of which the first eight hex digits are shown."""
        self.page.wait_for_function(
            "wanted => document.querySelector(\"figcaption span[title*='SHA-256']\")"
            "?.textContent.replace(/[# ]/g, '') === wanted",
            arg=wanted[:8],
        )

    def until_cards(self, count: int) -> None:
        self.page.wait_for_function("count => document.querySelectorAll('.card .badge').length === count", arg=count)

    def until_notice(self, part: str) -> None:
        self.page.wait_for_function("part => document.querySelector('.notice')?.textContent.includes(part)", arg=part)

    # ---- doing ------------------------------------------------------------------------------------------------------

    def choose(self, menu: str, word: str) -> None:
        """Type into one of Gradio's menus and take the first match with the keyboard."""
        field = self.page.locator(f"#{menu} input")
        field.click()
        self.page.wait_for_selector(f"#{menu} [role=option]")
        field.press_sequentially(word)
        self.page.wait_for_function(
            "([menu, word]) => { const all = [...document.querySelectorAll(`#${menu} [role=option]`)];"
            " return all.length && all.every((one) => one.textContent.toLowerCase().includes(word.toLowerCase())); }",
            arg=[menu, word],
        )
        field.press("Enter")

    def write_recipe(self, text: str) -> None:
        self.page.locator("#recipe textarea").fill(text)
        self.page.locator("#recipe textarea").press("Enter")

    def upload(self, name: str, data: bytes) -> None:
        self.page.set_input_files("#upload", {"name": name, "mimeType": "application/octet-stream", "buffer": data})

    def pixels(self, which: str) -> list[Any]:
        """[width, height, RGBA values] of the picture shown as ``which``, read from the decoded image itself."""
        script = """(which) => {
          const image = document.querySelector(`.frame img[alt^="${which}"]`);
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext('2d');
          context.drawImage(image, 0, 0);
          return [canvas.width, canvas.height, [...context.getImageData(0, 0, canvas.width, canvas.height).data]];
        }"""
        return list(self.page.evaluate(script, which))


# ---- the window of data sets -----------------------------------------------------------------------------------------


def open_window(page: Page, dataset: str) -> None:
    page.get_by_role("button", name="Data set").click()
    page.wait_for_selector("dialog.browser")
    if page.locator("dialog.browser select").first.input_value() != dataset:
        page.locator("dialog.browser select").first.select_option(dataset)
    page.wait_for_function(
        "name => document.querySelector('dialog.browser select').value === name"
        " && !document.querySelector('.browsed').hasAttribute('aria-busy')",
        arg=dataset,
    )


def until_rows(page: Page, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('dialog.browser .foot').textContent.includes(words)", arg=words
    )


def until_row(page: Page, row: int) -> None:
    page.wait_for_function("row => document.querySelector('.rows-of-data input').value === String(row)", arg=row)
