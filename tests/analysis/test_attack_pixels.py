"""An attack's pixels: the same alone, in a batch, in a curve, in a survey, and with any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from explorer import load_dataset, load_model
from explorer.analysis import compare_image, transfer
from explorer.analysis.varied import varied
from explorer.data.datasets import Dataset
from explorer.data.images import fit, image_hash, quantise, sample_images
from explorer.data.reading import Images
from explorer.distortions import DISTORTIONS, Recipe, Target, apply, image_seed
from explorer.distortions.adversarial import cross_entropy, slope
from explorer.errors import ExplorerError
from explorer.evaluation.sample import Sample
from explorer.models import Classifier
from explorer.models.external import wrap
from explorer.models.inference import target_of
from explorer.survey.plan import make_plan
from explorer.survey.scan import distort, scan

ATTACKS = [name for name, distortion in DISTORTIONS.items() if distortion.adversarial]
NETWORKS = ["cifar10/resnet20/standard", "digits/lenet/standard"]  # one of each architecture
COUNT = 17
TRIED = (0, 7, 16)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many torch threads, for the calling thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def four_threads() -> Iterator[None]:
    with threads(4):
        yield


def on_one_thread(function: Callable[[], Tensor]) -> Tensor:
    with threads(1):
        return function()


def pictures(model: Classifier) -> Tensor:
    """17 images: digits, or cuttings of photographs, all 8-bit, the last one with large areas of one colour."""
    if model.channels == 1:
        x, _ = load_dataset("digits").batch(range(COUNT))
    else:
        photos = [fit(read(), 64, 3) for read in sample_images().values()]
        x = torch.cat([photos[i % len(photos)][:, :, i : i + 32, 2 * i : 2 * i + 32] for i in range(COUNT)])
    x = quantise(fit(x, model.size, model.channels))
    x[-1, :, : model.size // 2] = 1
    return x


def recipe(attack: str, model: Classifier) -> Recipe:
    low, high = DISTORTIONS[attack].span(model.size)
    return Recipe(((attack, low + (high - low) / 4),), seed=3, against=model.name, quantised=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(NETWORKS[0], marks=pytest.mark.slow), NETWORKS[1]])
@pytest.mark.parametrize("attack", [name for name in ATTACKS if DISTORTIONS[name].searched])
def test_the_same_alone_and_in_a_batch_with_any_number_of_threads(attack: str, name: str) -> None:
    model = load_model(name, device="cpu")
    x, chain = pictures(model), recipe(attack, model)
    labels = torch.arange(COUNT) % 10
    seeds = [image_seed(0, i) for i in range(COUNT)]

    def alone(i: int) -> Tensor:
        one = slice(i, i + 1)
        return apply(chain, x[one], target=target_of(model, labels[one]), seeds=seeds[one])

    with threads(1):
        expected = [alone(i) for i in TRIED]
    for count in (2, 4):
        with threads(count):
            batch = apply(chain, x, target=target_of(model, labels), seeds=seeds)
            for i, pixels in zip(TRIED, expected, strict=True):
                assert torch.equal(batch[i : i + 1], pixels)
                assert torch.equal(alone(i), pixels)
                assert not torch.equal(pixels, x[i : i + 1])


@pytest.mark.slow
def test_the_same_on_a_processor_with_narrower_vectors() -> None:
    """There, convolutions of a batch are summed in an order that depends on the number of threads."""
    narrow = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
    chosen = "number_of_threads and hot_cold and resnet20"
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", chosen]
    done = subprocess.run(run, env={**os.environ, **narrow}, capture_output=True, text=True, check=False)  # this Python
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attack", "name"),
    [
        pytest.param("pgd_l2", NETWORKS[0], marks=pytest.mark.slow),
        ("pgd_linf_margin", NETWORKS[1]),
        ("hot_cold", NETWORKS[1]),
    ],
)
def test_the_same_wherever_it_is_asked_for(attack: str, name: str, four_threads: None) -> None:
    model, other = load_model(name, device="cpu"), load_model(name.replace("standard", "stability"), device="cpu")
    x, chain = pictures(model), recipe(attack, model)
    amount, labels = chain.steps[0][1], torch.arange(COUNT) % 10
    expected = on_one_thread(lambda: compare_image([other, model], x[:1], chain, label=0).distorted)

    found = compare_image([model], x[:1], chain, label=0)
    assert torch.equal(found.distorted, expected)

    curve = varied([model], x[:1], attack, chain, label=0).render([amount / 2, amount, amount * 2], lambda _: None)
    assert torch.equal(curve[1:2], expected)

    matrix = transfer([model, other], x[:1], attack, amount, recipe=replace(chain, steps=()), label=0)
    assert matrix.cells[0][0].confidence == pytest.approx(float(found.models[0].distorted[0]), abs=1e-6)

    # data sets: image 0 with the seed of its row
    seeded = replace(chain, seed=image_seed(chain.seed, 0))
    expected = on_one_thread(lambda: compare_image([model], x[:1], seeded, label=0).distorted)
    arrays = (x * 255).round().byte().permute(0, 2, 3, 1).numpy(), labels.numpy()
    data = Dataset("pictures", "test", *arrays, model.classes, model.card.mean, model.card.std)
    (_, pixels, _), *_ = Sample.of([model], data, COUNT).distorted(chain)
    assert torch.equal(pixels[:1], expected)

    plan = make_plan([model, other], data, [attack], amounts=[amount], seeds=[chain.seed], quantised=False)
    rows = Images(x, labels, tuple(range(COUNT)))
    assert torch.equal(distort([model, other], rows, plan, plan.conditions[0])[0][:1], expected)
    assert scan([model, other], [rows], plan)["hash"][0] == image_hash(expected)


class Tokens(nn.Module):
    """A small transformer with batch norm, in half precision: kernels that depend on the batch, and coarse rounding."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.cut = nn.Conv2d(3, 32, 4, 4)
            self.norm = nn.BatchNorm2d(32)
            self.mix = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
            self.name = nn.Linear(32, 5)
        self.bfloat16().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.name(self.mix(self.norm(self.cut(x)).flatten(2).mT).mean(1))


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["pgd_l2_margin", "pgd_linf"])
def test_the_same_on_a_network_of_ones_own_in_half_precision(attack: str, four_threads: None) -> None:
    model = wrap(Tokens(), size=16, channels=3)
    x, labels = torch.rand(COUNT, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.zeros(COUNT).long()
    chain = recipe(attack, model)
    batch = apply(chain, x, target=target_of(model, labels))
    for i in TRIED:
        with threads(1):
            alone = apply(chain, x[i : i + 1], target=target_of(model, labels[:1]))
        assert torch.equal(batch[i : i + 1], alone)
        assert not torch.equal(alone, x[i : i + 1])


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_layout_in_memory_changes_nothing(name: str) -> None:
    model = load_model(name, device="cpu")
    x, chain = pictures(model)[:3], recipe("pgd_l2", model)
    expected = apply(chain, x, target=target_of(model, torch.zeros(3).long()))
    shifted = torch.cat([torch.zeros(1), x.flatten()])[1:].view_as(x)
    for same in (x.contiguous(memory_format=torch.channels_last), x.transpose(2, 3).contiguous().mT, shifted):
        assert torch.equal(apply(chain, same, target=target_of(model, torch.zeros(3).long())), expected)


def test_slopes_are_those_of_each_image_alone(four_threads: None) -> None:
    model = load_model(NETWORKS[0], device="cpu")
    x, labels = pictures(model), torch.zeros(COUNT).long()
    found = slope(x, target_of(model, labels), cross_entropy)
    expected = on_one_thread(lambda: slope(x[5:6], target_of(model, labels[5:6]), cross_entropy))
    assert torch.equal(found[5:6], expected)


def test_an_error_ends_all_threads_and_gives_the_threads_back(four_threads: None) -> None:
    before, asked = torch.get_num_threads(), []

    def failing(x: Tensor) -> Tensor:
        asked.append(len(x))
        if len(asked) > 6:
            raise ExplorerError("It broke.")
        return x.flatten(1)[:, :3]

    x = torch.rand(200, 1, 3, 3)
    with pytest.raises(ExplorerError, match="It broke"):
        apply(Recipe((("fgsm", 0.1),)), x, target=Target(failing, torch.zeros(200).long()))
    assert len(asked) <= 6 + before  # each thread ends at its next image
    assert set(asked) == {1}
    assert torch.get_num_threads() == before
