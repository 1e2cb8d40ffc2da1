"""The app as a server that programs ask: started in a process of its own, with everything it says kept."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 120  # seconds; a shared machine can be slow


@dataclass(frozen=True)
class Server:
    """A running ``explorer app``: its address, its process, and the file in which it says what it says."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    def ask(
        self,
        path: str,
        body: bytes | Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        method: str | None = None,
    ) -> tuple[int, Any]:
        """Status and body (JSON where it is that, else text) of one request whose path is sent exactly as it stands."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent = {"Content-Type": "application/json"} | sent
        try:
            connection.putrequest(method or ("GET" if body is None else "POST"), path, skip_host="Host" in sent)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in sent and "Transfer-Encoding" not in sent:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def run(self, endpoint: str, *data: Any) -> tuple[int, Any]:
        """One endpoint asked by plain HTTP, without a client library."""
        return self.ask(f"/gradio_api/run/{endpoint}", {"data": list(data)})


@contextmanager
def running(log: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """``explorer app`` with these options; it ends with the block."""
    command = [sys.executable, "-m", "explorer", "app", *options]
    settings = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"} | dict(environment or {})
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, env=settings, stdout=out, stderr=subprocess.STDOUT, text=True) as process,
    ):
        try:
            end = time.monotonic() + PATIENCE
            while not (found := re.search(r"Explorer is at (http://\S+)", log.read_text(encoding="utf-8"))):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < end, "the app did not start: " + log.read_text(encoding="utf-8")
                time.sleep(0.05)
            yield Server(found[1], process, log)
        finally:
            process.terminate()
