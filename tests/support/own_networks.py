"""What a student brings to ``explorer.compare``: a network, pictures, and slips."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import explorer
from explorer.distortions import Recipe
from explorer.errors import ExplorerWarning
from tests.support.networks import picture

RECIPE = Recipe.parse("gaussian_noise=0.3;seed=7")
SHIPPED = "digits/lenet/standard"


class Net(nn.Module):
    """What a student writes: convolution, batch norm, an in-place ReLU, dropout, one linear layer."""

    def __init__(self, last: Callable[[Tensor], Any] = lambda y: y, *, k: int = 10, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv1 = nn.Conv2d(1, 6, 5)
            self.bn1 = nn.BatchNorm2d(6)
            self.fc = nn.Linear(6 * 12 * 12, k)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout()
        self.last = last

    def forward(self, x: Tensor) -> Any:
        x = nn.functional.max_pool2d(self.relu(self.bn1(self.conv1(x))), 2)
        return self.last(self.fc(self.drop(x.flatten(1))))


def net(last: Callable[[Tensor], Any] = lambda y: y, **settings: Any) -> Net:
    return Net(last, **settings).eval()


def images(n: int = 4, channels: int = 1, side: int = 28) -> Tensor:
    return torch.cat([picture(side, channels, seed) for seed in range(n)])


def noticed(models: Any, given: Any, recipe: Any = RECIPE, **settings: Any) -> tuple[Any, tuple[str, ...]]:
    """The result and its warnings, which were issued, too, and nothing else was."""
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        found: Any = explorer.compare(models, given, recipe, **settings)
    assert tuple(str(one.message) for one in issued) == found.warnings
    assert all(issubclass(one.category, ExplorerWarning) and one.filename == __file__ for one in issued)
    return found, found.warnings


def one_sentence(text: str) -> bool:
    return text[-1] in ".?" and "\n" not in text and "  " not in text and len(text) < 320
