"""How a model becomes stable: one file per method's objective, one trainer."""

from explorer.training import bang, gaussian, lipschitz, stability, standard  # noqa: F401  # importing them fills the registry
from explorer.training.objective import OBJECTIVES, Loss, default_options, read_options
from explorer.training.trainer import Progress, TrainConfig, train

__all__ = ["OBJECTIVES", "Loss", "Progress", "TrainConfig", "default_options", "read_options", "train"]
