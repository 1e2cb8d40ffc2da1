"""The ES modules as the app serves them: from memory, each version under its own address."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from explorer.web.bundle import in_order
from explorer.web.files import address, modules, version

ENTRY = "explore/page.js"
"""The module that starts the page; it exports ``start``."""

TYPE = "text/javascript"  # stated here: Python asks the registry of Windows, which can be wrong
HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def routes() -> list[Route]:
    """The routes under which the server offers modules, and nothing else.

    Returns:
        Starlette routes.
    """
    return [Route("/web/{version}/{name:path}", _module)]


async def _module(request: Request) -> Response:
    content = modules().get(request.path_params["name"])
    if content is None or request.path_params["version"] != version():
        return PlainTextResponse("There is no such file here; load the page again.", 404)
    return Response(content, media_type=TYPE, headers=HEADERS)


def preload() -> str:
    """Elements that make a browser fetch all modules of the page at once.

    Returns:
        HTML, one ``<link>`` per module.
    """
    return "".join(f'<link rel="modulepreload" href="{address(name)}">' for name in in_order(ENTRY))
