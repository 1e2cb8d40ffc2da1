"""Training objectives: functions from a batch to a loss, and the decorator that registers a method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.models.methods import METHODS, Formula, Method, PublishedValue, Source
from explorer.palette import MethodColours


@dataclass(frozen=True)
class Loss:
    """What an objective returns.

    Attributes:
        total: The scalar that is differentiated.
        logits: Those of the clean batch, (N, K), or of the only batch that went through the network.
        parts: Scalars to log.
    """

    total: Tensor
    logits: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


Objective = Callable[..., Loss]
"""``objective(model, x, y, generator, **options) -> Loss`` with x (N, C, H, W) in [0, 1], y (N,) and a generator on the
device of x. Its keyword-only arguments are the options of the method, with bool, int, float or str as defaults."""

CROSS_ENTROPY = "CE is the cross-entropy, f the network, y the true class"
NOISY = Formula(
    "x′ = clip(x + N(0, σ^2))",
    "x prime equals x plus normal noise of variance sigma squared, clipped to pixels from 0 to 1",
)
STABILITY = Formula(
    "L = CE(f(x), y) + α KL(f(x) ‖ f(x′))",
    "L equals the cross-entropy of f of x and y, plus alpha times the divergence of f of x prime from it",
)


def method(
    name: str,
    *,
    title: str,
    summary: str = "",
    formulas: Iterable[Formula] = (),
    symbols: str = "",
    passes: int | None = None,
    cost: str = "",
    caution: str = "",
    shown_by: str | None = None,
    colours: MethodColours | None = None,
    source: Source | None = None,
    published: Iterable[PublishedValue] = (),
) -> Callable[[Objective], Objective]:
    """Decorator that makes an objective a training method, known to commands, app, experiments and documentation.

    Args:
        name: Its name in settings, cards and commands.
        title: Its name on screen.
        summary: What it does, in one sentence.
        formulas: What it minimises.
        symbols: What the letters of the formulas mean.
        passes: Forward passes per training image, each with its backward pass; standard training needs one.
        cost: The same in words.
        caution: What to beware of when reading its numbers.
        shown_by: A distortion under which the caution can be seen, if there is one.
        colours: What it is drawn in everywhere; None leaves that to the palette.
        source: The paper it comes from; None where there is none.
        published: What its paper or others reached with it, and with the baselines beside it.

    Returns:
        The decorator, which returns the objective unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def register(objective: Objective) -> Objective:
        METHODS.add(
            name,
            Method(
                name, title, objective, summary, tuple(formulas), symbols, passes, cost, caution, shown_by, colours,
                source, tuple(published),
            ),
        )  # fmt: skip
        return objective

    return register


def default_options(method: str) -> dict[str, Any]:
    """The options of a method with their default values.

    Args:
        method: Name of the method.

    Returns:
        Default by name of the option.

    Raises:
        ExplorerError: There is no such method.
    """
    return METHODS.find(method).options


def read_options(method: str, given: dict[str, str]) -> dict[str, Any]:
    """A method's options with some replaced.

    Args:
        method: The method's name.
        given: Values as typed, by the option's name.

    Returns:
        Value by name of the option.

    Raises:
        ExplorerError: The method or an option does not exist, or a value does not fit.
    """
    options = default_options(method)
    for name, text in given.items():
        if name not in options:
            known = ", ".join(f"--{o.replace('_', '-')}" for o in options) or "none"
            raise ExplorerError(
                f"--{name.replace('_', '-')} is not an option of the method {method}; its options are: {known}."
            )
        value_type = type(options[name])
        try:
            options[name] = {"true": True, "false": False}[text.lower()] if value_type is bool else value_type(text)
        except (ValueError, KeyError):
            wanted = {bool: "true or false", float: "a number", int: "a whole number"}.get(value_type, "text")
            raise ExplorerError(f"--{name.replace('_', '-')} needs {wanted}, got {text!r}.") from None
    return options


def gaussian_noise_like(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Fresh N(0, sigma^2) per element of ``x``, on its device.

    Args:
        x: Any tensor.
        sigma: Standard deviation.
        generator: Source of the draws.

    Returns:
        The noise, of the shape of ``x``.
    """
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) * sigma


def jensen_shannon(*answers: Tensor) -> Tensor:
    """Jensen-Shannon divergence of answers: the mean of KL(P_i || M), with M the mean of the P_i.

    Args:
        answers: The logarithms of their probabilities, each (N, K).

    Returns:
        A scalar in nats, the mean over the batch; 0 where all agree, at most the logarithm of their number.
    """
    logs = torch.stack(answers)
    mean = logs.logsumexp(0) - math.log(len(answers))
    return (logs.exp() * (logs - mean)).sum(2).mean()
