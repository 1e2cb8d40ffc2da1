"""The shipped checkpoints: each loads by its name, is the file its card names, and reaches the accuracies it states."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

import explorer
from explorer.analysis import compare_image
from explorer.data.datasets import Dataset, local_file
from explorer.distortions import Recipe
from explorer.evaluation import evaluate
from explorer.models import Card, checkpoint_folder
from explorer.models.checkpoints import file_sha256
from explorer.models.right import unpack

# Those that libraries bring are tested in test_photos.py.
CARDS = {card.name: card for card in explorer.list_models() if not card.source}
FULL_TEST_SET = {"digits": 360, "cifar10": 10_000, "mnist": 10000}
SUBSET = 500


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return explorer.load_dataset("digits")


@pytest.fixture(scope="module")
def cifar10() -> Dataset:
    return replace(explorer.load_dataset("cifar10"), notes=())  # the first images are exact in every copy of it


def of(data: str) -> list[Card]:
    return [card for card in CARDS.values() if card.data == data]


@pytest.mark.parametrize("family", ["digits/lenet", "cifar10/resnet20"])
def test_all_stability_methods_ship(family):
    methods = ("standard", "gaussian", "stability", "stability_mix", "lipschitz", "bang")
    assert {f"{family}/{method}" for method in methods} <= set(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_the_card_says_where_the_weights_come_from(name):
    card = CARDS[name]
    assert card.name == name
    assert name == f"{card.data}/{card.arch}/{card.method}" or card.command.endswith(f" --name {name}")
    assert file_sha256(checkpoint_folder() / f"{name}.safetensors") == card.sha256
    assert card.command.startswith("explorer train ")
    assert "seed" in card.training
    assert {"torch", "python"} <= set(card.versions)


@pytest.mark.parametrize("name", CARDS)
def test_the_card_states_accuracies_on_the_full_test_set(name):
    card = CARDS[name]
    recipes = {result["recipe"] for result in card.results}
    assert {"clean", "gaussian_noise=0.1"} <= recipes
    for result in card.results:
        assert {"recipe", "seed", "n", "accuracy"} <= set(result)
        if "right" in result:  # which images were named rightly
            right = unpack(result["right"], result["n"])
            assert right is not None
            assert right.mean() == pytest.approx(result["accuracy"], abs=1e-6)
        assert result["n"] == FULL_TEST_SET[card.data]
        assert 0 < result["accuracy"] <= 1
        Recipe.parse(result["recipe"])


@pytest.mark.parametrize("name", CARDS)
def test_the_reference_distances_are_quantiles(name):
    quantiles = CARDS[name].reference["penultimate"]
    assert len(quantiles) == 101
    assert quantiles == sorted(quantiles)
    assert 0 < quantiles[1] < quantiles[99]


@pytest.mark.parametrize("name", CARDS)
def test_it_loads_by_name_and_answers(name):
    model = explorer.load_model(name, device="cpu")
    x = torch.rand(2, model.channels, model.size, model.size, generator=torch.Generator().manual_seed(0))
    assert not model.training
    assert model(x).shape == (2, len(CARDS[name].classes))
    answer = compare_image([model], x[:1], Recipe.parse("gaussian_noise=0.2;seed=1")).models[0]
    assert answer.feature_percentile is not None
    assert 0 <= answer.feature_percentile <= 100


@pytest.mark.slow
@pytest.mark.parametrize("name", [card.name for card in of("digits")])
def test_the_digits_accuracies_are_those_of_the_card(name, digits):
    model = explorer.load_model(name, device="cpu")
    for result in CARDS[name].results:
        found = evaluate(model, digits, Recipe.parse(result["recipe"]))
        assert (found.n, found.seed) == (result["n"], result["seed"])
        # Another processor may round a logit otherwise: one of the 360 images may lie on the edge.
        assert abs(found.accuracy - result["accuracy"]) <= 1.01 / found.n, result["recipe"]


@pytest.mark.slow
@pytest.mark.skipif(local_file("cifar10") is None, reason="EXPLORER_DATA names no folder with cifar10.npz")
@pytest.mark.parametrize("recipe", ["clean", "gaussian_noise=0.1"])
@pytest.mark.parametrize("name", [card.name for card in of("cifar10")])
def test_the_cifar10_accuracies_hold_on_a_subset(name, recipe, cifar10):
    stated = next(result["accuracy"] for result in CARDS[name].results if result["recipe"] == recipe)
    found = evaluate(explorer.load_model(name, device="cpu"), cifar10, Recipe.parse(recipe), limit=SUBSET)
    # Four standard errors of a sample of 500 drawn without replacement from 10,000.
    share = SUBSET / FULL_TEST_SET["cifar10"]
    error = math.sqrt(stated * (1 - stated) / SUBSET * (1 - share))
    assert abs(found.accuracy - stated) <= 4 * error + 1 / SUBSET
