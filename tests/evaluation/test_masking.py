"""The masking verdict: a saturated, a quantising and a random network are caught, an honest one is not."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from explorer import load_model, wrap
from explorer.cli.doubt import masking as command
from explorer.data.datasets import load_dataset
from explorer.distortions.adversarial import log_odds
from explorer.errors import ExplorerError
from explorer.evaluation import masking
from explorer.evaluation.masking import ATTACKS, BATCH, Verdict, _OfModel
from explorer.models import Classifier
from explorer.reports.doubt_tables import verdicts_sheet

MODEL, SIZE = "digits/lenet/standard", 0.2


class Shown(nn.Module):
    """The network after something was done to its pixels, without a way back for the gradient."""

    def __init__(self, within: Classifier, change) -> None:
        super().__init__()
        self.within, self.change = within, change

    def forward(self, x: Tensor) -> Tensor:
        return self.within(self.change(x))


def verdict(model: Classifier | nn.Module, source: str | None = None) -> Verdict:
    (found,) = masking(model, "digits", size=SIZE, limit=12, restarts=1, source=source).verdicts
    return found


@pytest.fixture(scope="module")
def honest() -> Classifier:
    return load_model(MODEL, device="cpu")


def as_model(net: nn.Module, name: str) -> Classifier:
    return wrap(net.eval(), size=28, channels=1, classes=tuple("0123456789"), name=name)


def test_an_honest_network_has_no_sign(honest: Classifier) -> None:
    found = masking(honest, "digits", size=SIZE, limit=12, restarts=1, source="digits/lenet/stability")
    (one,) = found.verdicts
    assert (one.masked, one.signs) == (False, ())
    assert [at.attack for at in one.attacks] == list(ATTACKS)
    accuracy = {at.attack: at.accuracy for at in one.attacks}
    assert accuracy["unbounded"] == 0
    assert one.worst <= min(share for name, share in accuracy.items() if name != "unbounded")
    assert verdicts_sheet(found).tables[0].rows[-1] == ["verdict", "no sign of masking"]
    assert len(found.records()) == len(ATTACKS)


def test_a_saturated_network_is_caught(honest: Classifier) -> None:
    saturated = copy.deepcopy(honest)
    saturated.net.fc2.weight.mul_(1000)  # type: ignore[operator,union-attr]
    saturated.net.fc2.bias.mul_(1000)  # type: ignore[operator,union-attr]
    found = verdict(saturated)
    assert "The cross-entropy's gradient is lost in float32 where the margin's is not." in found.signs
    accuracy = {at.attack: at.accuracy for at in found.attacks}
    assert accuracy["margin"] < accuracy["float32"]


def test_a_quantising_network_is_caught(honest: Classifier) -> None:
    found = verdict(as_model(Shown(honest, lambda x: (3 * x).round() / 3), "quantising"), MODEL)
    assert found.zero_gradients == 1
    assert "At 100.0 % of the images the gradient is exactly zero." in found.signs
    assert "Pixels made on another model break more than those made on itself." in found.signs


@pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")
def test_a_random_network_is_caught(honest: Classifier) -> None:
    found = verdict(as_model(Shown(honest, lambda x: x + 0.2 * torch.randn_like(x)), "random"))
    assert "It answers the same pixels differently when it is asked again." in found.signs


def test_a_remedy_of_this_package_hides_nothing() -> None:
    found = verdict(load_model(f"{MODEL}+bits(depth=2)", device="cpu"), MODEL)
    assert not found.masked, found.signs


def test_every_image_starts_from_its_own_place_in_whatever_batch(honest: Classifier) -> None:
    x, labels = load_dataset("digits", "test").batch(slice(0, 1))
    many = BATCH + 1
    same = _OfModel(honest, interpolate(x, 28).expand(many, -1, -1, -1), labels.expand(many), SIZE, 0)
    moved = same._pgd(honest, log_odds, 0)
    assert not torch.equal(moved[0], moved[BATCH]), "the second batch has random starts of its own"
    few = same._pgd(honest, log_odds, 0, torch.tensor([3, BATCH]))
    assert torch.allclose(few, moved[[3, BATCH]], atol=1e-5), "and they do not depend on what else is attacked"


@pytest.mark.parametrize("given", [{"size": 0}, {"size": -0.1}, {"size": float("nan")}, {"size": 2}, {"restarts": 0}])
def test_attacks_that_cannot_change_anything_are_refused(honest: Classifier, given) -> None:
    with pytest.raises(ExplorerError, match=r"Attacks need a size above 0|restarts is 0"):
        masking(honest, "digits", limit=2, **given)


def test_the_command_names_its_own_option_when_a_size_is_no_number() -> None:
    with pytest.raises(ExplorerError, match=r"--attack-size takes one number or a fraction such as 8/255, not 'abc'"):
        command([MODEL], data="digits", attack_size="abc")
