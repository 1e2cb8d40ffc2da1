"""The page "Search": pictures become vectors, and originals are compared with copies."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.search.collection import Collection
from explorer.app.search.requests import CopiesRequest, DuplicatesRequest, OpenRequest
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.progress import Progress
from explorer.search import UNLEARNED, Embeddings, all_pairs
from explorer.search.copies import Copies
from explorer.search.duplicates import RULE, find_duplicates
from explorer.search.embedders import HAMMING
from explorer.search.pairs import blocks
from explorer.web.answers import distortion_words

NEAREST = 4000
"""Pairs of different pictures that a page is sent, of each model under each distortion: the nearest."""

BINS = 64
GAP = "The threshold begins in the widest gap between the distances of the nearest pairs."


@job("search_open", OpenRequest)
def search_open(context: Context, request: OpenRequest, progress: Progress) -> dict[str, Any]:
    """Open pictures for a search: make the vectors of them all, by every model.

    Returns:
        {"run", "pictures", "title", "names", "models", "notes"}; ``run``: what the pictures are called from now on.

    Raises:
        ExplorerError: If there are no such pictures or models, or fewer than two pictures can be read.
    """
    collection = context.collections.open(request)
    progress(0, 0)
    total = len(collection.pictures) * len(collection.models)
    notes: dict[str, None] = {}
    for i, name in enumerate(collection.models):
        found = collection.embed(name, None, _part(progress, i * len(collection.pictures), total))
        notes |= dict.fromkeys(found.notes)
        if len(found) < 2:
            raise ExplorerError("A search needs at least two pictures that can be read.")
        collection.rows = found.rows
    context.collections.keep(collection)
    return {
        "run": collection.key,
        "pictures": len(collection),
        "title": collection.pictures.name,
        "names": [collection.pictures.names[row] for row in collection.rows],
        "models": [_described(collection, name) for name in collection.models],
        "notes": list(notes),
    }


@job("search_copies", CopiesRequest)
def search_copies(context: Context, request: CopiesRequest, progress: Progress) -> dict[str, Any]:
    """Compare every picture with the copies of all, by every model under every distortion.

    Returns:
        {"runs", "under"}; ``runs``: what the page draws curves and the wall from, see ``_sent``; ``under``: the
        distortions as the page names them.

    Raises:
        ExplorerError: If the pictures are gone, or a distortion does not fit.
    """
    collection = context.collections.find(request.run)
    under = list(dict.fromkeys(request.under))
    for one in under:
        collection.recipe(one)  # what is wrong is said before anything is computed
    total = len(under) * len(collection.models) * len(collection.pictures)
    runs: list[dict[str, Any]] = []
    for place, one in enumerate(under):
        for name in collection.models:
            part = _part(progress, len(runs) * len(collection.pictures), total)
            copies = collection.embed(name, one, part)
            found = all_pairs(collection.originals(name), copies, keep=NEAREST, device="cpu", progress=part)
            runs.append({"model": name, "distortion": place, **_sent(found, collection)})
    return {"runs": runs, "under": [_named(*one) for one in under]}


@job("search_duplicates", DuplicatesRequest)
def search_duplicates(context: Context, request: DuplicatesRequest, progress: Progress) -> dict[str, Any]:
    """Find the duplicates among the opened pictures; nothing is deleted.

    Returns:
        {"model", "threshold", "high", "bits", "rule", "notes", "groups"}; ``high``: a distance at which there are so
        many pairs that it is none of duplicates; ``groups``: members with the fields of ``explorer.search.Member``
        and their index on the page as ``picture``.

    Raises:
        ExplorerError: If the pictures are gone, or no threshold reaches the precision.
    """
    collection = context.collections.find(request.run)
    model, vectors = collection.model(request.model), collection.originals(request.model)
    progress(0, 0)
    gap, high = _range(vectors)
    threshold = gap if request.threshold is None else request.threshold
    found = find_duplicates(
        model,
        collection.pictures,
        threshold=threshold if request.precision is None else None,
        precision=request.precision or 1.0,
        cache=collection.cached,
        progress=progress,
    )
    notes = (note for note in found.notes if RULE not in note)
    places = {collection.pictures.names[row]: place for place, row in enumerate(collection.rows)}
    return {
        "model": request.model,
        "threshold": found.threshold,
        "high": high,
        "bits": vectors.metric == HAMMING,
        "rule": RULE,
        "notes": [*([GAP] if request.threshold is request.precision is None else ()), *notes],
        "groups": [[{"picture": places[one.name], **asdict(one)} for one in group] for group in found.groups],
    }


def _range(vectors: Embeddings) -> tuple[float, float]:
    """The middle of the widest gap between the distances of the n nearest pairs, and the last of these."""
    n = len(vectors)
    products = np.sort((vectors.vectors @ vectors.vectors.T)[np.triu_indices(n, 1)])[::-1]
    distances = vectors.distance(products[: max(2, n)].astype(np.float64))
    place = int(np.argmax(np.diff(distances))) if len(distances) > 1 else 0
    return float(distances[place : place + 2].mean()), float(distances[-1])


def _part(progress: Progress, before: int, total: int) -> Progress:
    """What reports the progress of a part that begins after so many of all."""
    return lambda done, _: progress(before + done, total)


def _sent(found: Copies, collection: Collection) -> dict[str, Any]:
    """Copies and other pairs as sorted arrays: see ``RawRun`` in ``web/search/types.d.ts``."""
    order = np.argsort(found.distances, kind="stable")
    places = np.searchsorted(collection.rows, found.originals.rows)  # fewer where a file was removed meanwhile
    positives = found.distances[order]
    thresholds = np.searchsorted(found.curve.thresholds, positives, "right") - 1
    bins = _histograms(found)
    return {
        "pictures": len(collection),
        "positives": _packed(positives, "<f8"),
        "order": _packed(places[order], "<i4"),
        "friends": _packed(found.curve.false[thresholds], "<i4"),
        "negatives": _packed(found.false.distance, "<f8"),
        "left": _packed(places[found.false.original], "<i4"),
        "right": _packed(places[found.false.copy], "<i4"),
        "total": found.curve.negatives,
        "average_precision": found.curve.average_precision,
        "bits": found.originals.metric == HAMMING,
        "bins": bins,
    }


def _histograms(found: Copies) -> dict[str, Any]:
    """How many copies and how many other pairs lie at which distance, from 0 to ``high``."""
    n = len(found.distances)
    apart = np.empty((n, n))
    for rows in blocks(n, 64):
        left = found.originals.vectors[rows.start : rows.stop]
        apart[rows.start : rows.stop] = found.originals.distance((left @ found.copies.vectors.T).astype(np.float64))
    np.fill_diagonal(apart, found.distances)
    high = float(apart.max()) or 1.0
    copies, every = (np.histogram(values, BINS, (0, high))[0] for values in (found.distances, apart))
    return {"high": high, "copies": copies.tolist(), "others": (every - copies).tolist()}


def _packed(values: NDArray[Any], form: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, form).tobytes()).decode("ascii")


def _described(collection: Collection, name: str) -> dict[str, Any]:
    """A model as the page names it."""
    if name in UNLEARNED:
        return {"name": name, "title": UNLEARNED[name].title, "method": "", "learned": False}
    card = collection.networks[name].card
    return {"name": name, "title": card.title, "method": card.method, "learned": True}


def _named(name: str, amount: float) -> dict[str, Any]:
    """A distortion as the page names it."""
    words = distortion_words(find_distortion(name))
    return {"name": name, "amount": amount, **{key: words[key] for key in ("title", "sign", "symbol", "factor")}}
