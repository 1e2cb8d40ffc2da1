"""What the tests of data share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from explorer.data import downloads
from tests.support.mirror import Mirror, served


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A server that a download asks without waiting between its tries."""
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with served() as does:
        yield does
