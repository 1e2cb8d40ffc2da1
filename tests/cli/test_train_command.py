"""``explorer train`` from the command line to the card, and again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from explorer import cli
from explorer.cli.train import option_texts
from explorer.data.datasets import load_dataset
from explorer.errors import ExplorerError
from explorer.evaluation.evaluate import correct
from explorer.models import METHODS, Classifier, load_model, save_model
from explorer.models.checkpoints import halved
from explorer.models.weights import read_states
from explorer.training.cards import CARD_RECIPES, measured


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["train", *arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.slow
def test_train_writes_a_checkpoint_with_a_full_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--method", "stability", "--data", "digits", "--arch", "mnist_cnn", "--epochs", "1", "--train-size", "256"]
    words += ["--no-flip", "--pad", "2", "--alpha", "0.5", "--out", "out", "--name", "digits/small/stable"]
    assert run(*words) == 0
    path = tmp_path / "out/digits/small/stable.safetensors"
    card = json.loads(path.with_suffix(".json").read_text())
    assert [row["recipe"] for row in card["results"]] == list(CARD_RECIPES)
    assert all(row["n"] == 360 and row["seed"] == 0 and 0 <= row["accuracy"] <= 1 for row in card["results"])
    assert card["training"]["options"] == {"alpha": 0.5, "sigma": 0.1, "loss": "kl", "detach_clean": False}
    assert card["training"]["images"] == 256
    assert set(card["versions"]) >= {"python", "torch", "torchvision", "explorer"}
    reference = card["reference"]["penultimate"]
    assert len(reference) == 101
    assert 0 < reference[0] < reference[50] < reference[100]
    bits = {torch.float16: "16", torch.float32: "32"}[read_states(path)[""]["fc1.weight"].dtype]
    assert f"stored in {bits} bits" in capsys.readouterr().out
    model = load_model(path, device="cpu")
    assert model.name == "digits/small/stable"
    assert model.card.arch == "mnist_cnn"

    # The command in the card is complete: given again it finds the finished run and measures the same.
    assert card["command"].startswith("explorer train --method stability")
    assert "--alpha 0.5" in card["command"]
    assert "--no-flip" in card["command"]
    assert run(*card["command"].split()[2:], "--out", "out") == 0
    again = json.loads(path.with_suffix(".json").read_text())
    assert (again["sha256"], again["results"]) == (card["sha256"], card["results"])
    assert len((tmp_path / "runs/digits/small/stable/metrics.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--name", "../elsewhere"], "A model cannot be called '../elsewhere'"),
        (["--method", "standard", "--alpha", "1"], "--alpha is not an option of the method standard"),
        (["--method", "stability", "--alpha", "lots"], "--alpha needs a number"),
        (["--arch", "resnet19"], "no architecture named 'resnet19'"),
        (["--data", "cifar11"], "Unknown data set 'cifar11'"),
        (["--init", "digits/lenet/nothing"], "Unknown model"),
        (["--data", "digits", "--schedule", "zigzag"], "Unknown schedule"),
        (["--data", "digits", "--precision", "fp8"], "Unknown precision"),
        (["--data", "digits", "--batch-size", "5000"], "The batch size exceeds the 1,437 images left to train on"),
    ],
)
def test_bad_use_is_one_line_and_exit_code_2(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("changes", [False, True])
def test_weights_are_kept_in_16_bits_where_no_accuracy_changes(
    changes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "digits/lenet/standard"
    model = load_model(name, device="cpu")
    shipped = model.card.results
    if changes:  # as if rounding had made the network useless

        def spoilt(model: Classifier) -> Classifier:
            model = halved(model)
            model.net.load_state_dict({key: -value for key, value in model.net.state_dict().items()})
            return model

        monkeypatch.setattr("explorer.training.cards.halved", spoilt)
    lines: list[str] = []
    model, half = measured(model, load_dataset("digits"), correct, lines.append)
    assert half != changes
    assert lines[-1] == f"stored in {'32' if changes else '16'} bits"
    save_model(model, tmp_path, half=half)
    state = read_states(tmp_path / f"{name}.safetensors")[""]
    assert state["fc1.weight"].dtype == (torch.float32 if changes else torch.float16)
    assert load_model(tmp_path / f"{name}.safetensors", device="cpu").card.results == shipped


def test_the_help_names_every_method(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run("--help") == 0
    words = set(re.findall(r"\w+", capsys.readouterr().out))
    assert set(METHODS) <= words


def test_options_of_a_method_are_read_in_both_spellings() -> None:
    assert option_texts(["--alpha", "1", "--loss=kl", "--detach-clean"]) == {
        "alpha": "1",
        "loss": "kl",
        "detach_clean": "true",
    }
    with pytest.raises(ExplorerError, match="Unexpected argument"):
        option_texts(["alpha", "1"])
