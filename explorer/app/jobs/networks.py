"""Networks of timm and torchvision by name: what there is, and adding one, downloaded where it is not here."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from pydantic import Field

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import Request, Sentence
from explorer.progress import Progress

FOUND = 30
"""Networks listed at once."""

_one = threading.Lock()
"""One is added at a time: each takes the memory of its weights twice while it is loaded."""

# No paths and nothing that runs: a network of one's own is named on the command line, with --models.
Name = Annotated[
    str,
    Field(max_length=120, pattern=r"^(timm:[\w.-]+|torchvision:\w+(:\w+)?)$"),
    Sentence("Name a network as timm:resnet50.a1_in1k or torchvision:resnet50; others are given with --models."),
]


class SearchRequest(Request):
    """Which networks.

    Attributes:
        text: Words of their names.
    """

    wrong = "Type a part of a network's name."

    text: Annotated[str, Field(max_length=120)]


class NetworkRequest(Request):
    """One network.

    Attributes:
        name: Its name.
    """

    name: Name


class WeighRequest(Request):
    """Several networks.

    Attributes:
        names: Their names.
    """

    names: Annotated[list[Name], Field(max_length=FOUND)]


@job("networks", SearchRequest)
def networks(context: Context, request: SearchRequest, progress: Progress) -> dict[str, Any]:
    """Search the libraries.

    Returns:
        {"items": offers, "total"}.
    """
    from explorer.models.offers import search

    progress(0, 0)
    found, total = search(request.text, FOUND)
    return {"items": [one.to_dict() for one in found], "total": total}


@job("weigh", WeighRequest)
def weigh(context: Context, request: WeighRequest, progress: Progress) -> dict[str, Any]:
    """Find how large the weights of networks of timm are, which only building them tells.

    Returns:
        {"bytes": by name}.
    """
    from explorer.models import offers

    found = {}
    for done, name in enumerate(request.names):
        progress(done, len(request.names))
        found[name] = offers.weigh(name)
    return {"bytes": found}


@job("add_network", NetworkRequest)
def add_network(context: Context, request: NetworkRequest, progress: Progress) -> dict[str, Any]:
    """Add a network to the models of this app; progress counts bytes of its download.

    Returns:
        {"name", "family", "families", "distortions"}, the latter as the page knew them before.

    Raises:
        ExplorerError: If there is no such network, or its weights are not here and cannot be downloaded.
    """
    from explorer.models.fetching import reported

    while not _one.acquire(timeout=0.05):
        progress(0, 0)
    try:
        with reported(progress):
            family = context.workspace.add(request.name)
    finally:
        _one.release()
    return {"name": request.name, "family": family.key, **context.workspace.known}
