"""Training: one file per method, one trainer, runs and their cards."""

import pkgutil
from importlib import import_module

from explorer.models.methods import METHODS, Formula, Method, PublishedValue, Source
from explorer.training.config import TrainConfig
from explorer.training.objective import Loss, default_options, method, read_options
from explorer.training.trainer import DivergedError, TrainingProgress, train

# Importing every file of the folder fills the registry: a new method is a new file and nothing else. These come first.
_FIRST = ("standard", "gaussian", "stability", "stability_mix", "lipschitz", "bang")
for _name in dict.fromkeys([*_FIRST, *(_module.name for _module in pkgutil.iter_modules(__path__))]):
    import_module(f"{__name__}.{_name}")

__all__ = [
    "METHODS",
    "DivergedError",
    "Formula",
    "Loss",
    "Method",
    "PublishedValue",
    "Source",
    "TrainConfig",
    "TrainingProgress",
    "default_options",
    "method",
    "read_options",
    "train",
]
