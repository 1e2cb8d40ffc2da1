"""Pictures that a visitor opened for a search, with the models that look at them and the vectors made so far."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from explorer.app.cache import LruCache
from explorer.app.pictures import MAX_UNUSED
from explorer.app.search.requests import OpenRequest
from explorer.app.workspace import Workspace
from explorer.data import images
from explorer.data.image_files import ImageFiles
from explorer.data.photographs import working_copy
from explorer.distortions import Recipe, apply, image_seed
from explorer.distortions.recipe import INPUT, PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models.families import Family
from explorer.progress import Progress
from explorer.search import UNLEARNED, Embeddings, embed
from explorer.search.embedders import Embedder, find_embedder
from explorer.search.sources import Pictures

MAX_COLLECTIONS = 12
"""Collections that are kept at once, for all visitors; the one unused for longest goes first."""

THUMB = 128  # px: the long side of a picture on the wall
GONE = "These pictures are no longer held here; choose them again."


@dataclass(frozen=True, eq=False)
class Brought(Pictures):
    """Pictures that a visitor brought, read where the app keeps them for as long as it does.

    Attributes:
        tokens: By which the app knows each.
        workspace: Where they are.
    """

    tokens: tuple[str, ...] = ()
    workspace: Workspace | None = None

    def read(self, rows: Sequence[int]) -> tuple[dict[int, Tensor], dict[int, str]]:
        """Read some of them, at their own size or as their working copy.

        Args:
            rows: Which.

        Returns:
            The pictures, and none that cannot be read.

        Raises:
            PictureGoneError: If the app no longer holds one.
        """
        if self.workspace is None:
            return super().read(rows)
        find = self.workspace.pictures.find
        return {row: find({"token": self.tokens[row]}, None)[1].pixels for row in rows}, {}

    def content(self, row: int) -> str:
        """What makes a picture the same one under another name.

        Args:
            row: Which.

        Returns:
            16 hex digits of the SHA-256 of its pixels.
        """
        return images.image_hash(self.read([row])[0][row])


@dataclass(eq=False)
class Collection:
    """Pictures and models.

    Attributes:
        key: What it is called, which cannot be guessed.
        pictures: The pictures.
        states: How the page "Explore" names each.
        models: Names of the models, in the order in which they were chosen.
        networks: Those of them that are networks, by name.
        family: The networks' family; None without any.
        on: What distortions act on: the networks' ``input`` or the ``photograph``.
        cached: Whether vectors may be kept on disk.
        rows: Rows of the pictures that can be read; filled when the first vectors are made. A picture's index on the
            page is its place here.
        vectors: Vectors of the pictures as they are, by model.
    """

    key: str
    pictures: Pictures
    states: list[dict[str, Any]]
    models: list[str]
    networks: Mapping[str, Classifier]
    family: Family | None
    on: str
    cached: bool
    rows: tuple[int, ...] = ()
    vectors: dict[str, Embeddings] = field(default_factory=dict)
    _embedders: dict[str, Embedder] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self.rows)

    def model(self, name: Any) -> str | Classifier:
        """Find a model.

        Args:
            name: What the browser names.

        Returns:
            The network, or the name of a measure without learning.

        Raises:
            ExplorerError: If the collection was not opened with it.
        """
        if name not in self.models:
            raise ExplorerError("These pictures were not opened with that model; choose them again.")
        return self.networks.get(name, str(name))

    def embedder(self, name: str) -> Embedder:
        """What turns pictures into vectors, found once.

        Args:
            name: Name of a model.

        Returns:
            The embedder.
        """
        with self._lock:
            if name not in self._embedders:
                self._embedders[name] = find_embedder(self.model(name))
            return self._embedders[name]

    def originals(self, name: Any) -> Embeddings:
        """The vectors of the pictures as they are.

        Args:
            name: Name of a model.

        Returns:
            The vectors, in the order of ``rows``.

        Raises:
            ExplorerError: If the collection was not opened with that model.
        """
        self.model(name)
        found = self.vectors.get(str(name))
        if found is None:
            raise ExplorerError(GONE)
        return found

    def embed(self, name: str, under: tuple[str, float] | None, progress: Progress) -> Embeddings:
        """Make the vectors of the pictures or their copies. Those of the pictures as they are stay.

        Args:
            name: Name of a model.
            under: As for ``recipe``.
            progress: Called with pictures done and pictures in all.

        Returns:
            The vectors of those that can be read.
        """
        recipe = self.recipe(under)
        found = embed(self.model(name), self.pictures, recipe=recipe, cache=self.cached, progress=progress)
        if under is None:
            self.vectors[name] = found
        return found

    def recipe(self, under: tuple[str, float] | None) -> Recipe:
        """The recipe of copies.

        Args:
            under: A distortion and its amount; None for nothing.

        Returns:
            The recipe, whose seed is that of all pictures.

        Raises:
            ExplorerError: If there is no such distortion, the amount is out of range, or it is an attack.
        """
        recipe = Recipe(() if under is None else (under,), on=self.on)
        if recipe.adversarial:
            raise ExplorerError("An attack is made on one model's answers; copies are made without one.")
        return recipe

    def row(self, picture: int) -> int:
        """The row of a picture.

        Args:
            picture: Its index on the page.

        Returns:
            Its row among the pictures.

        Raises:
            ExplorerError: If there is no such picture.
        """
        if picture >= len(self.rows):
            raise ExplorerError(f"There are {len(self.rows):,} pictures, counted from 0.")
        return self.rows[picture]

    def read(self, picture: int) -> Tensor:
        """Read a picture at its own size.

        Args:
            picture: Its index on the page.

        Returns:
            (1, C, H, W) in [0, 1].

        Raises:
            ExplorerError: If it cannot be read any more.
        """
        row = self.row(picture)
        found, unread = self.pictures.read([row])
        if row not in found:
            raise ExplorerError(unread.get(row, GONE))
        return found[row]

    def distorted(self, picture: int, under: tuple[str, float] | None) -> tuple[Tensor, Recipe]:
        """A picture's copy.

        Args:
            picture: Its index on the page.
            under: As for ``recipe``.

        Returns:
            (1, C, H, W) at its own size, and the recipe that makes it alone.
        """
        recipe, x = self.recipe(under), self.read(picture)
        seed = image_seed(recipe.seed, self.row(picture))
        random = any(recipe.distortion(name).random for name, _ in recipe.steps)
        return apply(recipe, x, seeds=[seed]), Recipe(recipe.steps, seed=seed if random else 0, on=self.on)

    def thumb(self, picture: int, under: tuple[str, float] | None) -> str:
        """Draw a picture, small.

        Args:
            picture: Its index on the page.
            under: As for ``recipe``.

        Returns:
            A data URL, lossless.
        """
        x, _ = self.distorted(picture, under)
        return images.data_url(x if max(x.shape[2:]) <= THUMB else working_copy(x, THUMB))


@dataclass(eq=False)
class Collections:
    """Opens collections and finds them again.

    Attributes:
        workspace: The models and pictures of the app.
    """

    workspace: Workspace
    _held: LruCache[str, Collection] = field(default_factory=lambda: LruCache(MAX_COLLECTIONS, MAX_UNUSED))

    def find(self, key: Any) -> Collection:
        """Find a collection.

        Args:
            key: What the browser names.

        Returns:
            The collection.

        Raises:
            ExplorerError: If there is none of that key (any more).
        """
        found = self._held.get(key) if isinstance(key, str) else None
        if found is None:
            raise ExplorerError(GONE)
        return found

    def keep(self, collection: Collection) -> None:
        """Keep a collection, so that it is found.

        Args:
            collection: The collection.
        """
        self._held.put(collection.key, collection)

    def open(self, request: OpenRequest) -> Collection:
        """Find the pictures and load the models; no vectors are made yet.

        Args:
            request: What to search in, and by what.

        Returns:
            The collection, which is not kept yet.

        Raises:
            ExplorerError: If there are no such pictures or models, or a model's package is missing.
        """
        names = list(dict.fromkeys(request.models))
        learned = [name for name in names if name not in UNLEARNED]
        family, networks = self.workspace.choose(learned) if learned else (None, [])
        for name in set(names) & set(UNLEARNED):
            find_embedder(name)  # says what to install
        pictures, states = self._pictures(request)
        data = pictures.data
        # Small images in memory are distorted as the networks take them, which is how the other pages show them.
        fits = data is not None and not isinstance(data.images, ImageFiles)
        if data is not None and fits:
            fits = all((one.size, one.channels) == (data.size, data.channels) for one in networks)
        return Collection(
            secrets.token_urlsafe(24),
            pictures,
            states,
            names,
            {model.name: model for model in networks},
            family,
            INPUT if fits else PHOTOGRAPH,
            cached=request.tokens is None,
        )

    def _pictures(self, request: OpenRequest) -> tuple[Pictures, list[dict[str, Any]]]:
        """The pictures, and how the page "Explore" names each."""
        if request.tokens is not None:
            tokens = tuple(request.tokens)
            for token in tokens:
                self.workspace.pictures.find({"token": token}, None)  # says which is gone before anything is computed
            pictures = Brought(None, (), tokens, "your pictures", tokens=tokens, workspace=self.workspace)
            return pictures, [{"token": token} for token in tokens]
        if request.samples:
            names = tuple(images.sample_images())
            find = self.workspace.pictures.find
            loaded = tuple(find({"sample": name}, None)[1].pixels for name in names)
            return Pictures(None, loaded, names, "sample photographs"), [{"sample": name} for name in names]
        data = self.workspace.catalog.find(request.dataset)
        count = min(len(data), request.limit)
        if count < len(data):
            data = data.select(range(count) if isinstance(data.images, ImageFiles) else slice(count))
        files = data.images
        named = files.names if isinstance(files, ImageFiles) else [f"{data.name}:{row}" for row in range(count)]
        states = [{"dataset": data.name, "index": row} for row in range(count)]
        return Pictures(data, (), tuple(named), data.name, data.notes), states
