"""A survey run from the page: first its cost, then the run itself, shard by shard."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from explorer.app.context import Context
from explorer.app.failures.filters import GONE, LARGE
from explorer.app.jobs.registry import job
from explorer.app.validation import Request, Sentence
from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.evaluation.sample import Sample
from explorer.models import Classifier
from explorer.progress import Progress
from explorer.survey import Plan, cost, finished_images, make_plan, run
from explorer.survey.engine import local
from explorer.survey.plan import versions
from explorer.survey.scan import Columns

MAX_DISTORTIONS = 30
MAX_AMOUNTS = 33
MAX_SEEDS = 16

_one = threading.Lock()
"""One run at a time: two would only share the cores, and each holds a thread of the jobs for long."""


Amounts = Annotated[list[Annotated[float, Field(gt=-LARGE, lt=LARGE)]], Field(min_length=1, max_length=MAX_AMOUNTS)]
Name = Annotated[str, Field(max_length=100, pattern=r"^\w+$")]


class PlanRequest(Request):
    """A new survey; ``make_plan`` checks names and amounts.

    Attributes:
        models: Names of the models.
        data: Name of the data set.
        distortions: Names of distortions, each with its amounts or None for the usual ones.
        seeds: Seeds of random distortions.
        limit: Number of images; None for all.
    """

    wrong = GONE

    models: Any = None
    data: Any = None
    distortions: Annotated[
        list[Annotated[tuple[Name, Amounts | None], Field(strict=False)]],
        Field(min_length=1, max_length=MAX_DISTORTIONS),
        Sentence(
            f"Choose 1 to {MAX_DISTORTIONS} distortions, each by its name and 1 to {MAX_AMOUNTS} amounts, or none for "
            "the usual ones."
        ),
    ]
    seeds: Annotated[
        list[Annotated[int, Field(ge=0, le=2**32)]],
        Field(min_length=1, max_length=MAX_SEEDS),
        Sentence(f"Give the seeds as 1 to {MAX_SEEDS} whole numbers."),
    ]
    limit: Annotated[int | None, Field(ge=1, le=2**31)] = None


class RunRequest(Request):
    """A survey to run.

    Attributes:
        survey: Key of a survey that was begun; None for a new one, as in ``PlanRequest``.
    """

    model_config = ConfigDict(extra="allow")

    survey: Any = None


@job("survey_cost", PlanRequest)
def survey_cost(context: Context, request: PlanRequest, progress: Progress) -> dict[str, Any]:
    """Estimate what a new survey takes.

    Returns:
        {"rows", "bytes", "seconds", "folder", "done", "images", "conditions", "notes"}; ``done``: images that an
        earlier run of the same plan has finished; ``notes``: what there is to say of the images, one sentence each.

    Raises:
        ExplorerError: If there is no such survey.
    """
    models, data, plan = _plan(context, request, progress)
    out = _folder(context, plan)
    done = finished_images(plan, out)
    takes = cost(models, data, plan, done)
    found: dict[str, Any] = {"rows": takes.rows, "bytes": takes.bytes, "seconds": takes.seconds}
    found |= {"folder": str(out), "done": done, "images": plan.rows, "conditions": len(plan.conditions)}
    return {**found, "notes": Sample.of(models, data, plan.rows).notes}


@job("survey_run", RunRequest)
def survey_run(context: Context, request: RunRequest, progress: Progress) -> dict[str, Any]:
    """Run a new survey, or continue one that was begun.

    It ends between two conditions of a batch when it is cancelled or its page is closed. What is finished stays, and
    the same request continues from there.

    Returns:
        {"survey": key, "unread"}; ``unread``: how many images could not be read.

    Raises:
        ExplorerError: If there is no such survey, another one is running, or its folder cannot be written to.
    """
    if request.survey is not None:
        opened = context.surveys.find(request.survey)
        plan, out = opened.survey.plan, opened.survey.folder
        if plan.versions != versions():
            raise ExplorerError("This survey was begun with other versions of the libraries; start a new one.")
        models, data = context.surveys.models(plan.models), context.surveys.data(opened)
    else:
        models, data, plan = _plan(context, PlanRequest.read(request.model_extra), progress)
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
    """The local engine, which reports progress and can be ended after each condition of a batch."""

    def engine(
        models: Sequence[Classifier], data: Dataset, plan: Plan, shards: Sequence[int]
    ) -> Iterable[tuple[int, Columns | None, dict[int, str]]]:
        done = plan.answers - sum(len(plan.images_of(shard)) for shard in shards) * len(plan.conditions) * len(models)

        def tick(answers: int) -> None:
            nonlocal done
            done += answers
            progress(min(done, plan.answers), plan.answers)

        return local(models, data, plan, shards, tick)

    return engine


def _plan(context: Context, request: PlanRequest, progress: Progress) -> tuple[list[Classifier], Dataset, Plan]:
    """The requested plan, with models and data loaded."""
    _, models = context.workspace.choose(request.models)
    data = context.workspace.catalog.find(request.data)
    progress(0, 0)
    plan = make_plan(
        models,
        data,
        [
            name if amounts is None else f"{name}={':'.join(map(repr, amounts))}"
            for name, amounts in request.distortions
        ],
        seeds=request.seeds,
        limit=request.limit,
    )
    progress(0, 0)
    return models, data, plan


def _folder(context: Context, plan: Plan) -> Path:
    """The folder of this plan's survey; the same plan always gets the same folder."""
    name = "".join(letter if letter.isalnum() else "-" for letter in plan.data)[:40].strip("-") or "survey"
    return context.surveys.home / f"{name}-{plan.key[:10]}"
