"""The pictures most like one, before and after it was distorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.data.inputs import PictureLike
from explorer.distortions import Recipe
from explorer.progress import Progress
from explorer.results import Result
from explorer.search.embedders import ModelLike
from explorer.search.embeddings import embed
from explorer.search.neighbours import nearest
from explorer.search.sources import Pictures, PicturesLike, read_pictures
from explorer.search.triplets import NEAREST

SAID = 5  # of the nearest in a result's short text


@dataclass(frozen=True)
class Relative:
    """One of the nearest pictures.

    Attributes:
        rank: From 1.
        name: Of the picture.
        hash: Of its content.
        distance: To the query.
        before: Its rank for the query as it was, or None where that is not asked or beyond those that are looked at.
    """

    rank: int
    name: str
    hash: str
    distance: float
    before: int | None


@dataclass(frozen=True, repr=False)
class Relatives(Result):
    """The nearest pictures of a query.

    Attributes:
        query: Name of the query.
        recipe: What was done to it.
        data: What the pictures are called.
        n: Number of pictures.
        model: Name of the model.
        exact: Whether none was missed for certain.
        rows: The nearest ones.
        notes: What was noticed, one sentence each.
    """

    query: str
    recipe: str
    data: str
    n: int
    model: str
    exact: bool
    rows: tuple[Relative, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        head = f"The nearest of {self.n:,} pictures of {self.data} to {self.query} by {self.model}, {self.recipe}"
        rows = [f"  {one.rank}. {one.name} ({one.distance:.4g})" for one in self.rows[:SAID]]
        more = [f"  and {len(self.rows) - SAID:,} more"] if len(self.rows) > SAID else []
        return "\n".join([head, *rows, *more])

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values.
        """
        return vars(self) | {"rows": [dict(vars(row)) for row in self.rows], "notes": [*self.notes]}

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per picture.
        """
        return [dict(vars(row)) for row in self.rows]


def find_relatives(
    model: ModelLike,
    query: PictureLike,
    pictures: PicturesLike | Pictures,
    recipe: Recipe | str | None = None,
    *,
    k: int = NEAREST,
    layer: str | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Relatives:
    """Find the pictures most like one.

    Args:
        model: A network, its name, or a model without learning.
        query: The picture; one that is among the others finds itself.
        pictures: Those that are searched.
        recipe: What is done to the query; ranks before it are told, too.
        k: How many.
        layer: A layer of the network; the penultimate one by default.
        cache: Whether vectors of the pictures are kept on disk.
        progress: Called with pictures done and pictures in all.

    Returns:
        The nearest pictures.

    Raises:
        ExplorerError: If the query or the pictures cannot be read.
    """
    source = read_pictures(pictures)
    searched = embed(model, source, layer=layer, cache=cache, progress=progress)
    asked = embed(model, [query], layer=layer, recipe=recipe, cache=False)
    found = nearest(searched, asked, k=k)
    places, distances = found.places[0].tolist(), found.distances[0].tolist()
    before: dict[int, int] = {}
    if recipe is not None:
        plain = embed(model, [query], layer=layer, cache=False)
        ranked = nearest(searched, plain, k=max(10 * k, 300)).places[0].tolist()
        before = {place: rank for rank, place in enumerate(ranked, 1)}
    rows = tuple(
        Relative(rank, searched.names[place], searched.hashes[place], away, before.get(place))
        for rank, (place, away) in enumerate(zip(places, distances, strict=True), 1)
    )
    about = (asked.names[0], str(asked.recipe), source.name, len(searched), searched.model, found.exact)
    return Relatives(*about, rows, searched.notes)
