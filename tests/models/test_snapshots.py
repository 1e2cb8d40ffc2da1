"""A network that is being trained is asked through a snapshot: its trainer notices nothing."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

import explorer
from explorer.data.inputs import Picture
from explorer.errors import ExplorerError
from explorer.models.snapshots import snapshot

pytestmark = pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")

IMAGES = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Convolution, batch norm, dropout, one linear layer, and a plain number."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.conv = nn.Conv2d(1, 4, 3)
            self.norm = nn.BatchNorm2d(4)
            self.name = nn.Linear(400, 3)
        self.drop = nn.Dropout()
        self.temperature = 1.0

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.name(self.drop(self.norm(self.conv(x)).relu().flatten(1)))
        return out / self.temperature


def compared(net: Any) -> Any:
    return explorer.compare(explorer.wrap(net, size=12, channels=1), Picture(IMAGES[:1]), "gaussian_noise=0.1")


def answers(net: nn.Module) -> Tensor:
    """What a copy made by hand gives in eval mode."""
    other = Net()
    other.load_state_dict(net.state_dict())
    return other.eval()(IMAGES).detach()


def states(net: nn.Module) -> list[Any]:
    """Everything a trainer could notice, apart from values."""
    tensors = [*net.parameters(), *net.buffers()]
    return [
        [module.training for module in net.modules()],
        [(id(tensor), tensor._version, tensor.requires_grad, tensor.grad) for tensor in tensors],
        [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in net.modules()],
    ]


def test_a_training_loop_in_another_thread_notices_nothing() -> None:
    net, stop, steps = Net(), threading.Event(), [0]
    failed: list[str] = []

    def check() -> None:
        for name, part in net.named_modules():
            if not part.training:
                failed.append(f"{name or 'the network'} was in eval mode after {steps[0]} steps")

    def train() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        while not stop.is_set() and not failed:
            check()
            loss = net(torch.rand(16, 1, 12, 12)).logsumexp(1).mean()
            check()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps[0] += 1

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        asked = 0
        while (asked < 20 or steps[0] < 20) and not failed and trainer.is_alive():
            compared(net)
            asked += 1
    finally:
        stop.set()
        trainer.join()
    assert not failed
    assert steps[0] >= 20


def test_a_step_is_the_same_whether_the_network_was_asked_or_not() -> None:
    def trained(ask: Callable[[nn.Module], Any]) -> dict[str, Tensor]:
        torch.manual_seed(1)
        net = Net()
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(3):
            loss = net(torch.rand(16, 1, 12, 12)).square().mean()
            before = states(net)
            ask(net)  # between forward and backward, where a touched tensor would be an error
            assert states(net) == before
            loss.backward()
            ask(net)
            optimizer.step()
            optimizer.zero_grad()
        return net.state_dict()

    plain, asked = trained(lambda _: None), trained(compared)
    assert all(torch.equal(value, asked[key]) for key, value in plain.items())


def test_it_is_kept_until_something_changes() -> None:
    net = Net()

    def changed(edit: Callable[[], Any]) -> bool:
        before = snapshot(net)
        edit()
        after = snapshot(net)
        assert torch.equal(after(IMAGES), answers(net) / net.temperature)
        return after is not before

    def by_the_optimizer() -> None:
        net(IMAGES).sum().backward()
        torch.optim.SGD(net.parameters(), lr=0.1).step()

    assert not changed(lambda: None)
    assert changed(by_the_optimizer)
    assert changed(lambda: net.conv.weight.data.mul_(2))  # seen by no version counter
    assert changed(lambda: dict(net.named_buffers())["norm.running_mean"].add_(1))
    assert changed(lambda: setattr(net, "temperature", 2.0))
    assert changed(lambda: setattr(net, "name", nn.Linear(400, 3)))
    assert changed(lambda: net.conv.register_forward_hook(lambda *_: None))
    assert not changed(net.conv.eval)
    assert not changed(lambda: None)


def test_it_has_no_gradients_and_ends_with_the_network() -> None:
    net = Net()
    net(IMAGES).sum().backward()
    copy = snapshot(net)
    assert not any(part.training for part in copy.modules())
    assert not any(weight.requires_grad or weight.grad is not None for weight in copy.parameters())
    gone = weakref.ref(copy)
    del copy, net
    assert gone() is None


class Keeping(Net):
    """Keeps what it computed, with its history."""

    def forward(self, x: Tensor) -> Tensor:
        self.kept = super().forward(x)
        return self.kept


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
@pytest.mark.parametrize(
    "change",
    [
        lambda net: weight_norm(net.name),
        lambda net: parametrizations.weight_norm(net.name),
        lambda net: parametrizations.spectral_norm(net.conv),
    ],
)
def test_networks_that_compute_their_weights_are_copied(change: Callable[[Net], Any]) -> None:
    net = Keeping()
    change(net)
    net(IMAGES)
    found = snapshot(net)(IMAGES)
    assert torch.equal(found, net.eval()(IMAGES))


def test_hooks_stay_what_they_are() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.lock, self.seen = threading.Lock(), 0

        def watch(self, *_: Any) -> None:
            self.seen += 1

    net, trainer = Net(), Trainer()
    net.conv.register_forward_hook(trainer.watch)
    snapshot(net)(IMAGES)
    assert trainer.seen == 1
    compared(net)
    assert [len(module._forward_hooks) for module in (net, net.conv, net.name)] == [0, 1, 0]


def test_what_torch_compiled_is_asked_uncompiled() -> None:
    net = Net()
    found = compared(torch.compile(net))
    assert found.models[0].distorted.tolist() == compared(net).models[0].distorted.tolist()
    assert net.training


def test_a_network_that_cannot_be_copied_is_said_in_one_sentence() -> None:
    net = Net()
    vars(net)["log"] = threading.Lock()
    with pytest.raises(
        ExplorerError, match=r"Net is in training mode and cannot be copied \(.*lock.*\); call .eval\(\)"
    ):
        compared(net)
    assert net.training
    compared(net.eval())
