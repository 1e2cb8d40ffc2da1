"""The duplicates among one's own pictures, in groups, with a suggestion which one to keep. Nothing is ever deleted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.data.image_files import ImageFiles
from explorer.defaults import COPIES
from explorer.errors import ExplorerError
from explorer.models import pick_device
from explorer.numbers import counted
from explorer.progress import Progress
from explorer.results import Result
from explorer.search.copies import all_pairs
from explorer.search.embedders import HAMMING, ModelLike
from explorer.search.embeddings import Embeddings, embed
from explorer.search.neighbours import products_of
from explorer.search.pairs import BLOCK, blocks
from explorer.search.sources import Pictures, PicturesLike, read_pictures
from explorer.search.study import read_copies

if TYPE_CHECKING:
    import pandas as pd

MOST = 2_000_000
"""Near pairs; more than that are no duplicates but a threshold that is too far."""

SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that table programs compute."""

RULE = "of each group the picture with most pixels, of equals the sharpest, then the larger file, then the first name"
"""Which one is suggested to be kept."""


@dataclass(frozen=True)
class Member:
    """One picture of a group.

    Attributes:
        row: Row of the picture among those that were searched, from 0.
        name: Of the picture.
        hash: Of its content.
        width: In px.
        height: In px.
        file_bytes: Size of its file; 0 where it has none.
        sharpness: Mean squared Laplacian of its grey values in [0, 1].
        distance: To the picture that is suggested to be kept; 0 for that.
        keep: Whether it is that picture.
    """

    row: int
    name: str
    hash: str
    width: int
    height: int
    file_bytes: int
    sharpness: float
    distance: float
    keep: bool


@dataclass(frozen=True, repr=False)
class Duplicates(Result):
    """Groups of pictures that are linked by distances up to the threshold.

    Attributes:
        data: What the pictures are called.
        n: Number of pictures.
        model: Name of the model.
        threshold: The distance.
        groups: Groups of two or more, the largest first, the suggestion first in each.
        notes: What was noticed, one sentence each.
    """

    data: str
    n: int
    model: str
    threshold: float
    groups: tuple[tuple[Member, ...], ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        more = sum(len(group) - 1 for group in self.groups)
        head = f"{counted(len(self.groups), 'group')} of duplicates in {self.n:,} pictures of {self.data}"
        return f"{head}, {more:,} beside those to keep ({self.model}, distance up to {self.threshold:.4g})"

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values; a list of groups.
        """
        own = {key: getattr(self, key) for key in ("data", "n", "model", "threshold")}
        return own | {"rule": RULE, "groups": [[dict(vars(one)) for one in group] for group in self.groups],
                      "notes": [*self.notes]}  # fmt: skip

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per picture of a group.
        """
        return [{"group": i} | vars(one) for i, group in enumerate(self.groups, 1) for one in group]

    def to_frame(self) -> pd.DataFrame:
        """The groups as a tidy table.

        Returns:
            A pandas DataFrame with a row per picture of a group; without groups its columns alone. Names that a table
            program would compute or a shell take for an option, such as ``=1.png`` and ``-r.png``, begin with ``./``.
        """
        import pandas as pd

        frame = pd.DataFrame(self.records(), columns=["group", *(one.name for one in fields(Member))])
        frame["name"] = [f"./{name}" if name.startswith(SIGNS) else name for name in frame["name"]]
        return frame


def find_duplicates(
    model: ModelLike,
    pictures: PicturesLike | Pictures,
    *,
    threshold: float | None = None,
    precision: float = 0.995,
    layer: str | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Duplicates:
    """Find the duplicates among pictures.

    Args:
        model: A network, its name, or a model without learning.
        pictures: A folder, a data set or its name, or pictures.
        threshold: Largest distance of two duplicates; by default that of ``precision``.
        precision: Where no threshold is given: the pictures are compared with copies of themselves (``COPIES``), and
            the smallest of the thresholds is taken at which this share of the pairs found are such copies. Duplicates
            that are there already count as errors then, so that it is rather too small than too large.
        layer: A layer of the network; the penultimate one by default.
        cache: Whether vectors are kept on disk.
        progress: Called with pictures done and pictures in all, of the originals.

    Returns:
        The groups. Pictures are linked where they are near, also through others.

    Raises:
        ExplorerError: If no threshold reaches the precision, or far too many pairs are near.
    """
    source = read_pictures(pictures)
    found = embed(model, source, layer=layer, cache=cache, progress=progress)
    notes = [*found.notes, f"Suggested to keep: {RULE}. Nothing is deleted."]
    if threshold is None:
        threshold, said = _threshold(model, source, found, precision, layer, cache)
        notes.append(said)
    if not threshold >= 0:
        raise ExplorerError(f"A threshold is a distance of 0 or more, not {threshold:g}.")
    groups = linked(len(found), near_pairs(found, threshold))
    told = tuple(_told(source, found, group) for group in groups)
    return Duplicates(source.name, len(found), found.model, float(threshold), told, tuple(notes))


def _threshold(
    model: ModelLike, source: Pictures, found: Embeddings, precision: float, layer: str | None, cache: bool
) -> tuple[float, str]:
    reached: dict[str, float] = {}
    for text, recipe in read_copies(COPIES):
        copies = embed(model, source, layer=layer, recipe=recipe, cache=cache)
        curve = all_pairs(found, copies).curve
        at = curve.threshold_at(precision)
        if at is None:
            raise ExplorerError(
                f"No threshold of {found.model} reaches a precision of {precision:g} on copies by {text}; give a "
                "threshold, a lower precision, or another model."
            )
        reached[text] = at
    kind = min(reached, key=lambda one: reached[one])
    return reached[kind], (
        f"The distance {reached[kind]:.4g} is where {precision:.1%} of the pairs found are copies by {kind}, the least "
        f"of {COPIES} ({curve.prior_words})."
    )


def near_pairs(found: Embeddings, threshold: float) -> NDArray[np.int64]:
    """Find all pairs up to a distance.

    Args:
        found: Vectors.
        threshold: The distance, as ``Embeddings.distance`` counts.

    Returns:
        Places of both, the smaller first, (P, 2).

    Raises:
        ExplorerError: If there are more than ``MOST``.
    """
    n, parts, held = len(found), list[NDArray[np.int64]](), 0
    d = found.vectors.shape[1]
    bound = 1 - 2 * threshold / d if found.metric == HAMMING else 1 - threshold**2 / 2
    device = pick_device("auto")
    every, columns = torch.from_numpy(found.vectors).to(device), torch.arange(n, device=device)
    for block in blocks(n, max(1, BLOCK // n)):
        rows = torch.arange(block.start, block.stop, device=device)
        products = every[rows] @ every.T
        products[columns <= rows[:, None]] = -torch.inf  # each pair once
        near = (products >= bound - 1e-6).nonzero().cpu().numpy()
        near[:, 0] += block.start
        held += len(near)
        if held > MOST:  # before anything else is made of them
            raise ExplorerError(
                f"More than {MOST:,} pairs are nearer than {threshold:g}, so that is no distance of duplicates; give a "
                "smaller threshold."
            )
        exactly = found.distance(products_of(found.vectors, found.vectors, *near.T))
        parts.append(near[exactly <= threshold + 1e-9])
    return np.concatenate(parts) if parts else np.zeros((0, 2), np.int64)


def linked(count: int, pairs: NDArray[np.int64]) -> list[list[int]]:
    """Join pairs to groups.

    Args:
        count: Number of pictures.
        pairs: Places of both (P, 2).

    Returns:
        The groups of two or more, the largest first.
    """
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]  # as in statistics
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (count, count))
    labels = connected_components(graph, directed=False)[1]
    places = np.argsort(labels, kind="stable")
    groups = np.split(places, np.flatnonzero(np.diff(labels[places])) + 1)
    return sorted((group.tolist() for group in groups if len(group) > 1), key=lambda group: (-len(group), group))


def _told(source: Pictures, found: Embeddings, group: list[int]) -> tuple[Member, ...]:
    facts = [_facts(source, found.rows[place]) for place in group]
    order = sorted(range(len(group)), key=lambda i: (*(-one for one in _rank(facts[i])), found.names[group[i]]))
    places = np.array(group)[order]
    away = found.distance(products_of(found.vectors, found.vectors, places, np.full(len(group), places[0])))
    return tuple(
        Member(found.rows[at], found.names[at], found.hashes[at], *facts[i], float(far), i == order[0])
        for i, at, far in zip(order, places.tolist(), away, strict=True)
    )


def _rank(facts: tuple[int, int, int, float]) -> tuple[float, float, float]:
    width, height, size, sharpness = facts
    return width * height, sharpness, size


def _facts(source: Pictures, row: int) -> tuple[int, int, int, float]:
    """Width, height, bytes and sharpness of a picture; zeros where it can no longer be read."""
    files = None if source.data is None else source.data.images
    try:
        size = len(files.content(row)) if isinstance(files, ImageFiles) else 0
        shape = files.full(row).shape[:2] if isinstance(files, ImageFiles) else None
    except (ExplorerError, OSError, MemoryError):
        return 0, 0, 0, 0.0
    x = source.read([row])[0].get(row)
    if x is None:
        return 0, 0, 0, 0.0
    height, width = shape or x.shape[2:]
    grey = x.mean(1, keepdim=True)
    kernel = torch.tensor([[[[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]]])
    sharp = torch.nn.functional.conv2d(grey, kernel).square().mean() if min(x.shape[2:]) > 2 else torch.tensor(0.0)
    return int(width), int(height), size, float(f"{float(sharp):.6g}")
