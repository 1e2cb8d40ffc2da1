"""CIFAR residual networks: ResNet (He et al. 2015, section 4.2) and PreResNet (He et al. 2016, "identity mappings").

Both have the plan 16-16-32-64: a 3x3 stem, three stages of n blocks, global average pooling and one linear head;
depth = 6 n + 2. Parameter names follow torchvision (conv1, layer1.0.conv1, fc), so that published weights fit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.registry import architecture

WIDTHS = (16, 32, 64)


class PadShortcut(nn.Module):
    """Parameter-free shortcut ("option A"): take every second pixel, fill the new channels with zeros."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.extra = (channels_out - channels_in) // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))


def _conv3x3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)


def _shortcut(form: str, channels_in: int, channels_out: int, stride: int, *, norm: bool) -> nn.Module:
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    if form == "pad":
        return PadShortcut(channels_in, channels_out)
    conv = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out)) if norm else nn.Sequential(conv)


class BasicBlock(nn.Module):
    """conv-bn-relu-conv-bn, add the shortcut, relu (He et al. 2015, figure 2)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.conv1 = _conv3x3(channels_in, channels_out, stride)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = _conv3x3(channels_out, channels_out)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.downsample = _shortcut(shortcut, channels_in, channels_out, stride, norm=True)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.downsample(x))


class PreActBlock(nn.Module):
    """bn-relu-conv-bn-relu-conv, then add the shortcut (He et al. 2016, figure 1b)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.conv1 = _conv3x3(channels_in, channels_out, stride)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.conv2 = _conv3x3(channels_out, channels_out)
        self.downsample = _shortcut(shortcut, channels_in, channels_out, stride, norm=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(F.relu(self.bn1(x)))
        return self.conv2(F.relu(self.bn2(out))) + self.downsample(x)


class CifarResNet(nn.Module):
    """ResNet or PreResNet for small images; takes normalised (N, in_channels, H, W), gives logits (N, classes)."""

    def __init__(
        self,
        *,
        depth: int,
        classes: int,
        in_channels: int = 3,
        preact: bool = False,
        shortcut: str = "pad",
        stem: Callable[[int, int], nn.Module] = _conv3x3,
    ) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = stem(in_channels, WIDTHS[0])
        # PreResNet normalises at the end, after its last block; ResNet at the start, after its stem.
        self.bn = nn.BatchNorm2d(WIDTHS[-1]) if preact else nn.Identity()
        self.bn1 = nn.Identity() if preact else nn.BatchNorm2d(WIDTHS[0])
        self.preact = preact
        block = PreActBlock if preact else BasicBlock
        channels = WIDTHS[0]
        for i, width in enumerate(WIDTHS, 1):
            strides = [1 if i == 1 else 2] + [1] * (blocks - 1)
            layers = []
            for stride in strides:
                layers.append(block(channels, width, stride, shortcut))
                channels = width
            setattr(self, f"layer{i}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        """Activations by layer name, in order: stem, stage1-3 as (N, C, h, w), penultimate as (N, 64)."""
        features = {}
        out = self.conv1(x)
        features["stem"] = out if self.preact else F.relu(self.bn1(out))
        out = features["stem"]
        for i in range(1, len(WIDTHS) + 1):
            out = features[f"stage{i}"] = getattr(self, f"layer{i}")(out)
        if self.preact:
            out = F.relu(self.bn(out))
        features["penultimate"] = out.mean((2, 3))
        return features

    def head(self, penultimate: Tensor) -> Tensor:
        """Logits (N, classes) from the penultimate features."""
        return self.fc(penultimate)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])


def _options_from_state(state: dict[str, Tensor]) -> dict[str, str]:
    """Which shortcut a state dict was made with: projections leave parameters, padding leaves none."""
    return {"shortcut": "projection" if any(".downsample." in key for key in state) else "pad"}


for _depth in (20, 32, 44, 56):
    architecture(
        f"resnet{_depth}",
        size=32,
        channels=3,
        options_from_state=_options_from_state,
        help=f"ResNet-{_depth} for small images (He et al. 2015, section 4.2).",
    )(partial(CifarResNet, depth=_depth))
for _depth in (20, 32):
    architecture(
        f"preresnet{_depth}",
        size=32,
        channels=3,
        options_from_state=_options_from_state,
        help=f"PreResNet-{_depth} for small images: normalisation before each convolution (He et al. 2016).",
    )(partial(CifarResNet, depth=_depth, preact=True))
