"""Weights that the libraries download: how far they are is told, they can be cancelled, and a wrong hash is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.models.fetching import from_an_address, reported
from explorer.models.offers import offer, search, weigh
from tests.support.mirror import BODY, SHA, served


class CancelledError(Exception):
    pass


def test_a_download_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with served() as mirror:
        with reported(lambda done, total: told.append((done, total))):
            path = from_an_address(mirror.url, tmp_path / "folder" / "net.pth", SHA[:8])
        before = len(told)
        from_an_address(mirror.url, tmp_path / "again.pth", SHA[:8])  # nobody listens any more
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    assert len(told) == before


def test_a_cancelled_download_leaves_nothing(tmp_path: Path) -> None:
    def cancel(done: int, total: int) -> None:
        raise CancelledError

    with served() as mirror, pytest.raises(CancelledError), reported(cancel):
        from_an_address(mirror.url, tmp_path / "net.pth", SHA[:8])
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_published_are_refused(tmp_path: Path) -> None:
    with served() as mirror, pytest.raises(RuntimeError, match="invalid hash"):
        from_an_address(mirror.url, tmp_path / "net.pth", "0" * 8)
    assert list(tmp_path.iterdir()) == []


def test_the_libraries_are_searched_by_parts_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found, total = search("torchvision:resnet50")
    assert {one.name for one in found} >= {"torchvision:resnet50:IMAGENET1K_V1", "torchvision:resnet50:IMAGENET1K_V2"}
    assert total == len(found)
    first = offer("torchvision:resnet50:IMAGENET1K_V1")
    assert (first.size, first.here, first.accuracy) == (224, False, 0.7613)
    assert 97e6 < (first.bytes or 0) < 103e6
    kept = tmp_path / "hub" / "checkpoints" / "resnet50-0676ba61.pth"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert offer("torchvision:resnet50:IMAGENET1K_V1").here
    (wide,), _ = search("timm inception_v3.tf_adv")
    assert (wide.name, wide.size, wide.licence) == ("timm:inception_v3.tf_adv_in1k", 299, "apache-2.0")
    assert 90e6 < weigh(wide.name) < 100e6
    assert search("no such network") == ([], 0)
    assert search("", most=3)[1] > 1000
