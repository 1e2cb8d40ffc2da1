"""The architectures by name. A new one is one decorated function or class; everything else finds it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from explorer.registry import Registry


@dataclass(frozen=True)
class Architecture:
    """How to build a network: ``build(classes=, in_channels=, **options)`` gives a module with ``forward_features``."""

    name: str
    build: Callable[..., nn.Module]
    size: int  # side in px of the images it was designed for
    channels: int  # colour channels of those images
    options_from_state: Callable[[dict[str, Tensor]], dict[str, str]]


def _no_options(state: dict[str, Tensor]) -> dict[str, str]:
    return {}


ARCHITECTURES = Registry[Architecture]("architecture", "explorer.models")


def architecture(
    name: str,
    *,
    size: int,
    channels: int,
    options_from_state: Callable[[dict[str, Tensor]], dict[str, str]] = _no_options,
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Register a builder under ``name``. ``options_from_state`` reads builder options off a state dict's keys."""

    def register(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        ARCHITECTURES.add(name, Architecture(name, build, size, channels, options_from_state))
        return build

    return register


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        ExplorerError: There is none; the sentence names the closest ones.
    """
    return ARCHITECTURES.find(name)
