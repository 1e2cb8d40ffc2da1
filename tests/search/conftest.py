"""Pictures for searches: a folder of eight, and a cache of their own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Where vectors are kept in a test."""
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings"


def drawn(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture of coarse patches, as different from others as photographs are."""
    patches = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)


def run(*arguments: str) -> int:
    """The exit code of a command, run in this process."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture
def classes(tmp_path):
    """A folder of two classes with four pictures each."""
    root = tmp_path / "classes"
    for i in range(8):
        (root / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        drawn(i).save(root / "ab"[i % 2] / f"{i}.png")
    return root
