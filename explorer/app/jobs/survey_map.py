"""The map of the cases that the page "Failures" shows: where one model's features place their pictures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np

from explorer.app.context import Context
from explorer.app.failures.requests import SelectionRequest
from explorer.app.failures.selection import select
from explorer.app.jobs.registry import job
from explorer.app.validation import Sentence
from explorer.errors import ExplorerError
from explorer.progress import Progress
from explorer.survey import QUADRANTS
from explorer.survey.maps import MOST, features

FEW = 3  # cases of a map at least


class MapRequest(SelectionRequest):
    """Which map.

    Attributes:
        method: "pca" or "umap".
    """

    method: Annotated[Literal["pca", "umap"], Sentence("Choose the map PCA or UMAP.")]


@job("survey_map", MapRequest)
def survey_map(context: Context, request: MapRequest, progress: Progress) -> dict[str, Any]:
    """Place the cases that the filters keep by the features of the filters' model.

    Of more than ``MOST`` cases it takes every n-th in the survey's order.

    Returns:
        {"cases", "x", "y", "quadrants", "names", "total", "explained", "model"}; ``quadrants``: index into ``names``
        per case; ``total``: how many cases the filters keep.

    Raises:
        ExplorerError: If the filters keep too few cases, or the pictures are not here.
    """
    selection = select(context.surveys, request)
    rows = np.flatnonzero(selection.kept())
    if len(rows) < FEW:
        raise ExplorerError(f"A map takes at least {FEW} cases: remove a filter.")
    chosen = rows[np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(np.int64)]
    survey, table = selection.opened.survey, selection.table
    plan = survey.plan
    name = selection.pair[0 if selection.filters.model == "baseline" else 1]
    models = context.surveys.models(
        list(dict.fromkeys([plan.models[0], *([plan.against] if plan.against else []), name]))
    )
    made = features(
        survey,
        table.case[chosen].tolist(),
        name,
        method=request.method,
        data=context.surveys.data(selection.opened),
        models=models,
        progress=progress,
    )
    return {
        "cases": list(made.cases),
        "x": [round(value, 4) for value in made.distorted[:, 0].tolist()],
        "y": [round(value, 4) for value in made.distorted[:, 1].tolist()],
        "quadrants": table.quadrant[chosen].tolist(),
        "names": list(QUADRANTS),
        "total": len(rows),
        "explained": made.explained,
        "model": name,
    }
