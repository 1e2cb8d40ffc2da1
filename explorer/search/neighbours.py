"""The nearest of many vectors: exactly, by blocks of the matrix of dot products; of very many by an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.models import pick_device
from explorer.numbers import count_of
from explorer.progress import Meter, Progress
from explorer.search.embeddings import Embeddings
from explorer.search.pairs import blocks

APPROXIMATE = 200_000
"""Pictures above which an approximate index is used."""

BLOCK = 2**26
"""Numbers in a block of the matrix of dot products: 256 MB."""

CHUNK = 128  # columns of which only the largest product is looked at first


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest pictures of each query.

    Attributes:
        places: Their places in the searched vectors, the nearest first (q, k).
        distances: Their distances (q, k), as ``Embeddings.distance`` gives them.
        exact: Whether none was missed for certain.
    """

    places: NDArray[np.int64]
    distances: NDArray[np.float64]
    exact: bool


def nearest(
    searched: Embeddings,
    queries: Embeddings | None = None,
    k: int = 30,
    *,
    device: str | torch.device = "auto",
    exact: bool | None = None,
    progress: Progress | None = None,
) -> Neighbours:
    """Find the nearest pictures of each query.

    Args:
        searched: Vectors of the pictures among which it is searched.
        queries: Vectors of the queries, of the same model and layer; by default the searched ones themselves, each of
            which is then not its own neighbour.
        k: How many; fewer where there are fewer.
        device: Where the dot products are computed; see ``explorer.models.pick_device``.
        exact: Whether none may be missed; by default up to ``APPROXIMATE`` pictures.
        progress: Called with queries done and queries in all.

    Returns:
        The neighbours; of equal distances those of the smaller place first, where the search is exact.

    Raises:
        ExplorerError: If the vectors are not comparable, or the index's package is missing.
    """
    own = queries is None
    asked = searched if queries is None else queries
    check_comparable(searched, asked)
    k = min(count_of(k, "k"), len(searched) - own)
    if k < 1:
        raise ExplorerError("There is no other picture to be a neighbour.")
    if exact is False or (exact is None and len(searched) > APPROXIMATE):
        places, products = _by_index(searched.vectors, asked.vectors, k + own)
    else:
        places, products = _by_blocks(searched.vectors, asked.vectors, k + own, pick_device(device), progress)
    if own:
        places, products = _without_self(places, products)
    return Neighbours(places, searched.distance(products), exact or (exact is None and len(searched) <= APPROXIMATE))


def check_comparable(one: Embeddings, other: Embeddings) -> None:
    """Check that distances between vectors mean something.

    Args:
        one: Vectors.
        other: Others.

    Raises:
        ExplorerError: If they are not of one model and layer.
    """
    if (one.model, one.layer, one.vectors.shape[1]) != (other.model, other.layer, other.vectors.shape[1]):
        first, second = (" ".join(filter(None, (each.model, each.layer))) for each in (one, other))
        raise ExplorerError(f"Vectors of {first} and of {second} cannot be compared; embed both with one model.")


def products_of(
    left: NDArray[np.float32], right: NDArray[np.float32], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Dot products of some pairs of unit vectors, exactly 1 where both are the same.

    Args:
        left: Vectors (n, d).
        right: Vectors (m, d).
        i: Places in ``left`` (P,).
        j: Places in ``right`` (P,).

    Returns:
        1 - |difference|² / 2 in float64 (P,).
    """
    out = np.empty(len(i))
    for some in blocks(len(i), 4096):
        part = slice(some.start, some.stop)
        difference = left[i[part]].astype(np.float64) - right[j[part]]
        out[part] = 1 - np.einsum("nd,nd->n", difference, difference) / 2
    return out


def _by_blocks(
    searched: NDArray[np.float32], queries: NDArray[np.float32], k: int, device: torch.device, progress: Progress | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    among, meter = torch.from_numpy(searched).to(device), Meter(progress, len(queries))
    places, products = np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    size = min(BLOCK // len(searched), BLOCK // (4 * k * searched.shape[1]))
    for rows in blocks(len(queries), max(1, size)):
        asked = torch.from_numpy(queries[rows.start : rows.stop]).to(device)
        found = _largest(asked @ among.T, k)
        # As in products_of: near ones differ in digits that float32 lacks.
        exactly = 1 - (asked.double()[:, None] - among[found].double()).square().sum(2) / 2
        order = torch.argsort(exactly, dim=1, descending=True, stable=True)
        places[rows.start : rows.stop] = found.gather(1, order).cpu().numpy()
        products[rows.start : rows.stop] = exactly.gather(1, order).cpu().numpy()
        meter.step(len(rows))
    return places, products


def _largest(products: torch.Tensor, k: int) -> torch.Tensor:
    """The places of the k largest in each row, ascending.

    They lie in the k chunks whose largest numbers are largest, so that most numbers are looked at only once.
    """
    whole = products.shape[1] // CHUNK * CHUNK
    if whole // CHUNK <= 4 * k:
        return products.topk(k).indices.sort().values
    chunks = products[:, :whole].unflatten(1, (-1, CHUNK)).amax(2).topk(k).indices
    inside = (chunks[:, :, None] * CHUNK + torch.arange(CHUNK, device=products.device)).flatten(1)
    rest = torch.arange(whole, products.shape[1], device=products.device).expand(len(products), -1)
    candidates = torch.cat([inside, rest], 1)
    return candidates.gather(1, products.gather(1, candidates).topk(k).indices).sort().values


def _by_index(
    searched: NDArray[np.float32], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    try:
        from usearch.index import Index
    except ImportError as error:
        raise ExplorerError(
            f"Above {APPROXIMATE:,} pictures the search needs an index: pip install "
            '"stability-explorer[search]"; exact=True does without, in more time.'
        ) from error
    index: Any = Index(ndim=searched.shape[1], metric="ip", dtype="f32")
    index.add(np.arange(len(searched)), searched)
    places = np.asarray(index.search(queries, k).keys, np.int64).reshape(len(queries), -1)
    asked = np.repeat(np.arange(len(queries)), places.shape[1])
    return places, products_of(queries, searched, asked, places.ravel()).reshape(places.shape)


def _without_self(
    places: NDArray[np.int64], products: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """One fewer for each: itself, or the farthest where it is not among them for all its equals."""
    itself = places == np.arange(len(places))[:, None]
    itself[~itself.any(1), -1] = True
    kept = ~itself
    shape = (len(places), places.shape[1] - 1)
    return places[kept].reshape(shape), products[kept].reshape(shape)
