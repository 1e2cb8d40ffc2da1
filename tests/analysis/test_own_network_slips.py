"""What goes wrong with networks of one's own is said in one sentence, or refused in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import explorer
from explorer.errors import ExplorerError
from explorer.models import wrap
from tests.support.own_networks import SHIPPED, Net, images, net, noticed, one_sentence


def test_probabilities_are_taken_for_what_they_are() -> None:
    logits = noticed(net(), images())[0]
    for last, words in ((lambda y: y.softmax(1), "a softmax"), (lambda y: y.log_softmax(1), "a log-softmax")):
        found, (said,) = noticed(net(last), images())
        assert words in said
        assert one_sentence(said)
        for one, other in zip(found, logits, strict=True):
            assert one.models[0].confidence == pytest.approx(other.models[0].confidence, abs=1e-5)
            assert one.models[0].kl == pytest.approx(other.models[0].kl, abs=1e-4)


def test_logits_are_not_mistaken_for_probabilities() -> None:
    for last in (lambda y: y, lambda y: y * 0, lambda y: y * 100, lambda y: y - 50, lambda y: y.clamp_min(0)):
        assert noticed(net(last), images())[1] == ()


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (torch.sigmoid, "as after a sigmoid"),
        (lambda y: y + torch.randn_like(y), "differently each time"),
        (lambda y: (y - y.mean(0)) * 10, "depend on the other pictures in the batch"),
    ],
)
def test_answers_that_are_odd_are_said(last: Callable[[Tensor], Tensor], words: str) -> None:
    _, (said,) = noticed(net(last), images())
    assert words in said
    assert one_sentence(said)


def test_classes_that_do_not_match_are_said() -> None:
    x = images(1)
    _, (said,) = noticed([net(), net(k=11)], x)
    assert said.startswith("Net answers with 10 classes and Net 2 with 11")
    shipped = explorer.load_model(SHIPPED)
    _, (said,) = noticed([wrap(net(), classes=shipped.classes[::-1]), shipped], x)
    assert "the same classes in a different order" in said
    _, (said,) = noticed([wrap(net(), classes=list("abcdefghij")), shipped], x)
    assert "name different classes ('a' here, '0' there)" in said
    assert one_sentence(said)


def test_images_that_were_divided_twice_are_said() -> None:
    _, (said,) = noticed(net(), images() / 255)
    assert "divided by 255 twice" in said


class Tuple(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return (x, x)


class Broken(Net):
    def __init__(self) -> None:
        super().__init__()
        self.eval()
        nn.init.constant_(self.fc.weight, torch.nan)


X = images()
REFUSED: list[tuple[Any, Any, dict[str, Any], str]] = [
    (net(), X * 255, {}, r"run from 0 to 255 instead of 0 to 1; divide them by 255"),
    (net(), (X - 0.5) / 0.2, {}, r"run from -2.5 to 2.5 .* normalised already; .* explorer.wrap"),
    (net(), X * 1.01, {}, r"clamp them to \[0, 1\]"),
    (net(), X * torch.nan, {}, r"not finite"),
    (net(), X.mul(255).int(), {}, r"torch.int32 values; expected floats in \[0, 1\] or uint8"),
    (
        net(),
        images(side=32),
        {},
        r"does not take images of 32 x 32 px with 1 channel but of 28 x 28 px with 1 channel",
    ),
    (
        net(),
        images(channels=3),
        {},
        r"28 x 28 px with 3 channels but of 28 x 28 px with 1 channel; .*fit\(images, 28, 1",
    ),
    ([net(), SHIPPED], images(side=32), {}, r"Net does not take images of 32 x 32 px"),
    (SHIPPED, images(side=32), {}, r"32 x 32 px with 1 channel but digits/lenet/standard takes 28 x 28 px"),
    ([SHIPPED, "cifar10/resnet20/standard"], X, {}, r"must take the same pixels"),
    (net(), X[:, :, :, :20], {}, r"20 x 28 px, not square"),
    (net(), X.permute(0, 2, 3, 1), {}, r"shape \(4, 28, 28, 1\); .*permute\(0, 3, 1, 2\)"),
    (net(), X[:, 0], {}, r"shape \(4, 28, 28\); .* images\[:, None\]"),
    (net(), [X[0], torch.zeros(1, 20, 20)], {}, r"differ in shape"),
    (net(), [], {}, r"no images: the list is empty"),
    (net(), X[:0], {}, r"no images: the batch is empty"),
    (net(), 7, {}, r"Expected an image \(tensor, array, PIL image or path\), got int"),
    (Net, X, {}, r"Net is a class, not a network; .* Net\(\)"),
    (net().state_dict(), X, {}, r"a state dict, not a network"),
    (torch.relu, X, {}, r"Expected a model .*, got builtin_function_or_method"),
    (X, X, {}, r"Expected a model \(name, path, Classifier or torch.nn.Module\), got Tensor"),
    (net(), net(), {}, r"Expected an image .*, got Net"),
    ([], X, {}, r"Name at least one model"),
    ([SHIPPED, SHIPPED], X, {}, r"given more than once"),
    ("digits/lenet/nothing", X, {}, r"Unknown model"),
    (nn.Module(), X, {}, r"has no forward method"),
    (nn.Sequential(nn.LazyLinear(3)), X, {}, r"lazy layers"),
    (Tuple(), X, {}, r"Tuple returns a tuple of \(4, 1, 28, 28\) and \(4, 1, 28, 28\), not logits"),
    (nn.Flatten(start_dim=2), X, {}, r"shape \(4, 1, 784\) for 4 images; a classifier gives logits \(N, K\)"),
    (net(lambda y: y[:, :1]), X, {}, r"one number per image"),
    (Broken(), X, {}, r"not finite numbers .*fc.weight hold such values"),
    (net(lambda y: y / 0), X, {}, r"not finite numbers .*divides by zero"),
    (net(), X, {"recipe": "foo=1"}, r"no distortion named 'foo'"),
    (net(), X, {"recipe": 3}, r"Expected a recipe such as .*, got int"),
    (net(), X, {"label": [1, 2]}, r"2 given for 4 images"),
    (net(), X, {"label": [1, 2, 3, 10]}, r"label 10 is not a class of Net; expected 0 to 9"),
    (net(), X, {"reference": "cat|jpeg=30"}, r"compare the images one by one"),
    (net(), X[:1], {"reference": "cat"}, r"a bar between them"),
    (net(), X[:1], {"reference": 3}, r"Expected a reference such as .*, got int"),
]


@pytest.mark.parametrize(
    ("models", "given", "settings", "message"), REFUSED, ids=[message[:30] for *_, message in REFUSED]
)
def test_what_has_no_answer_is_refused_in_one_sentence(
    models: Any, given: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExplorerError, match=message) as caught:
        explorer.compare(models, given, **settings)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mean": [123.7]}, r"mean 123.7 counts in 0 to 255"),
        ({"mean": [0.1, 0.2]}, r"mean needs 1 or 1 numbers"),
        ({"std": [0.0]}, r"std needs numbers above 0"),
    ],
)
def test_a_normalisation_that_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ExplorerError, match=message) as caught:
        wrap(net(), **settings)
    assert one_sentence(str(caught.value))


def test_a_network_that_normalises_in_place_is_not_called_random() -> None:
    class InPlace(Net):
        def forward(self, x: Tensor) -> Tensor:
            x.sub_(0.5).div_(0.25)
            return super().forward(x)

    torch.manual_seed(0)
    network = InPlace().eval()
    pixels = images()
    before = pixels.clone()
    found, messages = noticed(network, pixels)
    assert messages == ()
    assert torch.equal(pixels, before)
    answer = network(before[:1].clone()).softmax(1).detach()
    assert found[0].models[0].clean.max().item() == pytest.approx(answer.max().item(), abs=1e-6)


def test_labels_may_be_scalars_of_numpy_and_torch() -> None:
    labels: list[Any] = [7, np.int64(7), torch.tensor(7)]
    answers = [explorer.compare(SHIPPED, "digits:7", label=label) for label in labels]
    assert len({str(answer.to_dict()["models"]) for answer in answers}) == 1


def test_an_attack_without_a_gradient_is_not_taken_for_robustness() -> None:
    class Rounded(Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward((x * 255).round() / 255)

    pixels = images()[:1]
    for attack, model, words in (
        ("pgd_linf=8/255", Rounded().eval(), "gradient of Rounded is zero"),
        ("fgsm=8/255", Rounded().eval(), "gradient of Rounded is zero"),
        ("fgsm=8/255", net(), ""),
        ("fgsm=0", Rounded().eval(), ""),
        ("gaussian_noise=0", Rounded().eval(), ""),
    ):
        recipe = f"{attack};seed=1" + (f";against={type(model).__name__}" if "gaussian" not in attack else "")
        _, messages = noticed([model], pixels, recipe)
        assert [words in message for message in messages] == [True] * bool(words), (attack, messages)
