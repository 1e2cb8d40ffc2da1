"""A browser of its own, whose camera shows a clip made here, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import chromium as chromium_path
from tests.support.clips import coded, wandering

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextmanager
def filming(browser: Browser, folder: Path) -> Iterator[Browser]:
    """Start it; the clip goes into ``folder``."""
    film = folder / "film.mjpeg"
    film.write_bytes(coded(wandering(40, 160), "mjpeg", "mjpeg"))
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    chromium = browser.browser_type.launch(
        executable_path=chromium_path(),
        args=["--no-sandbox", "--disable-gpu", *fake, f"--use-file-for-fake-video-capture={film}"],
    )
    try:
        yield chromium
    finally:
        chromium.close()
