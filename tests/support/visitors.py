"""Visitors of the app, each with a picture of their own, who know what their answers must be."""

from __future__ import annotations

import base64
import io
import time
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from explorer import Recipe
from explorer.data import images
from explorer.distortions import apply
from tests.support.app_server import Panel, Server
from tests.support.pictures import png_of
from tests.support.questions import MODELS

AMOUNTS = [0.02, 0.06, 0.1, 0.14, 0.18, 0.22, 0.26, 0.3]


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
        self.png = png_of(self.pixels)
        self.hashes = {amount: self.hash_of(amount) for amount in AMOUNTS}
        assert len(set(self.hashes.values())) == len(AMOUNTS)

    def hash_of(self, amount: float) -> str:
        return images.image_hash(apply(self.recipe(amount), images.load_image(self.png)))

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
        self.own, self.panel = own, Panel(server)
        status, told = self.panel.upload(own.png)
        assert status == 200, told
        self.token = told["token"]

    def ask(self, amount: float) -> None:
        """Ask for one amount; AssertionError unless the answer is right."""
        state = {"picture": {"token": self.token}, "models": MODELS, "recipe": self.own.recipe(amount).to_dict()}
        status, told = self.panel.ask(state)
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
