"""Small networks with answers known by hand, and a distortion of one formula, for the tests of the probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from explorer.distortions import DISTORTIONS, Draws
from explorer.models import Card, Classifier, find_architecture


class Formula(nn.Module):
    """A network whose penultimate features are its pixels and whose logits are any function of those."""

    def __init__(self, logits: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.logits = logits

    def forward_features(self, x: Tensor) -> dict[str, Tensor]:
        return {"pixels": x, "penultimate": x.flatten(1)}

    def head(self, penultimate: Tensor) -> Tensor:
        return self.logits(penultimate)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x)["penultimate"])


def classifier(
    net: nn.Module,
    *,
    name: str = "test/formula/standard",
    classes: Sequence[str] = ("low", "high"),
    size: int = 4,
    channels: int = 1,
    reference: Sequence[float] = (),
) -> Classifier:
    card = Card(
        name=name,
        data="test",
        arch="formula",
        method=name.rsplit("/", maxsplit=1)[-1],
        classes=tuple(classes),
        size=size,
        channels=channels,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        reference={"penultimate": list(reference)} if reference else {},
    )
    return Classifier(net, card).eval()


def formula(logits: Callable[[Tensor], Tensor], **settings) -> Classifier:
    """A classifier of flattened pixels (N, D) by a formula that gives logits (N, K)."""
    return classifier(Formula(logits), **settings)


def threshold(at: float, **settings) -> Classifier:
    """Calls an image "high" where its mean is above ``at``, with logits 0 and 10 (mean - at)."""
    return formula(lambda p: torch.stack([0 * p[:, 0], 10 * (p.mean(1) - at)], 1), **settings)


def resnet(name: str = "test/resnet20/standard", *, seed: int = 0) -> Classifier:
    """An untrained ResNet-20 for 32 px RGB images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = find_architecture("resnet20").build(classes=10)
    return classifier(net, name=name, classes=[f"c{i}" for i in range(10)], size=32, channels=3)


def picture(side: int = 32, channels: int = 3, seed: int = 0) -> Tensor:
    """Random 8-bit pixels (1, C, H, W) in [0, 1]."""
    values = torch.randint(0, 256, (1, channels, side, side), generator=torch.Generator().manual_seed(seed))
    return values.float() / 255


def grey(value: float, side: int = 4) -> Tensor:
    """A uniform one-channel image (1, 1, H, W)."""
    return torch.full((1, 1, side, side), value)


def _lift(x: Tensor, amount: float, draws: Draws) -> Tensor:
    return (x + amount).clamp(0, 1)


def add_lift(monkeypatch) -> None:
    """Register ``lift`` for one test: x + amount, clipped; 0 (identity) to 0.8."""
    likeness = DISTORTIONS["gaussian_noise"]
    lift = replace(
        likeness,
        name="lift",
        title="Lift",
        low=0.0,
        high=0.8,
        identity=0.0,
        default=0.4,
        random=False,
        function=_lift,
    )
    monkeypatch.setitem(DISTORTIONS, "lift", lift)
