"""The browser's modules as the server hands them out: whole, of one version, and nothing else."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.app import static
from explorer.web import files
from explorer.web.files import address, modules, version


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=static.routes()))


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_module_is_served_as_javascript(client: TestClient, name: str) -> None:
    response = client.get("/" + address(name))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/javascript")
    assert "immutable" in response.headers["cache-control"]
    assert response.text == (files.FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "__init__.py",
        "styles/panel.css",
        "explore",
        "",
        "../web/explore/page.js",
        "..%2f..%2fpyproject.toml",
        "%2e%2e/answers.py",
        "/etc/passwd",
    ],
)
def test_nothing_else_can_be_reached(client: TestClient, path: str) -> None:
    assert client.get(f"/web/{version()}/{path}").status_code == 404


def test_another_version_is_not_there(client: TestClient) -> None:
    response = client.get("/web/0123456789abcdef/explore/page.js")
    assert response.status_code == 404
    assert "immutable" not in response.headers.get("cache-control", "")


def test_the_version_follows_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    other = dict(modules()) | {"explore/page.js": b"// changed"}
    before = version()
    monkeypatch.setattr(files, "modules", lambda: other)
    assert version.__wrapped__() != before


def test_the_page_asks_for_all_modules_at_once() -> None:
    wanted = re.findall(r'href="([^"]+)"', static.preload())
    assert address(static.ENTRY) in wanted
    assert not any(one.startswith(("/", "http")) for one in wanted), "it would not hold below a root path"
