"""What the page "Search" asks of opened pictures; what takes longer is a job (``explorer.app.jobs.search``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from explorer.app.cache import LruCache
from explorer.app.pictures import PictureGoneError
from explorer.app.search.collection import Collection, Collections
from explorer.app.search.requests import PictureRequest, RelativesRequest, ThumbsRequest
from explorer.app.validation import answer_by_name
from explorer.data import images
from explorer.data.photographs import working_copy
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.search import nearest

RELATIVES = 30
SHOWN = 320  # px: the long side of the query on the page
KEPT_THUMBS = 6000
"""Thumbnails kept, some 15 kB each."""


class Search:
    """Answers the page's questions; one method per question."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._thumbs: LruCache[tuple[Any, ...], str] = LruCache(KEPT_THUMBS)
        self._asks: dict[str, Callable[[Any], dict[str, Any]]] = {
            "thumbs": self.thumbs,
            "case": self.case,
            "relatives": self.relatives,
        }

    def answer(self, question: Any) -> dict[str, Any]:
        """Answer a question of the page.

        Args:
            question: {"ask": name, ...} from the browser.

        Returns:
            The answer.

        Raises:
            ExplorerError: If it makes no sense.
        """
        return answer_by_name(self._asks, question)

    def thumbs(self, question: Any) -> dict[str, Any]:
        """Draw pictures.

        Args:
            question: As ``ThumbsRequest``.

        Returns:
            {"thumbs": a data URL for each, null where it cannot be drawn}.

        Raises:
            ExplorerError: If the pictures are gone.
        """
        request = ThumbsRequest.read(question)
        collection = self._collections.find(request.run)
        if any(under >= len(request.under) for _, under in request.wanted):
            raise ExplorerError(request.wrong)
        for picture, _ in request.wanted:
            collection.row(picture)  # says how many there are
        recipes = [*request.under, None]  # -1: the original
        return {"thumbs": [self._thumb(collection, picture, recipes[under]) for picture, under in request.wanted]}

    def case(self, question: Any) -> dict[str, Any]:
        """Describe how to open a picture or a copy on the page "Explore" with the same pixels.

        Args:
            question: As ``PictureRequest``.

        Returns:
            {"state", "recipe"}; ``state``: that of the page "Explore".
        """
        request = PictureRequest.read(question)
        collection = self._collections.find(request.run)
        row = collection.row(request.picture)
        _, recipe = collection.distorted(request.picture, request.under)
        state: dict[str, Any] = {
            "picture": collection.states[row],
            "steps": [{"name": name, "amount": amount, "on": True} for name, amount in recipe.steps],
            "seed": recipe.seed,
            "against": None,
            "quantised": recipe.quantised,
            "on": recipe.on,
            "reference": None,
        }
        if collection.family is not None:
            state |= {"family": collection.family.key, "models": list(collection.networks)}
        return {"state": state, "recipe": str(recipe)}

    def relatives(self, question: Any) -> dict[str, Any]:
        """Find the pictures that are nearest to one, and to its copy.

        Args:
            question: As ``RelativesRequest``.

        Returns:
            {"query": the copy, "hash", "recipe", "models": [{name, before, after, itself}]}; ``before`` and ``after``:
            indices of the nearest others; ``itself``: at which place among all the original of the query is, from 0,
            or null where it is not among the nearest.
        """
        request = RelativesRequest.read(question)
        collection = self._collections.find(request.run)
        copy, recipe = collection.distorted(request.picture, request.under)
        names = dict.fromkeys(request.models)
        models = [self._ranked(collection, name, request.picture, copy) for name in names]
        shown = copy if max(copy.shape[2:]) <= SHOWN else working_copy(copy, SHOWN)
        return {
            "query": images.data_url(shown),
            "hash": images.image_hash(copy),
            "recipe": str(recipe),
            "models": models,
        }

    def _ranked(self, collection: Collection, name: Any, itself: int, distorted: Tensor) -> dict[str, Any]:
        """The nearest pictures of the query and of its copy by one model."""
        found = collection.originals(name)
        before = nearest(found, found.select([itself]), RELATIVES + 1, device="cpu").places[0]
        asked = collection.embedder(name)
        given = asked.shown(distorted) if collection.on == PHOTOGRAPH else distorted
        copy = replace(found.select([itself]), vectors=asked.vectors(given).numpy())
        after = nearest(found, copy, RELATIVES + 1, device="cpu").places[0]
        own = np.flatnonzero(after == itself)
        return {
            "name": name,
            "before": before[before != itself][:RELATIVES].tolist(),
            "after": after[after != itself][:RELATIVES].tolist(),
            "itself": int(own[0]) if len(own) else None,
        }

    def _thumb(self, collection: Collection, picture: int, under: tuple[str, float] | None) -> str | None:
        key = (collection.key, picture, under)
        made = self._thumbs.get(key)
        if made is None:
            try:
                made = collection.thumb(picture, under)
            except PictureGoneError:
                raise
            except ExplorerError:  # a file that was removed meanwhile
                return None
            self._thumbs.put(key, made)
        return made
