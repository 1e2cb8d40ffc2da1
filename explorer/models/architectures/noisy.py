"""Parametric noise injection (He, Rakin & Fan 2019, arXiv 1811.09310): noise on the weights, its strength learned."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.architectures.convnets import LeNet
from explorer.models.architectures.resnet import CifarResNet
from explorer.models.registry import architecture

STRENGTH = 0.25
"""The strength alpha of every layer before training."""


class Noisy(nn.Module):
    """A layer with the weights W + alpha eta, eta ~ N(0, var(W)), of which alpha is learned (the paper's eq. 2 and 3).

    In training the noise is drawn anew in every forward pass. The paper keeps that when it asks the network; here, in
    eval mode, the noise is one fixed draw, so that the same pixels get the same answer and attacks see the network that
    answers.
    """

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.strength = nn.Parameter(torch.tensor(STRENGTH))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.layer.weight
        fixed = None if self.training else torch.Generator().manual_seed(0)
        eta = torch.randn(weight.shape, generator=fixed, device=None if fixed else weight.device).to(weight)
        weight = weight + self.strength * weight.detach().std() * eta
        if isinstance(self.layer, nn.Linear):
            return F.linear(x, weight, self.layer.bias)
        conv = self.layer
        return F.conv2d(x, weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)  # type: ignore[arg-type]


def injected(net: nn.Module) -> nn.Module:
    """Put noise on the weights of every convolution and linear layer of a network.

    Args:
        net: The network, whose layers are replaced.

    Returns:
        The network.
    """
    for parent in list(net.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                setattr(parent, name, Noisy(layer))
    return net


def _build(build: Any, **options: Any) -> nn.Module:
    return injected(build(**options))


architecture(
    "resnet20_noisy",
    size=32,
    channels=3,
    help="ResNet-20 with parametric noise on all weights (He, Rakin & Fan 2019).",
)(partial(_build, partial(CifarResNet, depth=20)))
architecture(
    "lenet_noisy", size=28, channels=1, help="LeNet with parametric noise on all weights (He, Rakin & Fan 2019)."
)(partial(_build, LeNet))
