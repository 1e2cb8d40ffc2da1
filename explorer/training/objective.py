"""What a training objective is: a function that turns a batch into a loss. One file per method, one registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from explorer.errors import ExplorerError


@dataclass(frozen=True)
class Loss:
    """``total`` is differentiated; ``logits`` (N, K) are those of the clean batch; ``parts`` are scalars to log."""

    total: Tensor
    logits: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


# objective(model, x (N, C, H, W) in [0, 1], y (N,), generator on x's device, **options) -> Loss
Objective = Callable[..., Loss]
OBJECTIVES: dict[str, Objective] = {}


def objective(name: str) -> Callable[[Objective], Objective]:
    """Register a training objective. Its keyword-only arguments are its options, their defaults its defaults."""

    def register(function: Objective) -> Objective:
        OBJECTIVES[name] = function
        return function

    return register


def default_options(method: str) -> dict[str, Any]:
    """The options of a method with their default values; an unknown method raises ExplorerError."""
    if method not in OBJECTIVES:
        raise ExplorerError(f"Unknown method {method!r}; known are {', '.join(OBJECTIVES)}.")
    parameters = inspect.signature(OBJECTIVES[method]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def read_options(method: str, given: dict[str, str]) -> dict[str, Any]:
    """A method's options, those in ``given`` (texts, as typed) put in; ExplorerError where one does not fit."""
    options = default_options(method)
    for name, text in given.items():
        if name not in options:
            known = ", ".join(f"--{o.replace('_', '-')}" for o in options) or "none"
            raise ExplorerError(
                f"--{name.replace('_', '-')} is not an option of the method {method}; its options are: {known}."
            )
        kind = type(options[name])
        try:
            options[name] = {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
        except (ValueError, KeyError):
            wanted = {bool: "true or false", float: "a number", int: "a whole number"}.get(kind, "text")
            raise ExplorerError(f"--{name.replace('_', '-')} needs {wanted}, got {text!r}.") from None
    return options


def gaussian_noise_like(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Fresh N(0, sigma^2) per element of ``x``, on its device."""
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) * sigma
