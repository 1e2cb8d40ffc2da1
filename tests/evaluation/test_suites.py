from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from explorer import cli, wrap
from explorer.data.datasets import Dataset, load_dataset
from explorer.distortions import DISTORTIONS, Recipe
from explorer.distortions.protocols import CORRUPTIONS, attack_plan
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import Suite, evaluate, evaluate_many, run_suite, wilson_interval
from explorer.evaluation.evaluate import correct_answers
from explorer.evaluation.statistics import paired_interval
from explorer.experiments.measure import measure
from explorer.experiments.schema import Measures
from explorer.models import Classifier, load_model
from explorer.models.inference import predictions
from explorer.training import TrainConfig
from tests.support.networks import formula, resnet, threshold


def data(n: int = 24, side: int = 32, channels: int = 3, classes: int = 10) -> Dataset:
    """Random pictures in random classes."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (n, side, side, channels), dtype=np.uint8)
    names = ("low", "high") if classes == 2 else tuple(f"c{i}" for i in range(classes))
    labels = generator.integers(0, classes, n)
    return Dataset("grains", "test", x, labels, names, (0.0,) * channels, (1.0,) * channels)


@pytest.fixture(scope="module")
def found() -> Suite:
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    return run_suite(models, data(), "corruptions", limit=10, seed=3)


def test_the_fifteen_corruptions_are_all_here_with_five_severities():
    assert len(set(CORRUPTIONS)) == 15
    assert all(DISTORTIONS[name].severities for name in CORRUPTIONS)


@pytest.mark.slow
def test_a_row_per_model_corruption_and_severity(found):
    cells = {(row.model, row.distortion, row.severity) for row in found.rows}
    assert len(cells) == len(found.rows) == 2 * 15 * 5
    assert {row.n for row in found.rows} == {found.n} == {10}
    for row in found.rows:
        marks = DISTORTIONS[row.distortion].severities_at(32)
        assert marks is not None
        assert row.amount == marks[row.severity - 1]
        assert row.interval[0] <= row.accuracy <= row.interval[1]


def test_photographs_take_the_severities_of_imagenet_c_which_is_said(found):
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 10))
    model = wrap(net.eval(), name="mean", size=224, classes=[f"c{i}" for i in range(10)])
    large = run_suite(model, data(1, side=224))
    assert (large.severities, found.severities) == ("ImageNet-C", "CIFAR-10-C")
    assert large.to_dict()["severities"] in large.heading
    amounts = {name: [row.amount for row in large.rows if row.distortion == name] for name in CORRUPTIONS}
    assert amounts["gaussian_noise"] == [0.08, 0.12, 0.18, 0.26, 0.38]
    assert amounts["jpeg"] == [25, 18, 15, 10, 7]
    assert amounts["defocus_blur"] == [3, 4, 6, 8, 10]
    assert amounts["contrast"] == [0.4, 0.3, 0.2, 0.1, 0.05]
    assert "severities" not in run_suite(model, data(1, side=224), "adversarial").to_dict()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["corruptions", "adversarial", "calibration", "line-search"])
def test_experiments_measure_every_suite_as_run_suite_does(name):
    model, dataset = load_model("digits/lenet/standard"), load_dataset("digits")
    measures = Measures(recipes=("clean",), suites=(name,), limit=3)
    row = measure(model, dataset, TrainConfig(arch="lenet", data="digits"), measures)["suites"][name]
    wanted = run_suite(model, dataset, name, limit=3).summaries[0].to_dict()
    assert (row["n"], row["seed"], row["model"]) == (3, 0, model.name)
    told = "searches" if name == "line-search" else "mean"
    assert str(row[told])[:8] == str(wanted[told])[:8]


def test_rows_are_what_evaluate_gives(found):
    models = [resnet("test/resnet20/standard"), resnet("test/resnet20/bang", seed=1)]
    for row in found.rows[::11]:
        model = next(model for model in models if model.name == row.model)
        alone = evaluate(model, data(), row.recipe, limit=10)
        assert (row.accuracy, row.interval, row.n) == (alone.accuracy, alone.interval, alone.n)
        assert row.recipe.seed == 3
    clean = evaluate_many(models, data(), limit=10)
    assert [(s.clean, s.clean_interval) for s in found.summaries] == [(e.accuracy, e.interval) for e in clean]


def test_means_by_hand(found):
    for summary in found.summaries:
        own = [row for row in found.rows if row.model == summary.model]
        for name in CORRUPTIONS:
            accuracies = [row.accuracy for row in own if row.distortion == name]
            assert summary.by_distortion[name] == pytest.approx(sum(accuracies) / 5)
        assert list(summary.by_distortion) == list(CORRUPTIONS)
        assert summary.mean == pytest.approx(sum(summary.by_distortion.values()) / 15)
        assert summary.interval[0] <= summary.mean <= summary.interval[1]
    first, second = found.summaries
    assert first.difference is first.difference_interval is None
    assert second.difference == pytest.approx(second.mean - first.mean)


def test_a_model_that_brightness_fools_loses_there_and_only_where_pixels_are_brighter():
    """Black pictures of class "low" for a model that looks at the mean: what adds no light cannot change its answer."""
    dataset = data(6, 4, 1, 2)
    dataset.images[:] = 0
    dataset.labels[:] = 0
    [summary] = run_suite([threshold(0.04)], dataset).summaries
    assert summary.clean == 1
    assert summary.by_distortion["brightness"] == 0
    for name in ("defocus_blur", "motion_blur", "contrast", "shot_noise", "pixelate", "elastic_transform"):
        assert summary.by_distortion[name] == 1
    assert 0 < summary.mean < 1


def test_every_picture_is_made_once_for_all_models():
    seen = []

    def spy(p):
        seen.append(p.clone())
        return p[:, :2]

    calls = []
    models = [formula(spy, name=f"test/spy/{i}") for i in range(3)]
    run_suite(models, data(4, 4, 1, 2), progress=lambda done, total: calls.append((done, total)))
    assert len(seen) == 3 * 76
    for i in range(0, len(seen), 3):
        assert (seen[i] == seen[i + 1]).all()
        assert (seen[i] == seen[i + 2]).all()
    assert calls == [(4 * i, 4 * 76) for i in range(1, 77)]


@pytest.mark.slow
def test_the_seed_and_not_the_batch_size_matters():
    model = resnet("test/resnet20/standard")
    seen = [run_suite([model], data(6), seed=seed, batch_size=size) for seed, size in ((1, 2), (1, 5), (2, 5))]
    assert seen[0] == seen[1]
    assert seen[0].rows[0].recipe != seen[2].rows[0].recipe


@pytest.mark.slow
def test_models_that_agree_differ_by_0_within_what_five_images_can_show():
    twins = [resnet("test/resnet20/standard"), resnet("test/resnet20/twin")]
    _, second = run_suite(twins, data(5)).summaries
    assert second.difference == 0
    assert second.difference_interval == paired_interval(0, 0, 5)


def test_json(found):
    result = found.to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert len(result["rows"]) == 150
    assert result["rows"][0]["recipe"] == "gaussian_noise=0.04;seed=3"
    assert (result["name"], result["data"], result["seed"]) == ("corruptions", "grains", 3)


def test_attacks_are_crafted_on_the_model_that_is_asked():
    models = [bend(), bend("test/formula/bang", 1)]
    calls = []
    dataset = data(6, 4, 1, 2)
    suite = run_suite(models, dataset, "adversarial", progress=lambda *now: calls.append(now))
    assert len(suite.rows) == 2 * 4 * 4
    for row in suite.rows[::5]:
        model = next(model for model in models if model.name == row.model)
        assert row.recipe.against == row.model
        assert row.accuracy == evaluate(model, dataset, row.recipe).accuracy
    assert [summary.zero_gradients for summary in suite.summaries] == [0, 0]
    assert calls[-1] == (33 * 6, 33 * 6)
    assert json.loads(json.dumps(suite.to_dict(), allow_nan=False)) == suite.to_dict()


def bend(name: str = "test/formula/standard", seed: int = 0) -> Classifier:
    """A small network of two classes with curved boundaries, for grey pictures of 4 px."""
    generator = torch.Generator().manual_seed(seed)
    first, last = (torch.randn(shape, generator=generator) for shape in ((16, 12), (12, 2)))
    return formula(lambda p: torch.tanh((p - 0.5) @ first) @ last, name=name)


def test_models_of_other_sizes_are_attacked_at_their_own():
    def net(side: int, seed: int) -> Classifier:
        torch.manual_seed(seed)
        flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * side * side, 10))
        return wrap(flat.eval(), name=f"net-{side}", size=side, channels=3, classes=[f"c{i}" for i in range(10)])

    models, dataset = [net(16, 0), net(8, 1)], data(12, side=16)
    with pytest.warns(ExplorerWarning, match="each is attacked at its own"):
        together = run_suite(models, dataset, "adversarial")
    for i, model in enumerate(models):
        alone = run_suite(model, dataset, "adversarial")
        assert [row for row in together.rows if row.model == model.name] == list(alone.rows)
        assert together.summaries[i].worst == alone.summaries[0].worst


@pytest.mark.slow
def test_the_worst_of_the_attacks_by_hand():
    models = [bend(), bend("test/formula/bang", 1)]
    dataset = data(60, 4, 1, 2)
    dataset.labels[10:] = predictions(models[0], dataset.batch(range(60))[0])[10:]
    suite = run_suite(models, dataset, "adversarial")
    for summary, model in zip(suite.summaries, models, strict=True):
        clean, _ = correct_answers([model], dataset, Recipe())
        for worst in summary.worst:
            rows = [row for row in suite.rows if (row.model, row.severity) == (summary.model, worst.severity)]
            assert {row.amount for row in rows} == {worst.amount}
            right = clean[0].copy()
            for row in rows:
                right &= correct_answers([model], dataset, row.recipe)[0][0]
            assert worst.accuracy == right.mean() <= min(row.accuracy for row in rows)
            assert worst.interval == wilson_interval(int(right.sum()), 60)
        assert [worst.amount for worst in summary.worst] == [0.05, 0.1, 0.2, 0.3]
    mildest = suite.summaries[0].worst[0].accuracy
    assert 0 < mildest < suite.summaries[0].clean
    assert mildest < min(row.accuracy for row in suite.rows if row.severity == 1) or suite.summaries[0].clean < 1


@pytest.mark.slow
def test_a_gradient_that_float32_rounds_away_is_told_and_hides_nothing():
    """Logits so far apart that the cross-entropy is 0 in float32: its exact direction is that of the margin here."""
    dataset = data(40, 4, 1, 2)
    dataset.images[:] = np.linspace(90, 165, 40, dtype=np.uint8)[:, None, None, None]
    dataset.labels[:] = dataset.images[:, 0, 0, 0] > 127

    def logits(p):
        high = (p.mean(1) - 127.5 / 255) * 1e6
        return torch.stack([-high, high], 1)

    suite = run_suite([formula(logits)], dataset, "adversarial")
    assert {row.amount for row in suite.rows} == {0.05, 0.1, 0.2, 0.3}
    [summary] = suite.summaries
    assert summary.clean == 1
    assert (summary.zero_gradients, summary.saturated) == (1, 1)
    assert summary.by_distortion["fgsm"] == summary.by_distortion["fgsm_margin"] < 0.3
    assert summary.by_distortion["pgd_linf_20"] == summary.by_distortion["pgd_linf_20_margin"]
    assert evaluate(formula(logits), dataset, "fgsm_float32=0.1;against=test/formula/standard").accuracy == 1


def test_colour_pictures_are_attacked_with_smaller_steps():
    amounts = [recipe.steps[0][1] for _, severity, recipe in attack_plan(3, 0) if severity == 4]
    assert amounts == 4 * [8 / 255]


def test_an_unknown_suite_is_refused():
    known = "corruptions, adversarial, calibration, line-search, autoattack"
    with pytest.raises(ExplorerError, match=f"no suite named 'weather': choose one of {known}."):
        run_suite([threshold(0.5)], data(4, 4, 1, 2), "weather")


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(["evaluate", "digits/lenet/standard", "digits/lenet/stability", "--data", "digits", *arguments])
    return (left.value.code, *capsys.readouterr())


@pytest.mark.usefixtures("shelf")
def test_the_command_prints_a_table_or_json(capsys):
    code, out, err = command(capsys, "--suite", "corruptions", "--limit", "8", "--seed", "5", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["n"], found["seed"], len(found["rows"]), len(found["summaries"])) == (8, 5, 150, 2)
    code, out, err = command(capsys, "--suite", "corruptions", "--limit", "8", "--seed", "5")
    assert (code, err) == (0, "")
    for summary in found["summaries"]:
        assert f"{100 * summary['mean']:.1f}" in out
        assert f"{100 * summary['by_distortion']['frost']:.1f}" in out
    assert all(name in out for name in CORRUPTIONS)


@pytest.mark.slow
@pytest.mark.usefixtures("shelf")
def test_the_command_takes_a_suite_or_a_recipe(capsys):
    code, _, err = command(capsys, "--suite", "corruptions", "--recipe", "jpeg=30")
    assert code == 2
    assert (
        err == "explorer: --suite brings its own distortions, so that it goes without --recipe; give one of the two.\n"
    )
    code, out, _ = command(capsys, "--suite", "adversarial", "--limit", "2")
    assert code == 0
    assert "float32 gradient zero" in out
    assert "p(true) 1 in float32" in out
    assert "worst at ε = 0.3" in out
    assert "mean over ε = 0.05, 0.1, 0.2, 0.3" in " ".join(out.split())
    code, out, _ = command(capsys, "--suite", "line-search", "--limit", "30", "--json")
    assert code == 0
    found = json.loads(out)
    code, out, _ = command(capsys, "--suite", "line-search", "--limit", "30")
    assert code == 0
    for summary in found["summaries"]:
        assert f"of {summary['correct']} of 30 images" in out
        for one in summary["searches"]:
            assert f"{one['direction']} " in out
            assert f"{one['epsilon']:.1f} (" in out
    code, _, err = command(capsys, "--suite", "everything", "--limit", "2")
    assert code == 2
    assert "no suite named 'everything'" in err


@pytest.mark.slow
@pytest.mark.usefixtures("shelf")
def test_the_command_tells_the_calibration(capsys):
    code, out, err = command(capsys, "--suite", "calibration", "--limit", "4", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["name"], found["n"], len(found["rows"])) == ("calibration", 4, 2 * 76)
    code, out, _ = command(capsys, "--suite", "calibration", "--limit", "4")
    assert code == 0
    for summary in found["summaries"]:
        assert f"{100 * summary['mean']:.1f}  {summary['mean_brier']:.3f}" in out
        assert f"{summary['model']}, clean" in out
