"""A network of two layers."""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models import architecture


@architecture("two_layers", size=28, channels=1)
class TwoLayers(nn.Module):
    """Averages of 4 x 4 px, 64 hidden units, and the classes."""

    def __init__(self, *, classes: int, in_channels: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Linear(49 * in_channels, 64)
        self.last = nn.Linear(64, classes)

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        pooled = F.adaptive_avg_pool2d(x, 7)
        return {"pooled": pooled, "penultimate": F.relu(self.hidden(pooled.flatten(1)))}

    def head(self, penultimate: Tensor) -> Tensor:
        return self.last(penultimate)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])
