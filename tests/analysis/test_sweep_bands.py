"""Which step of a chain a sweep varies, its bands over seeds, its progress; and attacks at several amounts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from explorer import load_model
from explorer.analysis import compare_image, flip_point, sweep
from explorer.data import images
from explorer.data.images import fit, sample_images
from explorer.distortions import DISTORTIONS, Recipe, Target, apply, vary
from explorer.errors import ExplorerError
from tests.support.networks import formula, grey, picture, resnet, threshold

ATTACKS = [name for name, distortion in DISTORTIONS.items() if distortion.adversarial and distortion.searched]


@pytest.fixture(scope="module")
def shipped():
    return [load_model(f"cifar10/resnet20/{method}", device="cpu") for method in ("standard", "stability")]


@pytest.fixture(scope="module")
def cat(shipped):
    return fit(sample_images()["cat"](), shipped[0].size, shipped[0].channels)


# --- the pixels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, distortion in DISTORTIONS.items() if not distortion.adversarial])
def test_varied_steps_give_the_pixels_of_each_amount_alone(name):
    recipe = Recipe.parse(f"gaussian_noise=0.05,{name}={DISTORTIONS[name].span(32)[1]!r},jpeg=60,shift=2;seed=5")
    amounts = torch.linspace(*DISTORTIONS[name].span(32), 5, dtype=torch.float64).tolist()
    made = torch.cat(list(vary(recipe, picture(), 1, [amounts[:2], amounts[2:]])))
    for pixels, amount in zip(made, amounts, strict=True):
        steps = (recipe.steps[0], (name, amount), *recipe.steps[2:])
        assert torch.equal(pixels[None], apply(replace(recipe, steps=steps), picture()))


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("labels", [None, torch.tensor([3])])
@pytest.mark.parametrize("alone", [False, True])
def test_attacks_in_one_batch_give_the_pixels_of_each_amount_alone(name, labels, alone):
    # A linear network computes every image of a batch alike, so that the pixels must be the same to the last bit.
    weights = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))

    def logits(x):
        return (x.flatten(1)[:, :, None] * weights).sum(1)

    image = picture(2)
    labels = logits(image).argmax(1) if labels is None else labels
    amounts = torch.linspace(*DISTORTIONS[name].span(2), 9, dtype=torch.float64).tolist()
    recipe = Recipe(((name, amounts[-1]), ("gaussian_noise", 0.02)), seed=3, quantised=False)
    made = torch.cat(list(vary(recipe, image, 0, [amounts], target=Target(logits, labels, alone))))
    for pixels, amount in zip(made, amounts, strict=True):
        alone = replace(recipe, steps=((name, amount), recipe.steps[1]))
        assert torch.equal(pixels[None], apply(alone, image, target=Target(logits, labels)))
    assert len({images.image_hash(pixels[None]) for pixels in made}) > 1


def test_the_mild_end_of_an_attack_leaves_the_picture_alone_in_a_batch_too():
    recipe = Recipe((("pgd_linf", 0.01),), quantised=False)
    target = Target(lambda x: x.flatten(1)[:, :3] * 5, torch.tensor([0]))
    (made,) = vary(recipe, picture(8), 0, [[0.0, 0.01]], target=target)
    assert torch.equal(made[:1], picture(8))
    assert not torch.equal(made[1:], picture(8))


# --- sweeps of attacks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ATTACKS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in ATTACKS[1:])])
def test_an_attack_sweep_equals_compare_at_each_amount(name, shipped, cat):
    recipe = Recipe.parse("gaussian_noise=0.02;seed=4;against=cifar10/resnet20/standard")
    amounts = torch.linspace(*DISTORTIONS[name].span(32), 5, dtype=torch.float64).tolist()
    swept = sweep(shipped, cat, name, amounts=amounts, recipe=recipe)
    for i, amount in enumerate(amounts):
        alone = compare_image(shipped, cat, replace(recipe, steps=(*recipe.steps, (name, amount))))
        for curves, answer in zip(swept.models, alone.models, strict=True):
            assert curves.probabilities[i].tolist() == pytest.approx(answer.distorted.tolist(), abs=1e-5)
            assert int(curves.predictions[i]) == int(answer.distorted.argmax())


@pytest.mark.slow
def test_a_sweep_of_an_attack_asks_about_one_image_at_a_time(shipped, cat):
    asked: list[int] = []
    hook = shipped[0].register_forward_hook(lambda _, given, __: asked.append(len(given[0])))
    amounts = torch.linspace(0, 16 / 255, 20, dtype=torch.float64).tolist()
    sweep(shipped, cat, "pgd_linf", amounts=amounts, recipe=Recipe(against=shipped[0].name))
    hook.remove()
    # the clean answer that is attacked, and ten steps for each amount but zero
    assert asked == [1] * 191


# --- which step -------------------------------------------------------------------------------------------------------


def test_the_step_that_is_varied_can_be_chosen():
    recipe = Recipe.parse("gaussian_noise=0.1,jpeg=50,gaussian_noise=0.2;seed=1")
    models = [resnet()]
    for step_index in (0, 2):
        swept = sweep(models, picture(), "gaussian_noise", amounts=[0.3], recipe=recipe, step_index=step_index)
        steps = tuple(("gaussian_noise", 0.3) if i == step_index else step for i, step in enumerate(recipe.steps))
        alone = compare_image(models, picture(), replace(recipe, steps=steps))
        assert swept.models[0].probabilities[0].tolist() == pytest.approx(alone.models[0].distorted.tolist(), abs=1e-6)
        assert (swept.step_index, swept.to_dict()["step_index"], swept.recipe) == (step_index, step_index, recipe)
    assert sweep(models, picture(), "gaussian_noise", amounts=[0.3], recipe=recipe).step_index == 2
    assert sweep(models, picture(), "rotate", amounts=[3.0], recipe=recipe).step_index == 3


@pytest.mark.parametrize("step_index", [-1, 1, 3, 99])
def test_an_index_where_no_such_step_stands_is_refused(step_index):
    recipe = Recipe.parse("gaussian_noise=0.1,jpeg=50,gaussian_noise=0.2;seed=1")
    with pytest.raises(ExplorerError, match=f"Step {step_index} .* is not gaussian_noise"):
        sweep([resnet()], picture(), "gaussian_noise", recipe=recipe, step_index=step_index)


# --- bands ------------------------------------------------------------------------------------------------------------


def test_a_band_spans_the_curves_of_its_seeds(shipped, cat):
    recipe, amounts = Recipe.parse("gaussian_noise=0.1;seed=7"), [0.05, 0.1, 0.2]
    banded = sweep(shipped, cat, "gaussian_noise", amounts=amounts, recipe=recipe, seeds=4)
    singles = [
        sweep(shipped, cat, "gaussian_noise", amounts=amounts, recipe=replace(recipe, seed=seed))
        for seed in (7, 8, 9, 10)
    ]
    for i, curves in enumerate(banded.models):
        band = curves.band
        assert band is not None
        assert (band.n, band.seeds) == (4, (7, 8, 9, 10))
        assert band.flip_points == tuple(single.models[i].flip_point for single in singles)
        for part in ("confidence", "margin", "feature_distance"):
            over = torch.stack([getattr(single.models[i], part) for single in singles])
            spread = getattr(band, part)
            assert spread.mean.tolist() == pytest.approx(over.mean(0).tolist(), rel=1e-4)
            assert spread.low.tolist() == pytest.approx(over.amin(0).tolist(), rel=1e-4)
            assert spread.high.tolist() == pytest.approx(over.amax(0).tolist(), rel=1e-4)
        # the curves themselves stay those of the recipe's own seed
        assert torch.equal(curves.confidence, singles[0].models[i].confidence)
        assert singles[0].models[i].band is None


def test_a_band_gives_json():
    found = sweep([resnet()], picture(), "gaussian_noise", amounts=[0.1, 0.2], recipe=Recipe(seed=3), seeds=2)
    result = found.to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    band = result["models"][0]["band"]
    assert (band["n"], band["seeds"], len(band["flip_points"])) == (2, [3, 4], 2)
    assert set(band["margin"]) == {"mean", "low", "high"}
    assert len(band["feature_distance"]["high"]) == 2


@pytest.mark.parametrize(
    ("chain", "name", "banded"),
    [
        ("clean", "jpeg", False),
        ("rotate=10", "jpeg", False),
        ("gaussian_noise=0", "jpeg", False),
        ("gaussian_noise=0.1", "jpeg", True),
        ("jpeg=50", "gaussian_noise", True),
        ("gaussian_noise=0", "gaussian_noise", True),
    ],
)
def test_without_anything_random_there_is_no_band(chain, name, banded):
    found = sweep([resnet()], picture(), name, amounts=[DISTORTIONS[name].default], recipe=Recipe.parse(chain), seeds=3)
    assert (found.models[0].band is not None) == banded


@pytest.mark.parametrize("seeds", [0, -1, 101, 2.0, True])
def test_a_number_of_seeds_that_is_none_is_refused(seeds):
    with pytest.raises(ExplorerError, match="number of seeds"):
        sweep([resnet()], picture(), "gaussian_noise", seeds=seeds)


def test_after_the_largest_seed_comes_the_smallest():
    recipe = Recipe(seed=2**53 - 1)
    found = sweep([resnet()], picture(), "gaussian_noise", amounts=[0.1], recipe=recipe, seeds=2)
    assert found.models[0].band is not None
    assert found.models[0].band.seeds == (2**53 - 1, 0)


# --- progress ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "seeds"), [("gaussian_noise", 3), ("fgsm", 1)])
def test_progress_runs_from_nothing_to_all_and_changes_no_number(name, seeds, shipped, cat):
    calls: list[tuple[int, int]] = []
    recipe = Recipe(against=shipped[0].name)
    amounts = torch.linspace(*DISTORTIONS[name].span(32), 33, dtype=torch.float64).tolist()
    settings = {"amounts": amounts, "recipe": recipe, "seeds": seeds}
    told = sweep(shipped, cat, name, **settings, progress=lambda *call: calls.append(call))
    assert calls[0][0] == 0
    assert calls[-1][0] == calls[-1][1]
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert len({total for _, total in calls}) == 1
    assert len(calls) >= 5
    assert told.to_dict() == sweep(shipped, cat, name, **settings).to_dict()


class CancelledError(Exception):
    pass


def test_an_exception_in_progress_ends_the_work():
    asked = []

    def spy(p):
        asked.append(len(p))
        return p[:, :2]

    def cancel(done: int, total: int) -> None:
        if done:
            raise CancelledError

    with pytest.raises(CancelledError):
        sweep([formula(spy, size=8, channels=3)], picture(8), "gaussian_noise", progress=cancel)
    assert not asked


def test_large_pictures_are_answered_in_pieces():
    asked: list[int] = []

    def spy(p):
        asked.append(len(p))
        return p[:, :2]

    sweep([formula(spy, size=128, channels=3)], picture(128), "gaussian_noise")
    assert max(asked) == 1
    assert sum(asked) == 33


def test_flip_points_tell_their_progress_and_obey_step_and_label(shipped, cat):
    calls: list[tuple[int, int]] = []
    recipe = Recipe.parse("gaussian_noise=0.02,jpeg=80,gaussian_noise=0.01;seed=2")
    found = flip_point(shipped, cat, "gaussian_noise", recipe=recipe, step_index=0, progress=lambda *c: calls.append(c))
    assert calls[0][0] == 0
    assert all(done <= total for done, total in calls)
    at = found[shipped[0].name]
    assert at is not None
    flipped = replace(recipe, steps=(("gaussian_noise", at), *recipe.steps[1:]))
    assert compare_image(shipped, cat, flipped).models[0].flipped
    with pytest.raises(ExplorerError, match="label"):
        flip_point(shipped, cat, "jpeg", label=10)


# --- a pinned state ---------------------------------------------------------------------------------------------------


def test_a_reference_takes_the_place_of_the_undistorted_picture(shipped, cat):
    from explorer.analysis import clean_pass

    first, second = Recipe.parse("gaussian_noise=0.08;seed=1"), Recipe.parse("jpeg=20;seed=1")
    pinned = compare_image(shipped, cat, first)
    reference = clean_pass(shipped, pinned.distorted, quantised=False)
    found = compare_image(shipped, cat, second, reference=reference)
    alone = compare_image(shipped, cat, second)
    assert found.image_hash == alone.image_hash
    assert torch.equal(found.clean, pinned.distorted)
    assert found.input.l2 == pytest.approx(float((pinned.distorted - alone.distorted).norm()), rel=1e-5)
    for answer, before, after in zip(found.models, pinned.models, alone.models, strict=True):
        assert answer.clean.tolist() == pytest.approx(before.distorted.tolist(), abs=1e-5)
        assert answer.distorted.tolist() == pytest.approx(after.distorted.tolist(), abs=1e-5)
        assert answer.flipped == (int(before.distorted.argmax()) != int(after.distorted.argmax()))
    same = compare_image(shipped, cat, first, reference=reference)
    assert same.input.l2 == 0
    assert not any(answer.flipped for answer in same.models)
    assert all(answer.kl == pytest.approx(0, abs=1e-9) for answer in same.models)


def test_an_attack_still_goes_away_from_the_answer_to_the_picture_itself():
    from explorer.analysis import clean_pass

    model = threshold(0.5)
    reference = clean_pass([model], grey(0.9), quantised=False)
    recipe = Recipe(steps=(("fgsm", 0.05),), against=model.name)
    assert torch.equal(
        compare_image([model], grey(0.46), recipe, reference=reference).distorted,
        compare_image([model], grey(0.46), recipe).distorted,
    )


def test_a_reference_of_another_size_or_of_other_models_is_refused():
    from explorer.analysis import clean_pass

    model = threshold(0.5)
    with pytest.raises(ExplorerError, match="one size"):
        compare_image([model], grey(0.2), Recipe(), reference=clean_pass([threshold(0.5, size=8)], grey(0.2, 8)))
    with pytest.raises(ExplorerError, match="does not hold"):
        compare_image([model], grey(0.2), Recipe(), reference=clean_pass([threshold(0.5)], grey(0.2)))
