from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer import cli, defaults
from explorer.cli.tables import models_markdown
from explorer.models import list_models
from explorer.models.photos import LITE0

MODELS = "digits/lenet/standard,digits/lenet/stability"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(arguments)
        out, err = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, out, err

    return call


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "picture.png"
    Image.linear_gradient("L").save(path)
    return str(path)


def test_help_is_quick_and_lists_every_command(run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    for name in (
        "models",
        "distortions",
        "compare",
        "sweep",
        "weaknesses",
        "transfer",
        "train",
        "evaluate",
        "app",
        "doctor",
    ):
        assert re.search(rf"^  {name} ", out, re.MULTILINE), name
    loaded = "import sys, explorer.cli; print([m for m in ('torch', 'gradio', 'numpy', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_version(run) -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nonsense"], "No such command"),
        (["sweep", "--distortion", "jpeg"], "image"),
        (["compare", "cat", "--bogus"], "--bogus"),
        (["compare", "no-such-file.png", "--models", MODELS], "no-such-file.png"),
        (["compare", "cat", "--models", "digits/lenet/standart"], "digits/lenet/standard"),
        (["compare", "cat", "--models", ","], "model"),
        (["compare", "cat", "--models", MODELS, "--recipe", "gaussian_nois=0.1"], "gaussian_noise"),
        (["compare", "cat", "--models", MODELS, "--recipe", "gaussian_noise=much"], "much"),
        (["compare", "cat", "--models", MODELS, "--recipe", "gaussian_noise=nan"], "nan"),
        (["compare", "digits:360", "--models", MODELS], "0 to 359"),
        (["compare", "cat", "--models", MODELS, "--arch", "lenet"], "of your own"),
        (["compare", "cat", "--models", MODELS, "--device", "tpu"], "tpu"),
        (["sweep", "cat", "--models", MODELS], "--distortion"),
        (["sweep", "cat", "--models", MODELS, "--distortion", "jpg"], "jpeg"),
        (["sweep", "cat", "--models", MODELS, "--distortion", "jpeg", "--amounts", "10,x"], "--amounts"),
        (["sweep", "cat", "--models", MODELS, "--distortion", "jpeg", "--seeds", "0"], "number of seeds"),
        (["weaknesses", "cat", "--models", MODELS, "--goal", "win"], "break or separate"),
        (["weaknesses", "cat", "--models", MODELS, "--distortion", "jpg"], "jpeg"),
        (["weaknesses", "cat", "--models", "digits/lenet/standard", "--goal", "separate"], "at least two"),
        (["transfer", "cat", "--models", MODELS, "--attack", "jpeg"], "is not an attack"),
        (["transfer", "cat", "--models", MODELS, "--amount", "4,5"], "--amount"),
        (["transfer", "cat", "--models", MODELS, "--amount", "1/0"], "divides by zero"),
        (["transfer", "cat", "--models", MODELS, "--amount", "2"], "out of range"),
        (["evaluate", "digits/lenet/standard", "--data", "nothing"], "nothing"),
        (["evaluate", "digits/lenet/standard", "--data", "digits", "--limit", "0"], "--limit"),
        (["compare", "a" * 5000, "--models", MODELS], "cannot be opened"),
        (["compare", "cat", "--models", "~nobody-of-this-name/x.pth"], "unknown user"),
        (["evaluate", "missing.safetensors", "--data", "digits", "--arch", "lenet"], "missing.safetensors"),
        (["train", "--method", "magic"], "magic"),
        (["app", "--port", "0"], "--port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_use_is_one_line_and_exit_code_2(run, shelf: Path, arguments: list[str], what: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("explorer: ")
    assert what in err


def test_models_in_three_forms(run, shelf: Path) -> None:
    code, out, _ = run("models")
    assert code == 0
    assert "digits/lenet/stability" in out
    assert "12.5" in out
    assert [card["name"] for card in json.loads(run("models", "--json")[1])] == [*MODELS.split(","), LITE0]
    assert run("models", "--markdown")[1] == models_markdown(list_models()) + "\n"
    digits = [card for card in list_models() if card.data == "digits"]
    assert run("models", "--data", "digits", "--markdown")[1] == models_markdown(digits) + "\n"
    assert run("models", "--data", "cifar11")[0] == 2


def test_distortions_lists_the_registry(run) -> None:
    from explorer.distortions import DISTORTIONS

    _, out, _ = run("distortions")
    listed = json.loads(run("distortions", "--json")[1])
    assert [entry["name"] for entry in listed] == list(DISTORTIONS)
    for name in DISTORTIONS:
        assert name in out


def test_compare_json_holds_what_is_promised(run, shelf: Path, picture: str) -> None:
    code, out, err = run("compare", picture, "--models", MODELS, "--recipe", "gaussian_noise=0.3;seed=7", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert re.fullmatch(r"[0-9a-f]{16}", answer["image_hash"])
    assert answer["recipe"] == "gaussian_noise=0.3;seed=7"
    assert [model["name"] for model in answer["models"]] == MODELS.split(",")
    for model in answer["models"]:
        assert {"clean", "distorted", "flipped", "confidence", "margin", "kl", "feature_distance"} <= set(model)
        assert sum(entry["probability"] for entry in model["distorted"]) == pytest.approx(1)
        assert model["flipped"] == (model["clean"][0]["label"] != model["distorted"][0]["label"])
        assert set(model["feature_distance"]["penultimate"]) == {"l2", "cosine"}


def test_compare_gives_the_same_pixels_again_and_others_for_another_seed(run, shelf: Path) -> None:
    def image_hash(*more: str) -> str:
        return json.loads(run("compare", "digits:3", "--models", MODELS, "--json", *more)[1])["image_hash"]

    assert image_hash() == image_hash("--recipe", defaults.RECIPE) != image_hash("--seed", "1")


def test_compare_for_people(run, shelf: Path) -> None:
    code, out, _ = run("compare", "cat", "--models", MODELS, "--recipe", "gaussian_noise=0.5;seed=7")
    assert code == 0
    assert "gaussian_noise=0.5;seed=7" in out
    assert out.count("holds") + out.count("flipped") == 2


@pytest.mark.slow
def test_output_of_another_encoding_than_unicode(shelf: Path) -> None:
    def told(*arguments: str) -> bytes:
        command, other = [sys.executable, "-m", "explorer", *arguments], {**os.environ, "PYTHONIOENCODING": "cp1252"}
        return subprocess.run(command, capture_output=True, check=True, env=other).stdout

    assert b"? holds" in told("compare", "digits:7", "--recipe", "clean", "--models", MODELS)
    listed = json.loads(told("distortions", "--json"))
    assert next(one for one in listed if one["name"] == "fgsm")["symbol"] == "ε"


def test_sweep(run, shelf: Path) -> None:
    arguments = ("sweep", "digits:0", "--models", MODELS, "--distortion", "gaussian_noise", "--amounts", "0,0.2,0.4")
    found = json.loads(run(*arguments, "--json")[1])
    assert found["amounts"] == [0, 0.2, 0.4]
    assert len(found["models"][1]["confidence"]) == 3
    code, out, _ = run(*arguments)
    assert code == 0
    assert "flips" in out


def test_sweep_over_several_seeds_tells_where_each_flips(run, shelf: Path) -> None:
    arguments = ("sweep", "digits:0", "--models", MODELS, "--distortion", "gaussian_noise", "--amounts", "0.2,0.4,0.5")
    found = json.loads(run(*arguments, "--seeds", "3", "--seed", "8", "--json")[1])
    assert [model["band"]["seeds"] for model in found["models"]] == [[8, 9, 10]] * 2
    _, out, _ = run(*arguments, "--seeds", "3")
    assert "3 seeds" in out
    assert "seeds" not in run(*arguments)[1]


def test_weaknesses(run, shelf: Path) -> None:
    arguments = ("weaknesses", "digits:3", "--models", MODELS, "--distortion", "rotate,gaussian_blur", "--seed", "2")
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["goal"] == "break"
    assert {spot["distortion"] for spot in found["weaknesses"]} == {"rotate", "gaussian_blur"}
    for spot in found["weaknesses"]:
        assert spot["recipe"].startswith(spot["distortion"])
        assert "seed=2" in spot["recipe"]
        flipped = json.loads(run("compare", "digits:3", "--models", MODELS, "--recipe", spot["recipe"], "--json")[1])
        assert flipped["models"][0]["flipped"] == (spot["amount"] is not None)
    code, out, _ = run(*arguments)
    assert code == 0
    assert "rotate" in out


def test_transfer(run, shelf: Path) -> None:
    arguments = ("transfer", "digits:3", "--models", MODELS, "--attack", "fgsm", "--amount", "8/255")
    found = json.loads(run(*arguments, "--json")[1])
    assert found["amount"] == 8 / 255
    assert found["models"] == MODELS.split(",")
    for crafted, recipe in zip(found["models"], found["recipes"], strict=True):
        assert f"against={crafted}" in recipe
    assert len(found["cells"]) == len(found["cells"][0]) == 2
    code, out, _ = run(*arguments)
    assert code == 0
    assert "crafted on" in out


def test_raised_flags_of_an_attack_are_printed() -> None:
    from explorer.analysis import Flag, Sanity, Transfer

    quiet, loud = Flag(raised=False, sentence="All is well."), Flag(raised=True, sentence="Beware.")
    sanity = (Sanity(0.0, quiet, quiet, quiet, quiet), Sanity(1.0, loud, quiet, quiet, loud))
    found = Transfer("fgsm", "FGSM", 0.1, "ε = 0.1", ("a", "b"), (), (), sanity, ())
    assert found.notes() == ["b: Beware.", "b: Beware."]


PAIR = ("--models", MODELS)
COMMANDS = {
    "compare": ("digits:7", *PAIR, "--recipe", "gaussian_noise=0.3"),
    "sweep": ("digits:7", *PAIR, "--distortion", "gaussian_noise", "--amounts", "0,0.2,0.4"),
    "weaknesses": ("digits:7", *PAIR, "--distortion", "brightness"),
    "transfer": ("digits:7", *PAIR, "--attack", "fgsm"),
    "evaluate": (*MODELS.split(","), "--data", "digits", "--limit", "20"),
}
STARTS = {".html": b"<!doctype html>", ".json": b"{", ".csv": b"", ".png": b"\x89PNG", ".svg": b"<?xml"}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_out_saves_the_result_in_every_format(run, tmp_path: Path, command: str) -> None:
    names = [tmp_path / f"found{ending}" for ending in STARTS]
    wanted = [word for name in names for word in ("--out", str(name))]
    code, out, err = run(command, *COMMANDS[command], *wanted, "--json")
    assert code == 0, err
    assert err.splitlines() == [f"Written: {name}" for name in names]
    for name in names:
        assert name.read_bytes().startswith(STARTS[name.suffix]), name
    assert json.loads(names[1].read_text(encoding="utf-8")) == json.loads(out)
    assert len(names[2].read_text(encoding="utf-8").splitlines()) > 1


@pytest.mark.slow
def test_a_server_without_a_screen_gets_the_exact_pixels_and_the_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "explorer", "compare", *COMMANDS["compare"], "--out", "found.html"]
    command += ["--pixels", "pixels.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "Written: found.html\nWritten: pixels.png\n")
    import torch

    from explorer.data import images

    pixels = torch.from_numpy(np.asarray(Image.open(tmp_path / "pixels.png")).copy())[None, None].float() / 255
    digest = images.image_hash(pixels)
    assert f"pixels {digest}" in done.stdout
    assert f"#{digest}" in (tmp_path / "found.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "name", "recipe", "sentence"),
    [
        ("--out", "found.gif", "clean", "does not name a format; end it with .html, .json, .csv, .png or .svg."),
        ("--out", "nowhere/found.png", "clean", "nowhere does not exist, so found.png cannot be written there."),
        ("--out", "", "clean", "does not name a format"),
        ("--pixels", "found.jpg", "clean", "end it with .png (8 bits) or .npy (floats)."),
        ("--pixels", "found.png", "gaussian_noise=0.1;pixels=float", "save them as .npy."),
    ],
)
def test_what_cannot_be_written_is_said_in_a_sentence(
    run, tmp_path: Path, option: str, name: str, recipe: str, sentence: str
) -> None:
    code, out, err = run("compare", "digits:7", *PAIR, "--recipe", recipe, option, str(tmp_path / name))
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_evaluate_a_shipped_and_an_external_model(run, shelf: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    state = load_file(shelf / "digits/lenet/standard.safetensors")
    path = tmp_path / "own.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    code, out, err = run(
        *("evaluate", "digits/lenet/standard", str(path), "--arch", "lenet", "--mean", "0", "--std", "1"),
        *("--data", "digits", "--limit", "50", "--recipe", "gaussian_noise=0.2", "--seed", "3", "--json"),
    )
    assert (code, err) == (0, "")
    ours, theirs = json.loads(out)["models"]
    assert (ours["name"], theirs["name"]) == ("digits/lenet/standard", "own")
    assert ours["accuracy"] == theirs["accuracy"]
    assert (ours["n"], ours["seed"], ours["recipe"]) == (50, 3, "gaussian_noise=0.2;seed=3")


def test_doctor_exits_with_1_when_something_needed_is_broken(run, shelf: Path) -> None:
    code, out, _ = run("doctor")
    assert code == 0, out
    (shelf / "digits/lenet/standard.json").unlink()
    code, out, _ = run("doctor")
    assert code == 1
    assert "BROKEN" in out
    assert json.loads(run("doctor", "--json")[1])


def test_app_hands_its_options_to_serve(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import explorer.app

    seen: dict[str, Any] = {}
    monkeypatch.setattr(explorer.app, "serve", lambda *args, **options: seen.update(args=args, **options))
    code, _, _ = run(
        "app",
        "--port",
        "8123",
        "--models",
        MODELS,
        "--data",
        "digits",
        "--name",
        "lab",
        "--root-path",
        "/tools",
        "--open",
        "--survey",
        str(tmp_path),
    )
    assert code == 0
    assert [model.name for model in seen.pop("models")] == MODELS.split(",")
    assert [data.name for data in seen.pop("data")] == ["digits"]
    assert seen == {
        "args": ("127.0.0.1", 8123),
        "names": ["lab"],
        "root_path": "/tools",
        "mcp": False,
        "open_browser": True,
        "surveys": [tmp_path],
    }


def test_a_missing_package_is_said_in_one_line(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "explorer.app", None)
    code, _, err = run("app")
    assert code == 1
    assert err.count("\n") == 1
    assert "explorer doctor" in err
