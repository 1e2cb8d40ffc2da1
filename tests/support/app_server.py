"""The app as a server that programs ask: started in a process of its own, with everything it says and asks kept."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 300  # seconds; a shared machine can be slow, and what has come is not waited for
AUDIT = """
import os, sys

def heard(event, arguments):
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
        where = arguments[0] if event == "socket.getaddrinfo" else arguments[-1]
        with open(os.environ["EXPLORER_TEST_AUDIT"], "a") as file:
            file.write(f"{event} {where!r}\\n")

sys.addaudithook(heard)
"""
"""Python itself notes every connection that the app opens and every name that it looks up."""


@dataclass(frozen=True)
class Server:
    """A running ``explorer app``: its address, its process, and the folder of what it said and whom it asked."""

    url: str
    process: subprocess.Popen[str]
    folder: Path

    @property
    def said(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

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

    def foreign(self) -> list[str]:
        """What it looked up or connected to, besides itself; empty as it should be."""
        import psutil  # type: ignore[import-untyped]

        own = ("'127.0.0.1'", "'localhost'", "'::1'", "None", "b'127.0.0.1'", "'0.0.0.0'")
        notes = self.folder / "asked"
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        asked = [line for line in lines if not any(name in line for name in own)]
        links = psutil.Process(self.process.pid).net_connections(kind="inet")
        return asked + sorted(
            {link.raddr.ip for link in links if link.raddr} - {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
        )


@contextmanager
def running(
    folder: Path, *options: str, code: str | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """``explorer app`` with these options, or what this code serves; it ends with the block.

    Args:
        folder: Where its log and the notes of the audit go; made where it is not there.
        options: Of the command line, or the arguments of the code.
        code: Python to run instead of ``explorer app``.
        environment: What it finds there besides everything that is here.

    Yields:
        The server, once it has said its address.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(AUDIT)
    command = [sys.executable, *(["-m", "explorer", "app"] if code is None else ["-c", code]), *options]
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    settings = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    settings |= {"EXPLORER_TEST_AUDIT": str(folder / "asked")} | dict(environment or {})
    log = folder / "log"
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
            yield Server(found[1], process, folder)
        finally:
            process.terminate()


class Panel:
    """Asks the app what its page asks, as one visitor."""

    def __init__(self, server: Server) -> None:
        self.server = server
        _, config = server.ask("/config")
        self.part = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "panel")
        self.session = uuid.uuid4().hex

    def upload(self, data: bytes, name: str = "picture.png", copies: int = 1) -> tuple[int, Any]:
        """Status and answer when this file is handed over, so many times in one request."""
        fields = {"component_id": self.part, "fn_name": "open_picture", "session_hash": self.session}
        border = uuid.uuid4().hex
        body = b"".join(
            f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        )
        for i in range(copies):
            head = f'--{border}\r\nContent-Disposition: form-data; name="file{i}"; filename="{name}"\r\n'
            body += head.encode() + b"Content-Type: image/png\r\n\r\n" + data + b"\r\n"
        body += f"--{border}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
        return self.server.ask("/gradio_api/component_server", body, kind)

    def ask(self, state: Any) -> tuple[int, Any]:
        """Status and answer of one question of the panel."""
        question = {"data": state, "component_id": self.part, "fn_name": "ask", "session_hash": self.session}
        return self.server.ask("/gradio_api/component_server", question)
