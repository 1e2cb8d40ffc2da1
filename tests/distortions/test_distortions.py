"""One suite that every registered distortion passes: a new one is tested by being registered."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from explorer.data.images import fit, sample_images
from explorer.distortions import DISTORTIONS, Distortion, Draws, Recipe, Target, apply, find_distortion
from explorer.distortions.threads import PARALLEL_FROM
from explorer.errors import ExplorerError

ALL = list(DISTORTIONS.values())
every = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)

# the names every recipe, page and notebook relies on
NAMES = set(
    "gaussian_noise shot_noise impulse_noise speckle_noise uniform_noise gaussian_blur defocus_blur motion_blur "  # noqa: SIM905
    "zoom_blur jpeg webp thumbnail crop shift rotate scale shear elastic elastic_transform glass_blur brightness "
    "contrast saturation hue gamma bit_depth pixelate patch fog snow frost "
    "fgsm fgsm_margin pgd_linf pgd_linf_margin pgd_l2 pgd_l2_margin hot_cold".split()
)

DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append("cuda")
if torch.backends.mps.is_available():
    DEVICES.append("mps")


def linear_logits(x: Tensor) -> Tensor:
    """Three fixed linear logits for images of any size."""
    place = torch.arange(x[0].numel(), device=x.device, dtype=x.dtype).view_as(x[0])
    return torch.stack([(x * torch.cos(place * rate + rate)).sum((1, 2, 3)) for rate in (0.3, 1.1, 2.3)], 1)


TARGET = Target(linear_logits)


def run(kind: Distortion, x: Tensor, amount: float, seeds: list[int] | None = None, seed: int = 3) -> Tensor:
    recipe = Recipe(((kind.name, amount),), seed=seed, quantised=False)
    return apply(recipe, x, target=TARGET if kind.adversarial else None, seeds=seeds)


def visible(kind: Distortion, side: int) -> float:
    """An amount well inside the slider of an image of that side."""
    mild, strong = kind.span(side)
    return mild + (strong - mild) * 0.6


@pytest.fixture(scope="module")
def photographs() -> Tensor:
    """Sixteen colour pictures of 32 px: the corners of photographs, in natural and in turned colours."""
    pictures = []
    for name in ("cat", "coffee", "flower", "temple"):
        x = sample_images()[name]()[:, :, :300, :300]
        pictures += [fit(x[:, :, i : i + 150, j : j + 150], 32, 3) for i in (0, 150) for j in (0, 150)]
    return torch.cat([picture.roll(i % 3, 1) for i, picture in enumerate(pictures)])


def test_all_named_distortions_are_registered():
    assert set(DISTORTIONS) >= NAMES


@every
def test_card_is_complete(kind):
    assert kind.low <= min(kind.identity, kind.default) <= max(kind.identity, kind.default) <= kind.high
    assert kind.default != kind.identity
    assert kind.step > 0
    assert kind.help.endswith(".")
    assert len(kind.help) < 160
    assert kind.title
    assert kind.source
    assert kind.show(kind.default).startswith(kind.symbol)
    for side in (8, 32, 224):
        mild, strong = kind.span(side)
        assert kind.check(mild) == mild
        assert kind.check(strong) == strong
        assert mild != strong
        if kind.severities:
            marks = kind.severities_at(side)
            assert marks is not None
            assert len(marks) == 5
            assert all(kind.check(mark) == mark for mark in marks)
    if kind.severities:
        assert kind.severities_at(32) == kind.severities


@every
def test_identity_changes_nothing(kind):
    x = torch.rand(2, 3, 9, 7)
    assert torch.equal(run(kind, x, kind.identity), x)
    if kind.per_side:
        assert torch.equal(run(kind, x, kind.span(9)[0]), x)


@every
def test_amounts_just_off_identity_change_little(kind, photographs):
    mild, strong = kind.span(32)
    x = photographs[:2]
    near = run(kind, x, mild + (strong - mild) * 1e-4)
    limit = 0.05 if kind.family == "codec" or kind.name == "saturation" else 0.02
    assert (near - x).abs().mean() < limit
    tiny = run(kind, x, math.nextafter(kind.identity, strong))
    assert torch.isfinite(tiny).all()


@every
@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (3, 1, 28, 28), (1, 3, 1, 1), (2, 1, 17, 5)])
def test_shape_type_and_range(kind, shape):
    x = torch.rand(shape)
    before = x.clone()
    for amount in (visible(kind, 32), kind.strong):
        out = run(kind, x, amount)
        assert out.shape == x.shape
        assert out.dtype == torch.float32
        assert out.device == x.device
        assert 0 <= out.min() <= out.max() <= 1
    assert torch.equal(x, before), "the input was written to"


@every
def test_extreme_pixels(kind):
    for value in (0.0, 1.0):
        out = run(kind, torch.full((1, 3, 8, 8), value), visible(kind, 8))
        assert torch.isfinite(out).all()


@every
def test_same_seed_same_pixels(kind):
    x = torch.rand(2, 3, 16, 16)
    amount = visible(kind, 16)
    assert torch.equal(run(kind, x, amount), run(kind, x, amount))
    torch.manual_seed(1)  # the global generator plays no part
    first = run(kind, x, amount)
    torch.manual_seed(2)
    assert torch.equal(first, run(kind, x, amount))


@every
def test_another_seed_differs_exactly_if_random(kind, photographs):
    x = photographs[:4]
    amount = kind.severities_at(32)[2] if kind.severities else kind.default
    results = [run(kind, x, amount, seed=seed) for seed in range(8)]
    same = all(torch.equal(results[0], other) for other in results[1:])
    if not kind.adversarial:  # an attack may find the same picture from every start
        assert same == (not kind.random)
    elif not kind.random:
        assert same


@every
@pytest.mark.parametrize("channels", [1, 3])
def test_batch_equals_one_by_one(kind, channels):
    x = torch.rand(5, channels, 12, 12)
    seeds = [4, 9, 9, 0, 2**40]
    amount = visible(kind, 12)
    batch = run(kind, x, amount, seeds)
    for i, seed in enumerate(seeds):
        assert torch.equal(batch[i : i + 1], run(kind, x[i : i + 1], amount, seed=seed)), f"image {i}"
    shared = run(kind, x, amount)
    assert torch.equal(shared[3:4], run(kind, x[3:4], amount))


@pytest.mark.parametrize("name", ["gaussian_noise", "jpeg"])
def test_large_batches_in_threads(name):
    kind = find_distortion(name)
    x = torch.rand(PARALLEL_FROM + 3, 3, 8, 8)
    batch = run(kind, x, kind.default, list(range(len(x))))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert torch.equal(batch, run(kind, x, kind.default, list(range(len(x)))))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(batch[-1:], run(kind, x[-1:], kind.default, seed=len(x) - 1))


@every
@pytest.mark.parametrize("device", DEVICES)
def test_devices_agree(kind, device, photographs):
    x = photographs[:2]
    amount = visible(kind, 32)
    here, there = run(kind, x, amount), run(kind, x.to(device), amount)
    assert there.device.type == device
    # attacks follow signs, and a sign may differ where a gradient is all but zero
    assert ((here - there.cpu()).abs() > 1e-4).float().mean() < 0.01


@every
def test_mean_effect_grows_with_amount(kind, photographs):
    if kind.name == "elastic_transform":  # ever finer ripples of ever smaller moves, as published: its strain grows
        pytest.skip("tests/test_published_constants.py measures its strain instead")
    x = photographs
    sides = [kind.span(32)]
    if kind.two_sided:
        mild, strong = sides[0]
        sides.append((mild, kind.low if strong == kind.high else kind.high))
    for mild, strong in sides:
        effects = []
        for i in range(9):
            out = run(kind, x, mild + (strong - mild) * i / 8, list(range(len(x))))
            effects.append(float((out - x).square().mean((1, 2, 3)).sqrt().mean()))
        assert effects[0] == 0
        assert effects[1] > 0 or kind.name == "bit_depth"
        for before, after in pairwise(effects):
            assert after >= 0.97 * before, effects  # geometry saturates: far enough moved is only different
        assert effects[-1] >= max(effects) * 0.97, effects


@settings(max_examples=8, deadline=None)
@given(
    height=st.one_of(st.integers(1, 40), st.just(257)),
    width=st.one_of(st.integers(1, 40), st.just(3)),
    channels=st.sampled_from([1, 3]),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**53 - 1),
)
@every
def test_any_size(kind, height, width, channels, share, seed):
    x = torch.rand(2, channels, height, width)
    for side in {height, width}:
        mild, strong = kind.span(side)
        amount = min(max(mild, strong), max(min(mild, strong), mild + (strong - mild) * share))
        out = run(kind, x, amount, seed=seed)
        assert out.shape == x.shape
        assert torch.isfinite(out).all()
        assert 0 <= out.min() <= out.max() <= 1


@every
def test_257_by_3_and_1_by_1(kind):
    for shape in ((1, 3, 257, 3), (1, 1, 3, 257), (1, 3, 1, 1), (1, 1, 1, 1)):
        for amount in (visible(kind, 32), kind.strong, kind.default):
            assert run(kind, torch.rand(shape), amount).shape == shape


@every
def test_empty_batch_keeps_its_shape(kind):
    if not kind.adversarial:
        assert run(kind, torch.rand(0, 3, 4, 4), kind.default).shape == (0, 3, 4, 4)


@every
@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, "0.1", None, True, 1e9, -1e9])
def test_bad_amounts(kind, amount):
    with pytest.raises(ExplorerError):
        kind(torch.rand(1, 3, 4, 4), amount, Draws([0]), TARGET)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind.adversarial], ids=lambda kind: kind.name)
def test_attacks_need_a_target(kind):
    with pytest.raises(ExplorerError, match="against"):
        kind(torch.rand(1, 3, 4, 4), kind.default, Draws([0]))


def test_unknown_names_get_close_matches():
    with pytest.raises(ExplorerError, match="gaussian_noise"):
        find_distortion("gausian_noise")
    with pytest.raises(ExplorerError, match="choose one of"):
        find_distortion("zzz")


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind.random and not kind.adversarial], ids=lambda k: k.name)
def test_common_random_numbers_make_sliding_smooth(kind, photographs):
    """A small step of the slider moves the picture by a small part of what the distortion does to it."""
    x = photographs[:4]
    mild, strong = kind.span(32)
    amount = mild + (strong - mild) * 0.3
    here, near, other = (run(kind, x, a, seed=s) for a, s in ((amount, 0), (amount * 1.01, 0), (amount, 1)))
    assert (here - near).abs().mean() < 0.25 * (here - other).abs().mean()


def test_draws_are_one_generator_per_image():
    first, second = Draws([5, 6]), Draws([6])
    both = first.normal(3, 2), first.uniform(4)
    alone = second.normal(3, 2), second.uniform(4)
    for batch, single in zip(both, alone, strict=True):
        assert torch.equal(batch[1:], single)
        assert batch.dtype == torch.float32
        assert batch.device.type == "cpu"
    shared = Draws([7, 7, 7]).normal(5)
    assert shared.shape == (3, 5)
    assert torch.equal(shared[0], shared[2])
    assert Draws([]).normal(2).shape == (0, 2)
