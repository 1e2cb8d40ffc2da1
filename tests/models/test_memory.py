"""Memory kept between layers: while it is asked for, and given back after the last one who did."""

from __future__ import annotations

import ctypes
import sys

import pytest
import torch

from explorer.models import memory


def resident() -> int:
    """Pages of this process in memory."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_freed_blocks_stay_while_they_are_kept_and_go_afterwards() -> None:
    with memory.kept_memory():
        with memory.kept_memory():
            block = torch.ones(2**25)  # 128 MiB
        before = resident()
        del block
        assert resident() > before - 2**10, "still held: the inner one is not the last"
    assert resident() < before - 2**14, "64 MiB and more went back"


def test_it_does_nothing_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", absent)
    with memory.kept_memory():
        assert torch.ones(1)
