"""The app, served to a real browser while it lasts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.app_page import TOURED

PATIENCE = 180_000  # ms


@contextmanager
def served(blocks: Any) -> Iterator[str]:
    """Launch the app on a free port of this machine; its address."""
    from explorer.app import free_port, launch_options

    port = free_port("127.0.0.1", 7890)
    blocks.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, **launch_options())
    try:
        yield blocks.local_url
    finally:
        blocks.close(verbose=False)


@contextmanager
def chromium(*arguments: str, **how: Any) -> Iterator[Any]:
    """A context of a headless Chromium, 1440 x 900, of a user who has seen the tour."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", *arguments],
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **how)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(TOURED)
        try:
            yield context
        finally:
            browser.close()


def version(context: Any) -> str:
    """The browser's version."""
    found: str = context.browser.version
    return found
