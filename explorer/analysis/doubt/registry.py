"""Scores of doubt: a number beside an answer that is larger where the answer should not be relied on.

A score is a function ``f(model, x, logits) -> (N,)`` of images and the model's logits for them. It is differentiable
where the images are, so that an attack can know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.registry import Registry

Score = Callable[[Classifier, Tensor, Tensor], Tensor]
"""Model, images (N, C, H, W) in [0, 1] and logits (N, K) to N numbers, larger for more doubt."""

CONTROL = "control"
"""The score that every other one has to beat: p (1 - p) of the answer's own probability p."""


@dataclass(frozen=True)
class Doubt:
    """One score.

    Attributes:
        name: Its name.
        title: Its name on screen.
        help: One sentence of help.
        source: The paper.
        passes: Forward passes that it costs beside the answer's own.
        span: The ends of its slider: where its values usually lie.
        function: ``f(model, x, logits)``.
    """

    name: str
    title: str
    help: str
    source: str
    passes: int
    span: tuple[float, float]
    function: Score


DOUBTS = Registry[Doubt]("score of doubt", "explorer.analysis.doubt")
"""Every score by name, filled by :func:`doubt`."""


def doubt(
    name: str, *, title: str, source: str, passes: int = 0, span: tuple[float, float] = (0.0, 1.0)
) -> Callable[[Score], Score]:
    """Decorator that registers a score; the first paragraph of the docstring becomes its help.

    Args:
        name: Its name.
        title: Its name on screen.
        source: The paper.
        passes: Forward passes that it costs beside the answer's own.
        span: Where its values usually lie.

    Returns:
        The decorator, which returns the function unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def register(function: Score) -> Score:
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        DOUBTS.add(name, Doubt(name, title, text, source, passes, span, function))
        return function

    return register


def scores(name: str, model: Classifier, x: Tensor) -> Tensor:
    """A score of any number of images.

    Args:
        name: Its name.
        model: The model.
        x: Images (N, C, H, W) in [0, 1].

    Returns:
        float64 (N,) on the CPU.

    Raises:
        ExplorerError: If there is no score of that name.
    """
    function = DOUBTS.find(name).function
    parts = []
    for part in x.split(inputs.batch_size(x.shape[1:], model.device)):
        with torch.no_grad():
            at = part.to(model.device)
            parts.append(function(model, at, inputs.logits(model, part).to(at)).double().cpu())
    return torch.cat(parts)
