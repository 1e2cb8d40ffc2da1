"""A small reverse proxy as people have one before the app: it answers under a sub-path, and notes what failed."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from explorer.app import free_port

HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "content-encoding",
    "content-length",
    "date",
    "server",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]

Host = Literal["kept", "forwarded", "lost"]
"""What the app hears of the name that the browser asked for: all, X-Forwarded-Host, or nothing (nginx by itself)."""


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its origin, and every request that was not answered well."""

    origin: str
    failed: list[str] = field(default_factory=list)


@contextmanager
def proxying(target: str, prefix: str, *, strips: bool, host: Host) -> Iterator[Proxy]:
    """Pass what comes under ``prefix`` on to the app at ``target``; ``/frame`` is a page that shows it in a frame.

    Args:
        target: The app's own address.
        prefix: The sub-path, ``/tools/explorer``.
        strips: Whether the app is asked without the sub-path.
        host: What the app hears of the name that the browser asked for.

    Yields:
        The proxy; it ends with the block.
    """
    port = free_port("127.0.0.1", 8890)
    proxy = Proxy(f"http://127.0.0.1:{port}")
    client = httpx.AsyncClient(base_url=target, timeout=None, trust_env=False)  # noqa: S113  # streams stay open

    async def passed(request: Request) -> Response:
        path = request.url.path
        inside = path.startswith(prefix + "/") or (path == prefix and not strips)
        if not inside:
            proxy.failed.append(f"outside: {path}")
            return Response("outside of the sub-path", 404)
        headers = [(name, value) for name, value in request.headers.raw if name != b"host"]
        asked = request.headers["host"]
        if host != "lost":
            headers.append((b"host" if host == "kept" else b"x-forwarded-host", asked.encode()))
        url = httpx.URL(path.removeprefix(prefix) if strips else path, query=request.url.query.encode())
        body = await request.body()
        answer = await client.send(
            client.build_request(request.method, url, headers=headers, content=body or None), stream=True
        )
        if answer.status_code >= 400:
            proxy.failed.append(f"{answer.status_code}: {path}")
        kept = {name: value for name, value in answer.headers.items() if name not in HOP}

        async def content() -> AsyncIterator[bytes]:
            try:
                async for piece in answer.aiter_bytes():
                    yield piece
            finally:
                await answer.aclose()

        return StreamingResponse(content(), answer.status_code, kept)

    async def icon(_: Request) -> Response:  # browsers ask every site for it, before a page can name its own
        return Response(status_code=204)

    async def frame(_: Request) -> Response:
        inner = f'<iframe src="http://localhost:{port}{prefix}/" style="width:1400px;height:860px"></iframe>'
        return HTMLResponse(f"<!doctype html><title>Another page</title>{inner}")

    @asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    routes = [Route("/frame", frame), Route("/favicon.ico", icon), Route("/{path:path}", passed, methods=METHODS)]
    config = uvicorn.Config(
        Starlette(routes=routes, lifespan=closing), port=port, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.should_exit = True
        thread.join(10)
