"""The report that a visitor takes along: what is on the page, with everything needed to do it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from explorer.app.context import Context
from explorer.app.jobs.curves import place_in, swept
from explorer.app.jobs.registry import job
from explorer.app.links import MAX_LINK
from explorer.app.sharing import shares
from explorer.errors import ExplorerError
from explorer.progress import Progress
from explorer.provenance import versions
from explorer.reports.comparison import report

SEEDS = 8
"""Seeds of the curves' band."""


@job("report")
def write(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"state", "place", "link"} -> {"html"}; place as for the curves, link: the page's address of this state."""
    state: Any = question.get("state")  # load() checks it
    link = question.get("link")
    if not isinstance(link, str) or len(link) > 2 * MAX_LINK:
        raise ExplorerError("The page did not say what its address is; reload it.")
    request = context.workspace.load(state)
    answer = context.workspace.answer(state)
    place = place_in(request.recipe, question.get("place"))
    texts = shares(request, state, [data.name for data in context.workspace.own])
    about = {
        "recipe": str(request.recipe),
        "python": texts["python"],
        "command": texts["command"],
        "json": json.dumps(texts["json"]),
        "link": link,
        "cards": [model.card.to_dict() for model in request.models],
        "versions": versions("explorer", "python", "torch", "torchvision", "numpy", "pillow"),
        "made": datetime.now(UTC).date().isoformat(),
    }
    curves = None if place is None else swept(request, place, SEEDS, progress)
    return {"html": report(answer, curves, about)}
