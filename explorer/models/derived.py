"""Models that were made from another one: its network, with weights of their own or small differences from its."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.models.classifier import Card
from explorer.models.functions import is_function
from explorer.models.sources import Loaded, find_source
from explorer.models.weights import fill

STORED = "stored"
DIFFERENCES = "differences"
"""``card.source[STORED]`` where the file holds 16-bit differences from the start network's weights, in place of all."""


def is_derived(card: Card) -> bool:
    """Whether a model's network comes from where its start network does, and not from an architecture of this package.

    Args:
        card: Its card.

    Returns:
        True where the card names such a start network.
    """
    base = str(card.source.get("base", ""))
    return bool(base) and (find_source(base) is not None or is_function(base))


def load_derived(card: Card, states: Mapping[str, Mapping[str, Tensor]], path: Path) -> Loaded:
    """Load the network of a derived model.

    Args:
        card: Its card, which names the start network.
        states: What its file holds.
        path: The file.

    Returns:
        The network, its card, and findings, one sentence each.

    Raises:
        ExplorerError: If the start network is a function, whose code is never run because a card says so; if it is
            another one than that from which the model was made; or if the tensors do not fit.
    """
    base = str(card.source["base"])
    source = find_source(base)
    if source is None:
        raise ExplorerError(f"{path.name} holds weights for {base}, which runs code: name it so: {base}@{path}.")
    whole = card.source.get(STORED) != DIFFERENCES
    net, start, notes = source.load(base, path if whole and source.takes_weights else None)
    if whole:
        return net, card, notes if source.takes_weights else fill(net, states, path.name, base)
    if card.source.get("base_sha256") != start.sha256:
        raise ExplorerError(f"{path.name} holds differences from another {base} than the one that is here.")
    add_differences(net, states[""], path.name)
    return net, card, notes


def differences(new: nn.Module, start: nn.Module) -> dict[str, Tensor]:
    """What was changed of a network.

    Args:
        new: The network.
        start: The one that it was made from.

    Returns:
        Of every tensor that differs the difference in 16 bits.
    """
    before = start.state_dict()
    changed = {key: value for key, value in new.state_dict().items() if not torch.equal(value, before[key])}
    return {key: (value - before[key]).half().cpu().contiguous() for key, value in changed.items()}


def add_differences(net: nn.Module, found: Mapping[str, Tensor], filename: str) -> None:
    """Change a network.

    Args:
        net: The start network.
        found: What ``differences`` gave.
        filename: Name of the file, for the error.

    Raises:
        ExplorerError: If a tensor is not one of the network's, or is not finite.
    """
    state = net.state_dict()
    for key, value in found.items():
        if key not in state or state[key].shape != value.shape or not state[key].is_floating_point():
            raise ExplorerError(f"{filename} holds {key[:80]!r}, which is no weight of the start network.")
        if not bool(value.isfinite().all()):
            raise ExplorerError(f"{filename} holds numbers that are not finite in {key[:80]!r}.")
    net.load_state_dict({**state, **{key: state[key] + value.float() for key, value in found.items()}})
