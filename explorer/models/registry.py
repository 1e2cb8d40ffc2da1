"""The architectures by name. A new one is one decorated function or class; everything else finds it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from explorer.registry import Registry


@dataclass(frozen=True)
class Architecture:
    """How to build a network.

    Attributes:
        name: Its name in settings, cards and commands.
        build: ``build(classes=, in_channels=, **options)`` gives a module with ``forward_features`` and ``head``.
        size: The side in px of the images it was designed for.
        channels: The colour channels of those images.
        options_from_state: Reads builder options off the keys of a state dict.
        help: One sentence on what it is and where it comes from.
    """

    name: str
    build: Callable[..., nn.Module]
    size: int
    channels: int
    options_from_state: Callable[[dict[str, Tensor]], dict[str, str]]
    help: str = ""


def _no_options(state: dict[str, Tensor]) -> dict[str, str]:
    return {}


ARCHITECTURES = Registry[Architecture]("architecture", "explorer.models")
"""Every architecture by name, filled by :func:`architecture`."""


def architecture(
    name: str,
    *,
    size: int,
    channels: int,
    options_from_state: Callable[[dict[str, Tensor]], dict[str, str]] = _no_options,
    help: str | None = None,  # noqa: A002  # as in Architecture
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Decorator that registers a network's class, or a function that builds it.

    Args:
        name: Its name in settings, cards and commands.
        size: The side in px of the images it was designed for.
        channels: The colour channels of those images.
        options_from_state: Reads builder options off the keys of a state dict.
        help: One sentence on what it is; None takes the first paragraph of the docstring.

    Returns:
        The decorator, which returns the class or function unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def register(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        text = " ".join((build.__doc__ or "").split("\n\n")[0].split()) if help is None else help
        ARCHITECTURES.add(name, Architecture(name, build, size, channels, options_from_state, text))
        return build

    return register


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Args:
        name: Its name.

    Returns:
        The architecture.

    Raises:
        ExplorerError: There is none; the sentence names the closest ones.
    """
    return ARCHITECTURES.find(name)
