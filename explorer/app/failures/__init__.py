"""The server's side of the page "Failures": surveys listed, counted, filtered, their cases drawn and noted.

A question is a JSON object {"ask": name, ...} from a browser and is not believed: see ``filters``. Answers come from
columns in memory (``table``) within milliseconds; what takes longer is a job (``explorer.app.jobs.survey``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.controls import describe
from explorer.app.failures.filters import GONE, Filters, read_filters, read_order, whole
from explorer.app.failures.held import Held, Surveys
from explorer.app.failures.table import SIDES, Table
from explorer.app.pictures import Recent
from explorer.app.questions import mapping
from explorer.data import images
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.survey import QUADRANTS, Case, Plan, accuracy, condition_of, open_cases
from explorer.survey.annotations import annotations_file, make_annotation, put_annotation, read_annotations
from explorer.survey.plan import fingerprint

if TYPE_CHECKING:
    from explorer.app.live import Live

PAGE = 200
"""Cases described at once."""

DRAWN = 48
"""Pictures drawn at once."""

SHOWN = 100_000
"""Cases in the gallery: the first ones in the chosen order."""

KEPT_PICTURES = 20_000  # about 3 kB each at 32 px
KEPT_VALUES = 20_000 * 3 * 32 * 32  # pictures of larger models: fewer of them


class Failures:
    """Answers the page's questions about surveys."""

    def __init__(self, live: Live, folders: Sequence[Path] = ()) -> None:
        """``folders``: surveys, or folders of surveys, that were named when the explorer was started."""
        self.live = live
        self.surveys = Surveys(live, tuple(folders))
        self._pictures: Recent[tuple[str, int], str] = Recent(KEPT_PICTURES)
        self.forget()
        self._asks: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "surveys": self.listed,
            "open": self.open,
            "cases": self.cases,
            "pictures": self.pictures,
            "case": self.case,
            "mark": self.mark,
            "accuracy": self.accuracy,
            "confusion": self.confusion,
        }

    def forget(self) -> None:
        """Answer from the cases again, not from what was kept of earlier answers."""
        self._orders: Recent[tuple[Any, ...], Any] = Recent(16)
        self._accuracies: Recent[tuple[Any, ...], list[dict[str, Any]]] = Recent(32)

    def answer(self, question: Any) -> dict[str, Any]:
        """The answer to {"ask": name, ...}; ExplorerError, one sentence, where it makes no sense."""
        asked = mapping(question)
        kind = asked.get("ask")
        if not isinstance(kind, str) or kind not in self._asks:
            raise ExplorerError("The page asked for something unknown; reload it.")
        return self._asks[kind](asked)

    # ---- the questions --------------------------------------------------------------------------------------------

    def listed(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """{"surveys": [...], "said": [sentences on those that cannot be opened], "home": where new ones go}."""
        found, said = self.surveys.all()
        return {"surveys": [held.to_dict() for held in found], "said": said, "home": str(self.surveys.home)}

    def open(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "pair"?} -> what the page needs to know of it before it asks for cases."""
        held = self.surveys.find(question.get("survey"))
        plan = held.survey.plan
        pair = _pair(held, question.get("pair"))
        table = self.surveys.table(held, pair)
        names = dict.fromkeys(condition.distortion for condition in plan.conditions)
        return {
            **held.to_dict(),
            "pair": list(pair),
            "methods": dict(zip(plan.models, plan.methods, strict=True)),
            "classes": list(plan.classes),
            "labelled": bool((table.label >= 0).any()),
            "cases": len(table.case),
            "distortions": [_distortion(plan, name) for name in names],
            "seeds": sorted({condition.seed for condition in plan.conditions}),
            "unread": len(held.survey.unread()),
            "missing": self._missing(held),
            "marks": {str(case): mark.to_dict() for case, mark in read_annotations(held.survey).items()},
            "annotations_file": str(annotations_file(held.survey)),
            "folder": str(held.survey.folder),
        }

    def cases(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "pair", "filters", "order", "start", "count"} -> {"counts", "total", "shown", "items"}.

        ``counts``: cases per quadrant under all filters but that of the quadrants; ``total``: all that are asked for,
        ``shown`` of which can be scrolled through.
        """
        held, pair, table, filters = self._asked(question)
        order = read_order(question.get("order"))
        start, count = whole(question.get("start", 0), 0, SHOWN), whole(question.get("count", PAGE), 0, PAGE)
        marked = self._marked(held) if filters.marked else {}
        held_as = (*held.stamp, *pair, filters, order, tuple(sorted(marked.get(filters.marked or "", ()))))
        known = self._orders.get(held_as)
        if known is None:
            keep = table.select(filters, marked)
            counts = table.counts(keep)
            known = (counts, table.ordered(keep, filters, order, SHOWN))
            self._orders.put(held_as, known)
        counts, rows = known
        return {
            "counts": counts,
            "total": sum(counts[name] for name in filters.quadrants),
            "shown": len(rows),
            "start": start,
            "items": [_item(held.survey.plan, table, row) for row in rows[start : start + count].tolist()],
        }

    def pictures(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "cases"} -> {"pictures": {case: data URL of the distorted pixels, lossless}}."""
        held = self.surveys.find(question.get("survey"))
        wanted = question.get("cases")
        if not isinstance(wanted, list) or len(wanted) > DRAWN:
            raise ExplorerError(f"At most {DRAWN} pictures are drawn at once.")
        cases = [_case(held.survey.plan, case) for case in wanted]
        found = {case: self._pictures.get((held.survey.plan.key, case)) for case in cases}
        missing = [case for case, url in found.items() if url is None]
        for made in self._made(held, missing):
            url = images.data_url(made.distorted)
            if made.distorted.numel() <= KEPT_VALUES // KEPT_PICTURES:
                self._pictures.put((held.survey.plan.key, made.case), url)
            found[made.case] = url
        return {"pictures": {str(case): url for case, url in found.items()}}

    def case(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "case"} -> {"clean", "distorted", "hash", "state"}: how to open it, exactly."""
        held = self.surveys.find(question.get("survey"))
        plan = held.survey.plan
        case = _case(plan, question.get("case"))
        pair = _pair(held, question.get("pair"))
        condition, image = condition_of(plan, case)
        recipe = plan.recipe(condition, image)
        (made,) = self._made(held, [case])
        data = self.surveys.data(held)
        if data.name not in self.live.pictures.shelf.names():
            raise ExplorerError(f"The pictures of {data.name} are not offered here; start the explorer with --data.")
        wanted = dict.fromkeys([*pair, *([recipe.against] if recipe.against else [])])
        family, _ = self.live.choose(list(wanted))
        return {
            "clean": images.data_url(made.clean),
            "distorted": images.data_url(made.distorted),
            "hash": images.image_hash(made.distorted),
            "recipe": str(recipe),
            "state": {
                "family": family.key,
                "models": list(wanted),
                "picture": {"dataset": data.name, "index": image},
                "steps": [{"name": name, "amount": amount, "on": True} for name, amount in recipe.steps],
                "seed": recipe.seed,
                "against": recipe.against,
                "quantised": recipe.quantised,
                "reference": None,
            },
        }

    def mark(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "case", "mark": {"star", "tags", "note"}} -> {"mark"} as it is kept."""
        held = self.surveys.find(question.get("survey"))
        given = mapping(question.get("mark"))
        kept = make_annotation(given.get("star"), given.get("tags"), given.get("note"))
        put_annotation(held.survey, _case(held.survey.plan, question.get("case")), kept)
        return {"mark": kept.to_dict()}

    def accuracy(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "pair"} -> {"rows": those of ``survey.accuracy``, the clean pictures first}."""
        held = self.surveys.find(question.get("survey"))
        pair = _pair(held, question.get("pair"))
        held_as = (*held.stamp, *pair)
        rows = self._accuracies.get(held_as)
        if rows is None:
            table = self.surveys.table(held, pair)
            frame = accuracy(held.survey, pair, patterns=table.patterns(held.survey.plan))
            rows = [
                {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124  # NaN
                for row in frame.astype(object).to_dict("records")
            ]
            self._accuracies.put(held_as, rows)
        return {"rows": rows}

    def confusion(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """{"survey", "pair", "filters"} -> {"baseline", "other": counts [clean answer][distorted answer]}."""
        held, _, table, _, keep = self.kept(question)
        classes = len(held.survey.plan.classes)
        return {side: table.confusion(keep, side, classes) for side in SIDES}

    def kept(self, question: Mapping[str, Any]) -> tuple[Held, tuple[str, str], Table, Filters, NDArray[np.bool_]]:
        """The survey, models, table and filters of {"survey", "pair", "filters"}, and which cases these keep."""
        held, pair, table, filters = self._asked(question)
        keep = table.select(filters, self._marked(held) if filters.marked else {})
        keep &= np.isin(table.quadrant, [QUADRANTS.index(name) for name in filters.quadrants])
        return held, pair, table, filters, keep

    # ---- what they have in common ---------------------------------------------------------------------------------

    def _asked(self, question: Mapping[str, Any]) -> tuple[Held, tuple[str, str], Table, Filters]:
        held = self.surveys.find(question.get("survey"))
        pair = _pair(held, question.get("pair"))
        return held, pair, self.surveys.table(held, pair), read_filters(question.get("filters"), held.survey.plan)

    def _marked(self, held: Held) -> dict[str, set[int]]:
        """The cases with a star, with a note, and with each tag."""
        found: dict[str, set[int]] = {}
        for case, mark in read_annotations(held.survey).items():
            kinds = [*(["star"] if mark.star else []), *(["note"] if mark.note else [])]
            for kind in [*kinds, *(f"tag:{tag}" for tag in mark.tags)]:
                found.setdefault(kind, set()).add(case)
        return found

    def _made(self, held: Held, cases: Sequence[int]) -> Sequence[Case]:
        """The cases made again from their recipes."""
        plan = held.survey.plan
        if not cases:
            return []
        attacked = any(find_distortion(condition_of(plan, case)[0].distortion).adversarial for case in cases)
        names = [plan.models[0], *([plan.against] if attacked and plan.against else [])]
        models = self.surveys.models(list(dict.fromkeys(names)))
        if attacked and any(fingerprint(model) != plan.weights[plan.models.index(model.name)] for model in models):
            raise ExplorerError(f"{plan.against} has other weights than when this survey was made.")
        return open_cases(held.survey, cases, data=self.surveys.data(held), models=models)

    def _missing(self, held: Held) -> str | None:
        """Why its pictures cannot be shown, if they cannot."""
        try:
            self.surveys.data(held)
            self.surveys.models(list(held.survey.plan.models[:1]))
        except ExplorerError as error:
            return str(error)
        return None


def _pair(held: Held, raw: Any) -> tuple[str, str]:
    """The two models to compare; by default the first one, and a stabilized sibling where there is one."""
    if raw is None:
        plan = held.survey.plan
        stable = (name for name, method in zip(plan.models, plan.methods, strict=True) if method == "stability")
        sibling = next((name for name in stable if name != plan.models[0]), None)
        return held.survey.pair(plan.models[0], sibling)
    if not isinstance(raw, list) or len(raw) != len(SIDES) or not all(isinstance(name, str) for name in raw):
        raise ExplorerError(GONE)
    return held.survey.pair(raw[0][:1000], raw[1][:1000])


def _case(plan: Plan, case: Any) -> int:
    return whole(case, 0, plan.rows * len(plan.conditions) - 1)


def _distortion(plan: Plan, name: str) -> dict[str, Any]:
    """A distortion of the plan as menus and axes show it, its amounts from mild to strong."""
    kind = find_distortion(name)
    amounts = {condition.amount for condition in plan.conditions if condition.distortion == name}
    about = describe(kind, [32])
    return {
        "name": name,
        "amounts": sorted(amounts, key=lambda amount: (abs(amount - kind.identity), amount)),
        **{key: about[key] for key in ("title", "sign", "symbol", "unit", "factor")},
    }


def _item(plan: Plan, table: Table, row: int) -> dict[str, Any]:
    """What a cell of the gallery says of a case."""
    case = int(table.case[row])
    condition, image = condition_of(plan, case)
    label = int(table.label[row])

    def side(name: str) -> dict[str, Any]:
        columns = table.sides[name]
        return {
            "answer": plan.classes[int(columns["prediction"][row])],
            "clean": plan.classes[int(columns["clean_prediction"][row])],
            "confidence": round(float(columns["confidence"][row]), 4),
            "margin": round(float(columns["margin"][row]), 4),
            "feature_l2": round(float(columns["feature_l2"][row]), 4),
            "fails": bool(columns["fails"][row]),
        }

    return {
        "case": case,
        "image": image,
        "label": plan.classes[label] if label >= 0 else None,
        "distortion": condition.distortion,
        "amount": condition.amount,
        "seed": condition.seed,
        "quadrant": QUADRANTS[int(table.quadrant[row])],
        **{name: side(name) for name in SIDES},
    }
