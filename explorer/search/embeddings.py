"""Pictures as unit vectors, whose distances say how alike a model finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.data.fitting import CENTRE
from explorer.data.image_files import left_out
from explorer.distortions import Recipe, apply, image_seed
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models.memory import kept_memory
from explorer.progress import Meter, Progress
from explorer.search.cache import VectorCache, key_of
from explorer.search.embedders import HAMMING, Embedder, ModelLike, find_embedder
from explorer.search.sources import Pictures, PicturesLike, read_pictures

KEPT = 4096  # pictures after which vectors are written to the cache, so that what was interrupted goes on from there


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors of pictures.

    Attributes:
        vectors: float32 (n, d), each of length 1. Of a fingerprint of d bits, each number is 1 / sqrt(d) or its
            negative.
        names: Name of each picture.
        hashes: 16 hex digits of each picture's content: of its file, or of its pixels where it has none.
        rows: Row of each picture among those that were given, ascending.
        model: Name of the model.
        title: The model's name on screen.
        layer: The layer that was read; "" without a network.
        metric: ``euclidean``, or ``hamming`` for fingerprints.
        recipe: What was done to the pictures before.
        labels: Class of each picture, -1 where it is not known.
        classes: Class names.
        unread: Why a row could not be read, by row.
        notes: What was noticed, one sentence each.
    """

    vectors: NDArray[np.float32]
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    rows: tuple[int, ...]
    model: str
    title: str
    layer: str
    metric: str
    recipe: Recipe
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    unread: dict[int, str]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def select(self, chosen: Sequence[int] | NDArray[np.int64]) -> Embeddings:
        """Keep some.

        Args:
            chosen: Their places in ``vectors``.

        Returns:
            These, in this order.
        """
        places = [int(i) for i in chosen]
        names, hashes = (tuple(kept[i] for i in places) for kept in (self.names, self.hashes))
        rows = tuple(self.rows[i] for i in places)
        return replace(
            self, vectors=self.vectors[places], names=names, hashes=hashes, rows=rows, labels=self.labels[places]
        )

    def distance(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn dot products of its vectors into distances.

        Args:
            products: Dot products, -1 to 1.

        Returns:
            L2 distances, 0 to 2; or numbers of bits.
        """
        if self.metric == HAMMING:
            return (1 - products) * (self.vectors.shape[1] / 2)
        return np.sqrt(np.maximum(0, 2 - 2 * products))


def embed(
    model: ModelLike,
    pictures: PicturesLike | Pictures,
    *,
    layer: str | None = None,
    recipe: Recipe | str | None = None,
    batch: int | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Embeddings:
    """Turn pictures into vectors of length 1.

    Args:
        model: A network, its name, or a model without learning: ``pixels``, ``phash``, ``dhash``, ``pdq``.
        pictures: A data set or its name, a folder, or pictures. Files that cannot be read are left out, which is said.
        layer: A layer of the network; the penultimate one by default, as for the feature distance. Maps are averaged
            over their positions.
        recipe: What is done to the pictures before. With ``on=photograph``, also in the default, which changes nothing,
            at their own size, and the network's own transform fits them afterwards. The picture of row i has the seed
            ``image_seed(recipe.seed, i)``, as in ``evaluate``.
        batch: Pictures at a time; chosen by size by default.
        cache: Whether vectors are looked up and kept on disk; those of a network in memory never are.
        progress: Called with pictures done and pictures in all.

    Returns:
        The vectors of all pictures that can be read.

    Raises:
        ExplorerError: If the model, the layer or the recipe does not fit, or no picture can be read.

    Examples:
        >>> from explorer.search import embed
        >>> found = embed("digits/lenet/standard", "digits", cache=False)
        >>> found.vectors.shape, found.layer
        ((360, 500), 'penultimate')
    """
    source, asked, how = read_pictures(pictures), find_embedder(model, layer, batch=batch), _recipe(recipe)
    random = any(how.distortion(name).random for name, _ in how.steps)
    contents = [source.content(row) for row in range(len(source))]
    keys = [f"{one} {image_seed(how.seed, row)}" if random else one for row, one in enumerate(contents)]
    known = VectorCache(key_of(asked.identity, str(replace(how, seed=0)))) if cache and asked.identity else None
    held = known.get(keys) if known else [None] * len(source)
    wanted = [row for row, one in enumerate(held) if one is None]
    found = {row: one for row, one in enumerate(held) if one is not None}
    unread: dict[int, str] = {}
    fresh: list[int] = []
    meter = Meter(progress, len(source))
    meter.step(len(found))
    with kept_memory():
        for part, failed in source.stream(wanted, asked.batch):
            unread |= failed
            for rows, shown in _shown(asked, how, part):
                found |= dict(zip(rows, asked.vectors(shown).numpy(), strict=True))
                fresh += rows
            if known and len(fresh) >= KEPT:
                known.put([keys[row] for row in fresh], np.stack([found[row] for row in fresh]))
                fresh = []
            meter.step(len(part) + len(failed))
    if known and fresh:
        known.put([keys[row] for row in fresh], np.stack([found[row] for row in fresh]))
    if not found:
        raise ExplorerError(f"None of the {len(source):,} pictures can be read: {next(iter(unread.values()))}")
    read = sorted(found)
    data = source.data
    return Embeddings(
        np.stack([found[row] for row in read]),
        tuple(source.names[row] for row in read),
        tuple(contents[row] for row in read),
        tuple(read),
        *(asked.name, asked.title, asked.layer, asked.metric, how),
        np.full(len(read), -1) if data is None else np.asarray(data.labels)[read],
        () if data is None else data.classes,
        unread,
        (*source.notes, *asked.notes, *left_out(len(source), 0, unread, 0), *(known.notes if known else ())),
    )


def _recipe(given: Recipe | str | None) -> Recipe:
    recipe = Recipe(on=PHOTOGRAPH) if given is None else Recipe.parse(given) if isinstance(given, str) else given
    if recipe.adversarial:
        raise ExplorerError("Attacks are made against one network's answers; give a recipe without one to a search.")
    if recipe.window != CENTRE:
        raise ExplorerError("A search sees the centre of every picture; leave window= out of its recipe.")
    return recipe


def _shown(asked: Embedder, recipe: Recipe, pictures: dict[int, Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """What the model is given of some pictures, distorted; those of one size after the other at once."""
    ready: dict[int, Tensor] = {}
    for _, run in groupby(pictures, key=lambda row: pictures[row].shape):
        rows = list(run)
        x, seeds = torch.cat([pictures[row] for row in rows]), [image_seed(recipe.seed, row) for row in rows]
        made = asked.shown(apply(recipe, x, seeds=seeds)) if recipe.on == PHOTOGRAPH else None
        made = apply(recipe, asked.shown(x), seeds=seeds) if made is None else made
        ready |= dict(zip(rows, made.split(1), strict=True))
    for _, run in groupby(ready, key=lambda row: ready[row].shape):  # one size, but for models without a network
        rows = list(run)
        yield rows, torch.cat([ready[row] for row in rows])
