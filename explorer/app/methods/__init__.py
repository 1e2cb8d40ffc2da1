"""The server's side of the page "Methods": what is known of the models' accuracy, and where each number comes from.

A question is a JSON object {"ask": name, ...} from a browser and is not believed. Numbers come from three places that
are never mixed: the models' cards, the shipped surveys, and images measured now (the job ``accuracy``); values that
others published stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.controls import describe
from explorer.app.methods.ideas import IDEAS, Idea
from explorer.app.methods.measured import Group, amounts_of, card_points, differences, reaches, survey_points
from explorer.app.pictures import Recent
from explorer.app.questions import mapping
from explorer.distortions import DISTORTIONS, Distortion
from explorer.errors import ExplorerError
from explorer.models import METHODS, Card, method_title
from explorer.models.families import TITLES, subtitle
from explorer.models.published_values import PublishedValue, published_values

if TYPE_CHECKING:
    from explorer.app.live import Live

SIZES = (100, 300, 1000)
"""How many images, the first ones of the test images, can be measured now."""

KEPT = 200
"""Curves of all models of a data set that are kept in memory (a few kB each)."""


class Methods:
    """Answers the page's questions about training methods."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self._counts: Recent[tuple[str, str, str], dict[int, NDArray[np.int64]]] = Recent(KEPT)
        self._asks: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "overview": self.overview,
            "known": self.known,
        }

    def answer(self, question: Any) -> dict[str, Any]:
        """The answer to {"ask": name, ...}; ExplorerError, one sentence, where it makes no sense."""
        asked = mapping(question)
        kind = asked.get("ask")
        if not isinstance(kind, str) or kind not in self._asks:
            raise ExplorerError("The page asked for something unknown; reload it.")
        return self._asks[kind](asked)

    def groups(self) -> dict[str, Group]:
        """The models by the data set they were trained on, those of one input together, in the order of the app."""
        found: dict[str, Group] = {}
        for family in self.live.families.values():
            for data in family.data:
                cards = tuple(card for card in family.cards if card.data in (data, "outside"))
                if any(card.data == data for card in cards) and data not in found:
                    found[data] = Group(data, TITLES.get(data, data), family, cards)
        return found

    def group(self, data: Any) -> Group:
        """The models of the data set of that name; ExplorerError where there are none."""
        groups = self.groups()
        if not isinstance(data, str) or data not in groups:
            known = ", ".join(group.title for group in groups.values()) or "none"
            raise ExplorerError(f"No model here was trained on a data set of that name; there are models of {known}.")
        return groups[data]

    def counted(self, data: str, distortion: str, reach: str) -> dict[int, NDArray[np.int64]]:
        """What was counted so far: for every n asked, how many of the first n images each model named rightly under
        each amount, (models, amounts). To be added to.
        """
        key = (data, distortion, reach)
        counts = self._counts.get(key)
        if counts is None:
            counts = {}
            self._counts.put(key, counts)
        return counts

    def overview(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """{"groups": the data sets, each with its models, its methods and how many images can be measured}."""
        return {"groups": [self._describe(group) for group in self.groups().values()]}

    def known(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"data", "distortion"} -> what is known without measuring: points of cards and surveys, published values.

        ``reaches``: the ranges of the amount that can be shown, "near" (up to twice the published severities, where
        there are some) and "whole", each {"amounts": those that are measured, from the identity on}.
        """
        group = self.group(question.get("data"))
        kind = find_known(question.get("distortion"))
        mild, _ = kind.span(group.family.size)
        surveyed, said = survey_points(self.live, group, kind)
        about = describe(kind, [group.family.size])
        return {
            "distortion": kind.name,
            **{key: about[key] for key in ("title", "sign", "symbol", "unit", "factor", "adversarial", "help")},
            "reaches": {name: {"amounts": amounts_of(kind, group, name)} for name in reaches(kind, group)},
            "points": [*card_points(group, kind), *surveyed],
            "published": [_shown(value, mild) for value in _published(group.data, kind.name)],
            "said": said,
        }

    def _describe(self, group: Group) -> dict[str, Any]:
        shelf = {entry["name"]: entry for entry in self.live.pictures.shelf.catalogue()}
        entry = shelf.get(group.data, {"here": False, "rows": 0, "bytes": 0, "host": ""})
        most = min(entry["rows"], SIZES[-1])
        return {
            "data": group.data,
            "title": group.title,
            "here": entry["here"],
            "rows": entry["rows"],
            "bytes": entry["bytes"],
            "host": entry["host"],
            "sizes": [*(size for size in SIZES if size < most), most] if most else list(SIZES),
            "models": [
                {
                    "name": card.name,
                    "title": card.title,
                    "method": card.method,
                    "arch": card.arch,
                    "subtitle": subtitle(card, group.family) if group.several else "",
                }
                for card in group.cards
            ],
            "methods": [self._method(method, group) for method in self._methods(group)],
        }

    def _methods(self, group: Group) -> list[str]:
        """All methods, those of the models included; those without a model on this data set come last."""
        here = [card.method for card in group.cards if card.method != "outside"]  # which nobody can say a word about
        return sorted(dict.fromkeys([*METHODS, *IDEAS, *here]), key=lambda method: method not in here)

    def _method(self, method: str, group: Group) -> dict[str, Any]:
        """What a method's own box says: its idea, and what its models on this data set gain and lose."""
        cards = [card for card in group.cards if card.method == method]
        idea = IDEAS.get(method, Idea())
        published = published_values(group.data, method=method)
        return {
            "method": method,
            "title": method_title(method),
            **idea.to_dict(),
            "models": [self._gains(card, group) for card in cards],
            "published": len(published),
        }

    def _gains(self, card: Card, group: Group) -> dict[str, Any]:
        baseline = group.baseline(card)
        shown = subtitle(card, group.family) if group.several else ""
        return {
            "name": card.name,
            "subtitle": shown,
            "options": {key: value for key, value in card.training.get("options", {}).items() if value is not False},
            "baseline": None if baseline is None else baseline.name,
            "rows": differences(card, baseline),
        }


def find_known(name: Any) -> Distortion:
    """The distortion of that name; ExplorerError where there is none."""
    if not isinstance(name, str) or name not in DISTORTIONS:
        raise ExplorerError("There is no distortion of that name; choose one of the list.")
    return DISTORTIONS[name]


def _published(data: str, distortion: str) -> list[PublishedValue]:
    """The values under a distortion, and those of the same networks on clean images."""
    under = published_values(data, distortion=distortion, clean=False)
    networks = {(value.source.key, value.method, value.arch, value.setting) for value in under}
    clean = (value for value in published_values(data) if value.distortion is None)
    return [*(one for one in clean if (one.source.key, one.method, one.arch, one.setting) in networks), *under]


def _shown(value: PublishedValue, mild: float) -> dict[str, Any]:
    """A published value as a mark: undistorted images stand where the distortion begins."""
    clean = value.distortion is None
    return {
        **value.to_dict(),
        "clean": clean,
        "amount": mild if clean else value.amount,
        "title": method_title(value.method),
    }
