"""A survey of 120 digits, and the app opened on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from explorer import load_dataset, load_model
from explorer.survey import make_plan, run
from tests.support.app_server import running
from tests.support.failures_page import PAIR, FailuresPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of 120 digits under six conditions."""
    found = tmp_path_factory.mktemp("surveys") / "hundred"
    models = [load_model(name, device="cpu") for name in PAIR]
    data = load_dataset("digits")
    distortions = ["gaussian_noise=0.3:0.5", "jpeg=20", "crop=6", "fgsm=8/255"]
    run(models, data, make_plan(models, data, distortions, seeds=(0,), limit=120), found)
    return found


@pytest.fixture(scope="session")
def url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app of its own, opened on the survey."""
    cache = {"EXPLORER_CACHE": str(tmp_path_factory.mktemp("cache"))}
    options = ["--models", ",".join(PAIR), "--survey", str(folder)]
    with running(tmp_path_factory.mktemp("app"), *options, environment=cache) as server:
        yield server.url


@pytest.fixture
def visitor(browser: Browser, url: str) -> Iterator[FailuresPage]:
    found = FailuresPage(browser, url)
    yield found
    found.close()
    assert found.app.complaints == []
    assert found.app.foreign <= {urlsplit(url).netloc}
