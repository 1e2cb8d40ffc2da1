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
    """Which attack.

    Attributes:
        attack: Name of the attack.
        amount: Its size, in the attack's unit.
    """

    wrong = "The page asked for an attack that does not exist; reload it."

    attack: str
    amount: float


@job("attacks", AttackRequest)
def attacks(context: Context, request: AttackRequest, progress: Progress) -> dict[str, Any]:
    """Craft an attack on each model and show it to all of them.

    Returns:
        ``Transfer.to_dict()``; ``steps`` of the chain; ``followed`` per model: the class whose probability the cells
        show, the true one where it is known, else the model's clean answer.

    Raises:
        ExplorerError: If there is no such attack, or the chain has no room for it.
    """
    loaded = context.workspace.load(request.state)
    check_room(loaded.recipe, request.attack)
    found = transfer(
        loaded.models,
        loaded.pixels,
        request.attack,
        request.amount,
        recipe=loaded.recipe,
        label=loaded.label,
        progress=progress,
    )
    true_class = None if loaded.label is None else loaded.family.classes[loaded.label]
    return {
        **found.to_dict(),
        "steps": [list(step) for step in found.recipes[0].steps],
        "followed": [true_class or cell.answer for cell in found.clean],
    }
