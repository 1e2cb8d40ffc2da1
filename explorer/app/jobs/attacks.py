"""Transfer of an attack: crafted on each model, shown to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.analysis import transfer
from explorer.app.jobs import job
from explorer.app.jobs.weakness import check_room
from explorer.errors import ExplorerError
from explorer.models.inference import Progress

if TYPE_CHECKING:
    from explorer.app.live import Live


@job("attacks")
def attacks(live: Live, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"state", "attack", "amount"} -> ``Transfer.to_dict()``, ``steps`` of the chain, ``followed`` per model.

    ``followed``: the class whose probability the cells tell, the true one, else the model's clean answer.
    """
    scene = live.scene(question.get("state"))
    attack, amount = question.get("attack"), question.get("amount")
    if not isinstance(attack, str) or isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise ExplorerError("The page asked for an attack that does not exist; reload it.")
    check_room(scene.recipe, attack)
    found = transfer(
        scene.models,
        scene.pixels,
        attack,
        amount,
        recipe=scene.recipe,
        label=scene.label,
        progress=progress,
    )
    told = None if scene.label is None else scene.family.classes[scene.label]
    return {
        **found.to_dict(),
        "steps": [list(step) for step in found.recipes[0].steps],
        "followed": [told or cell.answer for cell in found.clean],
    }
