"""JupyterLab as tests and the latency benchmark drive it: a server of its own, pages in Chromium, its kernels."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nbformat

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

PATIENCE = 600  # seconds; a shared machine can be slow, and a condition that holds does not wait
SETTINGS = Path(__file__).resolve().parents[2] / "notebooks/.jupyter"
"""What `make notebooks` hands JupyterLab, too: no question about news, no look for updates."""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address, its secret, the folder it shows, and what it and its kernels keep to it."""

    url: str
    token: str
    folder: Path
    environment: dict[str, str]

    def ask(self, path: str, method: str = "GET") -> Any:
        """The JSON that the server's REST interface answers."""
        request = urllib.request.Request(  # noqa: S310  # our own server
            f"{self.url}/api/{path}", headers={"Authorization": f"token {self.token}"}, method=method
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def kernel(self, notebook: str) -> str:
        """The id of the kernel of that notebook."""
        found: list[str] = [one["kernel"]["id"] for one in self.ask("sessions") if one["path"] == notebook]
        assert found, f"{notebook} has no kernel"
        return found[0]

    def run(self, notebook: str, code: str = "", expression: str = "None") -> Any:
        """Run code in the kernel of a notebook, beside its page, and give the value of an expression of literals."""
        import ast

        from jupyter_client.blocking.client import BlockingKernelClient

        runtime = Path(self.environment["JUPYTER_RUNTIME_DIR"])
        client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{self.kernel(notebook)}.json"))
        client.load_connection_file()
        client.start_channels(stdin=False, hb=False)
        try:
            asked = {"value": f"repr({expression})"}
            reply = client.execute(code, user_expressions=asked, store_history=False, reply=True, timeout=PATIENCE)
            content = reply["content"]
            assert content["status"] == "ok", content
            value = content["user_expressions"]["value"]
            assert value["status"] == "ok", value
            return ast.literal_eval(ast.literal_eval(value["data"]["text/plain"]))
        finally:
            client.stop_channels()

    def write(self, name: str, cells: Sequence[str]) -> None:
        """A notebook of code cells in the server's folder."""
        nbformat.write(notebook_of(cells), self.folder / name)


def notebook_of(cells: Sequence[str]) -> Any:
    """A notebook with these code cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata={"kernelspec": kernel}
    )


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """JupyterLab on a free port; settings, kernels and signatures stay below ``folder``."""
    shown = folder / "shown"
    shown.mkdir()
    kept = {f"JUPYTER_{what}_DIR": str(folder / what.lower()) for what in ("CONFIG", "DATA", "RUNTIME")}
    kept["JUPYTER_CONFIG_PATH"] = str(SETTINGS)
    environment = os.environ | kept | {"IPYTHONDIR": str(folder / "ipython"), "OMP_NUM_THREADS": "1"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={shown}", f"--LabApp.user_settings_dir={folder / 'lab/user-settings'}"]
    command += [f"--LabApp.workspaces_dir={folder / 'lab/workspaces'}"]
    log = folder / "log"
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        server = Server(f"http://127.0.0.1:{port}", token, shown, environment)
        try:
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    server.ask("status")
                    break
                except OSError:
                    said = log.read_text(encoding="utf-8")
                    assert process.poll() is None, said
                    assert time.monotonic() < end, "JupyterLab did not start: " + said
                    time.sleep(0.1)
            yield server
        finally:
            process.terminate()


class LabPage:
    """A notebook open in JupyterLab (or Notebook 7): its complaints, and the hosts it asked besides its own."""

    def __init__(self, context: BrowserContext, server: Server, notebook: str, *, app: str = "lab/tree") -> None:
        self.server, self.notebook = server, notebook
        self.page = context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.complaints: list[str] = []
        self.foreign: set[str] = set()
        own = urlsplit(server.url).netloc
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url, own))
        self.page.on("websocket", lambda socket: self._note(socket.url, own))
        reset = "&reset" if app.startswith("lab") else ""
        self.page.goto(f"{server.url}/{app}/{notebook}?token={server.token}{reset}")
        self.opened()

    def _note(self, address: str, own: str) -> None:
        parts = urlsplit(address)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != own:
            self.foreign.add(parts.netloc)

    def opened(self) -> None:
        """Wait until the notebook is there and its kernel listens."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"], .jp-NotebookKernelStatus')
        self._until(lambda: any(one["path"] == self.notebook for one in self.server.ask("sessions")))
        self._until(lambda: self.server.ask(f"kernels/{self.server.kernel(self.notebook)}")["connections"] > 0)

    def _until(self, holds: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end
            self.page.wait_for_timeout(100)

    def run_all(self) -> None:
        """Run all cells, and wait until the last one has run, this time."""
        prompts = ".jp-CodeCell .jp-InputArea-prompt"
        self.page.eval_on_selector_all(prompts, "(all) => all.forEach((one) => (one.textContent = ''))")
        self.page.click(".lm-MenuBar-itemLabel:text-is('Run')")
        self.page.click('li[data-command="runmenu:run-all"]')
        self.page.wait_for_function(
            "(prompts) => { const all = [...document.querySelectorAll(prompts)];"
            " return all.length && all.every((one) => /\\[\\d+\\]/.test(one.textContent)); }",
            arg=prompts,
        )

    def save(self) -> None:
        """Write the notebook to its file."""
        before = (self.server.folder / self.notebook).stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        self._until(lambda: (self.server.folder / self.notebook).stat().st_mtime_ns != before)

    def widget(self, index: int = 0) -> LabWidget:
        """The explorer with that index on the page."""
        return LabWidget(self, self.page.locator(".stability-whole").nth(index))


class LabWidget:
    """One explorer on a page."""

    def __init__(self, lab: LabPage, whole: Locator) -> None:
        self.lab, self.whole = lab, whole

    def painted(self) -> None:
        """Wait until its panel shows an answer."""
        self._attached(".stability-panel .card .badge")

    def charted(self) -> None:
        """Wait until its curves are drawn."""
        self._attached(".stability-curves:not(.stale) svg path")

    def _attached(self, selector: str) -> None:
        """Wait until that is there; JupyterLab paints nothing of what is scrolled away."""
        self.whole.scroll_into_view_if_needed()
        self.whole.locator(selector).first.wait_for(state="attached")

    @property
    def hash(self) -> str:
        """The first eight hex digits of the pixels' fingerprint."""
        shown = self.whole.locator("figcaption span[title*='SHA-256']").text_content()  # also where it is scrolled away
        return (shown or "").lstrip("#").replace(" ", "")

    @property
    def recipe(self) -> str:
        """What the field of the recipe says."""
        return self.whole.locator("input[type=text]").last.input_value()

    @property
    def answers(self) -> list[str]:
        return self.whole.locator(".card .answer").all_text_contents()

    def until(self, recipe: str, image_hash: str) -> None:
        """Wait until the field of the recipe and the panel show these."""
        end = time.monotonic() + PATIENCE
        while (self.recipe, self.hash) != (recipe, image_hash[:8]):
            assert time.monotonic() < end, f"{self.recipe} {self.hash} instead of {recipe} {image_hash[:8]}"
            self.lab.page.wait_for_timeout(50)

    def drag(self, by: float, steps: int = 12) -> None:
        """Drag the first slider's handle by so many px to the right."""
        handle, mouse = self.whole.locator(".noUi-handle").first, self.lab.page.mouse
        while True:
            handle.scroll_into_view_if_needed()
            box = handle.bounding_box()
            assert box
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            mouse.move(x, y)
            mouse.down()
            if "noUi-active" in (handle.get_attribute("class") or ""):
                break
            mouse.up()  # a page that scrolls lays out anew what was out of sight: the handle was no longer there
        for i in range(1, steps + 1):
            mouse.move(x + by * i / steps, y)
        mouse.up()

    def rested(self, expression: str) -> Any:
        """Wait until kernel and panel have arrived where the first slider stands.

        Args:
            expression: Gives (recipe, image_hash) of this explorer in the kernel.

        Returns:
            The expression's value.
        """
        end = time.monotonic() + PATIENCE
        while True:
            state = self.lab.server.run(self.lab.notebook, expression=expression)
            amount = float(state[0].partition(";")[0].partition(",")[0].partition("=")[2])
            slider = float(self.whole.locator(".stability-step .widget-readout").first.text_content() or "nan")
            if slider == amount and (self.recipe, self.hash) == (state[0], state[1][:8]):
                return state
            assert time.monotonic() < end, f"the slider stands at {slider}, the panel at {self.recipe}, {state}"
            self.lab.page.wait_for_timeout(100)
