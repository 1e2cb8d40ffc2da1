"""What the page "Methods" asks of the training methods.

A question is a JSON object {"ask": name, ...} from a browser and is not trusted. Numbers come from three places that
are never mixed: the models' cards, the shipped surveys, and images measured now (the job ``accuracy``); values that
others published are shown beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from explorer.app.distortion_info import describe
from explorer.app.methods.everyday import everyday_table
from explorer.app.methods.formulas import mathml
from explorer.app.methods.groups import Group, all_groups, find_group
from explorer.app.methods.measured import (
    SIZES,
    amounts_of,
    card_points,
    differences,
    find_known,
    reaches,
    survey_points,
)
from explorer.app.methods.remedies import remedies_measured
from explorer.app.validation import answer_by_name
from explorer.app.workspace import Workspace
from explorer.models import METHODS, Card, method_title
from explorer.models.families import masking_verdict, subtitle
from explorer.models.methods import Method, PublishedValue, published_values
from explorer.models.remedies import REMEDIES


class Methods:
    """Answers the page's questions about training methods."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._asks: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "overview": self.overview,
            "known": self.known,
        }

    def answer(self, question: Any) -> dict[str, Any]:
        """Answer a question of the page.

        Args:
            question: {"ask": name, ...} from the browser.

        Returns:
            The answer.

        Raises:
            ExplorerError: If it makes no sense.
        """
        return answer_by_name(self._asks, question)

    def overview(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Describe the data sets.

        Args:
            _: The request, which has no arguments.

        Returns:
            {"groups": the data sets, each with its models, its methods, and how many images can be measured;
            "everyday": as in ``everyday_table``; "remedies": what can stand around any model without training;
            "measured": as in ``remedies_measured``}.
        """
        groups = [self._describe(group) for group in all_groups(self._workspace).values()]
        remedies = [one.to_dict() for one in REMEDIES.values()]
        return {
            "groups": groups,
            "everyday": everyday_table(self._workspace.cards),
            "remedies": remedies,
            "measured": remedies_measured(),
        }

    def known(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Collect what is known of a distortion without measuring.

        Args:
            question: {"data", "distortion"} from the browser.

        Returns:
            Points of cards and surveys, and published values. ``reaches``: the ranges of the amount that can be shown,
            "near" (up to twice the published severities, where there are any) and "whole", each {"amounts"}: those that
            are measured, from the identity on.

        Raises:
            ExplorerError: If there is no such data set or distortion.
        """
        group = find_group(self._workspace, question.get("data"))
        distortion = find_known(question.get("distortion"))
        mild, _ = distortion.span(group.family.size)
        surveyed, messages = survey_points(self._workspace, group, distortion)
        about = describe(distortion, [group.family.size])
        return {
            "distortion": distortion.name,
            **{key: about[key] for key in ("title", "sign", "symbol", "unit", "factor", "adversarial", "help")},
            "reaches": {name: {"amounts": amounts_of(distortion, group, name)} for name in reaches(distortion, group)},
            "points": [*card_points(group, distortion), *surveyed],
            "published": [_shown(value, mild) for value in _published(group.data, distortion.name)],
            "messages": messages,
        }

    def _describe(self, group: Group) -> dict[str, Any]:
        catalog = {entry["name"]: entry for entry in self._workspace.catalog.catalogue()}
        entry = catalog.get(group.data, {"here": False, "rows": 0, "bytes": 0, "host": ""})
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
        here = [card.method for card in group.cards if not card.external]  # of which nothing is known
        return sorted(dict.fromkeys([*METHODS, *here]), key=lambda method: method not in here)

    def _method(self, method: str, group: Group) -> dict[str, Any]:
        """What a method's own box shows: what it does, and what its models on this data set gain and lose."""
        cards = [card for card in group.cards if card.method == method]
        published = published_values(group.data, method=method)
        return {
            "method": method,
            "title": method_title(method),
            **_description(METHODS.get(method)),
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
            "passes": card.passes,
            "masking": masking_verdict(card),
            "rows": differences(card, baseline),
        }


def _description(method: Method | None) -> dict[str, Any]:
    """A method in words and formulas, (MathML, the same as it is read aloud); of an unknown one, empty."""
    known = method or Method("", "", print)
    return {
        "summary": known.summary,
        "formulas": [[mathml(formula.text), formula.spoken] for formula in known.formulas],
        "symbols": known.symbols,
        "passes": known.passes,
        "cost": known.cost,
        "caution": known.caution,
        "source": None if known.source is None else known.source.to_dict(),
        "shown_by": known.shown_by,
    }


def _published(data: str, distortion: str) -> list[PublishedValue]:
    """The values under a distortion, and those of the same networks on clean images."""
    under = published_values(data, distortion=distortion, clean=False)
    networks = {(value.source.key, value.method, value.arch, value.setting) for value in under}
    clean = (value for value in published_values(data) if value.distortion is None)
    return [*(one for one in clean if (one.source.key, one.method, one.arch, one.setting) in networks), *under]


def _shown(value: PublishedValue, mild: float) -> dict[str, Any]:
    """A published value as a mark: undistorted images are where the distortion begins."""
    clean = value.distortion is None
    return {
        **value.to_dict(),
        "clean": clean,
        "amount": mild if clean else value.amount,
        "title": method_title(value.method),
    }
