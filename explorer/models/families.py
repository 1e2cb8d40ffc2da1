"""Which models can stand side by side: families of cards that take the same input and name the same classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer import defaults
from explorer.data.datasets import Dataset, dataset_title
from explorer.errors import ExplorerError
from explorer.models import Card, Classifier


@dataclass(frozen=True)
class Family:
    """Models that see the same pixels: ``size`` px squares with ``channels`` colours, and the same ``classes``."""

    key: str
    title: str
    size: int
    channels: int
    classes: tuple[str, ...]
    data: tuple[str, ...]
    cards: tuple[Card, ...]

    @property
    def defaults(self) -> list[str]:
        """The names first shown: a baseline and its stabilized sibling, else the first two cards."""
        kinds = dict.fromkeys((card.arch, card.data) for card in self.cards)  # siblings learned from the same pictures
        for kind in sorted(kinds, key=lambda kind: _rank(kind[0], defaults.ARCHITECTURES)):
            by_method = {card.method: card.name for card in self.cards if (card.arch, card.data) == kind}
            names = [by_method[method] for method in defaults.METHODS if method in by_method]
            if len(names) == len(defaults.METHODS):
                return names
        return [card.name for card in self.cards[:2]]

    def to_dict(self) -> dict[str, Any]:
        """What the page needs to know of it."""
        several = alike(self.cards)
        return {
            "key": self.key,
            "title": self.title,
            "size": self.size,
            "channels": self.channels,
            "data": list(self.data),
            "defaults": self.defaults,
            "models": [
                {
                    "name": card.name,
                    "title": card.title,
                    "method": card.method,
                    "subtitle": subtitle(card, self) if several else "",
                    "help": measured(card),
                }
                for card in self.cards
            ],
        }


def alike(cards: Sequence[Card]) -> bool:
    """Whether the method alone does not tell these cards apart, so that each needs a subtitle."""
    return len({(card.arch, card.data) for card in cards}) > 1 or any(card.method == "outside" for card in cards)


def subtitle(card: Card, family: Family) -> str:
    """What tells a card from others of its method: its architecture, and its data where the family mixes some."""
    if card.method == "outside":
        return card.name
    return f"{card.arch} · {dataset_title(card.data)}" if len(family.data) > 1 else card.arch


def measured(card: Card) -> str:
    """One line on what the card has measured, e.g. "91.2 % clean, 22.5 % at gaussian_noise=0.1 (n = 10000)"."""
    parts = [f"{100 * row['accuracy']:.1f} % {_condition(row['recipe'])}" for row in card.results]
    return f"{', '.join(parts)} (n = {card.results[0]['n']})" if parts else "no measured accuracy"


def _condition(recipe: str) -> str:
    chain = recipe.partition(";")[0]
    return chain if chain == "clean" else f"at {chain}"


def group(cards: Sequence[Card]) -> dict[str, Family]:
    """The families of these cards by key, in the order in which the app offers them."""
    groups: dict[tuple[int, int, tuple[str, ...]], list[Card]] = {}
    for card in cards:
        groups.setdefault((card.size, card.channels, card.classes), []).append(card)
    families = [_family(*takes, members) for takes, members in groups.items()]
    families.sort(key=lambda family: (_rank(family.data[0], defaults.FAMILIES), family.key))
    keyed: dict[str, Family] = {}
    for family in families:
        same = sum(key.partition("~")[0] == family.key for key in keyed)  # as many classes, of other names
        key = f"{family.key}~{same + 1}" if same else family.key
        keyed[key] = replace(family, key=key)
    return keyed


def check_names(names: Sequence[str], what: str) -> None:
    """ExplorerError where two of ``what``, such as models, are called the same: one would hide the other."""
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ExplorerError(f"Two {what} are named {twice[0]!r}; rename one of them, or name it once.")


def named_after(model: str | Classifier, data: Sequence[Dataset]) -> str | Classifier:
    """The model; where it is loaded from outside, with the class names of the first of ``data`` with as many."""
    if isinstance(model, Classifier) and model.method == "outside":
        classes = next((own.classes for own in data if len(own.classes) == len(model.classes)), model.classes)
        model.card = replace(model.card, classes=classes)
    return model


def family_of(names: Sequence[str], families: Mapping[str, Family]) -> Family | None:
    """The family that holds all these models, or None."""
    wanted = set(names)
    return next((f for f in families.values() if wanted and wanted <= {card.name for card in f.cards}), None)


def _family(size: int, channels: int, classes: tuple[str, ...], cards: list[Card]) -> Family:
    data = sorted(
        {card.data for card in cards if card.data != "outside"}, key=lambda name: _rank(name, defaults.FAMILIES)
    )
    names = [dataset_title(name) for name in data] or [card.name for card in cards]  # people's own: by their files
    title = f"{' and '.join(names)} · {size} px"
    data = data or ["outside"]
    key = f"{'+'.join(data)}-{size}-{channels}-{len(classes)}"
    return Family(key, title, size, channels, classes, tuple(data), tuple(cards))


def _rank(name: str, order: Sequence[str]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)
