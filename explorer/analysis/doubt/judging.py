"""A threshold on a score of doubt: "answer" below it, "unsure" above."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.analysis.doubt.registry import DOUBTS, Doubt
from explorer.errors import ExplorerError
from explorer.models import Classifier


@dataclass(frozen=True)
class Threshold:
    """A score and how much of it is too much.

    Attributes:
        doubt: The score.
        limit: Answers with more of it are unsure.
    """

    doubt: Doubt
    limit: float

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read a threshold.

        Args:
            text: The score's name and the limit, such as ``entropy=0.5``.

        Returns:
            The threshold.

        Raises:
            ExplorerError: If there is no such score, or the limit is not a finite number.
        """
        name, _, number = str(text).partition("=")
        doubt = DOUBTS.find(name.strip())
        try:
            limit = float(number)
        except ValueError:
            limit = math.nan
        if not math.isfinite(limit):
            raise ExplorerError(f"A threshold of doubt is a score and a number, such as entropy=0.5, not {text!r}.")
        return cls(doubt, limit)

    def __str__(self) -> str:
        return f"{self.doubt.name}={self.limit!r}"

    def judge(self, model: Classifier, clean: Tensor, distorted: Tensor, logits: Tensor) -> Judged | None:
        """Score two answers.

        Args:
            model: The model.
            clean: Pixels (1, C, H, W) in [0, 1].
            distorted: The same of the distorted picture.
            logits: The model's logits for both, (2, K), clean first.

        Returns:
            The scores; None where the score asks the model about pixels that it would have to fit first.
        """
        if model.any_size and self.doubt.passes:
            return None
        x = torch.cat([clean, distorted]).to(model.device)
        with torch.no_grad():
            values = self.doubt.function(model, x, logits.to(x)).double().tolist()
        return Judged(self.doubt.name, self.limit, *values)


@dataclass(frozen=True)
class Judged:
    """The doubt of a model's answers to the clean and to the distorted picture.

    Attributes:
        score: Name of the score.
        limit: Answers with more of it are unsure.
        clean: Score of the clean answer.
        distorted: Score of the distorted one.
    """

    score: str
    limit: float
    clean: float
    distorted: float

    @property
    def unsure(self) -> bool:
        """Whether the distorted answer should not be relied on."""
        return self.distorted > self.limit

    @property
    def unsure_clean(self) -> bool:
        """The same of the clean one."""
        return self.clean > self.limit

    def to_dict(self) -> dict[str, Any]:
        """The judgement as a JSON object.

        Returns:
            ``{"score", "limit", "clean", "distorted", "unsure", "unsure_clean"}``.
        """
        return {**vars(self), "unsure": self.unsure, "unsure_clean": self.unsure_clean}
