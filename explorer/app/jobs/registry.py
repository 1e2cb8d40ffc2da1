"""The handlers of long requests by name. A handler is one function in one file of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from explorer.app.context import Context
from explorer.progress import Progress
from explorer.registry import Registry

Handler = Callable[[Context, Mapping[str, Any], Progress], dict[str, Any]]
"""``(context, request, progress) -> JSON object``.

The request comes from a browser and is not trusted. The handler calls ``progress(done, total)`` between pieces of at
most 50 ms: there the job waits while a visitor moves a slider, and there it ends when it was cancelled.
"""

HANDLERS = Registry[Handler]("job handler")
"""Every handler by the name under which the page asks for it."""


def job(name: str) -> Callable[[Handler], Handler]:
    """Register a handler of long requests.

    Args:
        name: The name under which the page asks for it.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        ValueError: If another handler has that name.
    """

    def register(handler: Handler) -> Handler:
        return HANDLERS.add(name, handler)

    return register
