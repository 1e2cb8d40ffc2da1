"""ResNet with push-pull inhibition in its first layer (Strisciuglio et al. 2020, arXiv 1901.10208)."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.architectures.resnet import CifarResNet
from explorer.models.registry import architecture


class PushPull(nn.Module):
    """relu(k * x) - alpha relu(-K * x), K the kernel k enlarged: noise excites both and cancels.

    K is k bilinearly enlarged by ``scale``, to an odd side (7 from 3), as in the authors' code. It is not learned by
    itself: its gradient reaches k.
    """

    def __init__(self, channels_in: int, channels_out: int, *, alpha: float = 1.0, scale: int = 2) -> None:
        super().__init__()
        self.push = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.alpha = alpha
        self.side = 3 * scale // 2 * 2 + 1

    def forward(self, x: Tensor) -> Tensor:
        enlarged = F.interpolate(self.push.weight, (self.side, self.side), mode="bilinear", align_corners=True)
        pull = F.conv2d(x, -enlarged, padding=self.side // 2)
        return F.relu(self.push(x)) - self.alpha * F.relu(pull)


for _depth in (20, 32):
    architecture(
        f"resnet{_depth}_pushpull",
        size=32,
        channels=3,
        help=f"ResNet-{_depth} with push-pull inhibition in the first layer (Strisciuglio et al. 2020).",
    )(partial(CifarResNet, depth=_depth, stem=PushPull))
