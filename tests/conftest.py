"""What several test files share: threads and colours of a test run, the browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REQUIRE_BROWSER = os.environ.get("EXPLORER_REQUIRE_BROWSER") == "1"
"""Set by .ci/run: a missing browser then fails the browser tests instead of skipping them."""

os.environ["NO_COLOR"] = "1"  # rich and typer write plain text, here and in the commands that tests start
os.environ["COLUMNS"] = "120"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.hookimpl(tryfirst=True)  # before markers choose
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that no worker is left alone with one in the end; the order in each stays.

    Those whose tests are allowed the most time of their own are the longest, and begin. A test that asks a served app
    is slow, whatever it asks: the app has to start.
    """
    slow: dict[Path, float] = {}
    for item in items:
        if "server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") or item.get_closest_marker("load"):
            allowed = item.get_closest_marker("timeout")
            slow[item.path] = max(slow.get(item.path, 0), allowed.args[0] if allowed else 1)
    items.sort(key=lambda item: -slow.get(item.path, 0))


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    """Share the cores: one torch thread per worker when pytest-xdist runs several."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        import torch

        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One torch thread, as the app answers, for probabilities that are compared with the app's to the last bit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint folder with two untrained LeNets, digits/lenet/standard and digits/lenet/stability, in use."""
    import torch

    from explorer.models import Card, Classifier, find_architecture, save_model

    for seed, method in enumerate(("standard", "stability")):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = find_architecture("lenet").build(classes=10, in_channels=1)
        card = Card(
            name=f"digits/lenet/{method}",
            data="digits",
            arch="lenet",
            method=method,
            classes=tuple("0123456789"),
            size=28,
            channels=1,
            mean=(0.0,),
            std=(1.0,),
            results=[{"recipe": "clean", "seed": 0, "n": 360, "accuracy": 0.125}],
        )
        save_model(Classifier(net, card).eval(), tmp_path)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    return tmp_path


def chromium() -> str | None:
    """The path of the system's Chromium or Chrome; None where there is none and Playwright's own has to do."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: Playwright's synchronous Browser, closed at the end of the session."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(
                executable_path=chromium(),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
        except Error as error:
            reason = f"no Chromium starts ({str(error).splitlines()[0]}); `explorer doctor` says how to get one"
            if REQUIRE_BROWSER:
                pytest.fail(reason)
            pytest.skip(reason)
        yield running
        running.close()
