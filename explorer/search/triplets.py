"""Similar images: triplets of a query, a positive that is more like it, and a negative that is less.

Score@K is that of Wang et al. 2014 (arXiv 1404.4661, section 6): the triplets in order minus those out of order, among
those whose positive or negative is one of the query's K nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.evaluation.results import interval_columns
from explorer.evaluation.sample import step_of
from explorer.evaluation.statistics import Interval, percentile_interval, resampled_counts, wilson_interval
from explorer.numbers import count_of
from explorer.progress import Progress
from explorer.results import Result, percent
from explorer.search.embedders import ModelLike
from explorer.search.embeddings import Embeddings, embed
from explorer.search.neighbours import nearest
from explorer.search.sources import Pictures, PicturesLike, read_pictures
from explorer.search.study import read_copies

NEAREST = 30
"""K of score@K in the paper."""


@dataclass(frozen=True, eq=False)
class Triplets:
    """Triplets of pictures.

    Attributes:
        pictures: The pictures.
        rows: Rows of queries, positives and negatives, (T, 3).
        groups: Which pictures each query is searched among: those of the same number (P,); None for all.
        notes: What was noticed, one sentence each.
    """

    pictures: Pictures
    rows: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class TripletRow:
    """One model under one distortion.

    Attributes:
        model: Name of the model.
        distortion: What all pictures went through; "original" for nothing.
        n: Number of triplets.
        queries: Number of queries.
        ordered: Share of triplets whose positive is nearer than the negative; equals count as not ordered.
        interval: Its 95 % interval, by query.
        score: Score@K.
        score_interval: Its 95 % interval, by query.
        difference: ``score`` minus that of the first model; None for the first.
        difference_interval: Its 95 % interval, paired by query.
    """

    model: str
    distortion: str
    n: int
    queries: int
    ordered: float
    interval: Interval
    score: int
    score_interval: Interval
    difference: int | None
    difference_interval: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """The row as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}


@dataclass(frozen=True, repr=False)
class TripletResult(Result):
    """How models order triplets, on original and distorted pictures.

    Attributes:
        data: What the pictures are called.
        k: K of score@K.
        rows: One row per distortion and model.
        notes: What was noticed, one sentence each.
    """

    data: str
    k: int
    rows: tuple[TripletRow, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        first = self.rows[0]
        lines = [f"{first.n:,} triplets of {first.queries:,} queries of {self.data}: share ordered, score@{self.k}"]
        return "\n".join(
            [*lines, *(f"  {one.distortion}, {one.model}: {percent(one.ordered)}, {one.score:+,}" for one in self.rows)]
        )

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values.
        """
        rows = [row.to_dict() for row in self.rows]
        return {"data": self.data, "k": self.k, "rows": rows, "notes": [*self.notes]}

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per distortion and model.
        """
        intervals = {"interval": "ordered_", "score_interval": "score_", "difference_interval": "difference_"}
        return [
            {"data": self.data, "k": self.k}
            | {key: value for key, value in vars(row).items() if key not in intervals}
            | {key: end for name, prefix in intervals.items() for key, end in
               interval_columns(getattr(row, name), prefix).items()}
            for row in self.rows
        ]  # fmt: skip


def triplets_of_classes(pictures: PicturesLike | Pictures, each: int = 10, seed: int = 0) -> Triplets:
    """Make triplets of the classes of a data set or the sub-folders of a folder.

    Args:
        pictures: Labelled pictures.
        each: Triplets for each picture.
        seed: Of the draws.

    Returns:
        For each picture of a class with two or more, ``each`` pairs of another one of its class and one of another.

    Raises:
        ExplorerError: If there are no such classes.
    """
    each = count_of(each, "each")
    source = read_pictures(pictures)
    labels = np.full(len(source), -1) if source.data is None else np.asarray(source.data.labels)
    generator, rows = np.random.default_rng(seed), []
    for row, label in enumerate(labels):
        same = np.flatnonzero(labels == label)
        same, others = same[same != row], np.flatnonzero((labels != label) & (labels >= 0))
        if label >= 0 and len(same) and len(others):
            drawn = (generator.choice(side, each) for side in (same, others))
            rows.append(np.stack([np.full(each, row), *drawn], 1))
    if not rows:
        raise ExplorerError(
            f"{source.name} gives no triplets: it needs two pictures of one class, and one of another, in sub-folders."
        )
    return Triplets(source, np.concatenate(rows), None, source.notes)


def rank_triplets(
    models: Sequence[ModelLike],
    triplets: Triplets,
    distortions: str = "",
    *,
    k: int = NEAREST,
    layer: str | None = None,
    seed: int = 0,
    cache: bool = True,
    progress: Progress | None = None,
) -> TripletResult:
    """Measure how models order triplets.

    Args:
        models: Networks, their names, or models without learning; the first is the one that others are compared with.
        triplets: The triplets.
        distortions: What all pictures go through beside the original ones, as ``read_copies`` takes it; "" for nothing.
        k: K of score@K; a query is searched among the pictures of its group.
        layer: A layer of the networks; the penultimate one by default.
        seed: Of the distortions.
        cache: Whether vectors are kept on disk.
        progress: Called with pictures done and pictures in all.

    Returns:
        A row per distortion and model. Triplets of pictures that cannot be read are left out and counted.

    Raises:
        ExplorerError: If there is no model, or no triplet that can be read.
    """
    if not models:
        raise ExplorerError("No model was given; give at least one, or pixels, phash, dhash or pdq.")
    kinds: list[tuple[str, Recipe | None]] = [
        ("original", None),
        *(read_copies(distortions, seed) if distortions else []),
    ]
    rows: list[TripletRow] = []
    notes = [*triplets.notes]
    for done, (text, recipe) in enumerate(kinds):
        first: NDArray[np.int64] | None = None
        for i, model in enumerate(models):
            step = step_of(progress, done * len(models) + i, len(kinds) * len(models))
            found = embed(model, triplets.pictures, layer=layer, recipe=recipe, cache=cache, progress=step)
            kept, correct, counted = order(found, triplets, k)
            if len(kept) < len(triplets):
                notes.append(f"{len(triplets) - len(kept):,} of {len(triplets):,} triplets hold unreadable pictures.")
            queries = np.unique(kept[:, 0], return_inverse=True)[1]
            right, points = (np.bincount(queries, one) for one in (correct, np.where(counted, 2 * correct - 1, 0)))
            first = points if first is None else first
            rows.append(_row(found.model, text, right, np.bincount(queries), points, points - first if i else None))
    return TripletResult(triplets.pictures.name, k, tuple(rows), tuple(dict.fromkeys(notes)))


def order(
    found: Embeddings, triplets: Triplets, k: int = NEAREST
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Order triplets by distances.

    Args:
        found: Vectors of their pictures.
        triplets: The triplets.
        k: K of score@K.

    Returns:
        The triplets that can be read (T, 3); whether the positive is nearer (T,); and whether positive or negative is
        among the query's K nearest (T,).

    Raises:
        ExplorerError: If none can be read.
    """
    place = np.full(len(triplets.pictures), -1)
    place[list(found.rows)] = np.arange(len(found))
    kept = triplets.rows[(place[triplets.rows] >= 0).all(1)]
    if not len(kept):
        raise ExplorerError(f"None of the triplets of {triplets.pictures.name} can be read.")
    q, p, n = place[kept].T
    near, far = (_distances(found.vectors, q, other) for other in (p, n))
    reach = np.full(len(found), np.inf)  # the distance of the K-th neighbour
    groups = np.zeros(len(found), np.int64) if triplets.groups is None else triplets.groups[list(found.rows)]
    for group in np.unique(groups[q]):
        members = np.flatnonzero(groups == group)
        if len(members) > k + 1:
            own = nearest(found.select(members), k=k).places[:, -1]
            reach[members] = _distances(found.vectors, members, members[own])
    return kept, near < far, np.minimum(near, far) <= reach[q]


def _distances(vectors: NDArray[np.float32], one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    parts = zip(*(np.array_split(side, -(-len(side) // 4096)) for side in (one, other)), strict=True)
    return np.concatenate([np.linalg.norm(vectors[i].astype(np.float64) - vectors[j], axis=1) for i, j in parts])


def _row(
    model: str, distortion: str, right: NDArray[Any], sizes: NDArray[Any], points: NDArray[Any],
    more: NDArray[Any] | None,
) -> TripletRow:  # fmt: skip
    """The shares with intervals by query: whole queries are drawn."""
    shares, scores, gaps = [], [], []
    for counts in resampled_counts(len(sizes)):
        shares.append((counts @ right) / (counts @ sizes))
        scores.append(counts @ points)
        gaps.append(counts @ (points if more is None else more))
    share, interval = right.sum() / sizes.sum(), percentile_interval(np.concatenate(shares))
    if share in {0.0, 1.0}:
        interval = wilson_interval(share * len(sizes), len(sizes))  # queries that agree have a width, too
    return TripletRow(
        model, distortion, int(sizes.sum()), len(sizes), float(share), interval, int(points.sum()),
        percentile_interval(np.concatenate(scores)), None if more is None else int(more.sum()),
        None if more is None else percentile_interval(np.concatenate(gaps)),
    )  # fmt: skip
