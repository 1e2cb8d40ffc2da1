"""Networks that only answer: what needs a gradient says so in one sentence."""

from __future__ import annotations

from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier


def has_gradients(model: Classifier) -> bool:
    """Whether a model can be attacked, explained and trained.

    Args:
        model: The model.

    Returns:
        False for networks that only answer, such as ONNX files.
    """
    return not getattr(model.net, "no_gradients", "")


def check_gradients(model: Classifier, what: str) -> None:
    """Refuse a model without gradients.

    Args:
        model: The model.
        what: What cannot be done to it, for the sentence: "attacked".

    Raises:
        ExplorerError: If it only answers.
    """
    if not has_gradients(model):
        raise ExplorerError(f"{model.name} {model.net.no_gradients}, so that it cannot be {what}.")
