"""Visitors of the app, each with a picture of their own, and a server that notes every address it tries to reach."""

from __future__ import annotations

import base64
import io
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from PIL import Image

from explorer import Recipe
from explorer.data import images
from explorer.distortions import apply
from tests.support.app_server import Server, running

MODELS = ["cifar10/resnet20/standard", "cifar10/resnet20/stability"]
AMOUNTS = [0.02, 0.06, 0.1, 0.14, 0.18, 0.22, 0.26, 0.3]
WATCH = """
import os, sys

def heard(event, arguments):
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
        where = arguments[0] if event == "socket.getaddrinfo" else arguments[-1]
        with open(os.environ["EXPLORER_TEST_WATCH"], "a") as file:
            file.write(f"{event} {where!r}\\n")

sys.addaudithook(heard)
"""


@dataclass
class Watched:
    """A server, every address it has tried to reach, and the memory it has used."""

    server: Server
    notes: Path
    process: psutil.Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = psutil.Process(self.server.process.pid)

    @property
    def memory(self) -> int:
        """Bytes in use by the process itself; the smallest of some readings, because garbage comes and goes."""
        readings = []
        for _ in range(5):
            readings.append(self.process.memory_full_info().uss)
            time.sleep(0.1)
        return int(min(readings))

    def foreign(self) -> list[str]:
        """What it looked up or connected to, besides itself; empty as it should be."""
        own = ("'127.0.0.1'", "'localhost'", "'::1'", "None", "b'127.0.0.1'", "'0.0.0.0'")
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
        asked = [line for line in lines if not any(name in line for name in own)]
        peers = {link.raddr.ip for link in self.process.net_connections(kind="inet") if link.raddr}
        return asked + sorted(peers - {"127.0.0.1", "::1", "::ffff:127.0.0.1"})


@contextmanager
def watching(folder: Path) -> Iterator[Watched]:
    """The app under audit: Python itself reports every connection it opens and every name it looks up."""
    (folder / "sitecustomize.py").write_text(WATCH)
    environment = {"PYTHONPATH": str(folder), "EXPLORER_TEST_WATCH": str(folder / "notes")}
    with running(folder / "log", "--port", "7940", "--models", ",".join(MODELS), environment=environment) as server:
        yield Watched(server, folder / "notes")


@dataclass
class Own:
    """One visitor's own picture, (1, 3, 32, 32), unlike everybody else's, and what its distorted copies must be."""

    number: int
    png: bytes = field(init=False)
    pixels: np.ndarray = field(init=False)
    hashes: dict[float, str] = field(init=False)

    def __post_init__(self) -> None:
        texture = np.random.default_rng(self.number).integers(60, 130, (32, 32, 3), dtype=np.uint8)
        self.pixels = texture + np.uint8(10 * (self.number % 12))
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "PNG")
        self.png = buffer.getvalue()
        image = images.load_image(self.png)
        self.hashes = {amount: images.image_hash(apply(self.recipe(amount), image)) for amount in AMOUNTS}
        assert len(set(self.hashes.values())) == len(AMOUNTS)

    def recipe(self, amount: float) -> Recipe:
        return Recipe((("gaussian_noise", amount),), seed=self.number)

    def check(self, amount: float, image_hash: str, clean: str) -> None:
        """AssertionError unless this is the answer to this visitor's own question."""
        assert image_hash == self.hashes[amount], f"visitor {self.number} was given other pixels"
        shown = Image.open(io.BytesIO(base64.b64decode(clean.partition(",")[2])))
        assert np.array_equal(np.asarray(shown), self.pixels), f"visitor {self.number} was shown another picture"


class Visitor:
    """Asks what the page asks."""

    def __init__(self, server: Server, own: Own) -> None:
        self.server, self.own = server, own
        _, config = server.ask("/config")
        self.panel = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "panel")
        self.session = uuid.uuid4().hex
        self.token = self._upload()["token"]

    def _upload(self) -> Any:
        parts = {"component_id": self.panel, "fn_name": "open_picture", "session_hash": self.session}
        body = b"".join(
            f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in parts.items()
        )
        file = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="own.png"\r\n'
        body += file + b"Content-Type: image/png\r\n\r\n" + self.own.png + b"\r\n--edge--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=edge"}
        status, told = self.server.ask("/gradio_api/component_server", body, kind)
        assert status == 200, told
        return told

    def ask(self, amount: float) -> None:
        """Ask for one amount; AssertionError unless the answer is right."""
        state = {"picture": {"token": self.token}, "models": MODELS, "recipe": self.own.recipe(amount).to_dict()}
        question = {"data": state, "component_id": self.panel, "fn_name": "ask", "session_hash": self.session}
        status, told = self.server.ask("/gradio_api/component_server", question)
        assert status == 200, told
        assert "error" not in told, told
        self.own.check(amount, told["image_hash"], told["images"]["clean"])

    def drag(self, count: int) -> list[float]:
        """Ask for so many amounts, one after the other; the seconds that each answer took."""
        times = []
        for number in range(count):
            started = time.perf_counter()
            self.ask(AMOUNTS[number % len(AMOUNTS)])
            times.append(time.perf_counter() - started)
        return times
