"""Models that fit pictures themselves: photographs at their own size, or the window of a model with another input."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.data.fitting import CENTRE
from explorer.data.images import fit, fit_photographs
from explorer.models.classifier import Classifier


class View(Classifier):
    """A model that is given pictures of any size and brings them to its input before it answers.

    ``model`` is not part of this module: moving or saving the view leaves it alone.

    It cannot be attacked: fitting has no gradient.

    Attributes:
        model: The model.
    """

    any_size = True
    model: Classifier

    def __init__(self, model: Classifier, fitted: Callable[[Tensor], Tensor]) -> None:
        super().__init__(model.net, model.card)
        del self._modules["net"]
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "net", model.net)
        self._fitted = fitted
        self.warnings = model.warnings
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.model(self.fit(x))
        return found

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Activations of one forward pass.

        Args:
            x: Pictures (N, C, H, W) in [0, 1].

        Returns:
            Activations by layer name; the last one is ``penultimate`` (N, D).
        """
        return self.model.features(self.fit(x))

    def answer(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits and features of one forward pass.

        Args:
            x: Pictures (N, C, H, W) in [0, 1].

        Returns:
            Logits (N, K) and activations by layer name.
        """
        return self.model.answer(self.fit(x))

    def fit(self, x: Tensor) -> Tensor:
        """Bring pictures to the model's input.

        Args:
            x: Pictures (N, C, H, W) in [0, 1].

        Returns:
            Images as the model takes them, on its device.
        """
        return self._fitted(x.cpu()).to(self.device)


def of_photographs(model: Classifier, window: tuple[float, float] = CENTRE) -> Classifier:
    """A model that is given photographs and fits each by its own published transform.

    Args:
        model: The model.
        window: Which part it is given, as shares in [0, 1] of the free room across and down.

    Returns:
        The same model, for pictures (N, 3, H, W) of any size.
    """
    return model if model.any_size else View(model, lambda x: fit_photographs(x, model.takes, window))


def bare(model: Classifier) -> Classifier:
    """The model behind a view.

    Args:
        model: A model or a view of one.

    Returns:
        The model.
    """
    return model.model if isinstance(model, View) else model


def of_window(model: Classifier, first: Classifier) -> Classifier:
    """A model that is given the input of another one, and resizes it where its own input has another size.

    Args:
        model: The model.
        first: The one whose input it is given.

    Returns:
        The same model; itself where it takes that as it is, or has other channels and cannot take it.
    """
    if model.any_size or model.size == first.size or model.channels != first.channels:
        return model
    return View(model, lambda x: fit(x, model.size, model.channels))
