"""The page "Failures" as a test drives it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from explorer.survey import Survey
from tests.support.app_page import AppPage, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


PAIR = ["digits/lenet/standard", "digits/lenet/stability"]


class FailuresPage:
    """One visitor of the page."""

    def __init__(self, browser: Browser, url: str, address: str = "?place=failures", **how: Any) -> None:
        self._window = ExitStack()
        self.app = AppPage(self._window.enter_context(window(browser, url, **how)), url + "/" + address)
        self.app.foreign.clear()
        self.page: Page = self.app.page
        if "place=failures" in address:
            self.until_cases()

    def close(self) -> None:
        """Leave."""
        self._window.close()

    def until_cases(self) -> None:
        """Wait until the cases asked for are shown, the first ones with their pictures."""
        self.page.wait_for_function(
            "!document.querySelector('.f-scroll').hasAttribute('aria-busy') && "
            "!document.querySelector('#failures').hasAttribute('aria-busy') && "
            "(document.querySelector('.f-scroll').hidden || document.querySelector('.case img[src]'))"
        )

    def until_total(self, number: int) -> None:
        self.page.wait_for_function(
            "text => document.querySelector('.f-line small').textContent.startsWith(text)", arg=f"{number:,} of"
        )
        self.until_cases()

    @property
    def counts(self) -> dict[str, int]:
        found = self.page.eval_on_selector_all(
            ".f-quadrant", "all => all.map(one => [one.dataset.quadrant, one.querySelector(':scope > b').textContent])"
        )
        return {name: int(text.replace(",", "")) for name, text in found}

    @property
    def cases(self) -> list[int]:
        """The case numbers of the cells, in order."""
        return [
            int(one)
            for one in self.page.evaluate(
                "[...document.querySelectorAll('.case')].sort((a, b) => a.dataset.index - b.dataset.index)"
                ".map(one => one.dataset.case)"
            )
        ]

    def choose(self, label: str, value: str) -> None:
        self.page.locator("#failures").get_by_label(label, exact=True).select_option(value)

    def search(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.page.url).query).items()}


def pairs(folder: Path) -> Any:
    frame = Survey(folder).sql('SELECT * FROM pairs(?, ?) ORDER BY "case"', PAIR)
    frame["apart"] = (frame.other_margin_true - frame.margin_true).abs()
    return frame
