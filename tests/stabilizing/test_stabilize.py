"""Stabilizing a small network on digits, from the call to the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import explorer
from explorer.errors import ExplorerError
from explorer.models.derived import add_differences, differences
from explorer.stabilizing import Cost, Stabilized
from explorer.stabilizing.layers import choose, student_of
from explorer.stabilizing.objective import stability_loss

START = "digits/lenet/standard"
UNDER = "gaussian_noise=0:0.5,jpeg=5:40"


@pytest.fixture(scope="module")
def found() -> Stabilized:
    return explorer.stabilize(START, "digits", test="digits", under=UNDER, steps=120)


@pytest.mark.slow
def test_halves_the_flips_and_keeps_the_clean_answers_or_says_so(found: Stabilized) -> None:
    before, after = ({row.recipe: row for row in found.report.of(role)} for role in ("start", "stabilized"))
    noise = "gaussian_noise=0.5"
    assert 1 - after[noise].holds < (1 - before[noise].holds) / 2
    clean = after["clean"].agreement
    assert clean >= 0.99 or any("kept their clean answer" in line for line in found.report.warnings)


@pytest.mark.slow
def test_the_report_measures_what_was_not_trained_on_and_the_control(found: Stabilized) -> None:
    roles = [found.report.of(role) for role in ("start", "stabilized", "control")]
    assert [[row.recipe for row in rows] for rows in roles[1:]] == [[row.recipe for row in roles[0]]] * 2
    trained = {row.recipe.partition("=")[0] for row in roles[0] if row.trained}
    others = {row.recipe.partition("=")[0] for row in roles[0] if not row.trained}
    assert trained == {"gaussian_noise", "jpeg"}
    assert not trained & others
    assert {"contrast", "fog", "rotate"} < others
    gain, loss = found.report.extremes()
    assert gain is not None
    assert gain.difference == max(row.difference or 0 for row in roles[1][1:])
    assert loss is None or loss.difference == min(row.difference or 0 for row in roles[1][1:])


@pytest.mark.slow
def test_the_report_says_what_evaluate_says(found: Stabilized) -> None:
    for recipe in ("clean", "jpeg=5;seed=0"):
        ours = next(row for row in found.report.of("stabilized") if row.recipe == recipe.partition(";")[0])
        assert ours.accuracy == explorer.evaluate(found.model, "digits", recipe).accuracy


@pytest.mark.slow
def test_the_network_that_was_given_is_left_alone() -> None:
    start = explorer.load_model(START)
    before = {key: value.clone() for key, value in start.net.state_dict().items()}
    told: list[Cost] = []
    found = explorer.stabilize(start, "digits", under=UNDER, steps=3, control=False, ready=told.append)
    (cost,) = told
    assert (cost.train, cost.watched, cost.reported) == (1087, 150, 200)  # of 1,437 training pictures
    assert cost.weights == found.report.facts["trained"] == sum(value.numel() for value in start.net.parameters())
    assert cost.seconds > 0
    assert all(torch.equal(before[key], value) for key, value in start.net.state_dict().items())
    assert not any(p.requires_grad for p in found.model.net.parameters())


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    options: dict[str, Any] = {"under": UNDER, "steps": 16, "control": False, "lr": 1e-3}
    whole = explorer.stabilize(START, "digits", **options)
    asked = iter([False] * 7 + [True] * 100)
    explorer.stabilize(START, "digits", **options, state=tmp_path, stop=lambda: next(asked))
    again = explorer.stabilize(START, "digits", **options, state=tmp_path)
    ours, theirs = whole.model.net.state_dict(), again.model.net.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    other = explorer.stabilize(START, "digits", **options, keep=0, state=tmp_path)  # asked of the same training
    assert other.report.facts["share"] == 1
    assert other.report.facts["seconds"] == again.report.facts["seconds"]
    with pytest.raises(ExplorerError, match="other settings"):
        explorer.stabilize(START, "digits", **options | {"seed": 1}, state=tmp_path)


@pytest.mark.slow
def test_a_run_by_the_clock_that_was_stopped_goes_on(tmp_path: Path) -> None:
    options: dict[str, Any] = {"under": UNDER, "minutes": 0.01, "control": False, "lr": 1e-3, "state": tmp_path}
    asked = iter([False] * 3 + [True] * 100)
    first = explorer.stabilize(START, "digits", **options, stop=lambda: next(asked))
    again = explorer.stabilize(START, "digits", **options)
    assert first.report.facts["steps_done"] == 3
    assert again.report.facts["steps_done"] == again.report.settings.steps == first.report.settings.steps


def test_too_far_is_taken_back_and_said() -> None:
    found = explorer.stabilize(START, "digits", under=UNDER, steps=5, lr=5.0, keep=1.0, control=False)
    start = explorer.load_model(START).net.state_dict()
    assert found.report.unchanged
    assert all(torch.equal(start[key], value) for key, value in found.model.net.state_dict().items())
    assert any(line.startswith("Nothing was changed") for line in found.report.warnings)


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["head", "last"])
def test_only_the_chosen_layers_change(layers: str) -> None:
    found = explorer.stabilize(START, "digits", under=UNDER, layers=layers, steps=5, lr=1e-3, keep=0, control=False)
    start = explorer.load_model(START).net.state_dict()
    changed = {key for key, value in found.model.net.state_dict().items() if not torch.equal(start[key], value)}
    last = list(start)[-2:]
    assert changed == set(last) if layers == "head" else set(last) <= changed < set(start)


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3)))


def test_a_network_of_ones_own_keeps_its_batchnorm_statistics(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Normed()
    net(torch.rand(8, 1, 28, 28))  # in training mode, so that the statistics are some
    model = explorer.wrap(net.eval(), size=28, channels=1)
    found = explorer.stabilize(model, "digits", under="gaussian_noise=0:0.3", steps=4, lr=1e-3, keep=0, control=False)
    changed = {k for k, v in found.model.net.state_dict().items() if not torch.equal(net.state_dict()[k], v)}
    assert {"body.0.weight", "body.1.weight", "head.weight"} <= changed
    assert not {key for key in changed if "running" in key}
    file = found.save(tmp_path / "out")
    other = Normed()
    from safetensors.torch import load_file

    other.load_state_dict(load_file(file))  # into the user's own code
    x = torch.rand(2, 1, 28, 28)
    assert torch.equal(other.eval()(x), found.model(x))


@pytest.mark.slow
def test_what_is_saved_opens_again(found: Stabilized, tmp_path: Path) -> None:
    file = found.save(tmp_path / "new")
    again = explorer.load_model(file)
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(again(x), found.model(x))
    assert again.card.source["base"] == START
    assert "--steps 120" in again.card.command
    report = json.loads((tmp_path / "new" / "report.json").read_text())
    assert report["counts"]["reported"] == 360
    for one in report["examples"]:  # the address names the very picture, of the test images
        shown = explorer.compare([START, found.model], f"digits:{one['row']}", one["recipe"] or "clean")
        assert one["name"] == f"digits:{one['row']}"
        answers = [answer.classes[int(answer.distorted.argmax())] for answer in shown.models]
        assert answers == [one["before"][-1], one["after"][-1]]
    page = (tmp_path / "new" / "report.html").read_text()
    assert "survives Holm" in page
    assert page.count("<img") == 1 + len(found.report.examples)  # the figure, and each telling picture
    assert "explorer compare &#39;digits:" in page
    assert "<script src" not in page


@pytest.mark.slow
def test_the_script_repeats_it(found: Stabilized, tmp_path: Path) -> None:
    found.save(tmp_path)
    scope: dict[str, Any] = {}
    exec(compile((tmp_path / "repeat.py").read_text(), "repeat.py", "exec"), scope)  # noqa: S102  # our own
    start = explorer.load_model(START)
    digits = explorer.load_dataset("digits", "train")
    generator = torch.Generator().manual_seed(0)

    def batches() -> Iterator[torch.Tensor]:
        while True:
            yield digits.batch(torch.randint(len(digits), (24,), generator=generator).numpy())[0]

    net = scope["stabilize"](start.net.requires_grad_(True), batches(), start.card.mean, start.card.std)
    again = explorer.wrap(net.eval(), mean=start.card.mean, std=start.card.std, size=28, channels=1, name="again")
    recipe = "gaussian_noise=0.5;seed=0"
    ours, theirs = (explorer.evaluate(one, "digits", recipe).accuracy for one in (found.model, again))
    before = explorer.evaluate(START, "digits", recipe).accuracy
    assert theirs - before > (ours - before) / 2


def test_the_gradient_flows_through_the_distorted_pictures() -> None:
    clean, noisy = (torch.randn(6, 10, requires_grad=True) for _ in range(2))
    for labels in (None, torch.arange(6)):
        stability_loss(clean, noisy, torch.randn(6, 10), labels, 1.0).backward()
        assert noisy.grad is not None
        assert float(noisy.grad.abs().sum()) > 0


def test_the_loss_of_a_batch_is_the_mean_over_its_pictures() -> None:
    clean, noisy, teacher = (torch.randn(6, 10, generator=torch.Generator().manual_seed(i)) for i in range(3))
    for labels in (None, torch.arange(6)):
        one_by_one = []
        for i in range(6):
            own = slice(i, i + 1)
            label = None if labels is None else labels[own]
            one_by_one.append(stability_loss(clean[own], noisy[own], teacher[own], label, 2.0))
        whole = stability_loss(clean, noisy, teacher, labels, 2.0)
        assert torch.allclose(whole, torch.stack(one_by_one).mean())


def test_differences_are_checked() -> None:
    start, new = (Normed() for _ in range(2))
    new.load_state_dict(start.state_dict())
    with torch.no_grad():
        new.head.weight += 2**-9  # a step that 16 bits hold
    found = differences(new, start)
    assert list(found) == ["head.weight"]
    with pytest.raises(ExplorerError, match="no weight of the start network"):
        add_differences(start, {"other": torch.zeros(1)}, "file")
    with pytest.raises(ExplorerError, match="not finite"):
        add_differences(start, {"head.bias": torch.full((10,), torch.nan)}, "file")
    add_differences(start, found, "file")
    assert torch.allclose(start.head.weight, new.head.weight, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"under": "fgsm=0.1"}, "computed against a model"),
        ({"under": ""}, "Name what the pictures go through"),
        ({"under": "jpeg=high"}, "write two numbers"),
        ({"under": "jpeg=10,jpeg=20"}, "named twice"),
        ({"under": "jpeg=10:20:30"}, "not a range of amounts"),
        ({"under": "jpeg=10:500"}, "out of range"),
        ({"method": "magic"}, "Unknown method"),
        ({"layers": "some"}, "Unknown choice of layers"),
        ({"keep": 2}, "share from 0 to 1"),
        ({"steps": -1}, "whole number of at least 1"),
        ({"method": "lipschitz", "layers": "head"}, "stored features"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ExplorerError, match=sentence):
        explorer.stabilize(START, "digits", **{"under": "jpeg=10:40"} | options)


def test_how_classes_were_matched_is_said() -> None:
    options: dict[str, Any] = {"under": "jpeg=10:40", "labels": True, "steps": 1, "lr": 1e-4, "control": False}
    found = explorer.stabilize("cifar10/resnet20/standard", "digits", **options)
    assert any("are numbers" in line for line in found.report.warnings)


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ExplorerError, match="give 10 or more"):
        explorer.stabilize(START, torch.rand(4, 1, 28, 28), under="jpeg=10:40")


def test_a_network_without_a_linear_end_has_no_head() -> None:
    net = nn.Sequential(nn.Conv2d(1, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    student = student_of(explorer.wrap(net.eval(), size=28, channels=1))
    with pytest.raises(ExplorerError, match="does not end in a linear layer"):
        choose(student, "head")


@pytest.mark.parametrize("method", ["stability", "lipschitz"])
def test_a_network_may_answer_with_a_dictionary(method: str) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3 * 16 * 16, 3)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.head(x.flatten(1))}

    net = explorer.wrap(Net(), classes=["a", "b", "c"])
    pictures = list(torch.rand(12, 3, 16, 16))
    found = explorer.stabilize(net, pictures, under="jpeg=10", method=method, steps=2, lr=1e-3, control=False)
    assert found.report.facts["steps_done"] == 2
