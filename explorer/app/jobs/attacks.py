"""Transfer of an attack: crafted on each model, shown to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.analysis import transfer
from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.jobs.weakness import check_room
from explorer.errors import ExplorerError
from explorer.progress import Progress


@job("attacks")
def attacks(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"state", "attack", "amount"} -> ``Transfer.to_dict()``, ``steps`` of the chain, ``followed`` per model.

    ``followed``: the class whose probability the cells tell, the true one, else the model's clean answer.
    """
    request = context.workspace.load(question.get("state"))
    attack, amount = question.get("attack"), question.get("amount")
    if not isinstance(attack, str) or isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise ExplorerError("The page asked for an attack that does not exist; reload it.")
    check_room(request.recipe, attack)
    found = transfer(
        request.models,
        request.pixels,
        attack,
        amount,
        recipe=request.recipe,
        label=request.label,
        progress=progress,
    )
    told = None if request.label is None else request.family.classes[request.label]
    return {
        **found.to_dict(),
        "steps": [list(step) for step in found.recipes[0].steps],
        "followed": [told or cell.answer for cell in found.clean],
    }
