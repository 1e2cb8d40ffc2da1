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
every = pytest.mark.parametrize("distortion", ALL, ids=lambda distortion: distortion.name)

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


def run(distortion: Distortion, x: Tensor, amount: float, seeds: list[int] | None = None, seed: int = 3) -> Tensor:
    recipe = Recipe(((distortion.name, amount),), seed=seed, quantised=False)
    return apply(recipe, x, target=TARGET if distortion.adversarial else None, seeds=seeds)


def visible(distortion: Distortion, side: int) -> float:
    """An amount well inside the slider of an image of that side."""
    mild, strong = distortion.span(side)
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
def test_card_is_complete(distortion):
    assert (
        distortion.low
        <= min(distortion.identity, distortion.default)
        <= max(distortion.identity, distortion.default)
        <= distortion.high
    )
    assert distortion.default != distortion.identity
    assert distortion.step > 0
    assert distortion.help.endswith(".")
    assert len(distortion.help) < 160
    assert distortion.title
    assert distortion.source
    assert distortion.show(distortion.default).startswith(distortion.symbol)
    for side in (8, 32, 224):
        mild, strong = distortion.span(side)
        assert distortion.check(mild) == mild
        assert distortion.check(strong) == strong
        assert mild != strong
        if distortion.severities:
            amounts = distortion.severities_at(side)
            assert amounts is not None
            assert len(amounts) == 5
            assert all(distortion.check(amount) == amount for amount in amounts)
    if distortion.severities:
        assert distortion.severities_at(32) == distortion.severities["CIFAR-10-C"]
        assert distortion.severities_at(224) == distortion.severities["ImageNet-C"]


@every
def test_identity_changes_nothing(distortion):
    x = torch.rand(2, 3, 9, 7)
    assert torch.equal(run(distortion, x, distortion.identity), x)
    if distortion.per_side:
        assert torch.equal(run(distortion, x, distortion.span(9)[0]), x)


@every
def test_amounts_just_off_identity_change_little(distortion, photographs):
    mild, strong = distortion.span(32)
    x = photographs[:2]
    near = run(distortion, x, mild + (strong - mild) * 1e-4)
    limit = 0.05 if distortion.family == "codec" or distortion.name == "saturation" else 0.02
    assert (near - x).abs().mean() < limit
    tiny = run(distortion, x, math.nextafter(distortion.identity, strong))
    assert torch.isfinite(tiny).all()


@every
@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (3, 1, 28, 28), (1, 3, 1, 1), (2, 1, 17, 5)])
def test_shape_type_and_range(distortion, shape):
    x = torch.rand(shape)
    before = x.clone()
    for amount in (visible(distortion, 32), distortion.strong):
        out = run(distortion, x, amount)
        assert out.shape == x.shape
        assert out.dtype == torch.float32
        assert out.device == x.device
        assert 0 <= out.min() <= out.max() <= 1
    assert torch.equal(x, before), "the input was written to"


@every
def test_extreme_pixels(distortion):
    for value in (0.0, 1.0):
        out = run(distortion, torch.full((1, 3, 8, 8), value), visible(distortion, 8))
        assert torch.isfinite(out).all()


@every
def test_same_seed_same_pixels(distortion):
    x = torch.rand(2, 3, 16, 16)
    amount = visible(distortion, 16)
    assert torch.equal(run(distortion, x, amount), run(distortion, x, amount))
    torch.manual_seed(1)  # the global generator plays no part
    first = run(distortion, x, amount)
    torch.manual_seed(2)
    assert torch.equal(first, run(distortion, x, amount))


@every
def test_another_seed_differs_exactly_if_random(distortion, photographs):
    x = photographs[:4]
    amount = distortion.severities_at(32)[2] if distortion.severities else distortion.default
    results = [run(distortion, x, amount, seed=seed) for seed in range(8)]
    same = all(torch.equal(results[0], other) for other in results[1:])
    if not distortion.adversarial:  # an attack may find the same picture from every start
        assert same == (not distortion.random)
    elif not distortion.random:
        assert same


@every
@pytest.mark.parametrize("channels", [1, 3])
def test_batch_equals_one_by_one(distortion, channels):
    x = torch.rand(5, channels, 12, 12)
    seeds = [4, 9, 9, 0, 2**40]
    amount = visible(distortion, 12)
    batch = run(distortion, x, amount, seeds)
    for i, seed in enumerate(seeds):
        assert torch.equal(batch[i : i + 1], run(distortion, x[i : i + 1], amount, seed=seed)), f"image {i}"
    shared = run(distortion, x, amount)
    assert torch.equal(shared[3:4], run(distortion, x[3:4], amount))


@pytest.mark.parametrize("name", ["gaussian_noise", "jpeg"])
def test_large_batches_in_threads(name):
    distortion = find_distortion(name)
    x = torch.rand(PARALLEL_FROM + 3, 3, 8, 8)
    batch = run(distortion, x, distortion.default, list(range(len(x))))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert torch.equal(batch, run(distortion, x, distortion.default, list(range(len(x)))))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(batch[-1:], run(distortion, x[-1:], distortion.default, seed=len(x) - 1))


@every
@pytest.mark.parametrize("device", DEVICES)
def test_devices_agree(distortion, device, photographs):
    x = photographs[:2]
    amount = visible(distortion, 32)
    here, there = run(distortion, x, amount), run(distortion, x.to(device), amount)
    assert there.device.type == device
    # attacks follow signs, and a sign may differ where a gradient is all but zero
    assert ((here - there.cpu()).abs() > 1e-4).float().mean() < 0.01


@pytest.mark.slow
@every
def test_mean_effect_grows_with_amount(distortion, photographs):
    if (
        distortion.name == "elastic_transform"
    ):  # ever finer ripples of ever smaller moves, as published: its strain grows
        pytest.skip("test_codec_geometry_colour.py measures its strain instead")
    x = photographs
    sides = [distortion.span(32)]
    if distortion.two_sided:
        mild, strong = sides[0]
        sides.append((mild, distortion.low if strong == distortion.high else distortion.high))
    for mild, strong in sides:
        effects = []
        for i in range(9):
            out = run(distortion, x, mild + (strong - mild) * i / 8, list(range(len(x))))
            effects.append(float((out - x).square().mean((1, 2, 3)).sqrt().mean()))
        assert effects[0] == 0
        assert effects[1] > 0 or distortion.name == "bit_depth"
        # geometry saturates: far enough moved is only different; the published frost is 0.85 x + 0.4 f at severity 4
        # and 0.75 x + 0.45 f at 5, which changes light pictures less
        least = 0.9 if distortion.name == "frost" else 0.97
        for before, after in pairwise(effects):
            assert after >= least * before, effects
        assert effects[-1] >= max(effects) * 0.97, effects


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    height=st.one_of(st.integers(1, 40), st.just(257)),
    width=st.one_of(st.integers(1, 40), st.just(3)),
    channels=st.sampled_from([1, 3]),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**53 - 1),
)
@every
def test_any_size(distortion, height, width, channels, share, seed):
    x = torch.rand(2, channels, height, width)
    for side in {height, width}:
        mild, strong = distortion.span(side)
        amount = min(max(mild, strong), max(min(mild, strong), mild + (strong - mild) * share))
        out = run(distortion, x, amount, seed=seed)
        assert out.shape == x.shape
        assert torch.isfinite(out).all()
        assert 0 <= out.min() <= out.max() <= 1


@every
def test_257_by_3_and_1_by_1(distortion):
    for shape in ((1, 3, 257, 3), (1, 1, 3, 257), (1, 3, 1, 1), (1, 1, 1, 1)):
        for amount in (visible(distortion, 32), distortion.strong, distortion.default):
            assert run(distortion, torch.rand(shape), amount).shape == shape


@every
def test_empty_batch_keeps_its_shape(distortion):
    if not distortion.adversarial:
        assert run(distortion, torch.rand(0, 3, 4, 4), distortion.default).shape == (0, 3, 4, 4)


@every
@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, "0.1", None, True, 1e9, -1e9])
def test_bad_amounts(distortion, amount):
    with pytest.raises(ExplorerError):
        distortion(torch.rand(1, 3, 4, 4), amount, Draws([0]), TARGET)


@pytest.mark.parametrize(
    "distortion", [distortion for distortion in ALL if distortion.adversarial], ids=lambda distortion: distortion.name
)
def test_attacks_need_a_target(distortion):
    with pytest.raises(ExplorerError, match="against"):
        distortion(torch.rand(1, 3, 4, 4), distortion.default, Draws([0]))


def test_unknown_names_get_close_matches():
    with pytest.raises(ExplorerError, match="gaussian_noise"):
        find_distortion("gausian_noise")
    with pytest.raises(ExplorerError, match="choose one of"):
        find_distortion("zzz")


@pytest.mark.parametrize(
    "distortion",
    [distortion for distortion in ALL if distortion.random and not distortion.adversarial],
    ids=lambda k: k.name,
)
def test_common_random_numbers_make_sliding_smooth(distortion, photographs):
    """A small step of the slider moves the picture by a small part of what the distortion does to it."""
    x = photographs[:4]
    mild, strong = distortion.span(32)
    amount = mild + (strong - mild) * 0.3
    here, near, other = (run(distortion, x, a, seed=s) for a, s in ((amount, 0), (amount * 1.01, 0), (amount, 1)))
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
