"""A plain page with the modules of the tabs on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from explorer.web import stylesheets
from explorer.web.bundle import bundle
from tests.support.bare_page import bare_page
from tests.support.tabs import EVIL, MODELS, STUB

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with the views' modules and a stub of what surrounds them; ``put`` and ``asked`` hold what they did."""
    names = ("weakness", "network", "attacks")
    css = stylesheets.css("panel", *(f"tab_{name}" for name in names))
    html = f"<style>{css}</style><div id=here class=stability-colours></div>"
    with bare_page(browser, html, height=900) as page:
        sources = [bundle(f"explore/tabs/{name}.js") for name in names]
        page.evaluate(STUB, {"sources": sources, "models": MODELS, "evil": EVIL})
        yield page
        assert page.evaluate("window.broken") is None
