"""How a model becomes stable: one file per method's objective, one trainer."""

import pkgutil
from importlib import import_module

from explorer.training.config import TrainConfig
from explorer.training.objective import OBJECTIVES, Loss, default_options, read_options
from explorer.training.trainer import DivergedError, Progress, train

# Importing every file of the folder fills the registry: a new method is a new file and nothing else.
for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "OBJECTIVES",
    "DivergedError",
    "Loss",
    "Progress",
    "TrainConfig",
    "default_options",
    "read_options",
    "train",
]
