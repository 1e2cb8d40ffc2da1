"""A model is stabilized from the page: first what it takes, then the training with its curves, then the report."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
import torch
from pydantic import ConfigDict, Field
from torch import Tensor

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import Request, Sentence
from explorer.app.workspace import MAX_ADDED
from explorer.data.datasets import Dataset, open_dataset
from explorer.data.published import cache_folder
from explorer.distortions.ranges import AmountRange, parse_ranges
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.progress import Meter, Progress
from explorer.reports.stabilizing import telling_pictures
from explorer.stabilizing import Live, Stabilized, stabilize
from explorer.stabilizing.cost import estimate
from explorer.stabilizing.loop import Point
from explorer.stabilizing.measure import Row
from explorer.stabilizing.proposal import propose
from explorer.stabilizing.reading import FEWEST, divided, read_parts
from explorer.stabilizing.settings import LAYERS, Settings

MAX_UNDER = 12
MAX_MINUTES = 240
MOST = 10_000
MAX_OWN = 400  # pictures that a visitor brought; of these the app keeps 500 in all
REPORTED_OF = 500
"""Test pictures of a known data set that the report is about at most; of other data it is a part of the pictures."""

FOLDER = "stabilized"
"""The folder, in the cache folder, of what was stabilized from the page."""

_one = threading.Lock()
"""One at a time: two would only share the cores, and each holds a thread of the jobs for long."""

Amount = Annotated[float, Field(gt=-1e9, lt=1e9)]
Range = Annotated[tuple[Annotated[str, Field(max_length=100, pattern=r"^\w+$")], Amount, Amount], Field(strict=False)]


class MaterialRequest(Request):
    """A model and pictures for it.

    Attributes:
        model: Name of the start network.
        data: Name of the data set, where it is one.
        pictures: In its place, the pictures that the visitor brought.
        limit: Pictures at most.
    """

    wrong = "Choose a model of the page, pictures and what they go through."

    model: Any = None
    data: Any = None
    pictures: Annotated[
        list[Annotated[str, Field(max_length=100)]] | None,
        Field(min_length=FEWEST, max_length=MAX_OWN),
        Sentence(f"Choose {FEWEST} to {MAX_OWN} pictures of your own."),
    ] = None
    limit: Annotated[
        int, Field(ge=FEWEST, le=MOST), Sentence(f"Give {FEWEST} to {MOST:,} pictures, as a whole number.")
    ] = 1000


class StabilizeRequest(MaterialRequest):
    """What to stabilize and how.

    Attributes:
        under: What the pictures go through: names of distortions, each with the two ends of its range.
        layers: ``head``, ``last`` or ``all``.
        keep: Share of clean answers that have to stay.
        minutes: Of the training; not used where the head alone is trained.
        control: Whether plain noise augmentation is trained as long, to compare with.
    """

    under: Annotated[
        list[Range],
        Field(min_length=1, max_length=MAX_UNDER),
        Sentence(f"Choose 1 to {MAX_UNDER} distortions, each with the two ends of its range."),
    ]
    layers: Annotated[
        str, Field(pattern=f"^({'|'.join(LAYERS)})$"), Sentence("The layers are the head, the last ones or all.")
    ]
    keep: Annotated[float, Field(ge=0, le=1), Sentence("The share of clean answers to keep is 0 to 100 per cent.")]
    minutes: Annotated[
        float, Field(gt=0, le=MAX_MINUTES), Sentence(f"Give more than 0 and at most {MAX_MINUTES} minutes.")
    ]
    control: bool = True

    @property
    def time(self) -> float | None:
        """Minutes of the training; the head alone makes its passes over stored features, which takes seconds."""
        return None if self.layers == "head" else self.minutes

    @property
    def ranges(self) -> tuple[AmountRange, ...]:
        """The ranges, checked."""
        return parse_ranges(",".join(f"{name}={low!r}:{high!r}" for name, low, high in self.under))


class RunningRequest(Request):
    """A run that was started.

    Attributes:
        run: What its page calls it, which no other page can guess.
    """

    run: Annotated[str, Field(min_length=16, max_length=100)]


class StartRequest(RunningRequest):
    """A run to start; everything else is as in ``StabilizeRequest``."""

    model_config = ConfigDict(extra="allow")


@dataclass(eq=False)
class _Run:
    """A run that is going on."""

    live: Live | None = None
    curve: tuple[Point, ...] = ()  # of the training itself, also while the control is trained
    ended: bool = False  # by the visitor, who keeps what it has reached

    def heard(self, live: Live) -> None:
        self.live = live
        if live.stage == "training" and live.curve:
            self.curve = live.curve


_runs: dict[str, _Run] = {}


@job("stabilize_cost", StabilizeRequest)
def stabilize_cost(context: Context, request: StabilizeRequest, progress: Progress) -> dict[str, Any]:
    """Estimate what a stabilization takes.

    Returns:
        {"train", "watched", "reported", "weights", "seconds", "name", "folder"}; ``weights``: how many are trained.

    Raises:
        ExplorerError: If something is asked that cannot be done.
    """
    start, data, test = _material(context, request)
    progress(0, 0)
    cost = estimate(
        start,
        divided(len(data), None if test is None else len(test)),
        Settings(request.ranges, layers=request.layers),
        minutes=request.time or 0,
        control=request.control,
        breathe=lambda: progress(0, 0),
    )
    name = _name(context, start)
    return {**asdict(cost), "name": name, "folder": str(_folder(name))}


@job("stabilize_proposal", MaterialRequest)
def stabilize_proposal(context: Context, request: MaterialRequest, progress: Progress) -> dict[str, Any]:
    """Find what changes most answers of a model to pictures that it would be trained on, as ``--under auto`` does.

    Returns:
        {"hurts"}: {"name", "low", "high", "flips", "n"} each, the worst first; ``flips``: share in [0, 1] at ``high``.

    Raises:
        ExplorerError: If something is asked that cannot be done.
    """
    start, data, _ = _material(context, request)
    parts = read_parts(data, start, labels=False, seed=0)
    found = propose(start, parts.train, meter=lambda total: Meter(progress, total))
    return {"hurts": [asdict(one.range) | {"flips": one.flips, "n": one.n} for one in found]}


@job("stabilize_run", StartRequest)
def stabilize_run(context: Context, request: StartRequest, progress: Progress) -> dict[str, Any]:
    """Stabilize a model. The new one is offered beside the others, and written into a folder with its report.

    Returns:
        {"name", "family", "families", "distortions", "folder", "html", "report", "examples"}; the first four as
        ``add_network`` gives them; ``html``: the report as a page; ``report``: its key numbers; ``examples``: telling
        pictures as {"kind", "picture", "before", "after", "query"}, ``query``: the address of the explorer that shows
        it, "" for pictures that the visitor brought.

    Raises:
        ExplorerError: If something is asked that cannot be done, or another run is going on.
    """
    asked = StabilizeRequest.read(request.model_extra)
    if context.workspace.added >= MAX_ADDED:
        raise ExplorerError(f"{MAX_ADDED} networks were added already; start the explorer anew for others.")
    if not _one.acquire(blocking=False):
        raise ExplorerError("Another model is being stabilized in this explorer; wait until it is done, or cancel it.")
    run = _runs[request.run] = _Run()
    try:
        start, data, test = _material(context, asked)
        name = _name(context, start)
        folder = _folder(name)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExplorerError(f"{folder.parent} cannot be written to ({error.strerror}).") from None

        def watch(live: Live) -> None:
            run.heard(live)
            progress(live.done, live.total)

        found = stabilize(
            start,
            data,
            under=asked.ranges,
            test=test,
            layers=asked.layers,
            minutes=asked.time,
            keep=asked.keep,
            control=asked.control,
            name=name,
            device=start.device,
            watch=watch,
            stop=lambda: run.ended,
        )
        progress(0, 0)  # the last moment to cancel it
        found.save(folder)
        family = context.workspace.offer(found.model)
    finally:
        del _runs[request.run]
        _one.release()
    told = {"folder": str(folder), "html": _html(found), "report": _key_numbers(found)}
    examples = _examples(found, None if asked.pictures else asked.data)
    return {"name": name, "family": family.key, **context.workspace.known, **told, "examples": examples}


@job("stabilize_news", RunningRequest)
def stabilize_news(context: Context, request: RunningRequest, progress: Progress) -> dict[str, Any]:
    """Report how far a run is.

    Returns:
        {"stage", "done", "total", "seconds", "curve"}; ``seconds``: left of this stage, 0 where that is not known;
        ``curve``: {step, agreement, flips} each. Empty where there is nothing to report.
    """
    run = _runs.get(request.run)
    if run is None or run.live is None:
        return {}
    live = run.live
    news: dict[str, Any] = {"stage": live.stage, "done": live.done, "total": live.total, "seconds": live.seconds_left}
    return news | {"curve": [asdict(point) for point in run.curve]}


@job("stabilize_stop", RunningRequest)
def stabilize_stop(context: Context, request: RunningRequest, progress: Progress) -> dict[str, Any]:
    """End the training of a run, which keeps what it has reached and goes on to its report.

    Returns:
        An empty answer.
    """
    if (run := _runs.get(request.run)) is not None:
        run.ended = True
    return {}


def _material(context: Context, request: MaterialRequest) -> tuple[Classifier, Dataset | list[Tensor], Dataset | None]:
    """The start network, the pictures, and those of the report where these are others.

    Of a known data set the training pictures are used, and the report is about test pictures: those that the page
    shows and asks about elsewhere stay unseen.
    """
    _, (start,) = context.workspace.choose([request.model])
    if isinstance(request, StabilizeRequest):
        request.ranges  # noqa: B018  # refused before anything is read
    if request.pictures is not None:
        find = context.workspace.pictures.find
        return start, [find({"token": token}, start.takes)[1].pixels[0] for token in request.pictures], None
    catalog = context.workspace.catalog
    data = catalog.find(request.data)
    if data.name in catalog.user_data:
        return start, _some(data, request.limit), None
    return (
        start,
        _some(open_dataset(request.data, "train"), request.limit),
        _some(data, min(REPORTED_OF, request.limit)),
    )


def _some(data: Dataset, most: int) -> Dataset:
    """At most so many of the pictures, drawn at random, always the same ones."""
    if len(data) <= most:
        return data
    rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:most].numpy()
    return data.select(np.sort(rows))


def _name(context: Context, start: Classifier) -> str:
    """A name that is free, that addresses can hold, and that can be a file's."""
    known = {card.name for card in context.workspace.cards}
    name = "stability of " + re.sub(r"[^\w.-]+", " ", start.name).strip()
    free = (
        one
        for one in chain([name], (f"{name} {n}" for n in count(2)))
        if one not in known and not _folder(one).exists()
    )
    return next(free)


def _folder(name: str) -> Path:
    return cache_folder() / FOLDER / name


def _html(found: Stabilized) -> str:
    from explorer.reports.results import page

    return page(found.report)


def _examples(found: Stabilized, data: str | None) -> list[dict[str, str]]:
    """The telling pictures, each with the address under which the page shows it."""
    models = f"{found.report.start},{found.model.name}"
    return [
        {
            **{key: shown[key] for key in ("kind", "picture", "before", "after")},
            "query": ""
            if data is None
            else urlencode({"picture": f"{data}:{one.source.row}", "models": models, "recipe": one.recipe or "clean"}),
        }
        for one, shown in zip(found.report.examples, telling_pictures(found.report), strict=True)
    ]


def _key_numbers(found: Stabilized) -> Mapping[str, Any]:
    """What the page says at once."""
    report = found.report
    clean, before = (report.of(role)[0] for role in ("stabilized", "start"))
    gain, loss = report.extremes()
    numbers = {"start": report.start, "agreement": clean.agreement, "n": clean.n, "share": report.facts["share"]}
    accuracy = None if clean.accuracy is None else [before.accuracy, clean.accuracy]
    return {
        **numbers,
        "accuracy": accuracy,
        "gain": _told(gain),
        "loss": _told(loss),
        "steps": report.facts["steps_done"],
        "curve": [asdict(point) for point in report.curve],
        "warnings": list(report.warnings),
    }


def _told(row: Row | None) -> dict[str, Any] | None:
    if row is None or row.interval is None:
        return None
    return {"recipe": row.recipe, "difference": row.difference, "interval": list(row.interval)}
