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


LONG = (
    "test_notebooks", "test_load", "test_jupyter", "test_survey_ray", "test_wheel", "test_lessons_training",
    "test_survey", "test_survey_maps", "test_browser", "test_panel", "test_failures_page", "test_views", "test_app",
    "test_curves_app", "test_methods_page", "test_uploads", "test_suites", "test_experiments", "test_own",
    "test_train_command", "test_methods", "test_experiments_page", "test_line_search", "test_calibration",
)  # fmt: skip
"""The files that take longest, first: no worker is left alone with one of them in the end."""


SHORT = os.environ.get("EXPLORER_SHORT") == "1"
"""Set by .ci/run, which has a quarter of an hour: leaves out what `LEFT_OUT` names. `make test` runs all of it."""

LEFT_OUT = (
    "test_it_runs_offline_gives_what_is_stored_and_its_solutions_are_right[3_stability_training",
    "test_it_runs_offline_gives_what_is_stored_and_its_solutions_are_right[4_the_lipschitz_loss",
    "test_it_runs_offline_gives_what_is_stored_and_its_solutions_are_right[5_bang",
    "test_ten_browsers_dragging_at_once",
    "test_large_photographs_at_once",
    "test_umap_lays_out_every_case",
    "test_the_command_line_spreads_a_survey",
    "test_a_run_that_was_begun_here_is_finished_there",
    "test_sweeps_of_programs_do_not_hold_up_the_slider",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the files; the order in each stays."""
    left_out = [item for item in items if SHORT and item.name.startswith(LEFT_OUT)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    """Share the cores: one torch thread per worker when pytest-xdist runs several."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        import torch

        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One torch thread, as the app answers: there, an attack on a picture is the same in every batch, bit by bit."""
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
