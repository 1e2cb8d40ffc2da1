"""Networks that behave oddly give their own numbers, with a sentence where one is due, or one sentence instead."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.analysis import evidence
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.survey import make_plan, run
from tests.support.own_networks import images, noticed, one_sentence

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning"),
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
    pytest.mark.filterwarnings("ignore:quantized.*autograd:UserWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]
CLEAN = explorer.Recipe()


class Plain(nn.Module):
    """A small network that TorchScript takes, too."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.conv = nn.Conv2d(1, 4, 5, stride=3)
            self.fc = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.conv(x)).flatten(1)) * 5


class Odd(Plain):
    """The same with something before and after."""

    def __init__(self, after: Callable[[Tensor], Any] = lambda y: y, before: Callable[[Tensor], Tensor] = lambda x: x):
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Any:
        return self.after(super().forward(self.before(x)))


class Outputs(NamedTuple):
    logits: Tensor
    aux_logits: Tensor | None


class ModelOutput(OrderedDict[str, Any]):
    """What Hugging Face's networks return: a dict whose entries are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


class Half(Plain):
    """Only the head has half precision."""

    def __init__(self) -> None:
        super().__init__()
        self.fc.half()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.conv(x)).flatten(1).half()) * 5


class Viewing(Plain):
    """Takes no images but those whose values lie in memory one after the other."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(-1).view(x.shape))


class Inference(Plain):
    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


def odd(*parts: Any) -> nn.Module:
    return Odd(*parts).eval()


def dynamic() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(Plain().eval(), {nn.Linear}, dtype=torch.qint8)


def scripted() -> nn.Module:
    return torch.jit.script(Plain().eval())


def compiled_in_place() -> nn.Module:
    network = Plain().eval()
    network.compile(backend="eager")
    return network


UNSEEN = "layers of net cannot be seen"
RIGHT: dict[str, tuple[Callable[[], Any], str, float]] = {
    "a tuple of one": (lambda: odd(lambda y: (y,)), "", 1e-6),
    "two outputs": (lambda: odd(lambda y: (y, -y)), r"a tuple of \(4, 10\) and \(4, 10\): the first was taken", 1e-6),
    "logits and a map": (lambda: odd(lambda y: [y, y[:, :, None]]), r"a list of \(4, 10\) and \(4, 10, 1\)", 1e-6),
    "logits and a loss": (lambda: odd(lambda y: (y, y.sum())), "the first was taken", 1e-6),
    "GoogLeNet's outputs": (lambda: odd(lambda y: Outputs(y, -y)), "", 1e-6),
    "a dict of logits": (lambda: odd(lambda y: {"loss": None, "logits": y}), "", 1e-6),
    "a dict of one": (lambda: odd(lambda y: {"prediction": y}), "", 1e-6),
    "a model output": (lambda: odd(lambda y: ModelOutput(logits=y, hidden=-y)), "", 1e-6),
    "sparse": (lambda: odd(lambda y: y.to_sparse()), "", 1e-6),
    "without gradients": (lambda: odd(lambda y: y.detach()), "", 1e-6),
    "inference mode": (lambda: Inference().eval(), "", 1e-6),
    "rounding": (lambda: odd(lambda y: y, lambda x: (x * 255).round() / 255), "", 1e-5),
    "in place": (lambda: odd(lambda y: y, lambda x: x.mul_(2).div_(2)), "", 1e-6),
    "views": (lambda: Viewing().eval(), "", 1e-6),
    "channels last": (lambda: Plain().eval().to(memory_format=torch.channels_last), "", 1e-5),
    "half precision": (lambda: Plain().eval().half(), "", 5e-3),
    "bfloat16": (lambda: Plain().eval().bfloat16(), "", 5e-2),
    "double precision": (lambda: Plain().eval().double(), "", 1e-6),
    "mixed precision": (lambda: Half().eval(), "", 5e-3),
    "scripted": (scripted, UNSEEN, 1e-6),
    "traced": (lambda: torch.jit.trace(Plain().eval(), torch.zeros(2, 1, 28, 28)), UNSEEN, 1e-6),
    "frozen": (lambda: torch.jit.freeze(scripted()), UNSEEN, 1e-5),
    "dynamically quantised": (dynamic, "", 5e-2),
    "compiled": (lambda: torch.compile(Plain().eval(), backend="eager"), "", 1e-6),
    "compiled in training": (lambda: torch.compile(Plain(), backend="eager"), "net is in training mode", 1e-6),
    "compiled in place": (compiled_in_place, UNSEEN, 1e-6),
    "parallel": (lambda: nn.DataParallel(Plain().eval()), "", 1e-6),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_odd_network_gives_its_own_numbers(name: str) -> None:
    make, words, tolerance = RIGHT[name]
    pixels = images()
    found, said = noticed({"net": make()}, pixels, CLEAN)
    expected = Plain()(pixels).softmax(1).detach()
    for one, row in zip(found, expected, strict=True):
        torch.testing.assert_close(one.models[0].clean.float(), row, atol=tolerance, rtol=0)
    assert bool(words) == bool(said)
    if words:
        (sentence,) = said
        assert re.search(words, sentence)
        assert one_sentence(sentence)


@pytest.mark.parametrize("name", RIGHT)
def test_evaluate_counts_what_an_odd_network_says(name: str) -> None:
    make, words, _ = RIGHT[name]
    data = explorer.load_dataset("digits").select(slice(16))
    with torch.no_grad():
        right = Plain()(data.batch(slice(None))[0]).argmax(1) == torch.as_tensor(data.labels)
    network = make()
    if words:
        with pytest.warns(ExplorerWarning):
            assert explorer.evaluate(network, data).n == 16
    else:
        accuracy = explorer.evaluate(network, data).accuracy
        assert accuracy == pytest.approx(float(right.float().mean()), abs=1 / 16 + 1e-9)


NO_GRADIENT: dict[str, Callable[[], nn.Module]] = {
    "without gradients": RIGHT["without gradients"][0],
    "inference mode": RIGHT["inference mode"][0],
    "dynamically quantised": dynamic,
    "8-bit inside": lambda: odd(lambda y: y, lambda x: (x * 255).to(torch.uint8) / 255),
    "whole numbers": lambda: odd(lambda y: y.round().int()),
}


@pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")
@pytest.mark.parametrize("name", NO_GRADIENT)
def test_attacks_say_where_there_is_no_gradient(name: str) -> None:
    network = NO_GRADIENT[name]()
    assert noticed({"net": network}, images(1))[0].models[0].clean.shape == (10,)
    with pytest.raises(ExplorerError, match="gives no gradient: its logits must be differentiable"):
        explorer.compare({"net": network}, images(1), "fgsm=8/255;seed=1;against=net")


@pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")
@pytest.mark.parametrize("name", ["without gradients", "inference mode", "whole numbers"])
def test_maps_of_evidence_say_where_there_is_no_gradient(name: str) -> None:
    with pytest.raises(ExplorerError, match="net gives no gradient at its layer conv, so there is no class-evidence"):
        evidence(explorer.wrap(NO_GRADIENT[name](), name="net"), images(1), images(1))


@pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")
@pytest.mark.parametrize("name", ["dynamically quantised", "frozen", "bfloat16", "scripted"])
def test_surveys_tell_odd_networks_apart_by_their_weights(name: str, tmp_path: Path) -> None:
    data = explorer.load_dataset("digits").select(slice(8))
    plans = []
    for network in (RIGHT[name][0](), RIGHT[name][0](), other(name)):
        model = explorer.wrap(network, name="net", size=28, channels=1)
        plans.append(make_plan([model], data, ["brightness=0.1"]))
    assert plans[0].weights == plans[1].weights
    assert plans[0].weights != plans[2].weights
    run([model], data, plans[2], tmp_path / "out")


def other(name: str) -> nn.Module:
    """The same kind of network with other weights."""
    plain = Plain().eval()
    nn.init.constant_(plain.fc.weight, 0.5)
    if name == "dynamically quantised":
        return torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, dtype=torch.qint8)
    if name == "bfloat16":
        return plain.bfloat16()
    made = torch.jit.script(plain)
    return torch.jit.freeze(made) if name == "frozen" else made


class Four(nn.Module):
    """Flattens by numbers that it was written with."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch, self.fc = batch, nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.reshape(self.batch, 784))


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "logits and features": (lambda: odd(lambda y: (y, y[:, :3])), r"tuple of \(4, 10\) and \(4, 3\), not logits"),
    "features and logits": (lambda: odd(lambda y: [y[:, :3], y]), r"a list of \(4, 3\) and \(4, 10\), not logits"),
    "a map and a table": (lambda: odd(lambda y: (y[:, :, None], y)), "not logits"),
    "a body of Hugging Face": (
        lambda: odd(lambda y: ModelOutput(last_hidden_state=y[:, :, None], pooler_output=y)),
        r"last_hidden_state \(4, 10, 1\) and pooler_output \(4, 10\), not logits",
    ),
    "arrays": (lambda: odd(lambda y: y.detach().numpy()), r"net returns a ndarray, not logits"),
    "nothing": (lambda: odd(lambda _: ()), r"net returns a tuple, not logits"),
    "complex": (lambda: odd(lambda y: y.to(torch.complex64)), "net returns complex numbers"),
    "classes": (lambda: odd(lambda y: y.argmax(1)), r"net gives a tensor of shape \(4,\) for 4 images"),
    "maps": (lambda: odd(lambda y: y[:, :, None, None]), r"net gives a tensor of shape \(4, 10, 1, 1\)"),
    "one at a time": (lambda: Four(1).eval(), r"net takes one image and not 4 at once \(shape '\[1, 784\]' is invalid"),
    "scripted one at a time": (
        lambda: torch.jit.trace(Four(1).eval(), torch.zeros(1, 1, 28, 28)),
        r"net takes one image and not 4 at once \(shape '\[1, 784\]' is invalid for input of size 3136\)",
    ),
    "float8": (lambda: Plain().eval().to(torch.float8_e4m3fn), "not implemented for 'Float8_e4m3fn'"),
    "without values": (lambda: Plain().eval().to("meta"), "Plain is on the device meta, where weights have no values"),
    "scripted in training": (lambda: torch.jit.script(Plain()), r"in training mode and cannot be copied .* \.eval\(\)"),
}


@pytest.mark.parametrize("known", [True, False], ids=["size given", "size to be found"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_logits_is_said_in_one_true_sentence(name: str, known: bool) -> None:
    make, words = REFUSED[name]
    with pytest.raises(ExplorerError, match=words) as caught:
        explorer.wrap(make(), name="net", size=28 if known else None, channels=1 if known else None)
    assert one_sentence(str(caught.value))


def test_a_batch_that_is_fixed_is_said() -> None:
    with pytest.raises(ExplorerError, match=r"Four takes 4 images at once and not one \(shape .* any number of images"):
        explorer.compare(Four(4).eval(), images())


def test_chance_inside_a_network_is_said_and_repeats_nothing() -> None:
    for network in (
        odd(nn.functional.dropout),
        odd(lambda y: y, lambda x: x + torch.randn_like(x)),
    ):
        _, (said,) = noticed(network, images(), CLEAN)
        assert "answers the same picture differently each time" in said


def test_a_compiled_or_parallel_network_is_called_what_it_holds() -> None:
    for name in ("compiled", "parallel"):
        network = RIGHT[name][0]()
        assert noticed(network, images(1), CLEAN)[0].models[0].name == "Plain"
        assert list(explorer.wrap(network).answer(images(1))[1]) == ["conv", "penultimate"]


def test_quantised_answers_become_real_numbers() -> None:
    network = odd(lambda y: torch.quantize_per_tensor(y, 1e-3, 0, torch.qint32))
    expected = Plain()(images()).detach()
    torch.testing.assert_close(explorer.wrap(network)(images()), expected, atol=1e-3, rtol=0)


def test_images_of_any_memory_format_give_the_same_numbers() -> None:
    pixels = images(3)
    network = Viewing().eval()
    expected = noticed(network, pixels)[0].to_dict()
    formats = [
        pixels.to(memory_format=torch.channels_last),
        pixels.transpose(2, 3).contiguous().transpose(2, 3),
        pixels.flip(0).contiguous().flip(0),
        pixels.clone().requires_grad_(),
    ]
    for given in formats:
        assert noticed(network, given)[0].to_dict() == expected
    for recipe in ("fgsm=8/255;seed=1;against=Viewing", "rotate=20", "gaussian_blur=1"):
        strided = noticed(network, formats[1], recipe)[0].to_dict()
        assert strided == noticed(network, pixels, recipe)[0].to_dict()
