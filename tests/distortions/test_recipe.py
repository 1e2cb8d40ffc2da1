"""Recipes: every form reads back exactly, and bad input gets one plain sentence."""

from __future__ import annotations

import hashlib
import json
import math
import string
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.data.images import quantise
from explorer.distortions import DISTORTIONS, Recipe, Target, apply, image_seed
from explorer.distortions.recipe import MAX_SEED
from explorer.errors import ExplorerError

TEXTS = [
    "clean;seed=0",
    "gaussian_noise=0.1,jpeg=30;seed=7",
    "gaussian_noise=0.1,fgsm=0.03137254901960784;seed=7;against=cifar10/resnet20/standard;pixels=float",
    "gaussian_noise=1e-05,gaussian_noise=0.1;seed=9007199254740991",
    "brightness=-0.25;seed=0;pixels=float",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_canonical(text):
    assert str(Recipe.parse(text)) == text


def test_reading_is_forgiving():
    recipe = Recipe((("gaussian_noise", 0.1), ("jpeg", 30.0)), seed=7)
    assert Recipe.parse(" gaussian_noise = .10 , jpeg=30.0 ; seed = 007 ; pixels=8bit ") == recipe
    assert Recipe.parse("fgsm=8/255").steps == (("fgsm", 8 / 255),)
    assert Recipe.parse("clean") == Recipe()
    assert str(Recipe((("brightness", -0.0),))) == "brightness=0;seed=0"
    assert Recipe((("jpeg", 30),)) == Recipe((("jpeg", 30.0),))
    assert Recipe([["jpeg", 30]]).steps == (("jpeg", 30.0),)  # type: ignore[arg-type]


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    names = draw(st.lists(st.sampled_from(sorted(DISTORTIONS)), max_size=5))
    steps = tuple((name, draw(st.floats(*DISTORTIONS[name].limits))) for name in names)
    against = draw(st.none() | st.text(string.printable + "äß%;,=&+#?", min_size=1).map(str.strip))
    if against is not None and not (against and against.isprintable()):
        against = "a model.safetensors"
    return Recipe(steps, draw(st.integers(0, MAX_SEED)), against, draw(st.booleans()))


@settings(max_examples=200, deadline=None)
@given(recipes())
def test_every_form_reads_back_exactly(recipe):
    assert Recipe.parse(str(recipe)) == recipe
    assert str(Recipe.parse(str(recipe))) == str(recipe)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_query(recipe.to_query()) == recipe
    assert Recipe.from_query(f"?lang=en&{recipe.to_query()}&image=cat") == recipe
    assert eval(recipe.to_python(), {"Recipe": Recipe}) == recipe  # noqa: S307
    assert hash(Recipe.parse(str(recipe))) == hash(recipe)


def test_query_is_readable():
    assert Recipe.parse(TEXTS[1]).to_query() == "recipe=gaussian_noise=0.1,jpeg=30;seed=7"
    assert Recipe.from_query("") == Recipe()
    assert Recipe.parse(TEXTS[1]).to_python() == "Recipe.parse('gaussian_noise=0.1,jpeg=30;seed=7')"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "gaussian_noise",
        "gaussian_noise=",
        "=0.1",
        "gaussian_noise=abc",
        "gaussian_noise=nan",
        "gaussian_noise=inf",
        "gaussian_noise=1e999",
        "gaussian_noise=0x1",
        "gaussian_noise=1_0",
        "gaussian_noise=0.1/0",
        "gaussian_noise=1/2/3",
        "gaussian_noise=0.6",
        "gaussian_noise=-0.1",
        "gaussian_noise=0.1=0.2",
        "gaussian_noise=0.1,",
        "gaussian_noize=0.1",
        "jpeg=0",
        "clean,jpeg=30",
        "jpeg=30;seed=",
        "jpeg=30;seed=-1",
        "jpeg=30;seed=1.5",
        "jpeg=30;seed=9007199254740992",
        "jpeg=30;seed=99999999999999999999",
        "jpeg=30;seed=²",
        "jpeg=30;seed=1;seed=2",
        "jpeg=30;colour=red",
        "jpeg=30;",
        "jpeg=30;against=",
        "jpeg=30;pixels=16bit",
        None,
        7,
    ],
)
def test_bad_text_gets_one_sentence(text):
    with pytest.raises(ExplorerError) as caught:
        Recipe.parse(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"


@settings(max_examples=150, deadline=None)
@given(st.text() | st.text("=,;./0123456789e-jpgseda "))
def test_any_text_is_read_or_refused(text):
    try:
        recipe = Recipe.parse(text)
    except ExplorerError:
        return
    assert Recipe.parse(str(recipe)) == recipe


@pytest.mark.parametrize(
    "data",
    [
        [],
        "clean",
        {"steps": "jpeg=30"},
        {"steps": [["jpeg"]]},
        {"steps": [["jpeg", 30, 1]]},
        {"steps": [["jpeg", "30"]]},
        {"steps": [["jpeg", math.nan]]},
        {"steps": [["jpeg", True]]},
        {"steps": [[3, 30]]},
        {"steps": [7]},
        {"steps": None},
        {"seed": "7"},
        {"seed": 7.0},
        {"seed": True},
        {"seed": -1},
        {"against": 7},
        {"against": " x"},
        {"against": "a\nb"},
        {"quantised": 1},
        {"sead": 7},
    ],
)
def test_bad_json_gets_one_sentence(data):
    with pytest.raises(ExplorerError) as caught:
        Recipe.from_dict(data)
    assert "\n" not in str(caught.value)


def test_the_window_is_part_of_every_form():
    recipe = Recipe.parse("jpeg=10;seed=3;on=photograph;window=0:0.25")
    assert recipe.window == (0, 0.25)
    assert str(recipe) == "jpeg=10;seed=3;on=photograph;window=0:0.25"
    assert Recipe.from_dict(recipe.to_dict()) == Recipe.from_query(recipe.to_query()) == recipe
    centre = Recipe.parse("jpeg=10;on=photograph;window=.5:.5")
    assert str(centre) == "jpeg=10;seed=0;on=photograph"
    assert "window" not in centre.to_dict()


@pytest.mark.parametrize("window", ["", "0.5", "0:1:1", "-0.1:0", "0:1.5", "left:top", "nan:0"])
def test_a_window_elsewhere_gets_one_sentence(window):
    with pytest.raises(ExplorerError, match="two shares from 0 to 1"):
        Recipe.parse(f"clean;on=photograph;window={window}")


@pytest.mark.parametrize("window", [0.5, "01", [0.5], [True, None], ["0", "1"], None, [0, float("nan")]])
def test_a_window_of_another_kind_gets_one_sentence(window):
    with pytest.raises(ExplorerError, match="two shares from 0 to 1"):
        Recipe.from_dict({"on": "photograph", "window": window})


def test_a_window_without_a_photograph_is_refused():
    with pytest.raises(ExplorerError, match="write on=photograph, too"):
        Recipe.parse("jpeg=10;window=0:1")


def test_two_recipes_in_one_address():
    with pytest.raises(ExplorerError, match="more than one"):
        Recipe.from_query("recipe=clean&recipe=jpeg=30")


def test_with_amount():
    recipe = Recipe.parse("jpeg=30,contrast=0.5;seed=4")
    assert str(recipe.with_amount("jpeg", 20)) == "jpeg=20,contrast=0.5;seed=4"
    assert str(recipe.with_amount("hue", 9)) == "jpeg=30,contrast=0.5,hue=9;seed=4"


# applying


def pictures(count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_empty_chain_is_the_clean_picture():
    x = pictures()
    assert torch.equal(apply(Recipe(), x), quantise(x))
    assert torch.equal(apply(Recipe(quantised=False), x), x)


def test_steps_run_in_order():
    x = pictures()
    one, other = (apply(Recipe.parse(text), x) for text in ("gamma=2,contrast=0.5", "contrast=0.5,gamma=2"))
    assert not torch.equal(one, other)
    halves = apply(Recipe.parse("contrast=0.5;pixels=float"), apply(Recipe.parse("gamma=2;pixels=float"), x))
    assert torch.equal(one, quantise(halves))


def test_the_noise_of_a_step_does_not_depend_on_the_other_steps():
    x = torch.full((1, 3, 16, 16), 0.5)

    def noise(text: str) -> torch.Tensor:
        return apply(Recipe.parse(text + ";seed=5;pixels=float"), x) - x

    gaussian, uniform = noise("gaussian_noise=0.02"), noise("uniform_noise=0.02")
    for text in ("gaussian_noise=0.02,uniform_noise=0.02", "uniform_noise=0.02,gaussian_noise=0.02"):
        assert torch.allclose(noise(text), gaussian + uniform, atol=1e-6)
    second = noise("gaussian_noise=0.02,gaussian_noise=0.02") - gaussian
    assert (second - gaussian).abs().max() > 0.01, "the second step of a kind has its own noise"
    scaled = noise("gaussian_noise=0.01")
    assert torch.allclose(scaled * 2, gaussian, atol=1e-6)


def test_seeds_per_image():
    x = pictures(3)
    recipe = Recipe.parse("gaussian_noise=0.1;seed=5")
    seeds = [image_seed(5, i) for i in range(3)]
    batch = apply(recipe, x, seeds=seeds)
    for i, seed in enumerate(seeds):
        reopened = Recipe.parse(f"gaussian_noise=0.1;seed={seed}")
        assert torch.equal(apply(reopened, x[i : i + 1]), batch[i : i + 1])
    with pytest.raises(ExplorerError, match="3 images and 2 seeds"):
        apply(recipe, x, seeds=seeds[:2])


def test_image_seeds_are_seeds_and_differ():
    seeds = {image_seed(seed, index) for seed in range(3) for index in range(1000)}
    assert len(seeds) == 3000
    assert max(seeds) <= MAX_SEED
    assert image_seed(7, 3) == int(hashlib.sha256(b"7:image:3").hexdigest()[:12], 16)


def test_the_stream_of_a_step_is_what_the_documentation_says():
    seed = int.from_bytes(hashlib.sha256(b"7:gaussian_noise:0").digest()[:8], "big")
    noise = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(seed))
    x = pictures(1)
    out = apply(Recipe.parse("gaussian_noise=0.1;seed=7;pixels=float"), x)
    assert torch.equal(out, (x + noise * 0.1).clamp(0, 1))


def test_bad_batches_and_missing_targets():
    for x in (torch.rand(3, 8, 8), torch.rand(1, 3, 8, 8) * 2, torch.full((1, 3, 2, 2), math.nan)):
        with pytest.raises(ExplorerError):
            apply(Recipe(), x)
    with pytest.raises(ExplorerError, match="against"):
        apply(Recipe.parse("fgsm=0.01"), pictures())


def test_attacks_in_a_chain_keep_the_label_of_the_clean_picture():
    x = pictures(1)

    def logits(batch: torch.Tensor) -> torch.Tensor:
        mean = batch.mean((1, 2, 3))
        return torch.stack([mean, 0.9 - mean], 1)  # class 0 where the mean is above 0.45

    assert logits(x).argmax(1).item() == 0
    darkened = Recipe.parse("brightness=-0.4,fgsm=0.01;pixels=float")
    out = apply(darkened, x, target=Target(logits))
    before = apply(Recipe.parse("brightness=-0.4;pixels=float"), x)
    assert logits(before).argmax(1).item() == 1
    assert (out < before).float().mean() > 0.8, "away from class 0, the answer to the clean picture"
    told = apply(darkened, x, target=Target(logits, torch.tensor([1])))
    assert (told > before).float().mean() > 0.8


@pytest.mark.parametrize("number", [np.float16, np.float32, np.float64, np.longdouble, torch.tensor, np.array])
def test_scalars_of_numpy_and_torch_are_numbers(number):
    made: Any = Recipe  # its types ask for Python's own
    recipe = made((("gaussian_noise", number(0.125)), ("jpeg", np.int64(50))), np.uint8(7))
    assert recipe == Recipe.parse("gaussian_noise=0.125,jpeg=50;seed=7")
    assert str(made((("gaussian_noise", np.float32(0.1)),), torch.tensor(7))) == "gaussian_noise=0.1;seed=7"
    for wrong in (np.bool_(True), np.array([0.1]), np.float32("nan"), torch.tensor(True)):
        with pytest.raises(ExplorerError):
            made((("gaussian_noise", wrong),))
    with pytest.raises(ExplorerError):
        made((), np.float32(1.5))
