from __future__ import annotations

import json
import warnings
from dataclasses import replace

import pytest
import torch

from explorer import compare, flip_point, load_model
from explorer.analysis import attacks, compare_image, transfer
from explorer.analysis.transfer import _falls
from explorer.data.images import fit, sample_images
from explorer.distortions import DISTORTIONS, Recipe, find_distortion
from explorer.errors import ExplorerError, ExplorerWarning
from tests.support.networks import formula, grey, picture, resnet, threshold

FLOAT = Recipe(quantised=False)


def falling(at: float, **settings):
    """Calls an image "high" where its mean is below ``at``."""
    return formula(lambda p: torch.stack([0 * p[:, 0], 10 * (at - p.mean(1))], 1), **settings)


@pytest.fixture(scope="module")
def shipped():
    return [load_model(f"digits/lenet/{method}", device="cpu") for method in ("standard", "stability", "bang")]


@pytest.fixture(scope="module")
def cat(shipped):
    return fit(sample_images()["cat"](), shipped[0].size, shipped[0].channels)


def test_attacks_are_the_adversarial_distortions():
    assert attacks() == [name for name, distortion in DISTORTIONS.items() if distortion.adversarial]
    assert "pgd_linf" in attacks()


@pytest.mark.parametrize(
    ("attack", "amount", "label"),
    [
        ("fgsm", 6 / 255, None),
        ("fgsm", 6 / 255, 3),
        pytest.param("pgd_l2_margin", 0.4, None, marks=pytest.mark.slow),
        pytest.param("hot_cold", 0.5, None, marks=pytest.mark.slow),
    ],
)
def test_each_cell_is_what_compare_says_of_the_crafted_picture(attack, amount, label, shipped, cat):
    base = Recipe.parse("gaussian_noise=0.02;seed=5")
    found = transfer(shipped, cat, attack, amount, recipe=base, label=label)
    assert found.models == tuple(model.name for model in shipped)
    for i, crafted in enumerate(shipped):
        recipe = replace(base, steps=(*base.steps, (attack, amount)), against=crafted.name)
        assert found.recipes[i] == recipe
        alone = compare_image(shipped, cat, recipe, label=label)
        for cell, clean, answer in zip(found.cells[i], found.clean, alone.models, strict=True):
            own = int(answer.clean.argmax())
            followed = own if label is None else label
            assert cell.answer == answer.classes[int(answer.distorted.argmax())]
            assert cell.flipped == answer.flipped
            assert cell.margin == pytest.approx(answer.margin, abs=1e-4)
            assert cell.confidence == pytest.approx(float(answer.distorted[followed]), abs=1e-4)
            assert (clean.answer, clean.flipped) == (answer.classes[own], False)
            assert clean.confidence == pytest.approx(float(answer.clean[followed]), abs=1e-4)


def test_an_attack_reaches_models_alike_and_misses_those_that_lean_the_other_way():
    alike = [threshold(0.5), threshold(0.51, name="test/formula/alike"), falling(0.42, name="test/formula/other")]
    found = transfer(alike, grey(0.48), "fgsm", 0.04, recipe=FLOAT)
    flips = [[cell.flipped for cell in row] for row in found.cells]
    # the first two are fooled by making the picture lighter, the third by making it darker than 0.42
    assert flips == [[True, True, False], [True, True, False], [False, False, False]]
    stronger = transfer(alike, grey(0.48), "fgsm", 16 / 255, recipe=FLOAT)
    assert [[cell.flipped for cell in row] for row in stronger.cells][2] == [False, False, True]


def test_a_trustworthy_attack_raises_no_flag():
    (sanity,) = transfer([threshold(0.5)], grey(0.46), "fgsm", 0.06).sanity
    assert sanity.zero_share == 0
    flags = (sanity.zero_gradient, sanity.falls, sanity.undone)
    assert not any(flag.raised for flag in flags)
    assert all(flag.sentence.endswith(".") for flag in flags)


@pytest.mark.parametrize(("kept", "raised"), [(0, True), (4, True), (7, True), (8, False), (16, False)])
def test_a_vanishing_gradient_is_flagged(kept, raised):
    # only the first ``kept`` of 16 pixels have a say
    def logits(p):
        return torch.stack([p[:, :kept].sum(1), 0 * p[:, 0] + 0.1 + 0 * p.sum(1)], 1)

    (sanity,) = transfer([formula(logits)], grey(0.46), "fgsm", 0.01).sanity
    assert sanity.zero_share == 1 - kept / 16
    assert sanity.zero_gradient.raised == raised
    assert ("exactly zero" in sanity.zero_gradient.sentence) == raised


def test_a_saturated_answer_hides_its_gradient_from_the_rounded_cross_entropy_only():
    masked = formula(lambda p: torch.stack([0 * p[:, 0], 1e4 * (p.mean(1) - 0.1)], 1))
    (entropy,) = transfer([masked], grey(0.5), "fgsm_float32", 0.02).sanity
    assert (entropy.zero_share, entropy.zero_gradient.raised) == (1.0, True)
    assert "All entries" in entropy.zero_gradient.sentence
    for attack in ("pgd_linf", "pgd_linf_margin"):
        (sanity,) = transfer([masked], grey(0.5), attack, 0.02).sanity
        assert (sanity.zero_share, sanity.zero_gradient.raised) == (0.0, False)


def test_a_probability_of_1_in_float32_is_flagged_where_rounding_decides():
    # p(true) is 1 - e^-40 at the clean picture; half of the pixels count for the answer, with slopes that float32 keeps
    sure = formula(lambda p: torch.stack([0 * p[:, 0], 400 * (p.mean(1) - 0.4)], 1))
    (exact,) = transfer([sure], grey(0.5), "fgsm", 0.15).sanity
    assert exact.saturated.raised, "fgsm fools it, fgsm_float32 does not"
    (rounded,) = transfer([sure], grey(0.5), "fgsm_float32", 0.15).sanity
    assert rounded.saturated.raised
    assert "ask fgsm" in rounded.saturated.sentence
    (small,) = transfer([sure], grey(0.5), "fgsm", 0.02).sanity
    assert not small.saturated.raised, "neither fools it"
    unsure = formula(lambda p: torch.stack([0 * p[:, 0], 40 * (p.mean(1) - 0.4)], 1))
    for attack in ("fgsm", "fgsm_float32"):
        assert not transfer([unsure], grey(0.5), attack, 0.15).sanity[0].saturated.raised


def test_an_attack_that_loses_by_going_further_is_flagged():
    # "high" only between means 0.5 and 0.51, which the slider's stop 6/255 reaches from 0.48 and 8/255 steps over
    image = grey(0.48)
    sharp = formula(lambda p: torch.stack([0 * p[:, 0], 1e4 * ((p.mean(1) - 0.5) * (0.51 - p.mean(1)))], 1))
    (sanity,) = transfer([sharp], image, "fgsm", 0.025, recipe=FLOAT).sanity
    assert sanity.falls.raised
    assert "At ε = 6/255" in sanity.falls.sentence
    assert "larger ε = 8/255" in sanity.falls.sentence
    assert not transfer([threshold(0.5)], image, "fgsm", 0.025, recipe=FLOAT).sanity[0].falls.raised


def test_falls_compares_every_smaller_amount_with_every_larger_one():
    distortion = find_distortion("pgd_l2")
    assert not _falls(distortion, [(0.1, False), (0.2, True), (0.3, True)]).raised
    assert not _falls(distortion, [(0.1, False), (0.2, False)]).raised
    found = _falls(distortion, [(0.1, True), (0.2, True), (0.3, False), (0.4, True)])
    assert found.raised
    assert "0.1" in found.sentence
    assert "0.3" in found.sentence


@pytest.mark.parametrize("quantised", [True, False])
def test_an_attack_that_rounding_undoes_is_flagged(quantised):
    # from 127/255 the picture must get lighter by a third of a step of 8 bits: rounding takes it back
    model = threshold(127.3 / 255)
    image = grey(127 / 255)
    recipe = Recipe(quantised=quantised)
    found = transfer([model], image, "fgsm", 0.4 / 255, recipe=recipe)
    assert found.cells[0][0].flipped == (not quantised)
    assert found.sanity[0].undone.raised
    assert "rounded" in found.sanity[0].undone.sentence
    assert not transfer([model], image, "fgsm", 2 / 255, recipe=recipe).sanity[0].undone.raised


def test_transfer_gives_json_and_tells_its_progress(shipped, cat):
    calls: list[tuple[int, int]] = []
    found = transfer(shipped, cat, "pgd_linf", 4 / 255, progress=lambda *call: calls.append(call)).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["attack"], found["shown"]) == ("pgd_linf", "ε = 4/255")
    assert len(found["cells"]) == len(found["cells"][0]) == len(found["sanity"]) == len(found["recipes"]) == 3
    assert set(found["sanity"][0]["falls"]) == {"raised", "sentence"}
    assert calls[0][0] == 0
    assert calls[-1][0] == calls[-1][1]
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_bad_questions_are_refused():
    with pytest.raises(ExplorerError, match="is not an attack; attacks are fgsm"):
        transfer([resnet()], picture(), "jpeg", 50)
    with pytest.raises(ExplorerError, match="out of range"):
        transfer([resnet()], picture(), "fgsm", 1.1)
    with pytest.raises(ExplorerError, match="label 10"):
        transfer([resnet()], picture(), "fgsm", 0.01, label=10)
    with pytest.raises(ExplorerError, match="Expected a model"):
        transfer(3, picture(), "fgsm", 0.01)  # type: ignore[arg-type]  # the mistake in question


def test_an_attack_that_8_bit_pixels_cannot_hold_is_told() -> None:
    model = load_model("digits/lenet/standard")
    with pytest.warns(ExplorerWarning, match=r"FGSM of ε = 0.5/255 changes nothing: .* take 1/255 or more"):
        found = compare(model, "digits:7", f"fgsm=0.5/255;against={model.name}")
    assert found.input.linf == 0
    for recipe in ("fgsm=1/255", "fgsm=0.5/255;pixels=float", "fgsm=0.5/255,jpeg=30"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compare(model, "digits:7", f"{recipe};against={model.name}")


def test_flip_points_of_attacks_on_8_bit_pixels_are_whole_steps() -> None:
    model = load_model("digits/lenet/standard")
    for row in range(5):
        (amount,) = flip_point(model, f"digits:{row}", "fgsm_margin", recipe=Recipe(against=model.name)).values()
        assert amount is None or amount * 255 == pytest.approx(round(amount * 255), abs=1e-9)
