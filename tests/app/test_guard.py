"""Who may ask the app: names, origins, paths and sizes that are refused before anything is computed."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.app.guard import MAX_FORM, MAX_JSON, Guard
from tests.support.app_server import Server


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/gradio_api/run/models", "/gradio_api/upload"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7930", "", "local host", "[evil]", "127.1:x"],
)
def test_a_foreign_name_is_refused_as_after_dns_rebinding(server: Server, path: str, host: str) -> None:
    body: Any = None if not path.endswith(("models", "upload")) else {"data": []}
    assert server.ask(path, body, {"Host": host})[0] == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1:7930", "localhost", "[::1]:7930", "192.168.1.5:80", "LOCALHOST:1", "a.localhost"]
)
def test_localhost_and_plain_addresses_are_answered(server: Server, host: str) -> None:
    assert server.ask("/config", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "file://", "http://127.0.0.1:3000", "http://localhost:1", "x", "http://["]
)
def test_another_web_page_is_refused(server: Server, origin: str) -> None:
    for path, body in (
        ("/gradio_api/run/models", {"data": []}),
        ("/gradio_api/component_server", {}),
        ("/config", None),
    ):
        assert server.ask(path, body, {"Origin": origin})[0] == 403
    # what a form or a script elsewhere can send without asking the browser for leave
    assert (
        server.ask("/gradio_api/run/models", b'{"data": []}', {"Origin": origin, "Content-Type": "text/plain"})[0]
        == 403
    )


def test_its_own_page_is_answered(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert server.ask("/gradio_api/run/distortions", {"data": []}, {"Origin": own})[0] == 200


def test_no_page_elsewhere_embeds_parts_of_it_but_may_link_to_it(server: Server) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert server.ask("/config", headers=elsewhere | {"Sec-Fetch-Mode": "no-cors"})[0] == 403
    assert server.ask("/", headers=elsewhere | {"Sec-Fetch-Mode": "navigate"})[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/file=/etc/passwd",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://127.0.0.1:9/x",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1:9/x",
        "/gradio_api//file=/etc/passwd",
        "//gradio_api/file=/etc/passwd",
        "/gradio_api/upload/../file=/etc/passwd",
        "/static/../gradio_api/file=/etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
        "/gradio_api/mcp",
        "/gradio_api/mcp/",
        "/gradio_api/mcp/sse",
        "/gradio_api/deep_link",
        "/gradio_api/dev/reload",
        "/gradio_api/vibe-code",
        "/gradio_api/token",
        "/gradio_api/queue/status",
        "/gradio_api/runs",
        "/monitoring",
        "/monitoring/summary",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/login",
    ],
)
def test_what_neither_page_nor_api_needs_is_closed(server: Server, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        status, told = server.ask(path, method=method)
        assert status in {403, 404, 405}, (method, told)
        assert "root:" not in str(told)


def test_large_requests_are_refused_before_they_are_read(server: Server) -> None:
    status, told = server.ask("/gradio_api/run/compare", b"{", {"Content-Length": str(MAX_JSON + 1)})
    assert (status, told["error"].count(".")) == (413, 1)
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert server.ask("/gradio_api/upload", b"--x", form | {"Content-Length": str(MAX_FORM + 1)})[0] == 413
    assert server.ask("/gradio_api/run/compare", b"1\r\n{\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"})[0] == 411


def test_names_behind_a_proxy_have_to_be_given() -> None:
    def status(names: list[str], **headers: str) -> int:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        refusal = Guard(lambda *_: None, names).refusal({"type": "http", "path": "/", "headers": sent})  # type: ignore[arg-type, return-value]
        return 200 if refusal is None else refusal[0]

    assert status([], host="lab.example.org") == 403
    assert status(["Lab.example.org"], host="lab.example.org", origin="https://lab.example.org") == 200
    assert status(["lab.example.org"], host="127.0.0.1:7860", origin="https://lab.example.org") == 200
    assert status(["lab.example.org"], host="lab.example.org", origin="https://evil.example") == 403


def test_a_refused_page_is_told_the_name_only_if_it_is_one() -> None:
    def said(origin: str) -> str:
        headers = [(b"host", b"127.0.0.1:7860"), (b"origin", origin.encode())]
        refusal = Guard(lambda *_: None).refusal({"type": "http", "path": "/config", "headers": headers})  # type: ignore[arg-type, return-value]
        return refusal[1] if refusal else ""

    assert "'explorer app --name lab.example.org'" in said("https://lab.example.org:8080")
    assert "--name" not in said("https://<script>")
    assert "--name" not in said("https://a b")
