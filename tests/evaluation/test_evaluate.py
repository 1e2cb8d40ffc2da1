from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.analysis import compare_image
from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.distortions import Recipe, image_seed
from explorer.errors import ExplorerError
from explorer.evaluation import evaluate, evaluate_many
from tests.support.networks import formula, resnet, threshold

NOISE = Recipe.parse("gaussian_noise=0.3,jpeg=30;seed=11")


def data(n: int = 20, side: int = 4, channels: int = 1, classes: int = 2, seed: int = 0) -> Dataset:
    """Random images labelled by whether their mean is above the middle."""
    x = np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), dtype=np.uint8)
    labels = (x.reshape(n, -1).mean(1) > 127.5).astype(np.int64)
    names = ("low", "high") if classes == 2 else tuple(f"c{i}" for i in range(classes))
    return Dataset("grains", "test", x, labels, names, (0.0,) * channels, (1.0,) * channels)


def test_accuracy_by_hand():
    dataset = data()
    assert evaluate(threshold(0.5), dataset).accuracy == 1
    always_high = evaluate(threshold(-1), dataset)
    assert always_high.accuracy == dataset.labels.mean()
    assert always_high.n == 20
    assert always_high.fitted is False


def test_the_result_does_not_depend_on_the_batch_size():
    models = [threshold(0.45), threshold(0.55, name="test/formula/stability")]
    results = [evaluate_many(models, data(), NOISE, batch_size=size) for size in (1, 3, 20, 500, None)]
    assert all(result == results[0] for result in results)
    assert results[0][0].accuracy != 1


def test_the_pixels_do_not_depend_on_the_batch_size_either():
    def pixels(batch_size):
        seen = []

        def spy(p):
            seen.append(p.clone())
            return p[:, :2]

        evaluate(formula(spy), data(), NOISE, batch_size=batch_size)
        return torch.cat(seen)

    assert torch.equal(pixels(1), pixels(7))


def test_it_equals_compare_image_by_image():
    dataset = data(12, side=32, channels=3, classes=10)
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    found = evaluate_many(models, dataset, NOISE)
    right = [0, 0]
    for i in range(len(dataset)):
        x, label = dataset.batch([i])
        recipe = Recipe(steps=NOISE.steps, seed=image_seed(NOISE.seed, i))
        for j, answer in enumerate(compare_image(models, x, recipe).models):
            right[j] += int(answer.distorted.argmax()) == int(label)
    assert [evaluation.accuracy for evaluation in found] == [count / 12 for count in right]


def test_several_models_share_the_pixels():
    seen = []

    def spy(p):
        seen.append(p.clone())
        return p[:, :2]

    models = [formula(spy, name=f"test/spy/{i}") for i in range(3)]
    evaluate_many(models, data(), NOISE, batch_size=10)
    assert len(seen) == 6
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], seen[3])


def test_each_image_has_noise_of_its_own_and_the_seed_matters():
    def pixels(seed):
        seen = []

        def spy(p):
            seen.append(p.clone())
            return p[:, :2]

        dataset = data()
        dataset.images[:] = 128
        evaluate(formula(spy), dataset, Recipe.parse(f"gaussian_noise=0.1;seed={seed}"))
        return seen[0]

    assert len(pixels(1).unique(dim=0)) == 20
    assert not torch.equal(pixels(1), pixels(2))


def test_limit_takes_the_first_images():
    dataset = data()
    assert evaluate(threshold(-1), dataset, limit=5).accuracy == dataset.labels[:5].mean()
    assert evaluate(threshold(-1), dataset, limit=5).n == 5
    assert evaluate(threshold(-1), dataset, limit=10**9).n == 20


def test_json_and_progress():
    calls = []
    found = evaluate(
        threshold(-1), data(), NOISE, batch_size=8, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(8, 20), (16, 20), (20, 20)]
    result = found.to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert {"name", "accuracy", "n", "recipe", "seed", "interval"} <= set(result)
    assert result["recipe"] == str(NOISE)
    assert result["seed"] == 11


def test_images_of_another_size_are_fitted_and_the_result_says_so():
    dataset = data(6, side=9, channels=3)
    found = evaluate(threshold(0.5), dataset)
    assert found.fitted
    x, _ = dataset.batch(range(6))
    means = images.fit(x, 4, 1).flatten(1).mean(1)
    assert found.accuracy == float(((means > 0.5).numpy() == dataset.labels).mean())


def test_an_attack_is_made_against_the_named_model_away_from_the_true_labels():
    target, other = threshold(0.5), threshold(0.3, name="test/formula/stability")
    dataset = data()
    recipe = Recipe.parse(f"fgsm=0.05;against={target.name}")
    found = evaluate_many([target, other], dataset, recipe)
    # The gradient of a mean has one sign everywhere: 0.05 is 12.75 levels, which rounds to 13, towards the wrong side.
    pixels = dataset.images.astype(int)
    towards = np.where(dataset.labels == 1, -13, 13)[:, None, None, None]
    still_right = ((pixels + towards).clip(0, 255).reshape(20, -1).mean(1) > 127.5) == dataset.labels
    assert 0 < still_right.mean() < 1
    assert found[0].accuracy == still_right.mean()
    with pytest.raises(ExplorerError, match=f"against={other.name}"):
        evaluate(other, dataset, recipe)
    with pytest.raises(ExplorerError, match="names none"):
        evaluate(target, dataset, Recipe.parse("fgsm=0.05"))


def test_bad_use_is_refused():
    more = replace(data(classes=7), labels=np.arange(20) % 7)
    with pytest.raises(ExplorerError, match=r"The classes of grains \(c0, c1, c2, c3, c4 and 2 more\) are not among"):
        evaluate(threshold(0.5), more)
    with pytest.raises(ExplorerError, match="limit is 0"):
        evaluate(threshold(0.5), data(), limit=0)
    with pytest.raises(ExplorerError, match="batch_size is -1"):
        evaluate(threshold(0.5), data(), batch_size=-1)
    with pytest.raises(ExplorerError, match="holds no images"):
        evaluate(threshold(0.5), data().select([]))
    with pytest.raises(ExplorerError, match="training mode"):
        evaluate(threshold(0.5).train(), data())
    broken = formula(lambda p: p[:, :2] / 0, name="test/broken/standard")
    with pytest.raises(ExplorerError, match="test/broken/standard gave logits"):
        evaluate(broken, data())
