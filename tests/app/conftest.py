"""What the tests of the app share: one served app per worker, a visitor of it, and the models behind it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.app_page import START, AppPage
from tests.support.app_server import Server, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from explorer.app.workspace import Workspace


@pytest.fixture(scope="session")
def taken_port() -> Iterator[int]:
    """A port where somebody else listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, taken_port: int) -> Iterator[Server]:
    """The app as it ships, with a cache of its own and no data sets besides the digits.

    It was told to listen where somebody else does, and asks no other host until the tests are over. A test that needs
    an app of its own says why.
    """
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # for the app only: other tests of this process keep their data
            patch.delenv("EXPLORER_DATA", raising=False)
            cache = {"EXPLORER_CACHE": str(tmp_path_factory.mktemp("cache"))}
            started = stack.enter_context(
                running(tmp_path_factory.mktemp("app"), "--port", str(taken_port), environment=cache)
            )
        yield started
        assert started.foreign() == []
        assert "Traceback" not in started.said


@pytest.fixture(scope="session")
def url(server: Server) -> str:
    """The app's address."""
    return server.url


@pytest.fixture
def visitor(browser: Browser, url: str) -> Iterator[AppPage]:
    """A fresh visitor of the cat; the page must not have complained by the end, nor asked another host."""
    with AppPage.visiting(browser, url + START) as page:
        yield page


@pytest.fixture(scope="session")
def workspace() -> Workspace:
    """The shipped models, as the app asks them."""
    from explorer.app.workspace import Workspace

    return Workspace()
