"""The trainer on digits: learns, is seeded, resumes after a kill with the same result, refuses what does not fit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.data.datasets import load_dataset
from explorer.errors import ExplorerError
from explorer.models import Classifier, load_model
from explorer.training import TrainConfig, TrainingProgress, train
from explorer.training.augment import crop_and_flip
from explorer.training.config import lr_factor
from explorer.training.drawing import epoch_seed
from explorer.training.runs import notes, training_set
from explorer.training.stability import LOSSES
from explorer.training.trainer import accuracy, build_model

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    method="standard", arch="lenet", data="digits", epochs=3, batch_size=64, lr=0.02, pad=2, flip=False, train_size=320
)


def weights(model: Classifier) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.net.parameters()])


class KilledError(Exception):
    """Stands for the kill."""


def kill_in(epoch: int) -> Callable[[TrainingProgress], None]:
    def watch(progress: TrainingProgress) -> None:
        if progress.epoch == epoch:
            raise KilledError

    return watch


@pytest.mark.slow
@pytest.mark.parametrize("method", ["standard", "stability", "bang"])
def test_a_killed_run_resumes_to_the_same_weights(tmp_path: Path, method: str) -> None:
    """LeNet has dropout, the objectives draw noise, the schedule decays: all must continue where they stood."""
    data, config = load_dataset("digits", "train"), replace(CONFIG, method=method)
    whole, _ = train(config, data, tmp_path / "whole", device=CPU)
    with pytest.raises(KilledError):
        train(config, data, tmp_path / "cut", device=CPU, watch=kill_in(3))
    resumed, _ = train(config, data, tmp_path / "cut", device=CPU)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=1e-5, atol=1e-7)
    logs = [(tmp_path / run / "metrics.jsonl").read_text() for run in ("whole", "cut")]
    rows = [[json.loads(line) for line in log.splitlines()] for log in logs]
    assert [row["epoch"] for row in rows[1]] == [1, 2, 3]
    assert rows[0][-1]["loss"] == pytest.approx(rows[1][-1]["loss"], rel=1e-4)


def test_a_run_that_goes_on_elsewhere_keeps_its_precision_and_says_so(tmp_path: Path) -> None:
    data, config = load_dataset("digits", "train"), replace(CONFIG, epochs=2, train_size=64)
    with pytest.raises(KilledError):
        train(replace(config, precision="bf16"), data, tmp_path, device=CPU, watch=kill_in(2))
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert json.loads(state["config"])["precision"] == "bf16"
    torch.save(state | {"hardware": "another machine"}, tmp_path / "state.pt")
    with pytest.raises(ExplorerError, match="a run with other settings"):
        train(replace(config, precision="fp32"), data, tmp_path, device=CPU)
    said: list[str] = []
    _, facts = train(config, data, tmp_path, device=CPU, say=said.append)  # auto, whatever that is here
    assert (facts["precision"], facts["bf16"]) == ("bf16", True)
    assert len(said) == 1
    assert said[0].startswith("This run began on another machine and goes on here")


@pytest.mark.slow
def test_training_learns_and_another_seed_differs(tmp_path: Path) -> None:
    data, test = load_dataset("digits", "train"), load_dataset("digits", "test")
    model, facts = train(replace(CONFIG, epochs=8, train_size=0), data, tmp_path / "a", device=CPU)
    x, y = test.batch(slice(None))
    assert float((model(x).argmax(1) == y).float().mean()) > 0.9
    assert facts["images"] == 1437
    short = replace(CONFIG, epochs=1)
    one, _ = train(short, data, tmp_path / "b", device=CPU)
    other, _ = train(replace(short, seed=1), data, tmp_path / "c", device=CPU)
    assert not torch.allclose(weights(one), weights(other))


@pytest.mark.slow
@pytest.mark.parametrize("form", LOSSES)
def test_every_form_of_the_stability_term_trains(tmp_path: Path, form: str) -> None:
    data, start = load_dataset("digits", "train"), load_model("digits/lenet/standard")
    options = {"sigma": 0.5, "alpha": 2.0, "loss": form}
    config = replace(CONFIG, method="stability", epochs=3, train_size=0, options=options, init=start.name)
    train(config, data, tmp_path, device=CPU, init=start)
    first, *_, last = (json.loads(line)["stability"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert 0 < last < 0.9 * first


def test_fine_tuning_starts_from_the_given_weights(tmp_path: Path) -> None:
    data = load_dataset("digits", "train")
    start, _ = train(CONFIG, data, tmp_path / "start", device=CPU)
    frozen, _ = train(replace(CONFIG, lr=0.0, epochs=1), data, tmp_path / "tuned", device=CPU, init=start)
    torch.testing.assert_close(weights(frozen), weights(start))
    with pytest.raises(ExplorerError, match="this run needs a mnist_cnn"):
        train(replace(CONFIG, arch="mnist_cnn"), data, tmp_path / "other", device=CPU, init=start)


def test_the_head_alone_can_be_trained(tmp_path: Path) -> None:
    data = load_dataset("digits", "train")
    start, _ = train(replace(CONFIG, epochs=1), data, tmp_path / "start", device=CPU)
    config = replace(CONFIG, epochs=1, method="stability", trained="head", init="start")
    tuned, _ = train(config, data, tmp_path / "tuned", device=CPU, init=start)
    for (name, now), before in zip(tuned.net.named_parameters(), start.net.parameters(), strict=True):
        assert torch.equal(now, before) == name.startswith("conv"), name
    with pytest.raises(ExplorerError, match="needs a trained model to start from"):
        replace(config, init=None)


def test_batch_norm_of_a_fixed_body_keeps_its_statistics(tmp_path: Path) -> None:
    data = load_dataset("digits", "train")
    config = TrainConfig(arch="resnet20", data="digits", epochs=1, batch_size=32, flip=False, train_size=64)
    start, _ = train(config, data, tmp_path / "start", device=CPU)
    config = replace(config, method="lipschitz", trained="head", init="start")
    tuned, _ = train(config, data, tmp_path / "tuned", device=CPU, init=start)
    before, now = dict(start.net.named_buffers()), dict(tuned.net.named_buffers())
    assert before
    assert all(torch.equal(before[name], value) for name, value in now.items())
    assert not torch.equal(weights(tuned), weights(start))


@pytest.mark.parametrize(("inputs", "low", "high"), [("raw", -0.25 * 255, 0.75 * 255), ("scaled", 0, 255 / 256)])
def test_inputs_of_the_papers(inputs: str, low: float, high: float) -> None:
    data = replace(load_dataset("digits", "train"), mean=(0.25,))
    model = build_model(replace(CONFIG, inputs=inputs), data, None)
    found = model.normalise(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)).flatten().tolist()
    assert found == pytest.approx([low, high], rel=1e-6)
    again = build_model(replace(CONFIG, init="start"), data, model)
    assert (again.card.mean, again.card.std) == (model.card.mean, model.card.std)


def test_a_run_of_other_settings_is_not_overwritten(tmp_path: Path) -> None:
    data = load_dataset("digits", "train")
    train(replace(CONFIG, epochs=1), data, tmp_path, device=CPU)
    with pytest.raises(ExplorerError, match="a run with other settings"):
        train(replace(CONFIG, epochs=2), data, tmp_path, device=CPU)


def test_holdout_is_measured_and_not_trained_on(tmp_path: Path) -> None:
    data = load_dataset("digits", "train")
    _, facts = train(replace(CONFIG, epochs=1, train_size=0, holdout=237), data, tmp_path, device=CPU)
    assert facts["images"] == 1200
    assert 0 <= json.loads((tmp_path / "metrics.jsonl").read_text())["validation_accuracy"] <= 1


def test_seeds_far_apart_draw_differently() -> None:
    """torch's CPU generator keeps 32 bits, so that seeds 4096 apart drew the same when shifted by 20."""
    seeds = [epoch_seed(seed, epoch) for seed in (0, 1, 4095, 4096, 8192, 2**43 - 1) for epoch in (0, 1, 99)]
    first = {float(torch.rand(1, generator=torch.Generator().manual_seed(seed))) for seed in seeds}
    assert len(first) == len(seeds) == 18
    assert epoch_seed(3, 5) == (3 << 20) + 5, "what was trained with a small seed trains the same again"


def test_held_out_images_that_the_start_has_seen_are_said() -> None:
    init = "digits/lenet/standard"  # trained on all images of the training set
    config = replace(CONFIG, data="digits", method="gaussian", init=init, holdout=100, warmup_steps=0)

    def said_of(config: TrainConfig) -> list[str]:
        return notes(config, training_set(config))

    (said,) = said_of(config)
    assert said.startswith(f"100 of the 100 held-out images were among those that {init} was trained on")
    assert said_of(replace(config, init="digits/lenet/stability")) == [said.replace(init, "digits/lenet/stability")]
    assert said_of(replace(config, holdout=0)) == said_of(replace(config, init=None)) == []


def test_divergence_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="diverged in epoch 1"):
        train(replace(CONFIG, lr=1e6, warmup_steps=0), load_dataset("digits", "train"), tmp_path, device=CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pad": 28}, "A padding of 28 px needs larger images"),
        ({"method": "stability_mix", "options": {"steps": 0}}, "must be 1 or more"),
        ({"method": "stability_mix", "options": {"group": 0}}, "must be 1 or more"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ExplorerError, match=message):
        train(replace(CONFIG, **change), load_dataset("digits", "train"), tmp_path, device=CPU)


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04 half of one"])
def test_a_damaged_state_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(ExplorerError, match="is damaged; start over with --restart"):
        train(CONFIG, load_dataset("digits", "train"), tmp_path, device=CPU)


def test_a_model_is_named_after_its_data_never_after_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    named = {data: TrainConfig(data=data, arch="lenet").name.partition("/")[0] for data in ("digits", ".", "..", "/")}
    assert named == {"digits": "digits", ".": "mine", "..": tmp_path.name, "/": "data"}


def test_schedules_by_hand() -> None:
    at = {name: replace(CONFIG, schedule=name, warmup_steps=0) for name in ("cosine", "linear", "step", "inverse")}
    assert lr_factor(at["cosine"], 50, 100) == pytest.approx(0.5)
    assert lr_factor(at["linear"], 75, 100) == pytest.approx(0.25)
    assert [lr_factor(at["step"], t, 100) for t in (49, 50, 75)] == pytest.approx([1, 0.1, 0.01])
    late = replace(at["step"], drops="0.9,0.95")  # CIFAR-quick's 18,000 and 19,000 of 20,000
    assert [lr_factor(late, t, 20_000) for t in (17_999, 18_000, 19_000)] == pytest.approx([1, 0.1, 0.01])
    assert lr_factor(at["inverse"], 10_000, 20_000) == pytest.approx(2**-0.75)
    assert lr_factor(replace(CONFIG, warmup_steps=10), 4, 100) == pytest.approx(0.5)
    with pytest.raises(ExplorerError, match="Unknown schedule"):
        replace(CONFIG, schedule="zigzag")
    with pytest.raises(ExplorerError, match="The drops 'late' cannot be read"):
        replace(CONFIG, drops="late")


def test_crop_and_flip_moves_whole_windows() -> None:
    x = torch.arange(64.0).view(1, 1, 8, 8).expand(200, 1, 8, 8)
    out = crop_and_flip(x, torch.Generator().manual_seed(0), pad=0, flip=True, side=6)
    windows = {(int(image[0, 0, 0]), int(image[0, 0, -1])) for image in out}
    corners = [8 * top + left for top in range(3) for left in range(3)]
    assert windows == {(c, c + 5) for c in corners} | {(c + 5, c) for c in corners}
    still = crop_and_flip(x, torch.Generator().manual_seed(0), pad=0, flip=False, side=8)
    assert torch.equal(still, x)


def test_accuracy_counts_correct_answers() -> None:
    class Bright(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            mean = x.mean((1, 2, 3))
            return torch.stack([0.5 - mean, mean - 0.5], 1)

    x = torch.tensor([0, 255, 255, 0], dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    found = accuracy(Bright(), x, torch.tensor([0, 1, 0, 0]), batch_size=3)  # type: ignore[arg-type]
    assert math.isclose(found, 0.75)
