"""A local server that breaks off, lies, or ignores what it is asked."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BODY = np.random.default_rng(0).integers(0, 256, 700_000, np.uint8).tobytes()
SHA = hashlib.sha256(BODY).hexdigest()


@dataclass
class Mirror:
    """What the local server does, and the requests it got."""

    files: dict[str, bytes] = field(default_factory=lambda: {"/file.bin": BODY})
    breaks_after: list[int] = field(default_factory=list)
    """One number per connection to come: the bytes sent before it breaks."""
    ranges: bool = True
    status: int = 0
    more: bytes = b""
    length: int | None = None
    shift: int = 0
    redirect: str = ""
    asked: list[str | None] = field(default_factory=list)
    address: str = ""

    @property
    def url(self) -> str:
        return self.address + "/file.bin"


@contextlib.contextmanager
def served() -> Iterator[Mirror]:
    """The server, for as long as the block lasts."""
    does = Mirror()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wish = self.headers.get("Range")
            does.asked.append(wish)
            if does.redirect:
                self.send_response(302)
                self.send_header("Location", does.redirect)
                self.end_headers()
                return
            body = does.files.get(self.path)
            if does.status or body is None:
                self.send_error(does.status or 404)
                return
            start = int(wish.removeprefix("bytes=").rstrip("-")) if wish and does.ranges else 0
            rest = body[start + does.shift :] + does.more
            if wish and does.ranges and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if wish and does.ranges else 200)
            if wish and does.ranges:
                self.send_header("Content-Range", f"bytes {start + does.shift}-{len(body) - 1}/{len(body)}")
            length = len(rest) if does.length is None else does.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            sent = does.breaks_after.pop(0) if does.breaks_after else len(rest)
            with contextlib.suppress(OSError):  # the other side has seen enough
                self.wfile.write(rest[:sent])

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    does.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield does
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for info, contents in members:
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info
