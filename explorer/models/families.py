"""Which models can be compared side by side: families of cards that know the same classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer import defaults
from explorer.data.datasets import Dataset, dataset_title
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError
from explorer.models import Card, Classifier
from explorer.models.classifier import EXTERNAL

SAME = ("method", "arch", "data", "size", "remedies")
"""What the title and the subtitle of a card say."""


@dataclass(frozen=True)
class Family:
    """Models that know the same classes; of other input sizes, too: each is given the same picture.

    Attributes:
        key: Unique key.
        title: Title on screen.
        size: Side in px of the input of the first card.
        channels: Channels of the input, 1 or 3.
        classes: Class names.
        data: Data sets that its models were trained on.
        cards: The models' cards.
    """

    key: str
    title: str
    size: int
    channels: int
    classes: tuple[str, ...]
    data: tuple[str, ...]
    cards: tuple[Card, ...]

    @property
    def takes(self) -> Takes:
        """How pictures are fitted for these models: as the first one was published with."""
        return self.cards[0].takes

    @property
    def picture(self) -> dict[str, Any]:
        """The picture first shown to its models, as the page names it: a sample, or a row of a data set."""
        name, colon, row = defaults.first_picture(self.channels, self.size).partition(":")
        return {"dataset": name, "index": int(row)} if colon else {"sample": name}

    @property
    def defaults(self) -> list[str]:
        """The names first shown: a baseline and its stabilized sibling, else the first two cards."""
        siblings = dict.fromkeys((card.arch, card.data) for card in self.cards)
        for pair in sorted(siblings, key=lambda pair: _rank(pair[0], defaults.ARCHITECTURES)):
            members = [card for card in self.cards if (card.arch, card.data) == pair]
            by_method = {card.method: card.name for card in reversed(members)}  # what came first stays
            names = [by_method[method] for method in defaults.METHODS if method in by_method]
            if len(names) == len(defaults.METHODS):
                return names
        return [card.name for card in self.cards[:2]]

    def to_dict(self) -> dict[str, Any]:
        """What the page needs to know about the family.

        Returns:
            A JSON object.
        """
        several = alike(self.cards)
        return {
            "key": self.key,
            "title": self.title,
            "size": self.size,
            "channels": self.channels,
            "data": list(self.data),
            "defaults": self.defaults,
            "picture": self.picture,
            "classes": list(self.classes),
            "models": [
                {
                    "name": card.name,
                    "title": card.title,
                    "method": card.method,
                    "subtitle": subtitle(card, self) if several else "",
                    "help": measured(card),
                    "size": card.size,
                }
                for card in self.cards
            ],
        }


def alike(cards: Sequence[Card]) -> bool:
    """Whether several cards share a method, so that each needs a subtitle.

    Args:
        cards: The cards.

    Returns:
        True if the method alone does not distinguish them.
    """
    several = len({(card.arch, card.data) for card in cards}) > 1 or any(card.external for card in cards)
    return several or len({card.method for card in cards}) < len(cards)


def subtitle(card: Card, family: Family) -> str:
    """What distinguishes a card from others of its method.

    Args:
        card: The card.
        family: Its family.

    Returns:
        The architecture, and the data set if the family mixes several.
    """
    if card.external or _twice(card, family.cards):
        return card.name
    if len({one.size for one in family.cards}) > 1:
        return f"{card.size} px" if card.source else f"{card.arch} · {card.size} px"
    return f"{card.arch} · {dataset_title(card.data)}" if len(family.data) > 1 else card.arch


def _twice(card: Card, cards: Sequence[Card]) -> bool:
    """Whether a card before it is of the same method, architecture, data and size: one was made of the other."""
    same = [one for one in cards if all(getattr(one, key) == getattr(card, key) for key in SAME)]
    return same[0] is not card


def measured(card: Card) -> str:
    """Summarise a card's measured accuracies, or what is reported of a network that a library brings.

    Args:
        card: The card.

    Returns:
        One line such as "91.2 % clean, 22.5 % at gaussian_noise=0.1 (n = 10000)".
    """
    parts = [f"{100 * row['accuracy']:.1f} % {_condition(row['recipe'])}" for row in card.results]
    if parts:
        return f"{', '.join(parts)} (n = {card.results[0]['n']})"
    if "accuracy" in card.source:
        return f"{100 * card.source['accuracy']:.1f} % on {card.source['test']}, as its authors report"
    passes = f"; {card.passes} forward passes for one answer" if card.passes > 1 else ""
    return f"no measured accuracy{passes}"


def masking_verdict(card: Card) -> dict[str, str]:
    """Summarise whether a model withstands attacks or only hides its gradient.

    Args:
        card: The card.

    Returns:
        {"verdict": "no sign", "masked" or "not measured", "help": one sentence with the numbers}.
    """
    found = card.masking
    if not found:
        return {"verdict": "not measured", "help": "Robust, or masked? 'explorer masking' tells; its card does not."}
    low, high = (100 * end for end in found["worst_interval"])
    text = f"{255 * found['size']:.3g}/255" if card.channels == 3 else f"{found['size']:g}"
    withstand = f"{100 * found['worst']:.1f} % ({low:.1f} to {high:.1f}) of {found['n']} images"
    signs = " ".join(found["signs"]) or "No sign of masking."
    return {
        "verdict": "masked" if found["masked"] else "no sign",
        "help": f"{signs} {withstand} withstand all attacks of {text} in the L-infinity norm.",
    }


def _condition(recipe: str) -> str:
    chain = recipe.partition(";")[0]
    return chain if chain == "clean" else f"at {chain}"


def group(cards: Sequence[Card]) -> dict[str, Family]:
    """Group cards into families.

    Args:
        cards: The cards.

    Returns:
        Families by key, in the order in which the app offers them.
    """
    groups: dict[tuple[int, tuple[str, ...]], list[Card]] = {}
    for card in cards:
        groups.setdefault((card.channels, card.classes), []).append(card)
    families = [_family(members) for members in groups.values()]
    families.sort(key=lambda family: (_rank(family.data[0], defaults.FAMILIES), family.key))
    keyed: dict[str, Family] = {}
    for family in families:
        same = sum(key.partition("~")[0] == family.key for key in keyed)  # as many classes, of other names
        key = f"{family.key}~{same + 1}" if same else family.key
        keyed[key] = replace(family, key=key)
    return keyed


def check_names(names: Sequence[str], what: str) -> None:
    """Refuse two things of one name.

    Args:
        names: The names.
        what: What they name, in the plural.

    Raises:
        ExplorerError: If a name occurs twice.
    """
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ExplorerError(f"Two {what} are named {twice[0]!r}; rename one of them, or name it once.")


def named_after(model: str | Classifier, data: Sequence[Dataset]) -> str | Classifier:
    """Give an external model the class names of the user's data.

    Args:
        model: A name, a path or a loaded model.
        data: The user's data sets.

    Returns:
        The model; an external one with the class names of the first data set with as many classes.
    """
    if isinstance(model, Classifier) and model.card.external:
        classes = next((one.classes for one in data if len(one.classes) == len(model.classes)), model.classes)
        model.card = replace(model.card, classes=classes)
    return model


def family_of(names: Sequence[str], families: Mapping[str, Family]) -> Family | None:
    """Find the family of several models.

    Args:
        names: Names of the models.
        families: All families by key.

    Returns:
        The family that holds all of them, or None.
    """
    wanted = set(names)
    return next((f for f in families.values() if wanted and wanted <= {card.name for card in f.cards}), None)


def _family(cards: list[Card]) -> Family:
    size, channels, classes = cards[0].size, cards[0].channels, cards[0].classes
    data = sorted(
        {card.data for card in cards if card.data != EXTERNAL}, key=lambda name: _rank(name, defaults.FAMILIES)
    )
    names = [dataset_title(name) for name in data] or [card.name for card in cards]  # users' models by their files
    sizes = sorted({card.size for card in cards})
    title = f"{' and '.join(names)} · {', '.join(map(str, sizes))} px"
    data = data or [EXTERNAL]
    key = f"{'+'.join(data)}-{size}-{channels}-{len(classes)}"
    return Family(key, title, size, channels, classes, tuple(data), tuple(cards))


def _rank(name: str, order: Sequence[str]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)
