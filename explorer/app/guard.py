"""Request filter of the app: only what the page or the API needs is let through.

A web page elsewhere can make its visitor's browser send requests to this machine, either openly (they carry a foreign
``Origin``) or under a name of its own that it lets point here (DNS rebinding: they carry a foreign ``Host``). Gradio
answers both; it also has routes that fetch addresses, serve files and change code, which are not needed here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.app.refusals import NO_PAGE, answer, refusal
from explorer.data.decoding import MAX_BYTES

MAX_FORM = MAX_BYTES + 2**21
"""Bytes of a request that carries files; a little more than is read, so that the reader's sentence is the one seen."""

MAX_JSON = 16 * 2**20
"""Bytes of any other request."""

PAGE = (
    "/",
    "/config",
    "/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/gradio_api/theme.css",
    "/gradio_api/app_id",
    "/gradio_api/startup-events",
    "/gradio_api/component_server",
)
API = (
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    "/gradio_api/upload",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/cancel",
    "/gradio_api/reset",
)
FILES = ("/assets/", "/static/", "/svelte/", "/web/")
"""What the page is built of; also served to a proxy's unknown name, so that the page can say how to state it."""

FOLDERS = (
    *FILES,
    "/gradio_api/heartbeat/",
    "/gradio_api/call/",
    "/gradio_api/run/",
)
MCP = ("/gradio_api/mcp", "/gradio_api/mcp/http")

_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


class Guard:
    """ASGI middleware that passes permitted requests on and answers all others with one sentence."""

    def __init__(self, app: ASGIApp, names: Collection[str] = (), *, root_path: str = "", mcp: bool = False) -> None:
        """Wrap an app.

        Args:
            app: What answers the requests that belong here.
            names: Host names by which it is reached besides localhost and plain IP addresses.
            root_path: The sub-path of a proxy, ``/tools/explorer``, taken off where the proxy has left it on.
            mcp: Whether MCP clients are admitted.
        """
        self.app = app
        self.names = frozenset(name.lower() for name in names)
        self.root_path = root_path
        self.paths = frozenset((*PAGE, *API, *(MCP if mcp else ())))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        scope = self._inside(scope)
        if scope["type"] == "http" and (refused := self.refusal(scope)):
            await refusal(*refused)(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http" and not scope["path"]:  # addresses on the page are relative to its last slash
            await RedirectResponse(f"{self.root_path}/?{scope['query_string'].decode()}")(scope, receive, send)
        elif scope["type"] == "http":
            await answer(self.app, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _inside(self, scope: Scope) -> Scope:
        """The request as if there were no proxy before the app.

        Gradio tells its page an absolute address that it guesses from the request; behind a proxy the guess is wrong
        unless the proxy sends all that it knows. A relative one is what the browser makes it. Gradio takes the address
        from this header of its own when there is one.
        """
        if scope["type"] != "http":
            return scope
        path = scope["path"]
        if path == self.root_path or path.startswith(f"{self.root_path}/"):
            path = path.removeprefix(self.root_path)
        headers = scope["headers"]
        if path == "/":
            told = {b"x-forwarded-host", b"x-gradio-server"}
            headers = [*((name, value) for name, value in headers if name not in told), (b"x-gradio-server", b".")]
        return {**scope, "path": path, "raw_path": path.encode(), "headers": headers}

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Decide whether a request has any business here.

        Args:
            scope: The request.

        Returns:
            Status and sentence of the refusal; None for a request that is passed on.
        """
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._known(hosts[0]):
            return 403, (
                "The explorer is reached by localhost or an IP address; if another name is meant, start it with "
                "'explorer app --name NAME'."
            )
        path = scope["path"]
        origins = [] if path.startswith(FILES) else headers.getlist("origin")
        foreign = [origin for origin in origins if not self._is_same_site(origin, hosts[0])]
        if foreign or _embedded(headers):
            name = _name(foreign[0].rpartition("/")[2]) if foreign else None
            proxy = f"; if {name} is a proxy before it, start it with 'explorer app --name {name}'" if name else ""
            return 403, f"The explorer answers its own page and programs, not other web pages{proxy}."
        if path.rstrip("/") not in self.paths and path not in {"", "/"} and not path.startswith(FOLDERS):
            return 404, NO_PAGE
        if "transfer-encoding" in headers:
            return 411, "The request does not say how long it is."
        form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        length, limit = headers.get("content-length", "0"), MAX_FORM if form else MAX_JSON
        if not length.isdecimal() or int(length) > limit:
            return 413, f"The request is larger than {limit // 2**20} MiB; send a large picture as a file."
        return None

    def _known(self, host: str) -> bool:
        """Whether a Host header names this machine: an address in numbers cannot be rebound, a name can."""
        name = _name(host)
        if name is None:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name == "localhost" or name.endswith(".localhost") or name in self.names
        return True

    def _is_same_site(self, origin: str, host: str) -> bool:
        """Whether a page of that origin came from here: from the same name and port, or from one of the names."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in {"http", "https"}:
            return False  # "null": a page in a sandbox or from a file
        default = ":80" if parts.scheme == "http" else ":443"
        same = parts.netloc.lower().removesuffix(default) == host.lower().removesuffix(default)
        return same or _name(parts.netloc) in self.names


def _name(authority: str) -> str | None:
    """The host name of "name:port", in small letters; None where it is none."""
    found = _AUTHORITY.fullmatch(authority)
    return found["name"].lower() if found else None


def _embedded(headers: Headers) -> bool:
    """Whether another site's page asks for a part of its own, as an image or a script; following a link is fine."""
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
