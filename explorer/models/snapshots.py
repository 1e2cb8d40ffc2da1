"""Snapshots of networks in training: a copy in eval mode answers instead, so that training is not disturbed.

The network itself is only read: no mode, hook, gradient, buffer or random number of it changes.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from explorer.errors import ExplorerError

ATTEMPTS = 5
"""How often a network is copied that changes its parts meanwhile."""


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """A copy in eval mode, and what the network looked like apart from the values of its weights."""

    net: nn.Module
    state: list[Any]


_snapshots: WeakKeyDictionary[nn.Module, _Snapshot] = WeakKeyDictionary()
_making = threading.Lock()


def snapshot(net: nn.Module) -> nn.Module:
    """A copy of a network as it is now, in eval mode and without gradients of its own.

    The copy is kept and given again while no weight, buffer, part, hook or simple attribute of the network differs, by
    value: edits past autograd (``weight.data``) are seen, too. Where another thread trains meanwhile, the copy may hold
    weights of two steps that follow each other.

    Args:
        net: A network in training mode; it is only read.

    Returns:
        The copy, on the same device; do not change it.

    Raises:
        ExplorerError: The network cannot be copied.
    """
    with _making:
        kept = _snapshots.get(net)
        for _ in range(ATTEMPTS):
            try:
                state = _state_of(net)
                if kept is None or kept.state != state or not _same_weights(kept.net, net):
                    kept = _Snapshot(_copied(net), state)
                break
            except RuntimeError as error:  # a dict of the network that changed while it was read
                reason: Exception = error
            except Exception as error:  # parts of a network may raise anything when they are copied
                raise _uncopied(net, error) from error
        else:
            raise _uncopied(net, reason) from reason
        _snapshots[net] = kept
        return kept.net


def _uncopied(net: nn.Module, error: Exception) -> ExplorerError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:150]
    return ExplorerError(
        f"{type(net).__name__} is in training mode and cannot be copied ({reason}); call .eval() on it first."
    )


def _copied(net: nn.Module) -> nn.Module:
    parts = set(net.modules())
    memo: dict[int, Any] = {}
    for module in parts:
        for value in list(vars(module).values()):
            # results that a module keeps, such as the weight that weight_norm computes, are tensors with a history
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
        for hook in _hooks(module):
            owner = getattr(hook, "__self__", None)
            if owner is not None and owner not in parts:
                memo[id(owner)] = owner  # the trainer whose method a hook is: no part of the network
    made = copy.deepcopy(net, memo).requires_grad_(False)
    made.eval()
    return made


def _same_weights(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = (list(chain(net.parameters(), net.buffers())) for net in (one, other))
    with torch.no_grad():
        return len(ours) == len(theirs) and all(
            a.dtype == b.dtype and a.device == b.device and torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)
        )


def _state_of(net: nn.Module) -> list[Any]:
    """Everything about a network that its answers may depend on, except for the values of its weights."""
    found: list[Any] = []
    for name, module in net.named_modules():
        attributes = {
            key: _mark(value) for key, value in vars(module).items() if key != "training" and not _is_kept(key)
        }
        found.append((name, id(module), attributes, [id(hook) for hook in _hooks(module)]))
    return found


def _is_kept(key: str) -> bool:
    """Whether this attribute of a module is one of torch's own dicts, which are compared separately."""
    return key in {"_parameters", "_buffers", "_modules"} or (key.startswith("_") and "hooks" in key)


def _hooks(module: nn.Module) -> Iterator[Any]:
    for key, value in vars(module).items():
        if key in {"_forward_hooks", "_forward_pre_hooks"}:
            yield from value.values()


def _mark(value: Any) -> Any:
    """A key that changes with the value: the value itself if it is simple, else its identity."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return value
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_mark(one) for one in value]
    if isinstance(value, Mapping):
        return [(_mark(key), _mark(one)) for key, one in value.items()]
    if isinstance(value, Tensor):
        return id(value), None if value.is_inference() else value._version  # noqa: SLF001  # no public name
    return id(value)
