"""Models: architectures, the Classifier wrapper, checkpoints and external networks."""

from explorer.models import architectures, libraries, photos  # noqa: F401  # importing them fills the registries
from explorer.models.checkpoints import checkpoint_folder, halved, list_models, load_model, pick_device, save_model
from explorer.models.classifier import Card, Classifier
from explorer.models.external import ExternalClassifier, wrap
from explorer.models.methods import METHODS, method_title
from explorer.models.registry import ARCHITECTURES, architecture, find_architecture

__all__ = [
    "ARCHITECTURES",
    "METHODS",
    "Card",
    "Classifier",
    "ExternalClassifier",
    "architecture",
    "checkpoint_folder",
    "find_architecture",
    "halved",
    "list_models",
    "load_model",
    "method_title",
    "pick_device",
    "save_model",
    "wrap",
]
