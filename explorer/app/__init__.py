"""The app: Gradio connects the controls to the core and the panel to the browser; nothing is computed here."""

from __future__ import annotations

import errno
import io
import os
import re
import socket
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

from explorer.app.temporary import upload_folder

os.environ["GRADIO_TEMP_DIR"] = upload_folder()  # before gradio is imported
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # no telemetry
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP: it can be cancelled, and goes on where it stopped

# jsonschema, which Gradio's part for MCP loads, compiles a grammar of IRIs on import: a second of every start, for a
# check that is not needed here. It does without where the package is missing.
if spared := "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # how to tell import statements so

import gradio as gr
from PIL import Image

from explorer.app.api import use_json
from explorer.app.context import make_context
from explorer.app.endpoints import Endpoints
from explorer.app.layout import page
from explorer.app.theme import launch_options
from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models.families import named_after

if spared:
    del sys.modules["rfc3987_syntax"]

__all__ = ["build", "launch_options", "serve"]

PORTS_TRIED = 100
WSAEADDRNOTAVAIL = 10049  # as Windows numbers it
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ROOT_PATH = re.compile(r"(?!.*(^|/)\.{1,2}(/|$))[\w.~@%+-]+(/[\w.~@%+-]+)*")
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  # compared only


def build(
    models: Sequence[str | Classifier] | None = None, data: Sequence[Dataset] = (), surveys: Sequence[Path] = ()
) -> gr.Blocks:
    """Build the app, its first models loaded and warm; launch it with ``launch_options()``.

    Args:
        models: The models shown first, loaded or by name or path; by default a baseline and its stabilized sibling.
        data: The user's own data sets, offered beside the known ones; they name the classes of models that do not know
            theirs.
        surveys: Folders of surveys for the page "Failures".

    Returns:
        The app.

    Raises:
        ExplorerError: If there is no such model, no checkpoint at all, or if the models do not know the same classes.
    """
    context = make_context([named_after(model, data) for model in models or ()], data, surveys)
    endpoints = Endpoints(context)
    endpoints.warm()
    return page(context, endpoints)


def serve(
    host: str = "127.0.0.1",
    port: int = 7860,
    models: Sequence[str | Classifier] | None = None,
    *,
    data: Sequence[Dataset] = (),
    surveys: Sequence[Path] = (),
    names: Sequence[str] = (),
    root_path: str = "",
    mcp: bool = False,
    open_browser: bool = False,
) -> None:
    """Serve the app until it is interrupted, and print its address. If the port is taken, it uses the next free one.

    Args:
        host: The address to listen on.
        port: The first port to try.
        models: As in ``build``.
        data: As in ``build``.
        surveys: As in ``build``.
        names: Host names by which it is reached besides localhost and IP addresses, for example behind a proxy.
        root_path: The sub-path under which a proxy serves the page, as ``/tools/explorer``.
        mcp: Whether to serve the API to MCP clients, too.
        open_browser: Whether to open the page in a browser.

    Raises:
        ExplorerError: If the host cannot be listened on, no port is free, a package is missing, or the root path is
            none; and as in ``build``.
    """
    root_path = read_root_path(root_path)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a huge picture is refused in a sentence
    free_port(host, port)  # a wrong address is refused before the models load
    if mcp and find_spec("mcp") is None:
        raise ExplorerError("--mcp needs the package mcp, which is not installed: pip install 'mcp>=1.21,<2'.")
    blocks = build(models, data, surveys)
    port = free_port(host, port)  # chosen only now: another app may have started meanwhile
    _reach_oneself_directly()
    if host not in LOOPBACK:
        names = [*names, host, socket.gethostname(), f"{socket.gethostname()}.local"]
    try:
        with redirect_stdout(io.StringIO()):  # Gradio prints a line of its own about its MCP server
            blocks.launch(
                server_name=host,
                server_port=port,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                **launch_options(names, root_path=root_path, mcp=mcp),
            )
    except ValueError as error:  # Gradio requests its own page first, and gives up after some seconds
        raise ExplorerError(
            f"The explorer listens on port {port} but did not answer its own check in time: the machine is very busy, "
            "or a proxy is in the way; try again."
        ) from error
    shown = f"http://{_shown(host)}:{port}"
    if mcp:
        use_json(blocks)
        print(f"MCP clients connect to {shown}/gradio_api/mcp/", flush=True)  # noqa: T201
    below = f" for the proxy's {root_path}/" if root_path else ""
    print(f"Stability Explorer is at {shown}{below} (Ctrl+C ends it)", flush=True)  # noqa: T201
    blocks.block_thread()


def read_root_path(text: str) -> str:
    """Read the sub-path under which a proxy serves the page.

    Args:
        text: As a person writes it, with or without slashes around it.

    Returns:
        The path with a slash before and none after it; empty for none.

    Raises:
        ExplorerError: If it is an address, or holds what no such path has.
    """
    path = text.strip().strip("/")
    if not path:
        return ""
    if not ROOT_PATH.fullmatch(path):
        raise ExplorerError(
            f"--root-path {text} is not the path below which a proxy serves the page; write it as /tools/explorer, "
            "and the proxy's host as --name."
        )
    return f"/{path}"


def _shown(host: str) -> str:
    """The host as a browser of this machine writes it."""
    if host == "::1":
        return "[::1]"
    if host in LOOPBACK | EVERYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _reach_oneself_directly() -> None:
    """Keep Gradio's check of its own address off any proxy that the environment names."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))


def free_port(host: str, first: int) -> int:
    """Find a free port.

    Args:
        host: The address to listen on.
        first: The first port to try.

    Returns:
        The port.

    Raises:
        ExplorerError: If the host is not an address of this machine, or no port is free.
    """
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        try:
            address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            with socket.socket(address[0], address[1]) as probe:
                if os.name == "posix":  # elsewhere it would let two listen on one port
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address[4])
        except socket.gaierror:
            raise ExplorerError(f"The address {host!r} is not one of this machine; use 127.0.0.1.") from None
        except PermissionError:
            raise ExplorerError(f"Port {port} needs administrator rights; use one above 1023.") from None
        except OSError as error:
            if error.errno in {errno.EADDRNOTAVAIL, WSAEADDRNOTAVAIL}:
                raise ExplorerError(f"The address {host!r} is not one of this machine; use 127.0.0.1.") from None
            continue
        return port
    raise ExplorerError(f"No port from {first} to {port} is free on {host}; name another with --port.")
