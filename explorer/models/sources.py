"""Models that libraries bring, found by how their names begin; every other name is that of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from torch import nn

from explorer.errors import ExplorerError
from explorer.models.classifier import Card
from explorer.registry import Registry

Load = Callable[[str], tuple[nn.Module, Card]]
"""Gives the network of a name, with its weights, and its card."""


@dataclass(frozen=True)
class ModelSource:
    """A place from which models come.

    Attributes:
        prefix: How their names begin, such as ``photos/``.
        load: Gives the network and the card of a name.
        cards: Lists the cards of those that are here, without loading a network or a library.
    """

    prefix: str
    load: Load
    cards: Callable[[], list[Card]] = list


SOURCES = Registry[ModelSource]("source of models", "explorer.models")
"""Every source by its prefix, filled by :func:`model_source`."""


def model_source(prefix: str, cards: Callable[[], list[Card]] = list) -> Callable[[Load], Load]:
    """Decorator that registers a function as the source of all models whose names begin in one way.

    Args:
        prefix: How the names begin.
        cards: Lists the cards of those that are here.

    Returns:
        A decorator that returns the function unchanged.
    """

    def register(load: Load) -> Load:
        SOURCES.add(prefix, ModelSource(prefix, load, cards))
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


def package_folder(package: str) -> Path:
    """The folder of an installed package, which is not imported: that may take seconds.

    Args:
        package: Its name.

    Returns:
        The folder.

    Raises:
        ExplorerError: If it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise ExplorerError(f"{name} is not installed: pip install {name}.")
    return Path(spec.origin).parent


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The names of the 1,000 ImageNet classes, as torchvision writes them.

    Returns:
        The names in the order of the labels.
    """
    names = package_folder("torchvision") / "models" / "_meta.py"
    if names.is_file():  # the file alone, for importing torchvision takes seconds
        return tuple(run_path(str(names))["_IMAGENET_CATEGORIES"])
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])
