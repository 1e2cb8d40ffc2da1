"""Downloads in the browser: watched, cancelled, resumed, and refused where they are not the published files."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.app_page import AppPage, artifacts, open_window, until_row, until_rows
from tests.support.app_server import running

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.browser


@dataclass
class SlowHost:
    """Serves files in drops, so that a download can be watched."""

    files: dict[str, bytes]
    drop: int = 20_000
    pause: float = 0.05
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def slow_host() -> Iterator[SlowHost]:
    rng = np.random.default_rng(9)
    host = SlowHost({})
    for split, many in (("train", 60_000), ("t10k", 10_000)):
        x = np.zeros((many, 28, 28), np.uint8)
        x[:1000] = rng.integers(0, 256, (1000, 28, 28), np.uint8)  # compresses to about a megabyte
        y = (np.arange(many) % 10).astype(np.uint8)
        for what, array, magic in (("images-idx3", x, 0x803), ("labels-idx1", y, 0x801)):
            body = np.array([magic, *array.shape], ">i4").tobytes() + array.tobytes()
            host.files[f"/{split}-{what}-ubyte.gz"] = gzip.compress(body, 1, mtime=0)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wish = self.headers.get("Range")
            host.asked.append((self.path, wish))
            body = host.files[self.path]
            start = int(wish.removeprefix("bytes=").rstrip("-")) if wish else 0
            self.send_response(206 if wish else 200)
            if wish:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            try:
                for at in range(start, len(body), host.drop):
                    self.wfile.write(body[at : at + host.drop])
                    time.sleep(host.pause)
            except OSError:  # the download was cancelled
                pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    host.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield host
    server.shutdown()
    server.server_close()


SERVE = """
import json, sys
from dataclasses import replace
from explorer.data.published import PUBLISHED, File
PUBLISHED["mnist"] = replace(PUBLISHED["mnist"], files=tuple(File(*one) for one in json.loads(sys.argv[1])))
from explorer.app import serve
serve()
"""


@pytest.fixture
def url(slow_host: SlowHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An app of its own, to which MNIST's files are those of the slow host."""
    files = [
        [slow_host.address + name, len(body), hashlib.sha256(body).hexdigest()]
        for name, body in slow_host.files.items()
    ]
    environment = {"EXPLORER_CACHE": str(tmp_path / "cache"), "no_proxy": "127.0.0.1"}
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    with running(tmp_path / "app", json.dumps(files), code=SERVE, environment=environment) as server:
        yield server.url


def test_a_download_is_watched_cancelled_and_goes_on(visitor: AppPage, slow_host: SlowHost, tmp_path: Path) -> None:
    page = visitor.page
    size = sum(map(len, slow_host.files.values()))
    open_window(page, "mnist")
    pane = page.locator(".download")
    words = f"{size / 1e6:.1f} MB"
    assert f"MNIST is not on this machine. It can be downloaded from 127.0.0.1: {words}" in pane.inner_text()
    assert slow_host.asked == []  # nothing is asked for before the person does
    page.get_by_role("button", name=f"Download {words}").click()
    page.wait_for_function("document.querySelector('.download progress')?.value > 100000")
    page.screenshot(path=artifacts() / "download.png")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_function("document.querySelector('.download')?.textContent.includes('Go on with the download')")
    assert not (tmp_path / "cache" / "mnist.npz").exists()
    slow_host.pause = 0.0
    before = len(slow_host.asked)
    page.get_by_role("button", name="Go on").click()
    until_rows(page, "1 to 40 of 10,000")
    assert slow_host.asked[before][1] is not None, "it began again instead of going on"
    assert "MNIST is here now." in visitor.notice
    assert sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()) == ["mnist.npz"]
    page.locator(".row-of-data").nth(3).click()
    until_row(page, 3)


def test_a_download_with_other_contents_is_refused_in_plain_words(
    visitor: AppPage, slow_host: SlowHost, tmp_path: Path
) -> None:
    name = next(iter(slow_host.files))
    slow_host.files[name] = slow_host.files[name][:-9] + b"tampered!"
    slow_host.pause = 0.0
    page = visitor.page
    open_window(page, "mnist")
    page.locator(".download button").click()
    page.wait_for_selector(".download [role=alert]")
    assert "not the published ones" in page.locator(".download [role=alert]").inner_text()
    page.screenshot(path=artifacts() / "download-refused.png")
    assert not list((tmp_path / "cache").rglob("*.npz"))
