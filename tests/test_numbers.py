"""Numbers of NumPy and PyTorch mean in every call what Python's mean; what is no such number is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import explorer
from explorer.data.dataset import Dataset
from explorer.errors import ExplorerError
from explorer.numbers import count_of, counted, plain_number
from explorer.survey import make_plan

MODEL = "digits/lenet/standard"
COUNTS: list[Callable[[int], Any]] = [np.int64, np.uint8, np.array, torch.tensor, lambda n: torch.tensor(n).byte()]
AMOUNTS: list[Callable[[float], Any]] = [np.float16, np.float32, np.float64, np.array, torch.tensor]
DIGITS: Dataset = explorer.load_dataset("digits").select(slice(300))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).eval()


def plan(count: Callable[[int], Any], amount: Callable[[float], Any]) -> Any:
    models, amounts = [explorer.load_model(MODEL)], [amount(0.125)]
    return make_plan(models, DIGITS, ["gaussian_noise"], amounts=amounts, seeds=[count(3)], limit=count(200)).to_dict()


CALLS: dict[str, Callable[[Callable[[int], Any], Callable[[float], Any]], Any]] = {
    "evaluate": lambda n, _: explorer.evaluate(MODEL, DIGITS, limit=n(200), batch_size=n(30)).to_dict(),
    "suite": lambda n, _: explorer.run_suite(MODEL, DIGITS, "line-search", limit=n(3), seed=n(2)).to_dict(),
    "sweep": lambda n, a: explorer.sweep(MODEL, "digits:7", "gaussian_noise", amounts=[a(0.25)], seeds=n(2)).to_dict(),
    "transfer": lambda _, a: explorer.transfer([MODEL], "digits:7", "fgsm", amount=a(0.125)).to_dict(),
    "compare": lambda n, _: explorer.compare(MODEL, "digits:7", label=n(7)).to_dict(),
    "recipe": lambda n, a: str(explorer.Recipe((("gaussian_noise", a(0.125)),), n(7))),
    "fit": lambda n, _: explorer.fit(torch.zeros(1, 3, 40, 60), n(28), n(1)).shape,
    "wrap": lambda n, a: explorer.wrap(network(), size=n(28), channels=n(1), mean=[a(0.5)], std=[a(0.25)]).card,
    "survey": plan,
}


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_numbers_of_every_library_are_the_same_numbers(call: str) -> None:
    expected = CALLS[call](int, float)
    for count in COUNTS:
        assert CALLS[call](count, float) == expected
    for amount in AMOUNTS:
        assert CALLS[call](int, amount) == expected


@pytest.mark.parametrize("wrong", [0, -1, 2.5, np.float32(3), True, "3", None, torch.tensor([3]), float("nan")])
def test_what_counts_nothing_is_said(wrong: Any) -> None:
    with pytest.raises(ExplorerError, match=r"limit is .*; it must be a whole number, 1 or more"):
        count_of(wrong, "limit")


def test_the_tenth_of_a_narrow_float_is_a_tenth() -> None:
    assert [plain_number(kind(0.1)) for kind in (np.float16, np.float32, np.float64, torch.tensor)] == [0.1] * 4


@pytest.mark.parametrize("wrong", [2.5, float("nan"), "seven", None.__class__, [7.5]])
def test_a_label_is_a_whole_number(wrong: Any) -> None:
    with pytest.raises(ExplorerError, match="label is one class index per image, a whole number, not"):
        explorer.compare(MODEL, "digits:7", label=wrong)


def test_one_thing_is_not_called_many() -> None:
    expected = ["1 image", "0 images", "50,000 images", "1 class", "2 classes", "1 more row"]
    things = [(1, "image"), (0, "image"), (50_000, "image"), (1, "class"), (2, "class"), (1, "more row")]
    assert [counted(*thing) for thing in things] == expected
