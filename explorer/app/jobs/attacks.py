"""Transfer of an attack: crafted on each model, shown to all of them."""

from __future__ import annotations

from typing import Any

from explorer.analysis import transfer
from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.jobs.weakness import check_room
from explorer.app.validation import StateRequest
from explorer.progress import Progress


class AttackRequest(StateRequest):
    """Which attack, and how strong."""

    wrong = "The page asked for an attack that does not exist; reload it."

    attack: str
    amount: float


@job("attacks", AttackRequest)
def attacks(context: Context, question: AttackRequest, progress: Progress) -> dict[str, Any]:
    """{"state", "attack", "amount"} -> ``Transfer.to_dict()``, ``steps`` of the chain, ``followed`` per model.

    ``followed``: the class whose probability the cells tell, the true one, else the model's clean answer.
    """
    request = context.workspace.load(question.state)
    check_room(request.recipe, question.attack)
    found = transfer(
        request.models,
        request.pixels,
        question.attack,
        question.amount,
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
