"""The handlers of long requests by name. A handler is one function in one file of this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from explorer.app.context import Context
from explorer.app.validation import Request
from explorer.progress import Progress
from explorer.registry import Registry

R = TypeVar("R", bound=Request)

Handler = Callable[[Context, Any, Progress], dict[str, Any]]
"""``(context, request, progress) -> JSON object``; the request as the browser sent it.

The handler calls ``progress(done, total)`` between pieces of at most 50 ms: there the job waits while a visitor moves a
slider, and there it ends when it was cancelled.
"""

HANDLERS = Registry[Handler]("job handler")
"""Every handler by the name under which the page asks for it."""


def job(name: str, model: type[R]) -> Callable[[Callable[[Context, R, Progress], dict[str, Any]]], Handler]:
    """Register a handler of long requests.

    Args:
        name: The name under which the page asks for it.
        model: What a request holds; the handler gets it checked.

    Returns:
        A decorator, which returns the handler of unchecked requests.

    Raises:
        ValueError: If another handler has that name.
    """

    def register(function: Callable[[Context, R, Progress], dict[str, Any]]) -> Handler:
        def handler(context: Context, request: Any, progress: Progress) -> dict[str, Any]:
            return function(context, model.read(request), progress)

        return HANDLERS.add(name, handler)

    return register
