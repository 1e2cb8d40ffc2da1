"""What a stabilization is asked for: method, layers, budget and trade-off."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from explorer.data.classes import listed
from explorer.distortions.ranges import AmountRange, format_ranges
from explorer.errors import ExplorerError

METHODS = ("stability", "mix", "gaussian", "lipschitz")
"""``stability`` and the others of the same name as in training; ``mix`` is ``stability_mix`` there."""

LAYERS = ("head", "last", "all")

STEPS = 180
"""Steps where neither steps nor minutes are given: for a small network at 224 px, some ten minutes on two cores."""

BLENDS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Shares of the way from the old weights to the new ones among which one is chosen (Wortsman et al. 2022, arXiv
2109.01903: networks between a fine-tuned one and its start often keep most of what each can do)."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a network is stabilized.

    Attributes:
        under: What the pictures go through.
        method: One of ``METHODS``.
        layers: Which layers are trained: ``head`` (the last linear layer, on stored features), ``last`` (the last
            quarter of the layers with weights) or ``all``. Statistics of BatchNorm never change.
        labels: Whether the pictures' labels are the task; otherwise the network's own answers before training are.
        steps: Optimizer steps.
        batch_size: Pictures a step.
        lr: Peak learning rate of Adam; None for one found by a range test.
        alpha: Weight of stability against the task.
        keep: Share of clean answers, in [0, 1], that have to stay as they were on the pictures that are held out.
        seed: Of everything that is drawn.
        bf16: Whether forward passes of the training run under bfloat16 autocast.
        features: Whether the features are to hold, as a search needs it, and not the answers; ``head`` is then the last
            layer with weights below the answers.
    """

    under: tuple[AmountRange, ...]
    method: str = "stability"
    layers: str = "all"
    labels: bool = False
    steps: int = STEPS
    batch_size: int = 24
    lr: float | None = None
    alpha: float = 1.0
    keep: float = 0.99
    seed: int = 0
    bf16: bool = False
    features: bool = False

    def __post_init__(self) -> None:
        for value, known, what in ((self.method, METHODS, "method"), (self.layers, LAYERS, "choice of layers")):
            if value not in known:
                raise ExplorerError(f"Unknown {what} {value!r}; choose one of {listed(known)}.")
        if self.method == "lipschitz" and self.features:
            raise ExplorerError("The Lipschitz loss is one of answers; choose stability, mix or gaussian for features.")
        if self.method == "lipschitz" and self.layers == "head":
            raise ExplorerError("The head alone is trained on stored features, which the Lipschitz loss cannot use.")
        for name in ("steps", "batch_size"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ExplorerError(f"{name} must be a whole number of at least 1, not {getattr(self, name)!r}.")
        if not 0 <= self.keep <= 1:
            raise ExplorerError(f"keep is a share from 0 to 1, such as 0.99, not {self.keep:g}.")
        if not 0 <= self.alpha < 1e6 or (self.lr is not None and not 0 < self.lr < 10):
            raise ExplorerError("alpha must be 0 or more, and a learning rate above 0 and below 10.")

    @property
    def stored(self) -> bool:
        """Whether only what is above stored features is trained."""
        return self.layers == "head" and not self.features

    def to_dict(self) -> dict[str, Any]:
        """The settings as a JSON object.

        Returns:
            Plain values.
        """
        return asdict(self) | {"under": format_ranges(self.under)}

    @property
    def training(self) -> str:
        """What the training depends on, as text: all but ``keep``, which is asked afterwards."""
        return json.dumps({key: value for key, value in self.to_dict().items() if key != "keep"}, sort_keys=True)
