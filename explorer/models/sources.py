"""Models that libraries bring, found by how their names begin; every other name is that of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from explorer.models.classifier import Card
from explorer.models.functions import is_function
from explorer.models.naming import split_remedies
from explorer.registry import Registry

Loaded = tuple[nn.Module, Card, tuple[str, ...]]
"""A network with its weights, its card, and findings, one sentence each."""

Load = Callable[[str, Path | None], Loaded]
"""Gives the network of a name; a path names a file of weights in place of the published ones."""


@dataclass(frozen=True)
class ModelSource:
    """A place from which models come.

    Attributes:
        prefix: How their names begin, such as ``photos/``.
        load: Gives the network and the card of a name.
        cards: Lists the cards of those that are here, without loading a network or a library.
        takes_weights: Whether a file of weights may be named in place of the published ones.
    """

    prefix: str
    load: Load
    cards: Callable[[], list[Card]] = list
    takes_weights: bool = False


SOURCES = Registry[ModelSource]("source of models", "explorer.models")
"""Every source by its prefix, filled by :func:`model_source`."""


def model_source(
    prefix: str, cards: Callable[[], list[Card]] = list, *, takes_weights: bool = False
) -> Callable[[Load], Load]:
    """Decorator that registers a function as the source of all models whose names begin in one way.

    Args:
        prefix: How the names begin.
        cards: Lists the cards of those that are here.
        takes_weights: Whether a file of weights may be named.

    Returns:
        A decorator that returns the function unchanged.
    """

    def register(load: Load) -> Load:
        SOURCES.add(prefix, ModelSource(prefix, load, cards, takes_weights))
        return load

    return register


def find_source(name: str) -> ModelSource | None:
    """Find where a model comes from.

    Args:
        name: Its name.

    Returns:
        Its source; None where it is a checkpoint.
    """
    return next((source for prefix, source in SOURCES.items() if name.startswith(prefix)), None)


def takes_path(name: str) -> bool:
    """Whether a model's name is the path of a file.

    Args:
        name: The name.

    Returns:
        True for what ends as files do, and is neither the name of a source nor that of a function.
    """
    name, _ = split_remedies(name)
    return bool(Path(name).suffix) and find_source(name) is None and not is_function(name)
