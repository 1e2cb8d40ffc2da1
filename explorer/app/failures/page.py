"""What the page "Failures" asks of surveys.

A question is a JSON object {"ask": name, ...} from a browser and is not trusted: see ``filters``. Answers come from
columns in memory (``table``) within milliseconds; what takes longer is a job (``explorer.app.jobs.survey``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from explorer.app.cache import LruCache
from explorer.app.distortion_info import describe
from explorer.app.failures.filters import GONE, read_order
from explorer.app.failures.open_surveys import OpenSurvey, OpenSurveys
from explorer.app.failures.requests import (
    SHOWN,
    AnnotationRequest,
    CaseRequest,
    CasesRequest,
    PicturesRequest,
    SelectionRequest,
    SurveyRequest,
)
from explorer.app.failures.selection import pair_of, select
from explorer.app.failures.table import SIDES, Table
from explorer.app.validation import answer_by_name
from explorer.app.workspace import Workspace
from explorer.data import images
from explorer.data.photographs import working_copy
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.survey import QUADRANTS, Case, Plan, accuracy, condition_of, open_cases
from explorer.survey.annotations import annotations_file, make_annotation, put_annotation, read_annotations
from explorer.survey.plan import fingerprint

KEPT_PICTURES = 20_000  # about 3 kB each at 32 px
KEPT_VALUES = 20_000 * 3 * 32 * 32  # pictures of larger models: fewer of them
THUMBNAIL = 176  # px: twice the long side of a picture in the gallery; a case opens at its own size


class Failures:
    """Answers the page's requests about surveys; one method per request."""

    def __init__(self, workspace: Workspace, surveys: OpenSurveys) -> None:
        self._workspace = workspace
        self._surveys = surveys
        self._pictures: LruCache[tuple[str, int], str] = LruCache(KEPT_PICTURES)
        self.forget()
        self._asks: dict[str, Callable[[Any], dict[str, Any]]] = {
            "surveys": self.listed,
            "open": self.open,
            "cases": self.cases,
            "pictures": self.pictures,
            "case": self.case,
            "annotate": self.annotate,
            "accuracy": self.accuracy,
            "confusion": self.confusion,
        }

    def forget(self) -> None:
        """Answer from the cases again, not from what was kept of earlier answers."""
        self._orders: LruCache[tuple[Any, ...], Any] = LruCache(16)
        self._accuracies: LruCache[tuple[Any, ...], list[dict[str, Any]]] = LruCache(32)

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

    # ---- the questions --------------------------------------------------------------------------------------------

    def listed(self, _: Any = None) -> dict[str, Any]:
        """List the surveys.

        Args:
            _: The request, which has no arguments.

        Returns:
            {"surveys": [...], "messages": [a sentence for each that cannot be opened], "home": folder of new ones}.
        """
        found, messages = self._surveys.all()
        surveys = [opened.to_dict() for opened in found]
        return {"surveys": surveys, "messages": messages, "home": str(self._surveys.home)}

    def open(self, question: Any) -> dict[str, Any]:
        """Describe a survey: all that the page needs to know before it asks for cases.

        Args:
            question: As ``SurveyRequest``.

        Returns:
            A JSON object.
        """
        request = SurveyRequest.read(question)
        opened = self._surveys.find(request.survey)
        plan = opened.survey.plan
        pair = pair_of(opened, request)
        table = self._surveys.table(opened, pair)
        names = dict.fromkeys(condition.distortion for condition in plan.conditions)
        return {
            **opened.to_dict(),
            "pair": list(pair),
            "methods": dict(zip(plan.models, plan.methods, strict=True)),
            "classes": list(plan.classes),
            "labelled": bool((table.label >= 0).any()),
            "cases": len(table.case),
            "distortions": [_distortion(plan, name) for name in names],
            "seeds": sorted({condition.seed for condition in plan.conditions}),
            "unread": len(opened.survey.unread()),
            "missing": self._missing(opened),
            "annotations": {str(case): one.to_dict() for case, one in read_annotations(opened.survey).items()},
            "annotations_file": str(annotations_file(opened.survey)),
            "folder": str(opened.survey.folder),
        }

    def cases(self, question: Any) -> dict[str, Any]:
        """Describe a part of the gallery.

        Args:
            question: As ``CasesRequest``.

        Returns:
            {"counts", "total", "shown", "start", "items"}. ``counts``: cases per quadrant under all filters but that of
            the quadrants; ``total``: all that are asked for, ``shown`` of which can be scrolled through.
        """
        request = CasesRequest.read(question)
        chosen = select(self._surveys, request)
        opened, table, filters = chosen.opened, chosen.table, chosen.filters
        order, start = read_order(request.order), request.start
        annotated = chosen.annotated()
        matching = sorted(annotated.get(filters.annotation or "", ()))
        cache_key = (*opened.stamp, *chosen.pair, filters, order, tuple(matching))
        known = self._orders.get(cache_key)
        if known is None:
            keep = table.select(filters, annotated)
            counts = table.counts(keep)
            known = (counts, table.ordered(keep, filters, order, SHOWN))
            self._orders.put(cache_key, known)
        counts, rows = known
        return {
            "counts": counts,
            "total": sum(counts[name] for name in filters.quadrants),
            "shown": len(rows),
            "start": start,
            "items": [_item(opened.survey.plan, table, row) for row in rows[start : start + request.count].tolist()],
        }

    def pictures(self, question: Any) -> dict[str, Any]:
        """Draw cases.

        Args:
            question: As ``PicturesRequest``.

        Returns:
            {"pictures": {case: data URL of the distorted pixels, lossless; of large ones a thumbnail}}.
        """
        request = PicturesRequest.read(question)
        opened = self._surveys.find(request.survey)
        cases = [_check_case(opened.survey.plan, case) for case in request.cases]
        found = {case: self._pictures.get((opened.survey.plan.key, case)) for case in cases}
        missing = [case for case, url in found.items() if url is None]
        for made in self._made(opened, missing, opened.survey.plan.models[0]):
            small = max(made.distorted.shape[2:]) <= THUMBNAIL
            url = images.data_url(made.distorted if small else working_copy(made.distorted, THUMBNAIL))
            if made.distorted.numel() <= KEPT_VALUES // KEPT_PICTURES:
                self._pictures.put((opened.survey.plan.key, made.case), url)
            found[made.case] = url
        return {"pictures": {str(case): url for case, url in found.items()}}

    def case(self, question: Any) -> dict[str, Any]:
        """Describe how to open a case on the page "Explore" with the same pixels.

        Args:
            question: As ``CaseRequest``.

        Returns:
            {"clean", "distorted", "hash", "recipe", "state"}; ``state``: that of the page "Explore".

        Raises:
            ExplorerError: If the survey or the case does not exist, or if the pictures are not available here.
        """
        request = CaseRequest.read(question)
        opened = self._surveys.find(request.survey)
        plan = opened.survey.plan
        case = _check_case(plan, request.case)
        pair = pair_of(opened, request)
        condition, image = condition_of(plan, case)
        recipe = plan.recipe(condition, image, pair[0])
        (made,) = self._made(opened, [case], pair[0])
        data = self._surveys.data(opened)
        if data.name not in self._workspace.catalog.names():
            raise ExplorerError(f"The pictures of {data.name} are not offered here; start the explorer with --data.")
        wanted = dict.fromkeys([*pair, *([recipe.against] if recipe.against else [])])
        family, _ = self._workspace.choose(list(wanted))
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
                "on": recipe.on,
                "reference": None,
            },
        }

    def annotate(self, question: Any) -> dict[str, Any]:
        """Keep an annotation.

        Args:
            question: As ``AnnotationRequest``.

        Returns:
            {"annotation"} as it is kept.
        """
        request = AnnotationRequest.read(question)
        opened, given = self._surveys.find(request.survey), request.annotation
        kept = make_annotation(given.get("star"), given.get("tags"), given.get("note"))
        put_annotation(opened.survey, _check_case(opened.survey.plan, request.case), kept)
        return {"annotation": kept.to_dict()}

    def accuracy(self, question: Any) -> dict[str, Any]:
        """Compare the accuracy of two models against the amount.

        Args:
            question: As ``SurveyRequest``.

        Returns:
            {"rows": those of ``survey.accuracy``, the clean pictures first}.
        """
        request = SurveyRequest.read(question)
        opened = self._surveys.find(request.survey)
        pair = pair_of(opened, request)
        cache_key = (*opened.stamp, *pair)
        rows = self._accuracies.get(cache_key)
        if rows is None:
            table = self._surveys.table(opened, pair)
            frame = accuracy(opened.survey, pair, patterns=table.patterns(opened.survey.plan))
            rows = [
                {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124  # NaN
                for row in frame.astype(object).to_dict("records")
            ]
            self._accuracies.put(cache_key, rows)
        return {"rows": rows}

    def confusion(self, question: Any) -> dict[str, Any]:
        """Count how the two models' answers moved.

        Args:
            question: As ``SelectionRequest``.

        Returns:
            {"baseline", "other": counts [clean answer][distorted answer]}.
        """
        chosen = select(self._surveys, SelectionRequest.read(question))
        keep, classes = chosen.kept(), len(chosen.opened.survey.plan.classes)
        return {side: chosen.table.confusion(keep, side, classes) for side in SIDES}

    # ---- what they have in common ---------------------------------------------------------------------------------

    def _made(self, opened: OpenSurvey, cases: Sequence[int], model: str) -> Sequence[Case]:
        """The cases, rendered from their recipes; attacks that were crafted on each model as this one saw them."""
        plan = opened.survey.plan
        if not cases:
            return []
        attacked = any(find_distortion(condition_of(plan, case)[0].distortion).adversarial for case in cases)
        names = [plan.models[0], *([plan.against or model] if attacked else [])]
        models = self._surveys.models(list(dict.fromkeys(names)))
        if attacked and any(fingerprint(model) != plan.weights[plan.models.index(model.name)] for model in models):
            raise ExplorerError(f"{plan.against or model} has different weights from those the survey was made with.")
        return open_cases(opened.survey, cases, data=self._surveys.data(opened), models=models, model=model)

    def _missing(self, opened: OpenSurvey) -> str | None:
        """Why its pictures cannot be shown, if they cannot."""
        try:
            self._surveys.data(opened)
            self._surveys.models(list(opened.survey.plan.models[:1]))
        except ExplorerError as error:
            return str(error)
        return None


def _check_case(plan: Plan, case: int) -> int:
    """The case itself, if the plan has it."""
    if case >= plan.rows * len(plan.conditions):
        raise ExplorerError(GONE)
    return case


def _distortion(plan: Plan, name: str) -> dict[str, Any]:
    """A distortion of the plan as menus and axes show it, its amounts from mild to strong."""
    distortion = find_distortion(name)
    amounts = {condition.amount for condition in plan.conditions if condition.distortion == name}
    about = describe(distortion, [32])
    return {
        "name": name,
        "amounts": sorted(amounts, key=lambda amount: (abs(amount - distortion.identity), amount)),
        "identity": distortion.identity,
        **{key: about[key] for key in ("title", "sign", "symbol", "unit", "factor")},
    }


def _item(plan: Plan, table: Table, row: int) -> dict[str, Any]:
    """The content of a gallery cell."""
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
