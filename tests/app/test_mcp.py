"""``explorer app --mcp``: the API as tools, through the real MCP client library."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from explorer import Recipe, compare, flip_point, load_model, sweep
from explorer.data.datasets import load_dataset
from explorer.errors import ExplorerError
from tests.support.app_server import Server, running
from tests.support.loops import finish

pytest.importorskip("mcp")

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-03-26",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}
Talk = Callable[[Callable[[Any], Awaitable[Any]]], Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of its own, since others must not offer tools."""
    with running(tmp_path_factory.mktemp("mcp"), "--mcp", "--models", ",".join(MODELS)) as started:
        yield started


@pytest.fixture(scope="module")
def talk(server: Server) -> Talk:
    """Runs a conversation with the server, given as an async function of the client's session."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def connected(conversation: Callable[[Any], Awaitable[Any]]) -> Any:
        async with (
            streamable_http_client(f"{server.url}/gradio_api/mcp/") as (reader, writer, _),
            ClientSession(reader, writer) as session,
        ):
            await session.initialize()
            return await conversation(session)

    return lambda conversation: finish(connected(conversation))


def call(talk: Talk, tool: str, **arguments: Any) -> Any:
    """The one text that a tool answers, read as JSON; a failure raises what it says."""
    found = talk(lambda session: session.call_tool(tool, arguments))
    (text,) = [part.text for part in found.content]
    if found.isError:
        raise ExplorerError(text)
    return json.loads(text)


def test_the_tools_are_the_endpoints_each_documented(talk: Talk, server: Server) -> None:
    tools = {tool.name: tool for tool in talk(lambda session: session.list_tools()).tools}
    assert set(tools) == {"compare", "sweep", "flip_point", "models", "distortions"}
    for name, tool in tools.items():
        assert len(tool.description) > 40, name
        for argument in tool.inputSchema["properties"].values():
            assert argument["description"].endswith("."), (name, argument)
    assert tools["compare"].inputSchema["required"] == ["image"]
    assert tools["sweep"].inputSchema["required"] == ["image", "distortion"]
    assert f"MCP clients connect to {server.url}/gradio_api/mcp/" in server.said


def test_nothing_else_is_offered(talk: Talk) -> None:
    assert talk(lambda session: session.list_resources()).resources == []
    assert talk(lambda session: session.list_resource_templates()).resourceTemplates == []
    assert talk(lambda session: session.list_prompts()).prompts == []


def test_tools_give_the_numbers_of_the_core(talk: Talk) -> None:
    models = [load_model(name, device="cpu") for name in MODELS]
    x, labels = load_dataset("digits").batch([7])
    recipe = Recipe.parse("gaussian_noise=0.3;seed=5")
    asked: dict[str, Any] = {"image": "digits:7", "models": MODELS}
    core = compare(models, x, recipe, label=int(labels[0])).to_dict()
    assert call(talk, "compare", recipe=str(recipe), **asked) == json.loads(json.dumps(core))
    curves = sweep(models, x, "jpeg", amounts=[80, 20, 5], label=int(labels[0])).to_dict()
    assert call(talk, "sweep", distortion="jpeg", amounts=[80, 20, 5], **asked) == json.loads(json.dumps(curves))
    points = flip_point(models, x, "rotate", tolerance=1)
    assert call(talk, "flip_point", distortion="rotate", tolerance=1, **asked) == points
    assert {card["name"] for card in call(talk, "models")} > set(MODELS)
    assert "gaussian_noise" in {distortion["name"] for distortion in call(talk, "distortions")}


def test_a_picture_comes_inside_the_text(talk: Talk) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), (200, 30, 30)).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    red = call(talk, "compare", image=url, models=MODELS, recipe="clean", pictures=True)
    shown = Image.open(io.BytesIO(base64.b64decode(red["images"]["clean"].partition(",")[2])))
    assert shown.size == (28, 28)
    assert shown.getcolors() == [(28 * 28, round(0.299 * 200 + 0.587 * 30 + 0.114 * 30))]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"image": "/etc/passwd"}, "^There is no image named '/etc/passwd'"),
        ({"image": "http://127.0.0.1:9/cat.png"}, "^There is no image named"),
        ({"image": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}, "^Only a file that was uploaded"),
        ({"image": {"path": "http://127.0.0.1:9/a", "meta": {"_type": "gradio.FileData"}}}, "^Only a file that was"),
        ({"image": "cat", "recipe": "no_such=1"}, "^There is no distortion named 'no_such'"),
        ({"image": "cat", "models": ["no/such/model"]}, "^There is no model named"),
        ({"image": "cat", "models": "digits"}, "^Input validation error"),
        ({}, "'image' is a required property"),
    ],
)
def test_bad_questions_are_answered_in_one_sentence(
    talk: Talk, server: Server, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ExplorerError, match=sentence) as refused:
        call(talk, "compare", **arguments)
    assert "Traceback" not in str(refused.value)
    assert "Traceback" not in server.said


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:7935"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Host": "evil.example:7935", "Origin": "http://evil.example:7935"},
    ],
    ids=str,
)
def test_another_web_page_reaches_no_tool(server: Server, headers: dict[str, str]) -> None:
    status, told = server.ask("/gradio_api/mcp/", INITIALIZE, ACCEPT | headers)
    assert (status, told["error"].count("\n")) == (403, 0)


def test_the_same_request_from_here_is_answered(server: Server) -> None:
    for headers in ({}, {"Origin": f"http://127.0.0.1:{server.port}"}):
        status, told = server.ask("/gradio_api/mcp/", INITIALIZE, ACCEPT | headers)
        assert (status, "Stability Explorer" in str(told)) == (200, True)


@pytest.mark.parametrize("path", ["sse", "messages/", "schema", "http/x", "../file=/etc/passwd"])
def test_other_parts_of_gradios_mcp_server_are_closed(server: Server, path: str) -> None:
    assert server.ask(f"/gradio_api/mcp/{path}")[0] == 404


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import explorer.app

    monkeypatch.setattr(explorer.app, "find_spec", lambda _: None)
    with pytest.raises(ExplorerError, match=r"^--mcp needs the package mcp, which is not installed: pip install"):
        explorer.app.serve(port=7936, mcp=True)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from explorer.app.api import use_json

    with pytest.raises(ExplorerError, match="Error launching: odd"):
        use_json(SimpleNamespace(mcp_server_obj=None, mcp_error="Error launching: odd"))  # type: ignore[arg-type]
