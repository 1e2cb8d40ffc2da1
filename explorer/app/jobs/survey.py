"""A survey run from the page: what it will take, said first; then the run itself, shard by shard."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.app.context import Context
from explorer.app.failures.filters import number, whole
from explorer.app.jobs.registry import job
from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.progress import Progress
from explorer.survey import Plan, cost, finished_images, make_plan, run
from explorer.survey.engine import compute
from explorer.survey.plan import versions
from explorer.survey.scan import Columns

MAX_DISTORTIONS = 30
MAX_AMOUNTS = 33
MAX_SEEDS = 16

_one = threading.Lock()
"""One run at a time: two would only share the cores, and each holds a thread of the jobs for long."""


@job("survey_cost")
def survey_cost(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"models", "data", "distortions", "seeds", "limit"} -> {"rows", "bytes", "seconds", "folder", "done", "images"}.

    ``distortions``: [[name, amounts or null], ...]; ``done``: images that an earlier run has finished.
    """
    models, data, plan = _plan(context, question, progress)
    out = _folder(context, plan)
    done = finished_images(plan, out)
    takes = cost(models, data, plan, done)
    found = {"rows": takes.rows, "bytes": takes.bytes, "seconds": takes.seconds}
    return {**found, "folder": str(out), "done": done, "images": plan.rows, "conditions": len(plan.conditions)}


@job("survey_run")
def survey_run(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Do what ``survey_cost`` told of, or go on with {"survey": key} -> {"survey": key, "unread"}.

    It ends between two conditions of a batch when it is cancelled or its page is closed; what is finished stays, and
    the same question goes on from there.
    """
    if "survey" in question:
        opened = context.surveys.find(question["survey"])
        plan, out = opened.survey.plan, opened.survey.folder
        if plan.versions != versions():
            raise ExplorerError("This survey was begun with other versions of the libraries; start a new one.")
        models, data = context.surveys.models(plan.models), context.surveys.data(opened)
    else:
        models, data, plan = _plan(context, question, progress)
        out = _folder(context, plan)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExplorerError(f"{out.parent} cannot be written to ({error.strerror}).") from None
    if not _one.acquire(blocking=False):
        raise ExplorerError("Another survey is running in this explorer; wait until it has finished, or cancel it.")
    try:
        store = run(models, data, plan, out, progress=progress, engine=_engine(progress))
    finally:
        _one.release()
    found, _ = context.surveys.all()
    key = next((opened.key for opened in found if opened.survey.folder.resolve() == out.resolve()), None)
    return {"survey": key, "unread": len(store.unread())}


def _engine(progress: Progress) -> Any:
    """The local engine, which tells how far it is, and can be ended, after each condition of a batch."""

    def engine(
        models: Sequence[Classifier], data: Dataset, plan: Plan, shards: Sequence[int]
    ) -> Iterable[tuple[int, Columns | None, dict[int, str]]]:
        done = plan.answers - sum(len(plan.images_of(shard)) for shard in shards) * len(plan.conditions) * len(models)

        def tick(answers: int) -> None:
            nonlocal done
            done += answers
            progress(min(done, plan.answers), plan.answers)

        for shard in shards:
            yield shard, *compute(models, data, plan, shard, tick)

    return engine


def _plan(context: Context, question: Mapping[str, Any], progress: Progress) -> tuple[list[Classifier], Dataset, Plan]:
    """The plan of an untrusted question, its models and data loaded."""
    limit, seeds = question.get("limit"), question.get("seeds")
    if not isinstance(seeds, list) or not 1 <= len(seeds) <= MAX_SEEDS:
        raise ExplorerError(f"Give the seeds as 1 to {MAX_SEEDS} whole numbers.")
    _, models = context.workspace.choose(question.get("models"))
    data = context.workspace.catalog.find(question.get("data"))
    progress(0, 0)
    plan = make_plan(
        models,
        data,
        _distortions(question.get("distortions")),
        seeds=[whole(seed, 0, 2**32) for seed in seeds],
        limit=None if limit is None else whole(limit, 1, 2**31),
    )
    progress(0, 0)
    return models, data, plan


def _distortions(raw: Any) -> list[str]:
    """[[name, amounts or null], ...] as ``make_plan`` takes them, which looks the names up and checks the amounts."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_DISTORTIONS:
        raise ExplorerError(f"Choose 1 to {MAX_DISTORTIONS} distortions.")
    found = []
    for entry in raw:
        if not isinstance(entry, list) or len(entry) != len(("name", "amounts")) or not isinstance(entry[0], str):
            raise ExplorerError("Each distortion is a name and its amounts.")
        name, amounts = entry
        if len(name) > 100 or not name.isidentifier():
            raise ExplorerError("There is no distortion of that name.")
        if amounts is not None:
            if not isinstance(amounts, list) or not 1 <= len(amounts) <= MAX_AMOUNTS:
                raise ExplorerError(f"Give 1 to {MAX_AMOUNTS} amounts for each distortion, or none for the usual ones.")
            name += "=" + ":".join(repr(number(amount)) for amount in amounts)
        found.append(name)
    return found


def _folder(context: Context, plan: Plan) -> Path:
    """Where the survey of this plan lies: the same plan goes on in the same place."""
    name = "".join(letter if letter.isalnum() else "-" for letter in plan.data)[:40].strip("-") or "survey"
    return context.surveys.home / f"{name}-{plan.key[:10]}"
