"""One sentence and the right status for requests that the app's server cannot answer.

Gradio and FastAPI take requests apart before our functions see them. What they find wrong they tell in lists of their
own, or raise, which would be "Internal Server Error" for the caller and a traceback in the terminal.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_PAGE = "There is no such page here."
NO_ENDPOINT = "There is no such endpoint, or it takes other arguments; /gradio_api/info lists them."
UNFIT = "This request does not have the form that is expected here; /gradio_api/info lists the endpoints."
STATUS = "explorer.status"
"""Key of a request's scope under which an endpoint leaves its status: Gradio answers 500 whatever was wrong."""

_CALLS = ("/gradio_api/run/", "/gradio_api/call/")

log = logging.getLogger(__name__)


def refusal(status: int, sentence: str) -> JSONResponse:
    """An answer of one sentence.

    Args:
        status: The HTTP status.
        sentence: What is wrong and what would be right.

    Returns:
        The response; MCP clients and ``gradio_client`` read different keys of it.
    """
    return JSONResponse({"error": sentence, "detail": sentence}, status, {"Connection": "close"})


async def answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Have an app answer a request, and answer in its place where it raises.

    Args:
        app: The app.
        scope: The request.
        receive: Its body.
        send: Takes the answer.
    """
    begun = False

    async def passing(message: Message) -> None:
        nonlocal begun
        begun = True
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
            message = {**message, "status": scope.get(STATUS, message["status"])}
        await send(message)

    try:
        await app(scope, receive, passing)
    except Exception as error:  # noqa: BLE001  # whatever Gradio stumbles over; our own functions answer for themselves
        cause = error.__cause__ or error
        if not isinstance(cause, HTTPException):  # as of a page that was open before the app was started again
            said = f"{type(cause).__name__}: {cause}".splitlines()[0]
            log.warning("%s %.100r could not be answered (%.200s)", scope["method"], scope["path"], said)
        if begun:
            await send({"type": "http.response.body", "body": b""})
        elif not scope["path"].startswith("/gradio_api/"):
            await refusal(404, NO_PAGE)(scope, receive, send)
        else:
            call = scope["path"].startswith(_CALLS)
            await refusal(404 if call else 400, NO_ENDPOINT if call else UNFIT)(scope, receive, send)


async def _unfit(_: Request, error: Exception) -> Response:
    """What FastAPI tells as a list, with all that was sent."""
    first: dict[str, Any] = cast(RequestValidationError, error).errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "request"
    return refusal(422, f"This request does not have the form that is expected here ({place[:80]}: {first['msg']}).")


async def _plainly(request: Request, given: Exception) -> Response:
    error = cast(HTTPException, given)
    usual = {404: NO_PAGE, 405: f"This address does not take {request.method}."}
    if error.status_code in usual and error.detail == HTTPStatus(error.status_code).phrase:
        return refusal(error.status_code, usual[error.status_code])
    return await http_exception_handler(request, error)


HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    RequestValidationError: _unfit,
    HTTPException: _plainly,
}
"""How FastAPI answers the errors that it finds itself."""
