"""Accuracy of all models of a data set while one distortion grows, on its first test images: for the page "Methods"."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.methods.groups import find_group
from explorer.app.methods.measured import SIZES, amounts_of, find_known, reaches
from explorer.app.validation import Request, Sentence
from explorer.errors import ExplorerError
from explorer.evaluation.running import RunningAccuracy
from explorer.progress import Progress


class AccuracyRequest(Request):
    """Which chart, and on how many images.

    Attributes:
        data: Name of the data set.
        distortion: Name of the distortion.
        reach: ``near`` for mild amounts, ``whole`` for all.
        images: Number of test images.
    """

    wrong = "The page asked for amounts that do not exist; reload it."

    data: Any = None
    distortion: Any = None
    reach: Literal["near", "whole"]
    images: Annotated[int, Field(ge=1, le=SIZES[-1]), Sentence(f"Choose 1 to {SIZES[-1]} images.")]


@job("accuracy", AccuracyRequest)
def accuracy(context: Context, request: AccuracyRequest, progress: Progress) -> dict[str, Any]:
    """Measure the models' accuracies on the first test images.

    What was counted for fewer images is kept, so that asking for more goes on from there.

    Returns:
        {"n", "seed", "amounts", "models": [{"name", "accuracy", "low", "high"}, ...]}: one number per amount, with its
        95 % Wilson interval.

    Raises:
        ExplorerError: If the page asks for what is not there.
    """
    group = find_group(context.workspace, request.data)
    distortion = find_known(request.distortion)
    reach, n = request.reach, request.images
    if reach not in reaches(distortion, group):
        raise ExplorerError(request.wrong)
    if group.data not in context.workspace.catalog.names():
        raise ExplorerError(f"{group.title} is not on this machine; download it first.")
    key = (group.data, distortion.name, reach)
    running = context.accuracies.get(key)
    if running is None:
        models = tuple(context.workspace.model(card.name) for card in group.cards)
        data = context.workspace.catalog.find(group.data, group.family.takes)
        running = RunningAccuracy(models, data, distortion.name, tuple(amounts_of(distortion, group, reach)))
        context.accuracies.put(key, running)
    curves = running.up_to(n, progress)
    return {
        "n": curves[0].n,
        "seed": running.seed,
        "amounts": list(running.amounts),
        "models": [
            {
                "name": curve.name,
                "accuracy": list(curve.accuracy),
                "low": [low for low, _ in curve.intervals],
                "high": [high for _, high in curve.intervals],
            }
            for curve in curves
        ],
    }
