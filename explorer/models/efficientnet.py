"""EfficientNet-Lite0 (Tan & Le 2019, arXiv 1905.11946; Google's variant without squeeze and excitation, with ReLU6).

timm builds the same network, as ``tf_efficientnet_lite0``; importing timm takes far longer than reading these weights.
The names of the parameters are timm's, and so are their order and the logits.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

STAGES = (
    # expansion, kernel, stride, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM, HEAD = 32, 1280


class _Conv(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": where the stride leaves an odd number of pixels, one more behind."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            step, reach = self.stride[0], self.kernel_size[0]
            high, wide = (max((-(-side // step) - 1) * step + reach - side, 0) for side in x.shape[-2:])
            x = F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
        return super().forward(x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=0.001)


class _Separable(nn.Module):
    """A depthwise convolution and one of 1 x 1: the first stage, which expands nothing."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = _Conv(channels_in, channels_in, kernel, groups=channels_in)
        self.bn1 = _norm(channels_in)
        self.conv_pw = _Conv(channels_in, channels_out, 1)
        self.bn2 = _norm(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv_pw(F.relu6(self.bn1(self.conv_dw(x)))))


class _Inverted(nn.Module):
    """Expand, convolve each channel, project; add the input where the shape is the same (Sandler et al. 2018)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = expansion * channels_in
        self.conv_pw = _Conv(channels_in, wide, 1)
        self.bn1 = _norm(wide)
        self.conv_dw = _Conv(wide, wide, kernel, stride, groups=wide)
        self.bn2 = _norm(wide)
        self.conv_pwl = _Conv(wide, channels_out, 1)
        self.bn3 = _norm(channels_out)
        self.adds = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu6(self.bn1(self.conv_pw(x)))
        out = F.relu6(self.bn2(self.conv_dw(out)))
        out = self.bn3(self.conv_pwl(out))
        return out + x if self.adds else out


class EfficientNetLite0(nn.Module):
    """Takes normalised images (N, 3, H, W), gives logits (N, classes)."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv_stem = _Conv(3, STEM, 3, 2)
        self.bn1 = _norm(STEM)
        stages, channels = [], STEM
        for expansion, kernel, stride, width, count in STAGES:
            blocks = list[nn.Module]()
            for step in (stride, *[1] * (count - 1)):
                shape = (channels, width, kernel)
                blocks.append(_Separable(*shape) if expansion == 1 else _Inverted(*shape, step, expansion))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = _Conv(channels, HEAD, 1)
        self.bn2 = _norm(HEAD)
        self.classifier = nn.Linear(HEAD, classes)

    def forward_features(self, z: Tensor) -> dict[str, Tensor]:
        """Compute the activations.

        Args:
            z: Normalised images (N, 3, H, W).

        Returns:
            ``stem``, ``stage1`` to ``stage7`` and ``top`` (N, C, H', W'), and ``penultimate`` (N, 1280).
        """
        x = F.relu6(self.bn1(self.conv_stem(z)))
        features = {"stem": x}
        for i, stage in enumerate(self.blocks, 1):
            features[f"stage{i}"] = x = stage(x)
        features["top"] = x = F.relu6(self.bn2(self.conv_head(x)))
        return features | {"penultimate": x.mean((2, 3))}

    def head(self, penultimate: Tensor) -> Tensor:
        """Compute logits.

        Args:
            penultimate: Features (N, 1280).

        Returns:
            Logits (N, classes).
        """
        return self.classifier(penultimate)

    def forward(self, z: Tensor) -> Tensor:
        return self.head(self.forward_features(z)["penultimate"])
