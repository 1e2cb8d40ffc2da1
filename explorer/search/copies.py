"""Pictures against their distorted copies: all pairs at once, the copy of the same picture being the positive one.

The protocol is that of Zheng et al. 2016 (arXiv 1604.04326, near-duplicate detection); corpus and prior differ. The
dot products of n originals and n copies are made block by block and counted (``explorer.search.pairs.Counter``), so
that n (n - 1) negatives need neither memory nor a sort of all. A dot product in float32 is exact to about 1e-7, which
neither tells distances below about 0.0005 apart nor finds the equal distances of pictures that are there twice: those
of the nearest pairs are made again in float64, and what is counted up to them is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.models import pick_device
from explorer.numbers import count_of
from explorer.progress import Meter, Progress
from explorer.results import Result
from explorer.search.embeddings import Embeddings
from explorer.search.neighbours import check_comparable, nearest, products_of
from explorer.search.pairs import BLOCK, Counter, PrecisionRecall, blocks

NEAR = 1e-4  # products above 1 - NEAR are made again in float64, however many
ROUNDED = 1e-5  # more than a product of unit vectors in float32 is wrong by

BACKGROUND = 10
"""Nearest pictures of the background that a score is normalised by."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest negative pairs, ascending.

    Attributes:
        original: Place of the original of each (K,).
        copy: Place of the copy (K,).
        distance: Their distances (K,).
    """

    original: NDArray[np.int64]
    copy: NDArray[np.int64]
    distance: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.distance)


@dataclass(frozen=True, repr=False, eq=False)
class Copies(Result):
    """Originals against copies by one model.

    Attributes:
        originals: Vectors of the originals.
        copies: Vectors of the copies, in the same order.
        distances: Distance of each original to its own copy (n,).
        false: The nearest pairs of an original and another picture's copy; all that are not farther than the
            last of them.
        curve: Precision and recall over all n (n - 1) negatives.
        normalised: Whether distances were made by score normalisation; they may be negative then.
    """

    originals: Embeddings
    copies: Embeddings
    distances: NDArray[np.float64]
    false: Nearest
    curve: PrecisionRecall
    normalised: bool

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.originals.model

    @property
    def recipe(self) -> str:
        """What was done to the copies."""
        return str(self.copies.recipe)

    def __str__(self) -> str:
        return str(self.curve)

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            The curve, with the model and the recipe.
        """
        return {"model": self.model, "layer": self.originals.layer, "recipe": self.recipe,
                "metric": self.originals.metric, "normalised": self.normalised} | self.curve.to_dict()  # fmt: skip

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per picture with the distance of its copy.
        """
        pictures = zip(self.originals.names, self.originals.hashes, self.distances.tolist(), strict=True)
        return [{"picture": name, "hash": known, "distance": at} for name, known, at in pictures]


def all_pairs(
    originals: Embeddings,
    copies: Embeddings,
    *,
    background: Embeddings | None = None,
    keep: int | None = None,
    prior: float | None = None,
    device: str | torch.device = "auto",
    progress: Progress | None = None,
) -> Copies:
    """Compare every original with every copy.

    Args:
        originals: Vectors of pictures.
        copies: Vectors of the same pictures, distorted, of the same model and layer. Pictures that are missing in one
            of both are left out.
        background: Vectors of other pictures of the same model, to normalise scores by: a dot product counts from the
            mean of those with the original's ``BACKGROUND`` nearest ones (as in the Image Similarity Challenge 2021,
            arXiv 2106.09672; distances are then 1 minus that and may be negative).
        keep: How many of the nearest negative pairs are kept; by default four for each picture, at least 1,000.
        prior: As for ``precision_recall``.
        device: Where dot products are computed; see ``explorer.models.pick_device``.
        progress: Called with originals done and originals in all.

    Returns:
        The curve, the distances and the nearest negatives.

    Raises:
        ExplorerError: If the vectors are not comparable, or there are fewer than two pictures.
    """
    check_comparable(originals, copies)
    rows = sorted(set(originals.rows) & set(copies.rows))
    if len(rows) < 2:
        raise ExplorerError("Pairs need at least two pictures: with one there is no other picture to take it for.")
    first, second = (_of_rows(each, rows) for each in (originals, copies))
    bias = _bias(first, background, device)
    places = np.arange(len(rows))
    own = products_of(first.vectors, second.vectors, places, places) - bias
    kept = max(1000, 4 * len(rows)) if keep is None else count_of(keep, "keep")
    counter, heap = Counter(-own), _Heap(kept)
    where, meter = pick_device(device), Meter(progress, len(rows))
    right = torch.from_numpy(second.vectors).to(where)
    for block in blocks(len(rows), max(1, BLOCK // len(rows))):
        left = torch.from_numpy(first.vectors[block.start : block.stop]).to(where)
        products = left @ right.T
        _count(products, block, first, second, bias, counter, heap)
        meter.step(len(block))
    nearest_false, least = heap.exactly(first, second, bias)
    counter.settle(-nearest_false.distance, -least - ROUNDED)
    name = ", ".join(filter(None, (first.title, str(second.recipe))))
    curve = counter.curve(prior, name)
    to_distance = (lambda s: 1 - s) if background is not None else first.distance
    curve = replace(curve, thresholds=to_distance(-curve.thresholds))
    nearest_false = replace(nearest_false, distance=to_distance(nearest_false.distance))
    return Copies(first, second, to_distance(own), nearest_false, curve, background is not None)


def _of_rows(found: Embeddings, rows: list[int]) -> Embeddings:
    places = {row: i for i, row in enumerate(found.rows)}
    return found if list(found.rows) == rows else found.select([places[row] for row in rows])


def _bias(found: Embeddings, background: Embeddings | None, device: str | torch.device) -> NDArray[np.float64]:
    if background is None:
        return np.zeros(len(found))
    check_comparable(found, background)
    near = nearest(background, found, count_of(BACKGROUND, "BACKGROUND"), device=device)
    products = np.einsum("nd,nkd->nk", found.vectors, background.vectors[near.places], dtype=np.float64)
    return products.mean(1)


def _count(
    products: torch.Tensor, block: range, first: Embeddings, second: Embeddings, bias: NDArray[np.float64],
    counter: Counter, heap: _Heap,
) -> None:  # fmt: skip
    """Count a block of products of originals (rows) and copies (columns), but for those of the same picture."""
    n = products.shape[1]
    own = torch.arange(block.start, block.stop, device=products.device)
    products[own - block.start, own] = -torch.inf
    near = (products > 1 - NEAR).nonzero().cpu().numpy()
    if len(near):
        i, j = near[:, 0] + block.start, near[:, 1]
        again = products_of(first.vectors, second.vectors, i, j) - bias[i]
        counter.add(-again)
        heap.add(i, j, again)
        products[products > 1 - NEAR] = -torch.inf
    if bias.any():
        products -= torch.from_numpy(bias[block.start : block.stop, None]).to(products)
    values = products.flatten()
    over = (values > heap.bound).nonzero()[:, 0]
    if len(over) > heap.size:
        over = over[values[over].topk(heap.size).indices]
    places = over.cpu().numpy()
    heap.add(places // n + block.start, places % n, values[over].cpu().numpy().astype(np.float64))
    left_out = len(near) + len(block)
    if products.device.type == "cpu":
        ordered = np.sort(-products.numpy(), axis=None)[: values.numel() - left_out]
        counter.add_ordered(ordered)
        return
    ordered_there = (-values).sort().values[: values.numel() - left_out]
    bounds = torch.from_numpy(counter.thresholds.astype(np.float32)).to(products.device)
    within, nearer = (torch.searchsorted(ordered_there, bounds, right=side).cpu().numpy() for side in (True, False))
    counter.add_counts(within, nearer, len(ordered_there))


class _Heap:
    """The pairs with the largest products so far."""

    def __init__(self, size: int) -> None:
        self.size, self.bound = size, -np.inf
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
        self._held = 0

    def add(self, i: NDArray[np.int64], j: NDArray[np.int64], products: NDArray[np.float64]) -> None:
        """Take pairs in; now and then those that are out are let go."""
        self._parts.append((i, j, products))
        self._held += len(i)
        if self._held > 2 * self.size:
            self._cut()

    def _cut(self) -> None:
        i, j, products = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.argsort(-products, kind="stable")[: self.size]
        self._parts, self._held = [(i[order], j[order], products[order])], len(order)
        if len(order) == self.size and self.size:
            self.bound = float(products[order[-1]])

    def exactly(self, first: Embeddings, second: Embeddings, bias: NDArray[np.float64]) -> tuple[Nearest, float]:
        """Those that are kept, the largest first, with products in place of distances; and the least of all that may
        not be kept.
        """
        self._cut()
        ((i, j, _),) = self._parts
        products = products_of(first.vectors, second.vectors, i, j) - bias[i]
        order = np.argsort(-products, kind="stable")
        return Nearest(i[order], j[order], products[order]), self.bound
