"""A map of cases: features of their pictures in the plane, similar ones close together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.views import of_window
from explorer.progress import Meter, Progress
from explorer.survey.cases import data_of, models_of, open_cases
from explorer.survey.pictures import given, joined
from explorer.survey.query import Survey

MOST = 2000
"""Cases on one map."""

PIECE = 64
"""Cases between two calls of a progress."""


@dataclass(frozen=True, eq=False)
class Map:
    """Positions of cases in the plane.

    Attributes:
        cases: Case numbers (N,).
        clean: Positions of the clean pictures, float32 (N, 2).
        distorted: Positions of the distorted pictures in the same plane, float32 (N, 2).
        method: "pca" or "umap".
        explained: Share of the features' variance that the two axes hold, in [0, 1]; None if the layout is not a
            projection.
    """

    cases: tuple[int, ...]
    clean: NDArray[np.float32]
    distorted: NDArray[np.float32]
    method: str
    explained: float | None


def features(
    survey: Survey,
    cases: Sequence[int],
    model: str | None = None,
    *,
    method: str = "pca",
    data: Dataset | None = None,
    models: Sequence[Classifier] | None = None,
    progress: Progress | None = None,
) -> Map:
    """Lay out cases by the penultimate features of a model. The pictures are made again from their recipes.

    Args:
        survey: The survey.
        cases: Case numbers, 3 to ``MOST``.
        model: Name of the model; the survey's first by default.
        method: "pca", the two axes of most variance, the same at every call; or "umap", which needs the package
            umap-learn, keeps neighbours together, and whose distances mean nothing.
        data: The data set; found by its name by default.
        models: Loaded models of the survey; loaded by name by default.
        progress: Called with cases done and cases in all; what it raises ends the work.

    Returns:
        The map.

    Raises:
        ExplorerError: There are too few or too many cases, umap-learn is not installed, or as in ``open_cases``.
    """
    if method not in {"pca", "umap"}:
        raise ExplorerError(f"There is no map method {method!r}; there are pca and umap.")
    if method == "umap" and find_spec("umap") is None:
        raise ExplorerError("A UMAP needs the package umap-learn (pip install umap-learn); PCA needs no extra package.")
    cases = tuple(dict.fromkeys(int(case) for case in cases))
    if not 3 <= len(cases) <= MOST:
        raise ExplorerError(f"A map takes 3 to {MOST:,} cases, not {len(cases):,}; filter them.")
    name = survey.plan.models[0] if model is None else model
    needed = survey.plan.models if survey.plan.against else dict.fromkeys([survey.plan.models[0], name])
    found = models_of(survey, needed) if models is None else models
    chosen = next((one for one in found if one.name == name), None)
    if chosen is None:
        raise ExplorerError(f"The survey has no model named {name!r}; it has {', '.join(survey.plan.models)}.")
    before, after = _vectors(survey, cases, chosen, data, found, Meter(progress, len(cases)))
    layout, explained = (_pca if method == "pca" else _umap)(np.concatenate([before, after]))
    clean, distorted = np.split(layout.astype(np.float32), 2)
    return Map(cases, clean, distorted, method, explained)


def _vectors(
    survey: Survey,
    cases: Sequence[int],
    model: Classifier,
    data: Dataset | None,
    models: Sequence[Classifier],
    meter: Meter,
) -> tuple[NDArray, NDArray]:
    """The features (N, D) of the cases' clean and distorted pictures."""
    data = data_of(survey) if data is None else data
    order = sorted(cases)  # one condition after another: its pictures are distorted together
    rows: dict[int, tuple[NDArray, NDArray]] = {}
    for start in range(0, len(order), PIECE):
        opened = open_cases(survey, order[start : start + PIECE], data=data, models=models, model=model.name)
        pictures = [one.clean for one in opened] + [one.distorted for one in opened]
        (x,) = joined([given([model], one, survey.plan) for one in pictures])
        _, layers = inputs.answer(model if survey.plan.photographs else of_window(model, models[0]), x)
        last = list(layers.values())[-1].flatten(1).float().cpu().numpy()
        for i, one in enumerate(opened):
            rows[one.case] = last[i], last[len(opened) + i]
        meter.step(len(opened))
    before, after = zip(*(rows[case] for case in cases), strict=True)
    return np.stack(before), np.stack(after)


def _pca(vectors: NDArray) -> tuple[NDArray, float]:
    """The two axes of most variance, each turned so that its largest weight is positive: never mirrored by chance."""
    from sklearn.decomposition import PCA

    axes = min(2, vectors.shape[1])
    with np.errstate(invalid="ignore"):  # features that are all the same have no variance to share out
        pca = PCA(axes, svd_solver="full")
        layout = pca.fit_transform(vectors.astype(np.float64))
    explained = float(pca.explained_variance_ratio_.sum())
    return np.pad(layout, ((0, 0), (0, 2 - axes))), 1.0 if np.isnan(explained) else explained


def _umap(vectors: NDArray) -> tuple[NDArray, None]:
    import umap

    neighbours = min(15, len(vectors) - 1)
    return umap.UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1).fit_transform(vectors), None
