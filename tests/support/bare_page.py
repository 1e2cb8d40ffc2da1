"""A page with nothing but what a test puts on it, for modules that are tried out without the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.app_page import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@contextmanager
def bare_page(browser: Browser, html: str, width: int = 1100, height: int = 700) -> Iterator[Page]:
    """The page with this content; in the end it must have met no error and have asked no host for anything."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(f"<!doctype html>{html}")
    try:
        yield page
    finally:
        page.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("blob:", "data:"))] == []
