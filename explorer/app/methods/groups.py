"""The models of the page "Methods", by the data set they were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.app.workspace import Workspace
from explorer.data.datasets import dataset_title
from explorer.errors import ExplorerError
from explorer.evaluation.gains import baseline_of
from explorer.models import Card
from explorer.models.classifier import EXTERNAL
from explorer.models.families import Family, alike


@dataclass(frozen=True)
class Group:
    """The models trained on one data set, and external ones that take the same input.

    Attributes:
        data: Name of the data set.
        title: What the page calls it.
        family: The models' family.
        cards: The models' cards.
    """

    data: str
    title: str
    family: Family
    cards: tuple[Card, ...]

    @property
    def several(self) -> bool:
        """Whether the method alone does not tell the models apart."""
        return alike(self.cards)

    def baseline(self, card: Card) -> Card | None:
        """Find the model with which a card is compared.

        Args:
            card: One of the group's cards.

        Returns:
            The card of the standard model of the same architecture and data; None for itself and external models.
        """
        return baseline_of(card, self.cards)


def all_groups(workspace: Workspace) -> dict[str, Group]:
    """Group the models by the data set that they were trained on.

    Those that libraries bring are not among them, nor those with a remedy around them, of which no card tells a number.

    Args:
        workspace: Where the models are.

    Returns:
        The groups by the name of the data set, in the order of the app; those of one input together.
    """
    found: dict[str, Group] = {}
    for family in workspace.families.values():
        for data in family.data:
            known = (card for card in family.cards if not card.remedies and card.size == family.size)
            cards = tuple(card for card in known if card.data in (data, EXTERNAL))
            if any(card.data == data and not card.source for card in cards) and data not in found:
                found[data] = Group(data, dataset_title(data), family, cards)
    return found


def find_group(workspace: Workspace, data: Any) -> Group:
    """Find the models of one data set.

    Args:
        workspace: Where the models are.
        data: What the browser names.

    Returns:
        The group.

    Raises:
        ExplorerError: If no model was trained on a data set of that name.
    """
    groups = all_groups(workspace)
    if not isinstance(data, str) or data not in groups:
        known = ", ".join(group.title for group in groups.values()) or "none"
        raise ExplorerError(f"No model here was trained on a data set of that name; there are models of {known}.")
    return groups[data]
