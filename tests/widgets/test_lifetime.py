"""A cell that shows the widget again and again, in a real kernel: one widget is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from explorer.widgets import Explorer

PATIENCE = 300  # s
COUNT = """
import gc, json, threading, ipywidgets
from ipywidgets.widgets import widget as registry
from explorer.widgets.explorer import Explorer
from explorer.widgets.panel import Panel
from explorer.widgets.controls import Controls
gc.collect()
alive = [type(one) for one in gc.get_objects()]
print(json.dumps([sum(issubclass(kind, Panel) for kind in alive), alive.count(Controls), len(registry._instances),
                  len(__import__("comm").get_comm_manager().comms),
                  sum(thread.name == "explorer-afterwards" for thread in threading.enumerate())]))
"""
"""Prints live panels, live controls, widgets and comms that are registered, and threads."""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Run]:
    """Runs code as a cell of this name, and gives what it printed."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=PATIENCE)

    def run(code: str, cell: str | None = None) -> str:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        client.shell_channel.send(message)
        printed = ""
        while True:
            got: Any = client.get_iopub_msg(timeout=PATIENCE)
            if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if got["msg_type"] == "stream":
                printed += got["content"]["text"]
            assert got["msg_type"] != "error", "\n".join(got["content"]["traceback"])
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                return printed

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def counts(run: Run) -> list[int]:
    return list(json.loads(run(COUNT)))


SHOW = "import explorer\nexplorer.show('digits:7', 'digits/lenet/standard')"


def test_a_cell_run_thirty_times_leaves_one_widget(kernel: Run) -> None:
    kernel(SHOW, "one")
    once = counts(kernel)
    assert once[:2] == [1, 1]
    for _ in range(29):
        kernel(SHOW, "one")
    assert counts(kernel) == once


def test_what_another_cell_shows_too_stays(kernel: Run) -> None:
    kernel("w = explorer.show('digits:8', 'digits/lenet/standard')", "two")
    kernel("w", "three")
    two = counts(kernel)
    kernel("w", "three")
    assert counts(kernel) == two
    assert kernel("print(len(w._displays))") == "2\n"
    kernel("old = w\nw = explorer.show('digits:8', 'digits/lenet/standard')", "two")
    assert counts(kernel)[:2] == [two[0] + 1, two[1] + 1], "the third cell still shows the first"
    kernel("w", "three")
    assert counts(kernel) == two
    assert (
        kernel("old.recipe = 'jpeg=20;seed=0'\nprint(old.comparison.image_hash == w.comparison.image_hash)")
        == "False\n"
    )


def test_cells_without_a_name_close_nothing(kernel: Run) -> None:
    before = counts(kernel)
    for _ in range(2):
        kernel("explorer.show('digits:7', 'digits/lenet/standard');")
    assert counts(kernel)[0] == before[0] + 2


def test_steps_and_boxes_that_go_leave_nothing_behind(w: Explorer) -> None:
    from ipywidgets.widgets import widget as registry

    before = set(registry._instances)  # type: ignore[attr-defined]
    w.recipe = "jpeg=20,contrast=0.5;seed=0"
    w.recipe = "gaussian_noise=0.2;seed=7"
    assert len(registry._instances) == len(before)  # type: ignore[attr-defined]


def test_a_closed_widget_still_answers(w: Explorer) -> None:
    w.close()
    w.close()
    before = w.comparison.image_hash
    w.recipe = "jpeg=20;seed=0"
    assert w.comparison.image_hash != before
    assert repr(w).startswith("Explorer at jpeg=20")


@pytest.mark.slow
def test_a_closed_widget_shown_again_says_so(w: Explorer, capsys: pytest.CaptureFixture[str]) -> None:
    w.close()
    w._ipython_display_()
    assert "No longer live" in capsys.readouterr().out
